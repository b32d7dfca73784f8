"""What all tests here stand on is that of the integration tests."""
import pathlib
import signal
import sys

import pytest

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "integration"))

DEADLINE_SECONDS = 180


def pytest_configure(config):
    config.addinivalue_line("markers", "deadline(seconds): what a long test may take")


@pytest.fixture(autouse=True)
def deadline(request):
    """A test that hangs fails, and the next one has its turn."""
    def overdue(*_):
        raise TimeoutError("the test's deadline has passed")
    marker = request.node.get_closest_marker("deadline")
    signal.signal(signal.SIGALRM, overdue)
    signal.alarm(marker.args[0] if marker else DEADLINE_SECONDS)
    yield
    signal.alarm(0)
