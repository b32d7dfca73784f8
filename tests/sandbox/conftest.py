"""What all tests here stand on is that of the integration tests."""
import importlib.util
import pathlib
import sys

sys.dont_write_bytecode = True
INTEGRATION = pathlib.Path(__file__).resolve().parents[1] / "integration"
sys.path.insert(0, str(INTEGRATION))

specification = importlib.util.spec_from_file_location("of_integration",
                                                       INTEGRATION / "conftest.py")
of_integration = importlib.util.module_from_spec(specification)
specification.loader.exec_module(of_integration)

deadline, fake, lab, mosquitto, thimble, topic = (
    getattr(of_integration, name)
    for name in ("deadline", "fake", "lab", "mosquitto", "thimble", "topic"))


def pytest_configure(config):
    config.addinivalue_line("markers", "deadline(seconds): what a long test may take")


def pytest_terminal_summary(terminalreporter):
    for report in terminalreporter.stats.get("skipped", []):
        terminalreporter.write_line(f"NOT RUN  {report.longrepr[2].removeprefix('Skipped: ')}")
    for report in terminalreporter.stats.get("passed", []):
        for name, value in report.user_properties:
            terminalreporter.write_line(f"{name.upper()}  {value}")
