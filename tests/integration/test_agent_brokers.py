"""Several brokers, the wait before an attempt, addresses where nobody knows the name."""
import contextlib
import json
import re
import signal

import pytest

from forge import server
from lab import free_port
from packets import V5, connack
from program import SANDBOX, patient, until


@pytest.fixture
def start(thimble, tmp_path):
    """The agent with these settings; the sandbox holds."""
    def begin(**settings):
        path = tmp_path / f"agent{len(thimble.all)}.json"
        path.write_text(json.dumps({"backoff": "0.05s..0.2s", "id": "agent", "sandbox": SANDBOX,
                                    "topic": ["t"], **settings}))
        return thimble.start("agent", "-c", path)
    return begin


def at(*brokers):
    return {"brokers": [f"127.0.0.1:{each.port if hasattr(each, 'port') else each}"
                        for each in brokers], "no_tls": True}


def stays(peer):
    """Unless the agent goes first."""
    with contextlib.suppress(AssertionError, OSError):
        peer.greet().grant()
        peer.drain()


# ---- waits --------------------------------------------------------------------------------------

def first_wait(program):
    return float(re.search(r"the first attempt is in ([0-9.]+) s", program.err)[1])


def test_a_fleet_does_not_begin_at_once(start, fake):
    """Each draws its moment; what it says is what it does."""
    broker = fake(stays)
    fleet = [start(**at(broker), first_delay="2", id=f"agent{n}") for n in range(12)]
    until(lambda: len(broker.accepted) == 12, "all of them")
    waits = sorted(first_wait(each) for each in fleet if "first attempt" in each.err)
    assert len(set(waits)) > 5 and waits[-1] <= 2, waits
    assert broker.accepted[-1] - broker.accepted[0] > 0.2
    for each in fleet:
        each.signal(signal.SIGTERM).ends(0)


def test_the_first_delay_may_be_none(start, fake):
    broker = fake(stays)
    agent = start(**at(broker), first_delay="0", backoff="50s..60s")
    until(lambda: broker.attempts, "the agent")
    assert "the first attempt" not in agent.err
    agent.signal(signal.SIGTERM).ends(0)


def test_a_busy_broker_is_left_alone(start, fake):
    """0x9F: the next attempt is in the upper half of the longest wait, not of the first."""
    def busy(peer):
        peer.hear_connect()
        peer.send(connack(V5, 0x9F))
        peer.drain()
    broker = fake(busy)
    agent = start(**at(broker), protocol_version="mqttv5", backoff="0.01s..40s")
    agent.says("trying again in")
    wait = float(re.search(r"trying again in ([0-9.]+) s", agent.err)[1])
    assert 19.9 <= wait <= 40.1
    agent.signal(signal.SIGTERM).ends(0)


# ---- which one ----------------------------------------------------------------------------------

def test_the_next_one_and_back_to_the_first(start, mosquitto, tmp_path):
    """The first is away; once it is there the agent returns to it, in good order, and has its
    subscription at both."""
    (tmp_path / "a").mkdir()
    first, second = mosquitto("allow_anonymous true"), mosquitto("allow_anonymous true").start()
    agent = start(**at(first, second), failback="1")
    second.log.await_subscription("t")
    agent.says(f"the next attempt is at 127.0.0.1:{second.port}")
    first.start()
    first.log.await_subscription("t")
    agent.says(f"back to 127.0.0.1:{first.port}")
    second.log.await_line("Received DISCONNECT from agent")
    agent.signal(signal.SIGTERM).ends(0)


def test_failing_to_return_costs_one_attempt(start, mosquitto, fake):
    """The first one takes no connection: the agent is at the second again at once, and tries to
    return more and more rarely: after 1, 2 and 4 s, as a machine sees it that has others to serve."""
    second = fake(stays)
    agent = start(**at(free_port(), second), failback="1")
    until(lambda: second.attempts == 4, "three returns that failed")
    began, *_, ended = second.accepted
    assert ended - began > 5 and ended - second.accepted[-2] > 2.5, second.accepted
    agent.signal(signal.SIGTERM).ends(0)


def test_a_session_is_not_taken_to_another_broker(start, fake):
    """The second one says that it has a session of ours: it is subscribed anew all the same."""
    def leaves(peer):
        peer.greet().grant()
        peer.reset()

    granted = []

    def remembers(peer):
        granted.append(peer.greet(present=1).grant())
        peer.drain()
    first, second = fake(leaves), fake(remembers)
    agent = start(**at(first, second))
    until(lambda: granted, "a subscription at the second")
    assert first.attempts == 1
    agent.signal(signal.SIGTERM).ends(0)


@pytest.fixture
def secured(lab, fake):
    def make(certificate):
        return fake(stays, tls=server(lab.path("ec", certificate), lab.path("ec", "server.key")))
    return make


def with_tls(lab, *brokers):
    return {"brokers": [f"localhost:{each.port}" for each in brokers],
            "cafile": str(lab.path("ec", "root.pem"))}


def test_a_certificate_that_is_refused_is_told_and_the_next_is_tried(start, lab, secured):
    bad, good = secured("server-expired.pem"), secured("server.pem")
    agent = start(**with_tls(lab, bad, good))
    until(lambda: good.attempts, "the second")
    agent.says("expired").says(f"the next attempt is at localhost:{good.port}")
    agent.signal(signal.SIGTERM).ends(0)


def test_all_certificates_are_refused(start, lab, secured):
    """Nobody is left to be tried: a human must act."""
    one, two = secured("server-expired.pem"), secured("server-expired.pem")
    start(**with_tls(lab, one, two)).ends_refused(70)
    assert one.attempts == 1 and two.attempts == 1


@pytest.mark.parametrize("settings, text", [
    ({"brokers": ["a", "b"], "host": "c"}, "--brokers and -h: give only one"),
    ({"brokers": ["a:0"]}, "a:0: give HOST[:PORT]"),
    ({"brokers": ["a"] * 9}, "at most 8"),
    ({"fallback_addr": ["a"]}, "give an address in numbers"),
])
def test_what_cannot_be(start, settings, text):
    start(**settings, no_tls=True).ends(64, text)


# ---- where nobody knows the name ----------------------------------------------------------------

def test_fallback_addresses(start, fake):
    """RFC 6761: there is no such name. The connection is made where the operator said."""
    broker = fake(stays)
    agent = start(host="broker.invalid", port=broker.port, no_tls=True,
                  fallback_addr=["127.0.0.1"], timeout_lookup="0.5")
    until(lambda: broker.attempts, "the agent", patient(20))
    agent.says("trying the addresses that are known")
    agent.signal(signal.SIGTERM).ends(0)


def test_fallback_addresses_are_no_way_around_the_name(start, lab, secured):
    broker = secured("server.pem")
    agent = start(host="broker.invalid", port=broker.port, cafile=str(lab.path("ec", "root.pem")),
                  fallback_addr=["127.0.0.1"], timeout_lookup="0.5")
    agent.ends_refused(73, "broker.invalid")
