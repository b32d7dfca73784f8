"""Messages arrive whole, once, and in time, however the bytes come."""
import os
import subprocess
import time

import pytest

from forge import server
from packets import (CONNECT, DISCONNECT, PINGREQ, PUBACK, PUBCOMP, PUBLISH, PUBREC, PUBREL,
                     SUBSCRIBE, V4, V5, ack, connack, packet, publish, suback, text, two)
from program import ALL, patient, told_bytes

NAMES = {V4: "mqttv311", V5: "mqttv5"}
VERSIONS = pytest.mark.parametrize("version", [V4, V5], ids=NAMES.get)


@pytest.fixture(params=["plain", "TLS 1.2", "TLS 1.3"])
def broker(request, fake, lab):
    """broker(script) with the options to reach it in `how`."""
    def make(*scripts):
        if request.param == "plain":
            made = fake(*scripts)
            made.how = made.plain
            return made
        tls = request.param[4:]
        context = server(lab.path("ec", "server.pem"), lab.path("ec", "server.key"), tls, tls)
        made = fake(*scripts, tls=context)
        made.how = [*made.where, *lab.identity()]
        return made
    return make


def converse(peer):
    """Acknowledges whatever comes until the client leaves; returns what was published."""
    published = []
    while (got := peer.receive()) and got.kind != DISCONNECT:
        answer = {PUBREC: PUBREL, PUBREL: PUBCOMP}.get(got.kind)
        if got.kind == PUBLISH:
            published.append(got)
            answer = [None, PUBACK, PUBREC][got.qos]
        if answer:
            peer.send(ack(answer, got.packet_id))
    return published


# ---- how the bytes come -------------------------------------------------------------------------

def conversation(version):
    """What a broker says to a subscriber with -q 2, but for the answers to what it says."""
    return (connack(version), suback(1, b"\2", version),
            b"".join([publish("t", b"zero", 0, version=version),
                      publish("t", b"one", 1, 7, version=version),
                      publish("t", b"two", 2, 8, version=version),
                      publish("t", b"", 0, version=version),
                      publish("t", b"x" * 200, 1, 9, version=version)]))


PRINTED = b"zero\none\ntwo\n" + b"x" * 200 + b"\n"


def say(peer, version, send):
    hello, granted, messages = conversation(version)
    peer.hear_connect()
    send(hello)
    peer.expect(SUBSCRIBE)
    send(granted)
    send(messages)
    converse(peer)


@VERSIONS
def test_byte_by_byte(thimble, broker, version):
    made = broker(lambda peer: say(peer, version, peer.drip))
    done = thimble("sub", *made.how, "-V", NAMES[version], "-q", "2", "-t", "t", "-C", "5")
    assert done.ends(0).out == PRINTED


def test_slow_byte_by_byte(thimble, fake):
    made = fake(lambda peer: say(peer, V5, lambda data: peer.drip(data, 0.002)))
    done = thimble("sub", *made.plain, "-V", "mqttv5", "-q", "2", "-t", "t", "-C", "5")
    assert done.ends(0).out == PRINTED


@pytest.mark.deadline(600)
@VERSIONS
def test_every_split(thimble, fake, version):
    """Each place once, in a process of its own; as a sample each seventh."""
    messages = conversation(version)[2]
    for at in range(1, len(messages), 1 if ALL else 7):
        def script(peer, at=at):
            say(peer, version, lambda data: cut(peer, data, at))
        done = thimble("sub", *fake(script).plain, "-V", NAMES[version], "-q", "2", "-t", "t",
                       "-C", "5")
        assert done.ends(0).out == PRINTED, at


def cut(peer, data, at):
    peer.send(data[:at])
    time.sleep(0.005)
    peer.send(data[at:])


@VERSIONS
def test_hundred_packets_in_one_segment(thimble, broker, version):
    packets = [publish("t", f"{n}".encode(), n % 3, n + 1, version=version) for n in range(100)]

    def script(peer):
        peer.greet().grant()
        peer.send(*packets)
        converse(peer)
    done = thimble("sub", *broker(script).how, "-V", NAMES[version], "-q", "2", "-t", "t",
                   "-C", "100")
    assert done.ends(0).out == b"".join(b"%d\n" % n for n in range(100))


