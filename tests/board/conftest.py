"""One board for all: its disk is a copy, with the package on it and an agent of the laboratory's.
The broker runs outside."""
import os
import pathlib
import subprocess
import sys

import pytest

sys.dont_write_bytecode = True
TOP = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(TOP / "tests" / "integration"))

from lab import Lab  # noqa: E402
from machine import Board, packed  # noqa: E402
from pump import Pump  # noqa: E402

MADE = pathlib.Path(os.environ.get("THIMBLE_BOARD", TOP / "build" / "board"))


@pytest.fixture(scope="session")
def lab(tmp_path_factory):
    laboratory = Lab(tmp_path_factory.mktemp("lab"))
    yield laboratory
    laboratory.stop()


@pytest.fixture(scope="session")
def deb():
    environment = {name: value for name, value in os.environ.items() if name != "MAKEFLAGS"}
    done = subprocess.run(["make", "-C", TOP, "--no-print-directory", "deb"], check=True,
                          stdout=subprocess.PIPE, text=True, env=environment)
    return TOP / done.stdout.split()[-1]


@pytest.fixture(scope="session")
def board(tmp_path_factory, deb):
    where = tmp_path_factory.mktemp("board")
    disk = MADE / "run.img"
    subprocess.run(["cp", "--sparse=always", MADE / "disk.img", disk], check=True)
    board = Board(where, MADE, disk, packed(where / "package", deb))
    try:
        yield board.boot()
    finally:
        board.cut_the_power()
        disk.unlink()


@pytest.fixture(scope="session")
def installed(board, lab):
    """The package, and what somebody who has a pump puts into /etc/thimble/pump."""
    board.run("cd /tmp && tar -xf /dev/vdb && dpkg -i thimble_*.deb")
    return Pump(board, lab)


@pytest.fixture
def pump(installed):
    """Running and connected, with nothing of the test before."""
    if not installed.board.is_on("stable"):
        installed.board.boot()
    installed.settle()
    return installed
