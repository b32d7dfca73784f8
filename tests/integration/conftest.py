"""What all integration tests stand on. Nothing is left running, and nothing runs for ever."""
import collections
import fnmatch
import os
import signal
import sys

import pytest

sys.dont_write_bytecode = True

from fake import FakeBroker, Proxy  # noqa: E402
from forge import Forge  # noqa: E402
from lab import Lab, Mosquitto  # noqa: E402
from program import ALL, NOT_HERE, PATIENCE, Programs  # noqa: E402

DEADLINE_SECONDS = 180


def pytest_configure(config):
    config.addinivalue_line("markers", "deadline(seconds): what a long test may take")


SAMPLE = os.environ.get("THIMBLE_SAMPLE", "1/1")  # "2/4": every fourth test, from the second on
ALWAYS_WHOLE = ("test_matrix.py", "test_memory.py", "test_refused_clients.py",
                "test_refused_servers.py", "test_wide.py")


def is_sampled(index, item):
    first, step = map(int, SAMPLE.split("/"))
    return item.path.name in ALWAYS_WHOLE or index % step == first - 1


def pytest_collection_modifyitems(config, items):
    leave_out_what_is_not_here(items)
    kept = [item for index, item in enumerate(items) if is_sampled(index, item)]
    config.hook.pytest_deselected(items=[item for item in items if item not in kept])
    items[:] = kept


# Runs what is listed as not here, and nothing else: what passes is listed wrongly.
TRY_LISTED = bool(os.environ.get("THIMBLE_TRY_LISTED"))


def leave_out_what_is_not_here(items):
    listed = []
    for pattern, reason in NOT_HERE:
        named = [item for item in items
                 if fnmatch.fnmatchcase(f"{item.path.name}::{item.nodeid.split('::', 1)[1]}",
                                        pattern)]
        for item in named:
            item.add_marker(pytest.mark.xfail(reason=reason, strict=True) if TRY_LISTED
                            else pytest.mark.skip(reason=f"NOT HERE: {reason}"))
        if not named and any(item.path.name == pattern.split("::")[0] for item in items):
            raise pytest.UsageError(f"no test is called {pattern}")
        listed += named
    items[:] = [item for item in items if item in listed] if TRY_LISTED else items


def pytest_terminal_summary(terminalreporter):
    """What was not run is said by name; nothing is left out silently."""
    reasons = collections.Counter(report.longrepr[2].removeprefix("Skipped: ")
                                  for report in terminalreporter.stats.get("skipped", []))
    for reason, count in sorted(reasons.items()):
        word = "NOT HERE" if reason.startswith("NOT HERE: ") else "NOT RUN "
        terminalreporter.write_line(f"{word} {count}: {reason.removeprefix('NOT HERE: ')}")
    for report in terminalreporter.stats.get("passed", []):
        for name, value in report.user_properties:
            terminalreporter.write_line(f"{name.upper()}  {value}")
    if SAMPLE != "1/1":
        terminalreporter.write_line(f"SAMPLE   {SAMPLE} of the tests, but whole: "
                                    + ", ".join(ALWAYS_WHOLE))
    if not ALL:
        terminalreporter.write_line("SAMPLE   splits and cuts: one place of five or seven; OCSP: one "
                                    "version of TLS; "
                                    "whole: make check-all")


@pytest.fixture(autouse=True)
def deadline(request):
    """A test that hangs fails, and the next one has its turn."""
    def overdue(*_):
        raise TimeoutError("the test's deadline has passed")
    marker = request.node.get_closest_marker("deadline")
    signal.signal(signal.SIGALRM, overdue)
    signal.alarm((marker.args[0] if marker else DEADLINE_SECONDS) * PATIENCE)
    yield
    signal.alarm(0)


@pytest.fixture(scope="session")
def lab(tmp_path_factory):
    laboratory = Lab(tmp_path_factory.mktemp("lab"))
    yield laboratory
    laboratory.stop()


@pytest.fixture(scope="session")
def forge(tmp_path_factory):
    return Forge(tmp_path_factory.mktemp("forge"))


@pytest.fixture
def thimble(tmp_path):
    programs = Programs(tmp_path)
    yield programs
    programs.stop()


@pytest.fixture
def topic(request):
    """One that no other test uses."""
    return "it/" + "".join(c if c.isalnum() or c in "_-" else "_" for c in request.node.name)


@pytest.fixture
def mosquitto(tmp_path):
    """Makes a broker for this test alone: mosquitto("persistence true").start()"""
    brokers = []

    def make(*lines, **options):
        directory = tmp_path / f"broker{len(brokers)}"
        directory.mkdir()
        brokers.append(Mosquitto(directory, *lines, **options))
        return brokers[-1]
    yield make
    died = [f"status {broker.process.returncode}, its log:\n{broker.log.text()}"
            for broker in brokers if broker.died()]
    for broker in brokers:
        broker.stop()
    assert not died, "a broker died by itself: " + "\n".join(died)


def tracked(kind):
    """A maker of things that are closed and checked at the end."""
    made = []

    def make(*arguments, **options):
        made.append(kind(*arguments, **options))
        return made[-1]
    yield make
    for each in made:
        each.close()
    for each in made:
        each.check()


@pytest.fixture
def fake():
    """Makes a broker that plays a script: fake(script). A script that fails, fails the test."""
    yield from tracked(FakeBroker)


@pytest.fixture
def proxy():
    """Makes a proxy that lets only so many bytes through: proxy(port, limit_bytes)."""
    yield from tracked(Proxy)