@pytest.mark.parametrize("size", [4000, 4080, 4095, 4096, 4097, 16384, 16385, 100_000, 1 << 20])
def test_large_message(thimble, broker, size):
    """It comes through the 4 KB window in pieces."""
    payload = os.urandom(size)

    def script(peer):
        peer.greet().grant()
        peer.send(publish("large/topic", payload, 1, 5, version=V5, raw=b"\x03" + text("t/p")))
        assert peer.expect(PUBACK).packet_id == 5
        converse(peer)
    done = thimble("sub", *broker(script).how, "-V", "mqttv5", "-q", "1", "-t", "t", "-C", "1",
                   "-N", report=True)
    assert done.ends(0).out == payload
    window = done.report["pools"]["window"]
    assert window["peak_bytes"] <= window["size_bytes"] == told_bytes("window_bytes")


@pytest.mark.parametrize("qos", [0, 1, 2])
def test_large_message_through_mosquitto(thimble, lab, topic, tmp_path, qos):
    payload = os.urandom(1 << 20)
    (tmp_path / "large").write_bytes(payload)
    sub = thimble.start("sub", *lab.tls(), "-q", qos, "-t", topic, "-C", "1", "-N")
    lab.log.await_subscription(topic)
    subprocess.run(["mosquitto_pub", "-h", "127.0.0.1", "-p", lab.ports["plain_port"], "-t", topic,
                    "-q", str(qos), "-f", tmp_path / "large"], check=True)
    assert sub.ends(0).out == payload


# ---- how it is cut off --------------------------------------------------------------------------

@pytest.mark.parametrize("how", ["finish", "reset"])
@VERSIONS
def test_end_at_every_byte(thimble, fake, version, how):
    """After each byte of what the broker says: the connection is lost, and that is said."""
    hello, granted, messages = conversation(version)
    messages = messages[:60]
    everything = hello + granted + messages
    step = 1 if ALL else 5
    for at in range(0, len(everything), step):
        def script(peer, at=at):
            peer.hear_connect()
            peer.send(everything[:min(at, len(hello))])
            if at > len(hello):
                peer.expect(SUBSCRIBE)
                peer.send(everything[len(hello):at])
            getattr(peer, how)()
        done = thimble("sub", *fake(script).plain, "-V", NAMES[version], "-q", "2", "-t", "t",
                       "--retry", "0")
        done.ends_refused(7)


@pytest.mark.parametrize("tls, at", [
    *[("1.2", at) for at in (0, 1, 5, 6, 50, 127, 700, 1000)],
    *[("1.3", at) for at in (0, 1, 5, 6, 50, 127, 128, 133, 700, 1200, 1500, 2000)]])
def test_tls_cut_off(thimble, fake, lab, proxy, tls, at):
    """After so many bytes of the server's, in the middle of handshake or data."""
    port = proxy(lab.ports["ec_port"], at).port
    done = thimble("sub", "-h", "localhost", "-p", port, *lab.identity(), "--tls-version", tls,
                   "-t", "t", "--retry", "0")
    assert done.process.returncode == 7, done.story()


# ---- QoS 2, DUP, limits -------------------------------------------------------------------------

@VERSIONS
def test_qos_2_is_delivered_once(thimble, fake, version):
    """Repeated before its PUBREL in the same connection, and again after a redial."""
    def first(peer):
        peer.greet().grant()
        message = publish("t", b"once", 2, 9, version=version)
        again = publish("t", b"once", 2, 9, version=version, dup=1)
        peer.send(message, again)
        peer.expect(PUBREC), peer.expect(PUBREC)

    def second(peer):
        peer.greet(present=1)
        peer.send(publish("t", b"once", 2, 9, version=version, dup=1))
        peer.expect(PUBREC)
        peer.send(ack(PUBREL, 9))
        peer.expect(PUBCOMP)
        peer.send(publish("t", b"once more", 2, 9, version=version))
        peer.expect(PUBREC)
        converse(peer)
    done = thimble("sub", *fake(first, second).plain, "-V", NAMES[version], "-i", "me", "-c",
                   "-q", "2", "-t", "t", "-C", "2")
    assert done.ends(0).out == b"once\nonce more\n"


