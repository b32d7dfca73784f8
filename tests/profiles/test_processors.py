"""Assembler is chosen at run time: fast also runs on older processors, as qemu imitates them."""
import pathlib
import platform
import signal
import subprocess
import sys

import pytest

TOP = pathlib.Path(__file__).resolve().parents[2]
sys.dont_write_bytecode = True
sys.path.insert(0, str(TOP / "tests" / "integration"))
from lab import Lab  # noqa: E402

# SSE2 alone; SSSE3; AES, no AVX; AVX2; all that qemu has.
PROCESSORS = ["qemu64", "core2duo", "Westmere", "Haswell", "max"]
SUITES = ["TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256"]

pytestmark = pytest.mark.skipif(platform.machine() != "x86_64", reason="assembler is of x86-64")


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    laboratory = Lab(tmp_path_factory.mktemp("lab"))
    yield laboratory
    laboratory.stop()


def imitated(processor, *words):
    return subprocess.run(["qemu-x86_64-static", "-cpu", processor, *map(str, words)], text=True,
                          stderr=subprocess.PIPE, timeout=60, check=False)


@pytest.mark.parametrize("kind, suite", [("rsa", SUITES[0]), *(("ec", suite) for suite in SUITES)])
@pytest.mark.parametrize("processor", PROCESSORS)
def test_publishes(lab, processor, kind, suite):
    done = imitated(processor, TOP / "build" / "fast" / "thimble", "pub", *lab.tls(kind),
                    "--ciphersuites", suite, "-t", "a", "-m", "x" * 5000, "-q", "1")
    assert done.returncode == 0, done.stderr


def test_the_imitation_has_no_more_instructions(tmp_path):
    """... than the processor it imitates."""
    source, program = tmp_path / "aes.c", tmp_path / "aes"
    source.write_text('int main(void) { __asm__("aesenc %xmm0, %xmm1"); return 0; }')
    subprocess.run(["gcc", "-static", "-o", program, source], check=True)
    assert imitated("core2duo", program).returncode == -signal.SIGILL
    assert imitated("Westmere", program).returncode == 0
