"""Allocations failed in turn; and that what must be caught is caught."""
import os

import pytest

from memory_sweep import Memory

STRIDE = 1 if os.environ.get("THIMBLE_CHECK") == "all" else 7


def test_every_allocation(brokers, record_property, capsys):
    campaign = Memory(brokers, STRIDE).run()
    assert campaign.told(), capsys.readouterr().out
    record_property("memory", capsys.readouterr().out.strip().removeprefix("MEMORY  "))


@pytest.mark.parametrize("fault, broker, word", [
    ("leak", "good", "leak"),
    ("accept", "name", "the wrong broker was accepted"),
    ("accept", "authority", "the wrong broker was accepted"),
    ("crash", "good", "sanitizer"),
    ("hang", "good", "hang"),
    ("code", "good", "exit code 84"),
])
def test_what_must_be_caught_is_caught(brokers, fault, broker, word):
    """The driver is told to misbehave."""
    campaign = Memory(brokers)
    brief = {"life_s": 1} if fault == "hang" else {}
    what, done = campaign.sweep("connect", "ec", "13", broker, "once", fault=fault, first=60, **brief)
    campaign.read(what, done)
    assert len(campaign.bad) >= 3, done.stdout + done.stderr
    assert all(word in bad for bad in campaign.bad), campaign.bad


def test_what_is_tolerated_must_be_listed(brokers, capsys):
    campaign = Memory(brokers)
    campaign.table.rows = [(("tolerated", "ticket", "nobody", "never"), "a line nobody needs")]
    campaign.read(*campaign.sweep("connect", "ec", "13", "good", "once", first=80))
    assert not campaign.told()
    told = capsys.readouterr().out
    assert "tolerated, and not listed" in told and "STALE   tolerated ticket nobody never" in told
