"""Where both clients run: the brokers, what stands before a row begins, what happens meanwhile."""
import os
import pathlib
import re
import shlex
import shutil
import signal
import string
import subprocess
import sys
import threading
import time

TOP = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(TOP / "tests" / "integration"))

from lab import Mosquitto, free_port, is_open  # noqa: E402
from program import until  # noqa: E402
from recorder import Recorder, Refuser, Socks  # noqa: E402
from responder import Responder, die_with_will  # noqa: E402

THEIRS = {name: shutil.which(f"mosquitto_{name}") for name in ("pub", "sub", "rr")}
SECONDS = 60

# Where a client is sent: the words that say so. $PORT is the recorder in front of the listener.
PLACES = {
    "plain": "-h 127.0.0.1 -p $PORT",
    "password": "-h 127.0.0.1 -p $PORT",
    "acl": "-h 127.0.0.1 -p $PORT",
    "refusing": "-h 127.0.0.1 -p $PORT",
    "limits": "-h 127.0.0.1 -p $PORT",
    "unix": "--unix $SOCKET",
    "socks": "-h 127.0.0.1 -p $TARGET --proxy socks5h://127.0.0.1:$PORT",
    "socks user": "-h 127.0.0.1 -p $TARGET --proxy socks5h://user:secret@127.0.0.1:$PORT",
    "socks refused": "-h 127.0.0.1 -p $TARGET --proxy socks5h://user:wrong@127.0.0.1:$PORT",
    "tls": "-h localhost -p $PORT",
    "mtls": "-h localhost -p $PORT",
    "psk": "-h localhost -p $PORT",
    "own": "-h 127.0.0.1 -p $PORT",
    "nowhere": "-h 127.0.0.1 -p $CLOSED",
    "said": "",
}
ENCRYPTED = ("tls", "mtls", "psk", "wss")


class Everywhere(Mosquitto):
    """A broker whose listeners have their own rules."""

    def configuration(self):
        return super().configuration().replace(
            "per_listener_settings false", "per_listener_settings true")


class Brokers:
    """One mosquitto with a listener for each place."""

    def __init__(self, directory):
        self.directory = pathlib.Path(directory)
        self.pki = self.directory / "pki"
        subprocess.run([TOP / "tools" / "lab.sh", "pki", self.pki], check=True,
                       stderr=subprocess.DEVNULL)
        self._write_secrets()
        self.ports = {place: free_port() for place in
                      ("password", "acl", "limits", "tls", "mtls", "psk", "ws", "wss")}
        home = self.directory / "broker"
        home.mkdir()
        self.mosquitto = Everywhere(home, *self._lines()).start()
        self.ports["plain"] = self.mosquitto.port
        until(lambda: all(map(is_open, self.ports.values())), "all listeners")

    def _write_secrets(self):
        passwords = self.directory / "passwords"
        subprocess.run(["mosquitto_passwd", "-b", "-c", passwords, "user", "secret"], check=True,
                       capture_output=True)
        (self.directory / "acl").write_text(
            "topic readwrite d/+/open/#\ntopic read d/+/readable/#\ntopic write d/+/writable/#\n")
        (self.directory / "psk").write_text("us:0123456789abcdef0123456789abcdef\n")

    def _lines(self):
        yield from ["allow_anonymous true", "max_queued_messages 10000"]
        for place, port in self.ports.items():
            yield from [f"listener {port} {self._address(place)}", *self._own(place)]

    @staticmethod
    def _address(place):
        return "localhost" if place in ("tls", "mtls", "psk") else "127.0.0.1"

    def _own(self, place):
        server = [f"cafile {self.pki}/ec/root.pem", f"certfile {self.pki}/ec/server.pem",
                  f"keyfile {self.pki}/ec/server.key"]
        return {
            "password": ["allow_anonymous false", f"password_file {self.directory}/passwords"],
            "acl": ["allow_anonymous true", f"acl_file {self.directory}/acl"],
            "limits": ["allow_anonymous true", "max_qos 1", "max_topic_alias 2"],
            "ws": ["allow_anonymous true", "protocol websockets"],
            "wss": ["allow_anonymous true", "protocol websockets", *server],
            "tls": ["allow_anonymous true", *server],
            "mtls": ["allow_anonymous true", *server, "require_certificate true"],
            "psk": ["allow_anonymous true", f"psk_file {self.directory}/psk", "psk_hint lab",
                    "ciphers ECDHE-PSK-CHACHA20-POLY1305:ECDHE-PSK-AES128-CBC-SHA256"],
        }[place]

    def stop(self):
        self.mosquitto.stop()


