"""The broker goes away and comes back, and nothing is lost."""
import contextlib
import os
import re
import signal
import time

import pytest

from conftest import tracked
from fake import Proxy
from forge import server
from lab import free_port
from packets import DISCONNECT, PUBACK, PUBLISH, V5, ack, connack, packet, publish
from program import ALL, patient, until
from test_matrix import assert_nothing_is_kept

# Sessions and queued messages outlive the broker, written down as they come.
DURABLE = ["persistence true", "autosave_on_changes true", "autosave_interval 1",
           "max_queued_messages 0", "allow_anonymous true"]


@pytest.fixture
def durable(mosquitto, tmp_path):
    return mosquitto(*DURABLE, f"persistence_location {tmp_path}/").start()


@pytest.mark.parametrize("version", ["mqttv311", "mqttv5"])
@pytest.mark.parametrize("qos", [0, 1, 2])
def test_subscriber_survives_a_restart(thimble, mosquitto, version, qos):
    """The broker has forgotten everything: we subscribe again."""
    broker = mosquitto("allow_anonymous true", "persistence false").start()
    sub = thimble.start("sub", *broker.plain, "-V", version, "-q", qos, "-t", "a/#", "-C", "2")
    broker.log.await_subscription("a/#")
    thimble("pub", *broker.plain, "-t", "a/1", "-m", "before", "-q", "1").ends(0)
    sub.prints(b"before\n")
    broker.stop()
    sub.says("trying again in")
    (broker.directory / "log").unlink()
    broker.start()
    broker.log.await_subscription("a/#")
    sub.says("connected again")
    thimble("pub", *broker.plain, "-t", "a/2", "-m", "after", "-q", "1").ends(0)
    assert sub.ends(0).out == b"before\nafter\n"


@pytest.mark.parametrize("version", ["mqttv311", "mqttv5"])
@pytest.mark.parametrize("qos", [1, 2])
def test_messages_wait_for_the_subscriber(thimble, durable, version, qos):
    """Sent while the subscriber was not there, kept by the broker over its restart."""
    who = ["-V", version, "-i", "keeper", "-c", "-q", qos, "-t", "kept"]
    thimble("sub", *durable.plain, *who, "-E").ends(0)
    lines = b"".join(b"%d\n" % n for n in range(50))
    thimble("pub", *durable.plain, "-t", "kept", "-l", "-q", qos, stdin=lines).ends(0)
    durable.stop()
    durable.start()
    assert thimble("sub", *durable.plain, *who, "-C", "50").ends(0).out == lines


@pytest.mark.deadline(120)
@pytest.mark.parametrize("qos", [1, 2])
@pytest.mark.parametrize("end", [signal.SIGTERM, signal.SIGKILL])
def test_publisher_survives_restarts(thimble, durable, qos, end):
    """Lines keep coming while the broker is stopped or killed, twice. Every line reaches a
    subscriber with a kept session; at QoS 2, when the broker had the time to write, once."""
    who = ["-i", "reader", "-c", "-q", qos, "-t", "lines", "-V", "mqttv5"]
    thimble("sub", *durable.plain, *who, "-E").ends(0)
    reader, writer = os.pipe()
    pub = thimble.start("pub", *durable.plain, "-i", "writer", "-c", "-t", "lines", "-l", "-q", qos,
                        stdin=reader)
    os.close(reader)
    sent = []
    for turn in range(3):
        for _ in range(40):
            sent.append(b"line %d" % len(sent))
            os.write(writer, sent[-1] + b"\n")
            time.sleep(0.002)
        if turn < 2:
            durable.stop(end)
            pub.says("trying again in")
            durable.start()
    os.close(writer)
    pub.ends(0, "connected again")
    thimble("pub", *durable.plain, "-t", "lines", "-m", "last", "-q", qos).ends(0)
    sub = thimble.start("sub", *durable.plain, *who)
    until(lambda: sub.out.endswith(b"last\n"), "all there is")
    got = sub.signal(signal.SIGTERM).ends(0).out.splitlines()
    assert got.pop() == b"last"
    if end == signal.SIGTERM:
        assert set(got) == set(sent)
        if qos == 2:
            assert got == sent
    else:  # mosquitto writes at intervals; what it had acknowledged and lost is not ours
        assert set(sent[-40:]) <= set(got)