@VERSIONS
@pytest.mark.parametrize("qos", [1, 2])
def test_unacknowledged_message_is_sent_again(thimble, fake, version, qos):
    """With DUP and its identifier, on the connection after the one that broke."""
    seen = []

    def first(peer):
        peer.greet()
        seen.append(peer.expect(PUBLISH))

    def second(peer):
        peer.greet(present=1)
        seen.extend(converse(peer))
    broker = fake(first, second)
    done = thimble("pub", *broker.plain, "-V", NAMES[version], "-i", "me", "-c", "-t", "t",
                   "-m", "x", "-q", qos)
    done.ends(0)
    original, repeated = seen
    assert (original.dup, repeated.dup) == (0, 1)
    assert original.packet_id == repeated.packet_id
    assert original.payload == repeated.payload == b"x"


@VERSIONS
def test_after_pubrec_only_pubrel_is_sent_again(thimble, fake, version):
    def first(peer):
        sent = peer.greet().expect(PUBLISH)
        peer.send(ack(PUBREC, sent.packet_id))
        peer.expect(PUBREL)

    def second(peer):
        peer.greet(present=1)
        released = peer.expect(PUBREL)
        peer.send(ack(PUBCOMP, released.packet_id))
        assert converse(peer) == []
    broker = fake(first, second)
    thimble("pub", *broker.plain, "-V", NAMES[version], "-i", "me", "-c", "-t", "t", "-m", "x",
            "-q", "2").ends(0)
    assert broker.attempts == 2


@pytest.mark.parametrize("maximum", [1, 3])
@pytest.mark.parametrize("qos", [1, 2])
def test_receive_maximum(thimble, fake, maximum, qos):
    """Never more than so many are under way, and all of them go."""
    got = []

    def script(peer):
        peer.greet(raw=b"\x21" + two(maximum))
        while len(got) < 9:
            batch = [peer.expect(PUBLISH) for _ in range(min(maximum, 9 - len(got)))]
            assert peer.is_silent(0.05)
            got.extend(each.payload for each in batch)
            for each in batch:
                peer.send(ack(PUBACK if qos == 1 else PUBREC, each.packet_id))
            for each in batch if qos == 2 else []:
                released = peer.expect(PUBREL)
                peer.send(ack(PUBCOMP, released.packet_id))
        peer.expect_end()
    lines = [b"%d" % n for n in range(9)]
    thimble("pub", *fake(script).plain, "-V", "mqttv5", "-t", "t", "-l", "-q", qos,
            stdin=b"\n".join(lines)).ends(0)
    assert got == lines


@pytest.mark.parametrize("qos", [0, 1, 2])
def test_maximum_packet_size(thimble, fake, qos):
    """What the broker would not take is not sent, and said."""
    def script(peer):
        peer.greet(raw=b"\x27" + (50).to_bytes(4, "big"))
        assert peer.expect_end().reason == 0
    done = thimble("pub", *fake(script).plain, "-V", "mqttv5", "-t", "t", "-m", "x" * 60, "-q", qos)
    done.ends_refused(25, "50")


@pytest.mark.parametrize("raw, words, code", [
    (b"\x24\x00", ["-q", "1"], 50), (b"\x24\x01", ["-q", "2"], 50), (b"\x25\x00", ["-r"], 50)])
def test_what_the_broker_cannot_do(thimble, fake, raw, words, code):
    """Maximum QoS and Retain Available are honoured."""
    def script(peer):
        peer.greet(raw=raw)
        peer.expect_end()
    done = thimble("pub", *fake(script).plain, "-V", "mqttv5", "-t", "t", "-m", "x", *words)
    assert done.end() == code, done.story()


