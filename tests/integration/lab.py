"""Brokers and certificates: the laboratory of tools/lab.sh, and brokers a test has for itself."""
import fcntl
import os
import pathlib
import pwd
import random
import shutil
import signal
import socket
import subprocess
import tempfile

import pytest

from program import SECONDS, TOP, until

MOSQUITTO = shutil.which("mosquitto", path=os.environ["PATH"] + ":/usr/sbin")


PORTS = range(10000, 20000)  # tools/lab.sh has the next ones
given_ports = set()
claims = open(os.path.join(tempfile.gettempdir(), f"thimble-ports-{os.getuid()}"), "ab")


def is_ours(port):
    """Other processes that run tests do not get it while this one lives."""
    try:
        fcntl.lockf(claims, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, port)
        return True
    except OSError:
        return False


def free_port():
    """Below those the kernel gives to whoever connects: nobody has it while a broker is away."""
    while True:
        port = random.SystemRandom().choice(PORTS)
        try:
            with socket.socket() as probe:
                probe.bind(("", port))
        except OSError:
            continue
        if port not in given_ports and is_ours(port):
            given_ports.add(port)
            return port


def is_open(port):
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def is_open_at(path):
    """It is bound, and there, before it listens."""
    with socket.socket(socket.AF_UNIX) as probe:
        return probe.connect_ex(str(path)) == 0


def needs_ipv6():
    """For parameters: ::1, where the machine has it."""
    try:
        with socket.socket(socket.AF_INET6) as probe:
            probe.bind(("::1", 0))
        marks = []
    except OSError:
        marks = [pytest.mark.skip(reason="NOT TESTED: this machine has no IPv6")]
    return pytest.param("::1", marks=marks)


class Log:
    """A broker's log, searched from where the last search began."""

    def __init__(self, path):
        self.path = path

    def text(self):
        return self.path.read_text(errors="replace") if self.path.exists() else ""

    def has(self, line):
        return any(line in each for each in self.text().splitlines())

    def await_line(self, line):
        until(lambda: self.has(line), f"{line!r} in {self.path}")

    def await_subscription(self, topic):
        until(lambda: f"\t{topic} (QoS" in self.text(), f"a subscription to {topic}")


class Lab:
    """Certificates of every kind, and a broker that demands one."""

    def __init__(self, directory):
        self.directory = pathlib.Path(directory)
        self.log = Log(self.directory / "broker.log")
        self.ports = dict(line.split("=") for line in self._tool("start").split())

    def _tool(self, command):
        return subprocess.run([TOP / "tools" / "lab.sh", command, self.directory], check=True,
                              stdout=subprocess.PIPE, text=True).stdout

    def stop(self):
        self._tool("stop")

    def restart(self):
        """On the same ports, with an empty log."""
        self._tool("restart")

    def path(self, kind, name):
        return self.directory / kind / name

    def identity(self, kind="ec"):
        """Options that say whom to trust and who we are."""
        return ["--cafile", self.path(kind, "root.pem"),
                "--cert", self.path(kind, "client.pem"), "--key", self.path(kind, "client.key")]

    def tls(self, kind="ec", host="localhost"):
        """The same, and where the broker is."""
        return ["-h", host, "-p", self.ports[f"{kind}_port"], *self.identity(kind)]

    @property
    def plain(self):
        return ["-h", "127.0.0.1", "-p", self.ports["plain_port"], "--no-tls"]


class Mosquitto:
    """A broker of its own, with these lines of configuration, and one plain port."""

    def __init__(self, directory, *lines, port=None):
        self.directory = directory
        self.port = port or free_port()
        self.lines = lines
        self.process = None
        self.log = Log(directory / "log")

    def configuration(self):
        return "\n".join([f"user {pwd.getpwuid(os.getuid()).pw_name}", "set_tcp_nodelay true",
                          f"log_dest file {self.log.path}", "log_type all",
                          "per_listener_settings false",
                          f"listener {self.port} 127.0.0.1", *map(str, self.lines), ""])

    def _listens(self):
        """At every port and path."""
        listeners = [line.split()[1:3] for line in map(str, self.lines)
                     if line.startswith("listener ")]
        return is_open(self.port) and all(
            is_open(int(port)) if int(port) else is_open_at(where[0])
            for port, *where in listeners)

    def _says_it_runs(self):
        return self.log.text().count(" running\n")

    def start(self):
        """Its ports are open before its certificates are read."""
        (self.directory / "conf").write_text(self.configuration())
        ran = self._says_it_runs()
        self.process = subprocess.Popen([MOSQUITTO, "-c", self.directory / "conf"],
                                        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                        stderr=subprocess.DEVNULL)
        until(lambda: (self._says_it_runs() > ran and self._listens()) or self.process.poll() is not None,
              "mosquitto's ports")
        assert self.process.poll() is None, self.log.text()
        return self

    def died(self):
        """Nobody stopped it, and it is gone."""
        return (self.process is not None and self.process.returncode is None
                and self.process.poll() is not None)

    def stop(self, number=signal.SIGTERM):
        if self.process and self.process.poll() is None:
            self.process.send_signal(number)
            try:
                self.process.wait(SECONDS)
            except subprocess.TimeoutExpired:  # seen once, of 2.0.11
                self.process.kill()
                self.process.wait()

    @property
    def plain(self):
        return ["-h", "127.0.0.1", "-p", self.port, "--no-tls"]
