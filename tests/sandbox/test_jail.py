"""What an intruder would do, tried in the jail of the program: its objects in a test program."""
import errno
import os
import platform
import resource
import shutil
import signal
import socket
import subprocess

import pytest

from program import TOP

JAIL = TOP / "build" / "sandbox" / "jail"
KILLED = -1


def listed():
    """The acts: what becomes of each in the jail, and in that of a writer."""
    lines = subprocess.run([JAIL, "list"], check=True, capture_output=True, text=True).stdout
    return {name: (int(end), int(writer))
            for name, end, writer in (line.split() for line in lines.splitlines())}


ACTS = listed()
del ACTS["die"]


@pytest.fixture
def place(tmp_path):
    """What acts are tried on: two ports where somebody listens, and a file."""
    with socket.create_server(("127.0.0.1", 0)) as own, \
            socket.create_server(("127.0.0.1", 0)) as other:
        (tmp_path / "file").write_text("nobody's business")
        yield [own.getsockname()[1], other.getsockname()[1], tmp_path / "file"]


def end_of(jail, act, place):
    """0: it was done; the errno; or KILLED."""
    done = subprocess.run([JAIL, jail, act, *map(str, place)], capture_output=True, text=True,
                          timeout=60)
    if done.returncode == -signal.SIGSYS:
        return KILLED
    assert done.returncode == 0, done.stderr
    last = done.stdout.splitlines()[-1] if done.stdout else "done"  # another program has taken over
    return 0 if last == "done" else int(last)


def test_there_are_enough():
    assert sum(end != 0 for end, _ in ACTS.values()) >= 20


@pytest.mark.parametrize("act", ACTS)
def test_act(place, act):
    """Possible outside, and inside as the list says: killed, EPERM by the filter, EACCES by
    landlock."""
    assert end_of("out", act, place) == 0
    (place[2]).write_text("there again")
    assert end_of("in", act, place) == ACTS[act][0]
    assert end_of("writer", act, place) == ACTS[act][1]


LIMITS, CALLS, FILES, PORTS, SCOPES = 2, 4, 8, 16, 32
ALWAYS = 1 | LIMITS | CALLS | FILES


@pytest.mark.parametrize("version, holds, lacks, other_port", [
    (1, ALWAYS, PORTS, 0), (2, ALWAYS, PORTS, 0), (3, ALWAYS, PORTS, 0),
    (4, ALWAYS | PORTS, 0, errno.EACCES), (5, ALWAYS | PORTS, 0, errno.EACCES),
    (6, ALWAYS | PORTS | SCOPES, 0, errno.EACCES), (99, ALWAYS | PORTS | SCOPES, 0, errno.EACCES),
])
def test_versions_of_landlock(place, version, holds, lacks, other_port):
    """Each has what it can; and says what that is."""
    told = subprocess.run([JAIL, str(version), "own-port", *map(str, place)], capture_output=True,
                          text=True, timeout=60).stdout
    assert told == f"holds {holds} lacks {lacks}\ndone\n"
    assert end_of(str(version), "other-port", place) == other_port
    assert end_of(str(version), "read-file", place) == errno.EACCES


QEMU = shutil.which(f"qemu-{platform.machine()}-static")


@pytest.mark.skipif(not QEMU, reason="there is no user-mode qemu for this machine")
def test_under_qemu(place):
    """It knows none of it but no_new_privs, and that is told, not overlooked."""
    told = subprocess.run([QEMU, JAIL, "in", "brk", *map(str, place)], capture_output=True,
                          text=True, timeout=60).stdout
    assert told == f"holds 1 lacks {LIMITS | CALLS | FILES | PORTS}\ndone\n"


CORES = resource.getrlimit(resource.RLIMIT_CORE)[1]  # we may allow


def allow_cores():
    resource.setrlimit(resource.RLIMIT_CORE, (CORES, CORES))


@pytest.mark.skipif(CORES == 0, reason="the limits of this session allow no core file")
@pytest.mark.parametrize("jail, dumps", [("in", False), ("out", True)])
def test_no_core_is_left(place, tmp_path, jail, dumps):
    """Neither for a program that collects them: the limit of 1 byte holds for those, too."""
    dying = subprocess.Popen([JAIL, jail, "die", *map(str, place)], cwd=tmp_path,
                             stdout=subprocess.DEVNULL, preexec_fn=allow_cores)
    _, status = os.waitpid(dying.pid, 0)
    dying.returncode = status
    assert os.WIFSIGNALED(status) and os.WCOREDUMP(status) == dumps
