"""Packages are made once; what they need of brokers is the laboratory's."""
import os
import pathlib
import subprocess
import sys

import pytest

sys.dont_write_bytecode = True
TOP = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(TOP / "tests" / "integration"))

from lab import Lab  # noqa: E402


def made(target):
    environment = {name: value for name, value in os.environ.items() if name != "MAKEFLAGS"}
    done = subprocess.run(["make", "-C", TOP, "--no-print-directory", target], check=True,
                          stdout=subprocess.PIPE, text=True, env=environment)
    return TOP / done.stdout.split()[-1]


@pytest.fixture(scope="session")
def deb():
    return made("deb")


@pytest.fixture(scope="session")
def image():
    return made("image")


@pytest.fixture(scope="session")
def lab(tmp_path_factory):
    laboratory = Lab(tmp_path_factory.mktemp("lab"))
    yield laboratory
    laboratory.stop()


@pytest.fixture
def installed(deb, tmp_path):
    """By dpkg, into a root that holds dpkg's own books and nothing else."""
    for directory in ("var/lib/dpkg/info", "var/lib/dpkg/updates"):
        (tmp_path / directory).mkdir(parents=True)
    (tmp_path / "var/lib/dpkg/status").touch()
    subprocess.run(["dpkg", "--force-not-root", f"--root={tmp_path}", f"--log={tmp_path}/log",
                    "-i", deb], check=True, stdout=subprocess.PIPE)
    return tmp_path