# ---- deadlines ----------------------------------------------------------------------------------

IMPATIENT = ["--timeout-ack", "0.4", "--retry", "0"]
LESS_SO = ["--timeout-ack", "4", "--retry", "0"]  # there is an answer to come before
NOT_SAID_SECONDS = 30  # each of these deadlines, unless it is said


def is_between(done, low, high=NOT_SAID_SECONDS - 5):
    took = time.monotonic() - done.began
    assert low <= took <= patient(high), f"{took:.2f} s\n{done.story()}"


def test_no_connack(thimble, fake):
    def script(peer):
        peer.expect(CONNECT)
        peer.drain()
    done = thimble("pub", *fake(script).plain, "-t", "t", "-m", "x", "--timeout-connack", "0.4")
    is_between(done.ends_refused(27, "CONNACK", "400"), 0.4)


@pytest.mark.parametrize("qos, name", [(1, "PUBACK"), (2, "PUBREC")])
def test_no_acknowledgement(thimble, fake, qos, name):
    def script(peer):
        peer.greet().expect(PUBLISH)
        peer.drain()
    done = thimble("pub", *fake(script).plain, "-t", "t", "-m", "x", "-q", qos, *IMPATIENT)
    is_between(done.ends_refused(27, name), 0.4)


def test_no_pubcomp(thimble, fake):
    def script(peer):
        peer.send(ack(PUBREC, peer.greet().expect(PUBLISH).packet_id))
        peer.expect(PUBREL)
        peer.drain()
    done = thimble("pub", *fake(script).plain, "-t", "t", "-m", "x", "-q", "2", *LESS_SO)
    done.ends_refused(27, "PUBCOMP")


def test_no_suback(thimble, fake):
    def script(peer):
        peer.greet().expect(SUBSCRIBE)
        peer.drain()
    done = thimble("sub", *fake(script).plain, "-t", "t", *IMPATIENT)
    is_between(done.ends_refused(27, "SUBACK"), 0.4)


def test_no_pingresp(thimble, fake):
    """Keep alive 5 s is the shortest; the broker asks for 1 s (MQTT 5)."""
    def script(peer):
        peer.greet(raw=b"\x13\0\1").grant()
        peer.expect(PINGREQ)
        peer.drain()
    done = thimble("sub", *fake(script).plain, "-V", "mqttv5", "-t", "t", *LESS_SO)
    is_between(done.ends_refused(27, "PINGRESP"), 1)


def test_pingresp_keeps_it_alive(thimble, fake):
    pings = []

    def script(peer):
        peer.greet(raw=b"\x13\0\1").grant()
        for _ in range(3):
            pings.append(peer.expect(PINGREQ))
            peer.send(packet(13))
        peer.send(publish("t", b"alive", version=V5))
        converse(peer)
    done = thimble("sub", *fake(script).plain, "-V", "mqttv5", "-t", "t", "-C", "1")
    assert done.ends(0).out == b"alive\n" and len(pings) == 3


def test_handshake_that_stalls(thimble, lab, proxy):
    """After the server's first bytes nothing more comes: the deadline is ours."""
    port = proxy(lab.ports["ec_port"], 300, stall=True).port
    done = thimble("pub", "-h", "localhost", "-p", port, *lab.identity(), "-t", "t", "-m", "x",
                   "--timeout-tls", "0.4")
    is_between(done.ends_refused(27, "TLS handshake", "400"), 0.4)


def test_drip_cannot_stretch_the_deadline(thimble, fake):
    """A byte now and then is no progress: CONNECT to CONNACK has one deadline. It would be
    connected in the end, after 15 seconds."""
    def script(peer):
        peer.expect(CONNECT)
        peer.drip(connack(V5, raw=b"\x1f" + text("x" * 300)), 0.05)
        peer.drain()
    done = thimble("pub", *fake(script).plain, "-V", "mqttv5", "-t", "t", "-m", "x",
                   "--timeout-connack", "0.5")
    is_between(done.ends_refused(27, "CONNACK"), 0.5)
