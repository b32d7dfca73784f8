"""One laboratory for all campaigns of failures."""
import pathlib
import sys

import pytest

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

from scene import Brokers  # noqa: E402


@pytest.fixture(scope="session")
def brokers(tmp_path_factory):
    with Brokers(tmp_path_factory.mktemp("brokers")) as started:
        yield started


def pytest_terminal_summary(terminalreporter):
    for report in terminalreporter.stats.get("passed", []):
        for name, value in report.user_properties:
            terminalreporter.write_line(f"{name.upper()}  {value}")