@pytest.mark.parametrize("kind, version", [("ec", "1.3"), ("rsa", "1.2")])
def test_over_tls(thimble, mosquitto, lab, kind, version):
    """Three connections, one ledger: what each took it gave back."""
    port = free_port()
    broker = mosquitto("allow_anonymous true", f"listener {port}", "require_certificate true",
                       *(f"{option} {lab.path(kind, name)}" for option, name in (
                           ("cafile", "root.pem"), ("certfile", "server.pem"),
                           ("keyfile", "server.key")))).start()
    sub = thimble.start("sub", "-h", "localhost", "-p", port, *lab.identity(kind), "--tls-version",
                        version, "-t", "a", "-q", "1", "-C", "3", report=True)
    for n in range(3):
        broker.log.await_subscription("a")
        thimble("pub", *broker.plain, "-t", "a", "-m", n, "-q", "1").ends(0)
        sub.prints(b"".join(b"%d\n" % each for each in range(n + 1)))
        if n < 2:
            broker.stop()
            until(lambda: sub.err.count("trying again in") == n + 1, "a redial")
            broker.log.path.unlink()
            broker.start()
    report = sub.ends(0).report
    assert report["connection"]["attempts"] == 3 + sub.err.count("refused")
    assert_nothing_is_kept(report)


@pytest.mark.parametrize("data", [connack(V5, 0x42), packet(15), b"\x20\xff\xff\xff\xff"])
def test_broken_rules_at_a_redial(thimble, fake, data):
    """End it, as at the first connection: no third attempt."""
    def break_rules(peer):
        peer.hear_connect()
        peer.send(data)
        peer.drain()
    broker = fake(lambda peer: peer.greet().grant(), break_rules)
    thimble("sub", *broker.plain, "-V", "mqttv5", "-t", "t").ends_refused(2)
    assert broker.attempts == 2


# ---- when to try again --------------------------------------------------------------------------

def waits_announced(program):
    return [float(each) for each in re.findall(r"trying again in ([0-9.]+) s", program.err)]


def test_waits_double_with_jitter(thimble, fake):
    """1, 2, 4 s, each shortened by up to a half, and kept to."""
    broker = fake(lambda peer: peer.greet().grant(), lambda peer: peer.hear_connect())
    done = thimble("sub", *broker.plain, "-t", "t", "--retry", "3")
    done.ends_refused(7)
    waits = waits_announced(done)
    assert len(waits) == 3 and broker.attempts == 4
    for wait, full in zip(waits, (1, 2, 4)):
        assert full / 2 - 0.05 <= wait <= full + 0.05, waits
    taken = [b - a for a, b in zip(broker.accepted, broker.accepted[1:])]
    # As it is seen on a machine that has others to serve.
    assert sum(waits) / 2 <= sum(taken) <= sum(waits) + patient(20), (waits, taken)


def test_waits_are_drawn_by_lot(thimble, fake):
    """Not all clients come back at the same moment."""
    broker = fake(lambda peer: peer.greet().grant())
    started = [thimble.start("sub", *broker.plain, "-t", "t") for _ in range(16)]
    waits = [waits_announced(each.says("trying again in"))[0] for each in started]
    assert len(set(waits)) > 2, waits


def test_the_first_connection_is_not_tried_again(thimble, lab):
    done = thimble("sub", "-h", "127.0.0.1", "-p", free_port(), "--no-tls", "-t", "t")
    done.ends_refused(4)
    assert waits_announced(done) == []


def test_unless_it_is_asked_for(thimble, mosquitto):
    broker = mosquitto("allow_anonymous true")
    pub = thimble.start("pub", *broker.plain, "-t", "t", "-m", "x", "-q", "1", "--retry", "5")
    pub.says("trying again in")
    broker.start()
    pub.ends(0)


@pytest.mark.deadline(600)
@pytest.mark.skipif(not ALL, reason="takes six minutes: make check-all")
def test_ten_attempts_are_the_default(thimble, fake):
    broker = fake(lambda peer: peer.greet().grant(), lambda peer: peer.reset())
    thimble("sub", *broker.plain, "-t", "t", seconds=590).ends_refused(7)
    assert broker.attempts == 11


def test_a_certificate_that_went_bad_ends_it(thimble, fake, lab):
    """A redial that meets another certificate does not try for ever."""
    good = server(lab.path("ec", "server.pem"), lab.path("ec", "server.key"))
    broker = fake(lambda peer: peer.greet().grant(), tls=good)
    sub = thimble.start("sub", *broker.where, *lab.identity(), "-t", "t")
    sub.says("trying again in")
    broker.tls = server(lab.path("ec", "server-expired.pem"), lab.path("ec", "server.key"))
    sub.ends_refused(70)


