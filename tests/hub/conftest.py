"""One broker for all, and a program that holds many connections in one process."""
import json
import os
import pathlib
import resource
import subprocess
import sys

import pytest

sys.dont_write_bytecode = True
TOP = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(TOP / "tests" / "integration"))

from lab import Lab  # noqa: E402
from program import ALL, until  # noqa: E402

MANY = TOP / "build" / "hub" / "many"
DESCRIPTORS = 4096


class Many:
    """build/hub/many: it is asked, and answers with figures."""

    def __init__(self, lab, kind="ec", port=None, most=1000, program=MANY):
        command = [program, "localhost", str(port or lab.ports[f"{kind}_port"]),
                   lab.path(kind, "root.pem"), lab.path(kind, "client.pem"),
                   lab.path(kind, "client.key"), str(most)]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=subprocess.PIPE, text=True)

    def ask(self, command, *numbers):
        self.process.stdin.write(" ".join(map(str, [command, *numbers])) + "\n")
        self.process.stdin.flush()

    def answer(self):
        line = self.process.stdout.readline()
        assert line, self.process.stderr.read()
        return json.loads(line)

    def do(self, command, *numbers):
        """Asks, waits until it is done, and returns the figures."""
        self.ask(command, *numbers)
        figures = self.answer()
        assert figures["done"], figures
        return figures

    def rests(self):
        """The figures, if nothing was due in a rest twice as long as TH_SETTLE_MS."""
        figures = self.do("rest", 200)
        return figures["turns"] > 0 and figures["steps"] == 0 and figures

    def idle(self):
        return until(self.rests, "rest")

    def end(self):
        """All connections are closed in order, with nothing left of them."""
        self.process.stdin.close()
        assert self.process.wait(60) == 0, self.process.stderr.read()

    def stop(self):
        self.process.kill()
        self.process.wait()


def allow_descriptors():
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(DESCRIPTORS, most), most))


def restart_broker(lab):
    subprocess.run([TOP / "tools" / "lab.sh", "restart", lab.directory], check=True,
                   stdout=subprocess.DEVNULL)


@pytest.fixture(scope="session")
def lab(tmp_path_factory):
    allow_descriptors()
    os.environ["LAB_LOG_TYPE"] = "error"
    laboratory = Lab(tmp_path_factory.mktemp("lab"))
    yield laboratory
    laboratory.stop()


@pytest.fixture
def many(lab):
    """many(...) starts one; all are stopped in the end."""
    started = []

    def start(**options):
        started.append(Many(lab, **options))
        return started[-1]
    yield start
    for one in started:
        one.stop()


def pytest_terminal_summary(terminalreporter):
    for report in terminalreporter.stats.get("passed", []):
        for name, value in report.user_properties:
            terminalreporter.write_line(f"{name.upper()}  {value}")
    if not ALL:
        terminalreporter.write_line("SAMPLE   up to 100 connections, restart with EC, units of the "
                                    "annex; 1,000, RSA, units of mem and client: make hub")
