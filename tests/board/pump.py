"""The agent of /etc/thimble/pump, and the laboratory's broker it talks to."""
import json
import re
import subprocess

from program import THIMBLE, until

UNIT = "thimble-agent@pump.service"
HOME = "/etc/thimble/pump"
SPOOL = "/var/lib/private/thimble/pump/spool"
INBOX = "/run/thimble/pump/inbox"
DROP_IN = f"/etc/systemd/system/{UNIT}.d/test.conf"


class Pump:
    def __init__(self, board, lab):
        self.board, self.lab = board, lab

    # ---- what lies in its directory --------------------------------------------------------

    def put(self, name, content, mode="0644"):
        self.board.run(f"mkdir -p {HOME} && install -m {mode} /dev/stdin {HOME}/{name} <<'END'\n"
                       f"{content}\nEND")

    def configuration(self):
        return {"host": "broker.test", "port": int(self.lab.ports["ec_port"]), "id": "pump",
                "servername": "localhost", "cafile": f"{HOME}/root.pem", "topic": ["to/pump"],
                "qos": 1, "spool": "spool", "inbox": INBOX, "status_socket": "/run/thimble/pump/status",
                "backoff": "0.2s..1s"}

    def configure(self, **more):
        self.put("agent.json", json.dumps(self.configuration() | more))

    def provide(self, kind="ec"):
        self.configure(port=int(self.lab.ports[f"{kind}_port"]))
        self.trust(kind)
        for name, mode in ("client.pem", "0644"), ("client.key", "0600"):
            self.put(name, self.lab.path(kind, name).read_text(), mode)

    def trust(self, kind):
        self.put("root.pem", self.lab.path(kind, "root.pem").read_text())

    # ---- its unit ------------------------------------------------------------------------------

    def systemctl(self, words):
        return self.board.run(f"systemctl --no-pager {words} {UNIT}")

    def shown(self, name):
        return self.systemctl(f"show --value -p {name}")

    def alter(self, *lines):
        """A drop-in; without lines there is none."""
        if lines:
            text = "\n".join(["[Service]", *lines])
            self.board.run(f"install -D /dev/stdin {DROP_IN} <<'END'\n{text}\nEND")
        else:
            self.board.run(f"rm -f {DROP_IN}")
        self.board.run("systemctl daemon-reload")

    def has_state(self, active, sub):
        return (self.shown("ActiveState"), self.shown("SubState")) == (active, sub)

    def settle(self):
        self.board.run(f"systemctl stop {UNIT}; systemctl reset-failed; rm -rf {SPOOL}")
        self.alter()
        self.provide()
        self.lab.restart()
        self.systemctl("start")
        self.is_connected()

    @property
    def pid(self):
        return self.shown("MainPID")

    # ---- what the broker sees ----------------------------------------------------------------

    def connections(self):
        return re.findall(r"connected from \S+ as pump ", self.lab.log.text())

    def is_connected(self):
        self.lab.log.await_subscription("to/pump")

    def publish(self, topic):
        """From outside."""
        subprocess.run([THIMBLE, "pub", *map(str, self.lab.tls()), "-t", topic, "-q", "1", "-m", "x"],
                       check=True)

    def hand_in(self, *topics):
        """As a program of the board does; they are accepted when it ends."""
        lines = "\n".join(f"thimble pub --agent {INBOX} -t {topic} -q 1 -m x" for topic in topics)
        self.board.run(f"set -e\n{lines}")

    def arrived(self, pattern):
        """What the broker had of such topics."""
        return re.findall(rf"Received PUBLISH from pump \(.*'({pattern})'", self.lab.log.text())
