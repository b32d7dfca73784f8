"""One board for all: its disk is a copy, with the package on it and an agent of the laboratory's."""
import os
import pathlib
import shutil
import subprocess
import sys

import pytest

sys.dont_write_bytecode = True
TOP = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(TOP / "tests" / "integration"))

from lab import Lab  # noqa: E402
from machine import Board  # noqa: E402

MADE = pathlib.Path(os.environ.get("THIMBLE_BOARD", TOP / "build" / "board"))


@pytest.fixture(scope="session")
def lab(tmp_path_factory):
    laboratory = Lab(tmp_path_factory.mktemp("lab"))
    yield laboratory
    laboratory.stop()


@pytest.fixture(scope="session")
def board(tmp_path_factory):
    where = tmp_path_factory.mktemp("board")
    disk = MADE / "run.img"
    subprocess.run(["cp", "--sparse=always", MADE / "disk.img", disk], check=True)
    board = Board(where, MADE / "stable", f"file={disk},format=raw")
    try:
        yield board.boot()
    finally:
        board.cut_the_power()
        disk.unlink()