class Stage:
    """One run of one client for one row: its folder, its topic, its recorder. What takes a while
    takes so many times as long, on a machine that is slow."""

    def __init__(self, brokers, row, name, ours, directory, times=1):
        self.brokers, self.row, self.ours, self.times = brokers, row, ours, times
        self.directory = pathlib.Path(directory)
        self.directory.mkdir(parents=True)
        self.broker = self._own_broker()
        self.topic = f"d/{name}{'o' if ours else 't'}"
        self.recorder = self._recorder()
        self.helpers = []
        self.process = None
        self.names = self._names()
        self._write_files()

    def _own_broker(self):
        if self.row.on != "own":
            return None
        home = self.directory / "broker"
        home.mkdir()
        return Mosquitto(home, "allow_anonymous true", *self.row.broker).start()

    @property
    def target(self):
        if self.broker:
            return self.broker.port
        return self.brokers.ports.get(self.row.on, self.brokers.ports["plain"])

    def _recorder(self):
        if self.row.on.startswith("socks"):
            return Socks(self.target, None if self.row.on == "socks" else "user:secret")
        if self.row.on == "refusing":
            return Refuser(self.target)
        path = str(self.directory / "socket") if self.row.on == "unix" else None
        return Recorder(self.target, path)

    def _names(self):
        return {"T": self.topic, "PORT": self.recorder.port, "SOCKET": self.directory / "socket",
                "DIR": self.directory, "PKI": self.brokers.pki, "TARGET": self.target,
                "WS": self.brokers.ports["ws"], "WSS": self.brokers.ports["wss"],
                "CLOSED": self._closed_port()}

    @staticmethod
    def _closed_port():
        """Bound by nobody: below what the system hands out."""
        return 1

    def _write_files(self):
        for name, content in self.row.files.items():
            path = self.directory / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(self.fill(content).encode() if isinstance(content, str) else content)

    def fill(self, text):
        return string.Template(text).safe_substitute(self.names)

    def words(self, line, place=""):
        command, *rest = shlex.split(line)
        return command, [self.fill(word) for word in [*shlex.split(place), *rest]]

    # ---- what happens ---------------------------------------------------------------------------

    def say(self, line):
        """An action: a client of Debian's as helper, run to its end, or one of `actions`."""
        verb, _, rest = line.partition(" ")
        action = getattr(self, f"do_{verb}", None)
        if action:
            return action(*map(self.fill, rest.split()))
        command, words = self.words(line)
        subprocess.run([THEIRS[command], "-h", "127.0.0.1", "-p", str(self._helpers_port()),
                        *words], stdin=subprocess.DEVNULL, capture_output=True, timeout=SECONDS)

    def _helpers_port(self):
        return self.target if self.broker else self.brokers.ports["plain"]

    def do_sleep(self, seconds):
        time.sleep(float(seconds) * self.times)

    def do_signal(self, name):
        self.process.send_signal(getattr(signal, f"SIG{name}"))

    def do_cut(self):
        self.recorder.cut()

    def do_await(self, name, count="1"):
        self.recorder.await_packets(name, int(count), SECONDS)

    def do_stop_broker(self):
        self.broker.stop()

    def do_start_broker(self):
        self.broker.start()

    def do_will(self, topic, payload):
        """Somebody who left a will dies."""
        die_with_will(self._helpers_port(), topic, payload)

    def do_rehash(self, folder):
        """A folder of authorities, as OpenSSL likes it."""
        os.mkdir(folder)
        shutil.copy(self.brokers.pki / "ec" / "root.pem", folder)
        subprocess.run(["openssl", "rehash", folder], check=True, capture_output=True)

    def do_respond(self, version, topic, *answers):
        self.helpers.append(Responder(self._helpers_port(), int(version), topic, answers))

    # ---- a run ----------------------------------------------------------------------------------

    def program(self, command):
        if self.ours:
            return str(TOP / "build" / "differential" / f"mosquitto_{command}")
        return THEIRS[command]

    def environment(self):
        ours = {name: value for name, value in os.environ.items()
                if not name.startswith(("THIMBLE", "XDG", "LC_", "LANG"))}
        ours.update(HOME=str(self.directory), TZ="UTC", LC_ALL="C.UTF-8")
        return {**ours, **{name: self.fill(value) for name, value in self.row.env.items()}}

    def start(self):
        command, words = self.words(self.row.line, PLACES[self.row.on])
        (self.directory / "stdin").write_bytes(self.row.stdin or b"")
        with open(self.directory / "stdin", "rb") as stdin, \
                open(self.directory / "stdout", "wb") as stdout, \
                open(self.directory / "stderr", "wb") as stderr:
            self.process = subprocess.Popen(
                [self.program(command), *words], executable=self.program(command),
                stdin=stdin, stdout=stdout, stderr=stderr, cwd=self.directory,
                env=self.environment())

    def run(self):
        """Returns the exit status, or "late"."""
        try:
            for line in self.row.before:
                self.say(line)
            self.start()
            if self.row.then:
                threading.Thread(target=self._meanwhile, daemon=True).start()
            return self.process.wait(self.row.seconds * self.times)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            return "late"
        finally:
            self.close()

    def _meanwhile(self):
        if self.row.after and not self.recorder.await_packets(self.row.after, 1, SECONDS):
            return
        for line in self.row.then:
            self.say(line)

    def close(self):
        time.sleep(0.02 * self.times)  # the last packet is on its way through the recorder
        self.recorder.close()
        for helper in self.helpers:
            helper.close()
        if self.broker:
            self.broker.stop()

    # ---- what came of it ------------------------------------------------------------------------

    def normal(self, text):
        """Without what is bound to differ from run to run."""
        for name, value in (("DIR", self.directory), ("PORT", self.recorder.port)):
            text = text.replace(str(value), f"${name}")
        text = text.replace(self.topic, "$T").replace(f"[{self.process.pid}]", "[PID]")
        text = re.sub(r"mosq-[A-Za-z0-9]{18}", "mosq-RANDOM", text)
        text = re.sub(r"auto-[0-9A-F-]{36}", "auto-UUID", text)
        for pattern, replacement in self.row.mask:
            text = re.sub(pattern, replacement, text)
        return text.replace(f"{self.process.pid}", "PID")

    def file(self, name):
        return self.normal((self.directory / name).read_bytes().decode("latin-1"))

    def _normal_fields(self, value):
        if isinstance(value, str):
            return self.normal(value)
        if isinstance(value, (list, tuple)):
            return [self._normal_fields(each) for each in value]
        if isinstance(value, dict):
            return {name: self._normal_fields(each) for name, each in value.items()}
        return value

    def connections(self):
        """For each connection: what was sent, what came back."""
        if self.row.on in ENCRYPTED:
            return []
        return [[self._normal_fields(side) for side in connection.packets()]
                for connection in self.recorder.connections]
