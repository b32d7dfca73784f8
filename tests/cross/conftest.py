"""As the integration tests; run by tools/cross.py."""
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "integration"))

from conftest import *  # noqa: E402,F401,F403
