"""What only the imitated kernel sees: the calls of the program itself, not those of qemu."""
import os
import re
import subprocess

import pytest

from program import IMAGE

QEMU = os.environ["THIMBLE_QEMU"]


@pytest.fixture
def calls(tmp_path):
    """Runs the program; the names of all calls it made."""
    def run(*words, code=0):
        log = tmp_path / "calls"
        done = subprocess.run([QEMU, "-strace", "-D", log, IMAGE, *map(str, words)], timeout=60,
                              capture_output=True)
        assert done.returncode == code, done.stderr.decode()
        return re.findall(r"^\d+ (\w+)\(", log.read_text(errors="replace"), re.M)
    return run


MEMORY = {"brk", "mmap", "mmap2", "mremap", "munmap"}


@pytest.mark.parametrize("kind", ["ec", "rsa"])
@pytest.mark.parametrize("tls", ["1.2", "1.3"])
def test_no_memory_is_asked_for(calls, lab, topic, kind, tls):
    how = [*lab.tls(kind), "--tls-version", tls, "-q", "1", "-t", topic]
    made = calls("pub", *how, "-m", "x", "-r") + calls("sub", *how, "-C", "1")
    assert not MEMORY.intersection(made), made
    assert {"connect", "sigaltstack", "exit_group"} <= set(made)


def test_nor_when_it_fails(calls, lab, topic):
    words = lab.tls()
    words[words.index("--cafile") + 1] = lab.path("other", "root.pem")
    assert not MEMORY.intersection(calls("pub", *words, "-t", topic, "-n", code=72))


def test_that_it_would_be_seen(tmp_path):
    """A program of this system, under its own qemu, does ask."""
    log = tmp_path / "calls"
    subprocess.run(["qemu-x86_64-static", "-strace", "-D", log, "/bin/true"], check=True,
                   timeout=60)
    assert MEMORY.intersection(re.findall(r"^\d+ (\w+)\(", log.read_text(), re.M))
