"""System calls failed in turn; and that what must be caught is caught."""
import os

import pytest

from call_sweep import Calls, Flow

STRIDE = 1 if os.environ.get("THIMBLE_CHECK") == "all" else 17


@pytest.fixture
def campaign(brokers, tmp_path):
    return Calls(brokers, tmp_path, STRIDE)


def flow_of(campaign, name):
    return next(flow for flow in campaign.flows if flow.name == name)


def test_every_call(campaign, record_property, capsys):
    told = campaign.run().told()
    text = capsys.readouterr().out
    assert told, text
    record_property("calls", text.strip().removeprefix("CALLS   "))


def fails(campaign, flow, call, place, action):
    campaign.judge(flow, call, place, 1, 1, action)
    return campaign.bad


def test_nothing_is_wrong_with_these(campaign):
    flow = flow_of(campaign, "pub-ec-1.3")
    assert not fails(campaign, flow, "recvfrom", "stream", "error:ECONNRESET")
    assert not fails(campaign, flow, "read", "root.pem", "error:EIO")
    assert not fails(campaign, flow, "sendto", "stream", "short:1")
    assert campaign.points == 3


def test_an_end_that_is_not_listed(campaign):
    campaign.table.rows = []
    flow = flow_of(campaign, "pub-ec-1.3")
    assert "ended with 7; expected: nothing" in fails(campaign, flow, "recvfrom", "stream",
                                                      "error:ECONNRESET")[0]


def test_a_crash(campaign):
    campaign.table.rows = [(("*", "*", "*", "ok"), "a table that knows no crash")]
    flow = flow_of(campaign, "pub-ec-1.3")
    assert "signal:11" in fails(campaign, flow, "arch_prctl", "-", "error:EPERM")[0]


def test_a_line_nobody_needs(campaign, capsys):
    campaign.stride = 1
    assert not campaign.told()
    assert "STALE   arch_prctl" in capsys.readouterr().out


def test_a_wrong_broker_that_is_accepted(campaign):
    """The program is told to accept it."""
    wrong = flow_of(campaign, "name-1.3")
    fooled = Flow("fooled", [*wrong.words, "--insecure"], regular=wrong.regular)
    assert "the wrong broker was accepted" in fails(campaign, fooled, "shutdown", "stream",
                                                    "error:ENOBUFS")[0]
    campaign.bad.clear()
    campaign.expect_strangers_unheard()
    assert "a wrong broker was told" in campaign.bad[0]


def test_a_message_that_never_arrived(campaign):
    whole = flow_of(campaign, "pub-ec-1.3")
    twice = Flow("twice", whole.words, messages=2)
    assert "the broker has no message" in fails(campaign, twice, "shutdown", "stream",
                                                "error:ENOBUFS")[0]
