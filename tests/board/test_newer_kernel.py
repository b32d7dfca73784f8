"""A kernel that has all the sandbox asks for."""
import pytest

from pump import UNIT


@pytest.fixture
def newer(pump):
    if not pump.board.is_on("newer"):
        pump.board.switch_off()
        pump.board.boot("newer")
    pump.settle()
    return pump


def test_the_whole_sandbox_holds_within_the_units(newer):
    newer.configure(sandbox="require")
    newer.systemctl("restart")
    newer.board.until("thimble mem report /run/thimble/pump/status")
    report = newer.board.run("thimble mem report /run/thimble/pump/status")
    line = next(line for line in report.splitlines() if line.startswith("Sandbox"))
    assert line == "Sandbox     no_new_privs, limits, seccomp, files, ports, scopes"
    newer.hand_in("of/newer")
    newer.systemctl("stop")
    assert newer.arrived("of/newer") and newer.shown("Result") == "success"
    print(f"{newer.board.run('uname -r')}: {line.split(maxsplit=1)[1]}")
