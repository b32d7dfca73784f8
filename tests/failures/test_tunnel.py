"""System calls of the tunnel failed in turn: whoever comes next is served, or the tunnel has said why it
ended; a program that was told its message has arrived was told the truth."""
import os
import pathlib
import subprocess
import time

from call_sweep import ACTIONS, INJECT, NEVER_FAIL, OTHERWISE, THIMBLE, numbered
from lab import is_open_at

STRIDE = 1 if os.environ.get("THIMBLE_CHECK") == "all" else 13
SECONDS = 90


class Tunnel:
    """One, under the injector, in a folder of its own."""

    def __init__(self, brokers, folder, *what):
        folder.mkdir()
        self.folder, self.socket = folder, folder / "mqtt"
        self.log = brokers.started[0].log
        files = brokers.identity("ec")
        words = ["tunnel", "-h", "localhost", "-p", brokers.ports["good-ec"], "--cafile", files["ca"],
                 "--cert", files["cert"], "--key", files["key"], "--listen", self.socket, "--timeout",
                 "10"]
        with open(folder / "err", "wb") as err:
            self.process = subprocess.Popen(
                list(map(str, [INJECT, "result", SECONDS, *(what or ["-", "-", 0, 0, "none"]), THIMBLE,
                               *words])), cwd=folder, stdout=subprocess.DEVNULL, stderr=err,
                env={"PATH": "/usr/bin:/bin"})

    @property
    def said(self):
        return (self.folder / "err").read_text(errors="replace")

    def is_there(self):
        return self.process.poll() is None

    def listens(self):
        """False: it has ended before."""
        while self.is_there() and not (self.socket.exists() and is_open_at(str(self.socket))):
            time.sleep(0.01)
        return self.is_there()

    def carries(self, name):
        """A message of this client's; True if it was told to have arrived."""
        done = subprocess.run([THIMBLE, "pub", "--unix", self.socket, "--no-tls", "-i", name, "-t",
                               "failures/tunnel", "-q", "1", "-m", "m", "--timeout", "20"],
                              stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=SECONDS)
        arrived = f"Received PUBLISH from {name} " in self.log.text()
        assert arrived or done.returncode != 0, "told to have arrived, and the broker has no message"
        return done.returncode == 0

    def end(self):
        """How it ended, asked to: "exit 0"; and the calls it made."""
        children = pathlib.Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        for child in children.read_text().split() if self.is_there() else []:
            os.kill(int(child), 15)
        self.process.wait(SECONDS + 5)
        lines = (self.folder / "result").read_text().splitlines()
        self.injected = int(lines[-2].split()[1])
        self.sites = {tuple(line.split()[1:3]) for line in lines[:-2]}
        return lines[-1]


def sites(brokers, folder):
    tunnel = Tunnel(brokers, folder)
    assert tunnel.listens() and tunnel.carries("undisturbed")
    assert tunnel.end() == "exit 0", tunnel.said
    return sorted(tunnel.sites)


def plan(brokers, folder):
    """What a call of the relay and of the socket may do, once; those before main are elsewhere."""
    points = [(call, place, numbered(action)) for call, place in sites(brokers, folder)
              if call not in NEVER_FAIL | {"arch_prctl"} for action in ACTIONS.get(call, OTHERWISE)]
    return points[::STRIDE]


def judge(brokers, folder, call, place, action):
    """What is wrong, or None."""
    tunnel = Tunnel(brokers, folder, call, place, 1, 1, action)
    told = [tunnel.carries(f"{folder.name}-{i}") for i in range(2)] if tunnel.listens() else []
    served = tunnel.is_there() and any(told)
    ended = tunnel.end()
    if (call, ended) == ("signalfd4", "signal 15"):
        return None  # the signal keeps its default
    if ended.startswith(("signal", "hang")):
        return ended
    if ended != "exit 0":
        return None if "thimble" in tunnel.said else f"{ended}, and no sentence tells why"
    return None if served else f"nobody was served: {tunnel.said}"


def test_every_call_of_the_tunnel(brokers, tmp_path, record_property):
    points = plan(brokers, tmp_path / "undisturbed")
    wrong = []
    for number, point in enumerate(points):
        verdict = judge(brokers, tmp_path / f"t{number}", *point)
        if verdict:
            wrong.append((*point, verdict))
    assert points and not wrong, "\n".join(map(str, wrong))
    record_property("tunnel", f"{len(points)} calls of it failed, one of {STRIDE}; nobody was misled")


def test_a_tunnel_that_serves_nobody_is_noticed(brokers, tmp_path, monkeypatch):
    """It does carry: so it is asked to end when it runs, not between two steps of its beginning."""
    carries = Tunnel.carries
    monkeypatch.setattr(Tunnel, "carries", lambda self, name: carries(self, name) and False)
    assert "nobody was served" in judge(brokers, tmp_path / "t", "-", "-", "error:5")
