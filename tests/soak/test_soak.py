"""Hundreds of reconnects, most of which fail, and nothing grows; `make soak` makes it thousands."""
import importlib.util
import json
import os
import pathlib
import subprocess
import sys

import pytest

TOP = pathlib.Path(__file__).resolve().parents[2]
ATTEMPTS = 10000 if os.environ.get("THIMBLE_CHECK") == "all" else 300
sys.dont_write_bytecode = True
sys.path.insert(0, str(TOP / "tools"))
spec = importlib.util.spec_from_file_location("soak", TOP / "tools" / "soak.py")
soak = importlib.util.module_from_spec(spec)
sys.modules["soak"] = soak
spec.loader.exec_module(soak)


def run(name, path, attempts):
    done = subprocess.run([TOP / "tools" / "soak.py", "--only", name, "--json", path,
                           "--attempts", str(attempts)], text=True, stdout=subprocess.PIPE)
    print(done.stdout)
    return done.returncode, json.loads(path.read_text())[0]


@pytest.mark.parametrize("name", ["thimble", "stubborn"])
def test_nothing_grows(tmp_path, record_property, name):
    code, found = run(name, tmp_path / "json", ATTEMPTS)
    looks = found["looks"]
    assert code == 0 and looks[-2] == looks[-1]
    assert all(look[name] == looks[0][name] for look in looks for name in look
               if name not in soak.LATE)
    met = found["met"]
    wanted = soak.CLIENTS[name][0].faults
    assert found["attempts"] >= ATTEMPTS
    assert all(met[fault.name] >= ATTEMPTS // len(wanted) for fault in wanted)
    assert looks[0]["live_bytes"] > 0 and looks[0]["descriptors"] > 2
    if ATTEMPTS < 10000:
        record_property("sample", f"{found['program']}: {found['attempts']} attempts; "
                                  "10,000: make soak, make check-all")


def test_one_byte_of_each_attempt_is_noticed(tmp_path):
    code, found = run("creep", tmp_path / "json", 2)
    assert code == 1
    first, last = found["looks"][:2]
    assert last["live_bytes"] > first["live_bytes"] and last["lent_blocks"] > first["lent_blocks"]


def test_every_figure_is_compared():
    first = {"live_bytes": 1, "descriptors": 5}
    assert soak.changed([first, dict(first)]) == set()
    for name in first:
        assert soak.changed([first, {**first, name: 9}]) == {name}
