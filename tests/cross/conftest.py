"""Run by tools/cross.py, together with the integration tests, whose laboratory this shares."""
import importlib.util
import pathlib
import sys

INTEGRATION = pathlib.Path(__file__).resolve().parents[1] / "integration"
sys.path.insert(0, str(INTEGRATION))

specification = importlib.util.spec_from_file_location("shared", INTEGRATION / "conftest.py")
shared = importlib.util.module_from_spec(specification)
specification.loader.exec_module(shared)

deadline, lab, topic = shared.deadline, shared.lab, shared.topic