def test_a_refusal_that_passes_is_tried_again(thimble, fake):
    """The broker shuts down (0x8B): that is no end."""
    def shutting_down(peer):
        peer.greet().grant()
        peer.send(packet(DISCONNECT, b"\x8b"))

    def back(peer):
        peer.greet().grant()
        peer.send(publish("t", b"back", version=V5))
        peer.drain()
    done = thimble("sub", *fake(shutting_down, back).plain, "-V", "mqttv5", "-t", "t", "-C", "1")
    assert done.ends(0).out == b"back\n"


@pytest.mark.parametrize("present", [0, 1])
def test_queue_is_kept_while_away(thimble, fake, present):
    """Lines read before the connection broke, and not yet acknowledged, go with the next one, in
    their order; marked as repeated if the broker still has the session."""
    got = []

    def first(peer):
        peer.greet()
        got.append(peer.expect(PUBLISH))
        peer.reset()

    def second(peer):
        peer.greet(present=present)
        while (sent := peer.receive()).kind == PUBLISH:
            got.append(sent)
            peer.send(ack(PUBACK, sent.packet_id))
    lines = [b"%d" % n for n in range(20)]
    thimble("pub", *fake(first, second).plain, "-V", "mqttv5", "-i", "me", "-c", "-t", "t", "-l",
            "-q", "1", stdin=b"\n".join(lines)).ends(0)
    assert [each.payload for each in got[1:]] == lines
    assert got[0].payload == lines[0] and got[1].dup == present


class Gate(Proxy):
    """Breaks off after so many bytes, in whatever state both sides are."""

    def _pass_on(self, peer):
        with contextlib.suppress(OSError):
            super()._pass_on(peer)


@pytest.fixture
def gate():
    yield from tracked(Gate)


@pytest.mark.parametrize("kind", ["ec", "rsa"])
@pytest.mark.parametrize("tls", ["tlsv1.2", "tlsv1.3"])
def test_a_redial_resumes_the_session(lab, thimble, gate, topic, kind, tls):
    """What the server remembers is not proved again: no certificates, no signatures."""
    gate = gate(int(lab.ports[f"{kind}_port"]), 20000)
    where = ["-h", "localhost", "-p", gate.port, *lab.identity(kind), "--tls-version", tls]
    sub = thimble.start("sub", *where, "-t", topic, "-C", "1", report=True)
    lab.log.await_subscription(topic)
    thimble("pub", *lab.plain, "-t", topic, "-m", "x" * 20000).ends(0)
    sub.says("connected again")
    until(lambda: lab.log.text().count(f"\t{topic} (QoS") == 2, "the subscription again")
    thimble("pub", *lab.plain, "-t", topic, "-m", "after").ends(0)
    report = sub.ends(0).report
    assert sub.out.endswith(b"after\n")
    assert report["connection"]["resumed"] and gate.attempts == 2
    assert_nothing_is_kept(report)


def test_a_broker_that_came_back_is_verified_anew(lab, thimble, mosquitto, topic):
    """It has forgotten its sessions; what it shows now is what counts."""
    def secured(kind):
        return ["allow_anonymous true", f"listener {port}", f"cafile {lab.path(kind, 'root.pem')}",
                f"certfile {lab.path(kind, 'server.pem')}",
                f"keyfile {lab.path(kind, 'server.key')}"]
    port = free_port()
    broker = mosquitto(*secured("ec")).start()
    sub = thimble.start("sub", "-h", "localhost", "-p", port, *lab.identity("ec"), "-t", topic)
    broker.log.await_subscription(topic)
    broker.stop()
    mosquitto(*secured("other")).start()
    sub.ends_refused(72, "not issued by any of the CA certificates")


@pytest.mark.parametrize("then, now", [("1.2", "1.3"), ("1.3", "1.2")])
def test_a_broker_that_came_back_with_another_version(thimble, fake, lab, then, now):
    """The session is of a version that it does not speak any more."""
    def speaking(version):
        return server(lab.path("ec", "server.pem"), lab.path("ec", "server.key"), version, version)

    def leave(peer):
        peer.greet().grant()
        broker.tls = speaking(now)
        peer.reset()

    def back(peer):
        peer.greet().grant()
        peer.send(publish("t", b"back"))
        peer.drain()
    broker = fake(leave, back, tls=speaking(then))
    done = thimble("sub", *broker.where, *lab.identity(), "-t", "t", "-C", "1", report=True)
    assert done.ends(0).out == b"back\n"
    assert done.report["connection"]["tls_version"] == f"TLSv{now}"
