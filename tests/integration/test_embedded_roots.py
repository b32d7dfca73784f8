"""Roots that are built in: the header they are compiled from, and, where all is checked, a program
that has them."""
import os
import re
import subprocess

import pytest

from fake import nothing
from forge import LOCALHOST, NOT_CA, SERVER
from program import ALL, TOP
from test_roots import DEBIAN

TOOL = TOP / "tools" / "embed-roots.py"


def header(*words):
    done = subprocess.run([TOOL, *map(str, words)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    count, text, numbers = re.fullmatch(
        r'/\*.*\*/\n#define TH_ROOTS_COUNT (\d+)\n#define TH_ROOTS_TEXT "(.*)"\n'
        r"#define TH_ROOTS_PEM \\\n([0-9, \\\n]+)", done.stdout).groups()
    return int(count), text, bytes(map(int, re.findall(r"\d+", numbers)))


def test_without_roots_there_is_nothing(thimble):
    assert header() == (0, "", b"\0")
    assert b"embedded_roots" not in thimble("version").ends(0).out


def test_the_set_is_debians():
    count, text, pem = header("public-brokers")
    assert re.fullmatch(rf"public-brokers of \d{{4}}-\d\d-\d\d: {count} certificates", text)
    blocks = pem.decode().split("-----BEGIN")[1:]
    assert len(blocks) == count >= 10 and all(block in DEBIAN.read_text() for block in blocks)


def test_a_file_bears_its_own_date(forge, tmp_path):
    file = tmp_path / "own roots.pem"
    file.write_text("in front\n" + forge.path("root.pem").read_text() + "behind\n")
    os.utime(file, (1700000000, 1700000000))
    assert header(file) == (1, "own_roots.pem of 2023-11-14: 1 certificates",
                            forge.path("root.pem").read_bytes())


@pytest.mark.parametrize("content", [None, b"", b"no PEM", b"\xff\xfe"])
def test_what_holds_none_is_refused(tmp_path, content):
    file = tmp_path / "none.pem"
    if content is not None:
        file.write_bytes(content)
    done = subprocess.run([TOOL, file], capture_output=True, text=True)
    assert done.returncode == 1 and done.stderr.startswith("EMBED_ROOTS: ") and not done.stdout


@pytest.mark.skipif(not ALL, reason="NOT RUN: builds a program; make check-all does")
@pytest.mark.deadline(900)
def test_a_program_that_has_them(fake, forge, tmp_path):
    forge.issue("embedded", NOT_CA, SERVER, LOCALHOST)
    subprocess.run(["make", "-C", TOP, f"EMBED_ROOTS={forge.path('root.pem')}",
                    "build/embedded/thimble"], check=True, capture_output=True)
    program = [TOP / "build" / "embedded" / "thimble"]
    told = subprocess.run([*program, "version"], check=True, capture_output=True).stdout
    assert re.search(rb"\nembedded_roots +root.pem of \d{4}-\d\d-\d\d: 1 certificates\n", told)
    for tls in "1.2", "1.3":
        broker = fake(nothing, tls=forge.server("embedded", lowest=tls, highest=tls))
        for words, status in ([], 0), (["--tls-use-os-certs"], 72):
            done = subprocess.run([*program, "cert", "verify", f"localhost:{broker.port}", *words],
                                  capture_output=True)
            assert done.returncode == status, done.stderr
