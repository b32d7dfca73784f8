"""An agent lives with faults for two cycles; `make soak` makes it an hour."""
import importlib.util
import json
import os
import pathlib
import subprocess
import sys

import pytest

TOP = pathlib.Path(__file__).resolve().parents[2]
SECONDS, PACE = (120, 1) if os.environ.get("THIMBLE_CHECK") == "all" else (0, 0.1)
sys.dont_write_bytecode = True
sys.path.insert(0, str(TOP / "tools"))
spec = importlib.util.spec_from_file_location("soak_agent", TOP / "tools" / "soak-agent.py")
soak = importlib.util.module_from_spec(spec)
spec.loader.exec_module(soak)


def test_nothing_is_lost_and_nothing_grows(tmp_path, record_property):
    path = tmp_path / "a.json"
    done = subprocess.run([TOP / "tools" / "soak-agent.py", "--seconds", str(SECONDS), "--pace",
                           str(PACE), "--json", path], stdout=subprocess.PIPE, text=True)
    assert done.returncode == 0, done.stdout
    found = json.loads(path.read_text())
    assert found["lost"] == found["qos_2_again"] == 0 and not found["grown"]
    assert found["arrived"] >= found["accepted"] > 30 and found["at_qos_2"] > 10
    assert all(found["met"][fault.__name__] >= 2 for fault in soak.Soak.FAULTS)
    assert found["refused"] > 0 and found["agent_starts"] > 1
    record_property("sample", done.stdout.splitlines()[0].strip() + "; an hour: make soak")


def look(**more):
    return {"cycle": 0, "live_bytes": 5, "descriptors": 9, "private_dirty_bytes": 4096,
            "rss_bytes": 8192, **more}


@pytest.mark.parametrize("name, more, is_growth", [
    ("live_bytes", 1, True), ("descriptors", 1, True), ("private_dirty_bytes", 8192, False),
    ("private_dirty_bytes", 8193, True), ("rss_bytes", 65537, True),
])
def test_every_figure_is_compared(name, more, is_growth):
    looks = [look(), look(), look(**{name: look()[name] + more})]
    assert (name in soak.grown(looks)) == is_growth and not soak.grown(looks[:2])


def test_a_message_that_came_twice_is_seen(tmp_path):
    """As the broker's log tells of it; what it repeats itself is not meant."""
    log = tmp_path / "log"
    ledger = soak.Ledger.__new__(soak.Ledger)
    ledger.path, ledger.log, ledger.read_bytes = tmp_path / "printed", log, 0
    ledger.seen, ledger.sent = set(), soak.collections.Counter()
    line = "1: Sending PUBLISH to ledger (d{}, q2, r0, m1, 'soak/7/', ... (4 bytes))\n"
    log.write_text(line.format(0) + line.format(1))
    assert ledger.sent_again() == []
    log.write_text(log.read_text() + line.format(0))
    assert ledger.sent_again() == [7]


def test_what_the_subscriber_did_not_print_is_not_lost(tmp_path):
    """If the broker sent it: in its log stands what it did."""
    ledger = soak.Ledger.__new__(soak.Ledger)
    ledger.path, ledger.log, ledger.read_bytes = tmp_path / "printed", tmp_path / "log", 0
    ledger.seen, ledger.sent = set(), soak.collections.Counter()
    ledger.path.write_text("1\n2")
    ledger.log.write_text("1: Sending PUBLISH to ledger (d0, q1, r0, m1, 'soak/3/', ...)\n"
                          "1: Received PUBLISH from agent (d0, q2, r0, m1, 'soak/4/', ...)\n")
    assert ledger.numbers() == {1, 3} and ledger.sent_again() == []
