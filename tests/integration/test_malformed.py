"""A broker that breaks the rules: each breach ends the connection with the protocol's exit code, at
once, without a crash, a second attempt, or a printed byte."""
import pytest

from packets import (AUTH, CONNACK, CONNECT, DISCONNECT, PINGREQ, PINGRESP, PUBACK, PUBCOMP,
                     PUBLISH, PUBREC, PUBREL, SUBACK, SUBSCRIBE, UNSUBACK, UNSUBSCRIBE, V4, V5, ack,
                     connack, number, packet, properties, publish, suback, text, two, unsuback)
from program import SECONDS, told_bytes

BOTH = (V4, V5)
NAMES = {V4: "mqttv311", V5: "mqttv5"}

REMAINING_5_BYTES = b"\xff\xff\xff\xff\x7f"
NOT_MINIMAL = b"\x82\x80\x00"
LARGEST = b"\xff\xff\xff\x7f"


def raw_publish(topic, flags=0, rest=b"", version=V4):
    """With a topic as it is, its length included."""
    return packet(PUBLISH, topic + rest + properties(version), flags)


# ---- instead of CONNACK: name, versions, bytes --------------------------------------------------

INSTEAD_OF_CONNACK = [
    ("connack too short", BOTH, packet(CONNACK, b"\0")),
    ("connack empty", BOTH, packet(CONNACK)),
    ("connack too long", [V4], packet(CONNACK, b"\0\0\0")),
    ("connack reserved flags of header", BOTH, packet(CONNACK, b"\0\0\0", flags=1)),
    ("connack reserved acknowledge flags", BOTH, b"\x20\x03\x02\0\0"),
    ("connack code 6", [V4], packet(CONNACK, b"\0\x06")),
    ("connack code 255", [V4], packet(CONNACK, b"\0\xff")),
    ("connack unknown reason", [V5], connack(V5, 0x42)),
    ("connack reason of another packet", [V5], connack(V5, 0x91)),
    ("connack present with refusal", BOTH, None),
    ("connack present after clean start", BOTH, None),
    ("connack without properties", [V5], packet(CONNACK, b"\0\0")),
    ("connack properties beyond the packet", [V5], packet(CONNACK, b"\0\0\x05\x21")),
    ("connack property length of 5 bytes", [V5], packet(CONNACK, b"\0\0" + REMAINING_5_BYTES)),
    ("connack unknown property", [V5], connack(V5, raw=b"\x7e\x01")),
    ("connack property of another packet", [V5], connack(V5, raw=b"\x02\0\0\0\1")),
    ("connack property twice", [V5], connack(V5, raw=b"\x21\0\1\x21\0\1")),
    ("connack receive maximum 0", [V5], connack(V5, raw=b"\x21\0\0")),
    ("connack maximum packet size 0", [V5], connack(V5, raw=b"\x27\0\0\0\0")),
    ("connack maximum qos 2", [V5], connack(V5, raw=b"\x24\x02")),
    ("connack flag property 2", [V5], connack(V5, raw=b"\x25\x02")),
    ("connack string not utf-8", [V5], connack(V5, raw=b"\x1f" + text(b"\xc0\x80"))),
    ("connack string cut off", [V5], connack(V5, raw=b"\x1f\0\x20abc")),
    ("publish first", BOTH, publish("t", b"early")),
    ("suback first", BOTH, suback(1)),
    ("pingresp first", BOTH, packet(PINGRESP)),
    ("puback first", BOTH, ack(PUBACK, 1)),
    ("disconnect first", [V4], packet(DISCONNECT)),
    ("connect from the broker", BOTH, packet(CONNECT, text("MQTT") + b"\x04\x02\0\0\0\0")),
    ("type 0", BOTH, b"\0\0"),
    ("garbage", BOTH, bytes(range(1, 200))),
    ("http", BOTH, b"HTTP/1.1 400 Bad Request\r\n\r\n"),
    ("tls alert", BOTH, b"\x15\x03\x03\x00\x02\x02\x28"),
    ("remaining length of 5 bytes", BOTH, b"\x20" + REMAINING_5_BYTES),
    ("remaining length not minimal", BOTH, b"\x20" + NOT_MINIMAL + b"\0\0"),
]

NOT_AUTHORIZED = {V4: 5, V5: 0x87}
PRESENT = {
    "connack present with refusal": lambda version: connack(version, NOT_AUTHORIZED[version], 1),
    "connack present after clean start": lambda version: connack(version, present=1)}

# ---- once it is up, to a subscriber -------------------------------------------------------------

TO_A_SUBSCRIBER = [
    ("second connack", BOTH, connack()),
    ("connect", BOTH, packet(CONNECT, text("MQTT") + b"\x04\x02\0\0\0\0")),
    ("subscribe", BOTH, packet(SUBSCRIBE, two(1) + text("t") + b"\0", 2)),
    ("unsubscribe", BOTH, packet(UNSUBSCRIBE, two(1) + text("t"), 2)),
    ("pingreq", BOTH, packet(PINGREQ)),
    ("auth", [V4], packet(AUTH)),
    ("auth without a method", [V5], packet(AUTH, b"\x18\0")),
    ("disconnect", [V4], packet(DISCONNECT)),
    ("type 0", BOTH, b"\0\0"),
    ("remaining length of 5 bytes", BOTH, b"\x30" + REMAINING_5_BYTES),
    ("remaining length not minimal", BOTH, b"\x30" + b"\x84\x00" + text("t") + b"x"),
    ("publish empty", BOTH, packet(PUBLISH)),
    ("publish one byte", BOTH, packet(PUBLISH, b"\0")),
    ("publish qos 3", BOTH, raw_publish(text("t"), 6, two(1))),
    ("publish dup at qos 0", BOTH, raw_publish(text("t"), 8)),
    ("publish packet id 0", BOTH, None),
    ("publish without packet id", BOTH, packet(PUBLISH, text("t"), 2)),
    ("publish empty topic", BOTH, None),
    ("publish topic beyond the packet", BOTH, packet(PUBLISH, two(9) + b"short")),
    ("publish topic of 65535 bytes, not sent", BOTH, packet(PUBLISH, b"\xff\xff" + b"x" * 20)),
    ("publish topic with nul", BOTH, None),
    ("publish topic with surrogate", BOTH, None),
    ("publish topic overlong utf-8", BOTH, None),
    ("publish topic beyond unicode", BOTH, None),
    ("publish topic cut off in a character", BOTH, None),
    ("publish topic with wildcard +", BOTH, None),
    ("publish topic with wildcard #", BOTH, None),
    ("publish properties beyond the packet", [V5], packet(PUBLISH, text("t") + b"\x20\x01")),
    ("publish properties missing", [V5], packet(PUBLISH, text("t"))),
    ("publish property twice", [V5], publish("t", version=V5, raw=b"\x01\x01\x01\x01")),
    ("publish unknown property", [V5], publish("t", version=V5, raw=b"\x04\x00")),
    ("publish property of connack", [V5], publish("t", version=V5, raw=b"\x21\0\1")),
    ("publish topic alias 0", [V5], publish("t", version=V5, raw=b"\x23\0\0")),
    ("publish topic alias beyond the maximum", [V5], publish("t", version=V5, raw=b"\x23\0\1")),
    ("publish subscription identifier 0", [V5], publish("t", version=V5, raw=b"\x0b\0")),
    ("puback reserved flags", BOTH, ack(PUBACK, 1, flags=2)),
    ("puback packet id 0", BOTH, ack(PUBACK, 0)),
    ("puback too short", BOTH, packet(PUBACK, b"\0")),
    ("puback too long", [V4], packet(PUBACK, b"\0\1\0")),
    ("puback unknown reason", [V5], ack(PUBACK, 1, 0x42)),
    ("puback reason of pubrel", [V5], ack(PUBACK, 1, 0x92)),
    ("puback bytes behind", [V5], packet(PUBACK, two(1) + b"\0\0\0")),
    ("pubrec reserved flags", BOTH, ack(PUBREC, 1, flags=1)),
    ("pubrec too long", [V4], packet(PUBREC, b"\0\1\0")),
    ("pubrel without its flags", BOTH, ack(PUBREL, 1, flags=0)),
    ("pubrel packet id 0", BOTH, ack(PUBREL, 0)),
    ("pubcomp reserved flags", BOTH, ack(PUBCOMP, 1, flags=8)),
    ("pubcomp too short", BOTH, packet(PUBCOMP, b"\1")),
    ("suback reserved flags", BOTH, packet(SUBACK, two(9) + b"\0\0", 1)),
    ("suback packet id 0", BOTH, suback(0)),
    ("unsuback too long", [V4], packet(UNSUBACK, b"\0\1\0")),
    ("unsuback without codes", [V5], unsuback(9, b"", V5)),
    ("unsuback packet id 0", BOTH, None),
    ("pingresp reserved flags", BOTH, packet(PINGRESP, flags=1)),
    ("pingresp with a body", BOTH, packet(PINGRESP, b"\0")),
    ("disconnect reserved flags", [V5], packet(DISCONNECT, b"\0", 1)),
    ("disconnect reason of a client", [V5], packet(DISCONNECT, b"\x04")),
    ("disconnect session expiry", [V5], packet(DISCONNECT, b"\0\x05\x11\0\0\0\1")),
]

TOPICS = {"publish empty topic": b"", "publish topic with nul": b"a\0b",
          "publish topic with surrogate": b"a\xed\xa0\x80",
          "publish topic overlong utf-8": b"\xc1\x81",
          "publish topic beyond unicode": b"\xf4\x90\x80\x80",
          "publish topic cut off in a character": b"a\xe2\x82",
          "publish topic with wildcard +": b"a/+/b", "publish topic with wildcard #": b"a/#"}


def of_version(name, version):
    """Packets that differ between the versions."""
    if name in TOPICS:
        return publish(TOPICS[name], b"x", version=version)
    if name == "publish packet id 0":
        return publish("t", b"x", qos=1, packet_id=0, version=version)
    if name == "unsuback packet id 0":
        return unsuback(0, version=version)
    return PRESENT[name](version)


# ---- in answer to SUBSCRIBE, and to PUBLISH at QoS 1 and 2 --------------------------------------

TO_SUBSCRIBE = [
    ("suback without codes", BOTH, lambda v, i: suback(i, b"", v)),
    ("suback too few codes", BOTH, lambda v, i: suback(i, b"\0", v)),
    ("suback too many codes", BOTH, lambda v, i: suback(i, b"\0\0\0", v)),
    ("suback illegal code", BOTH, lambda v, i: suback(i, b"\0\x03", v)),
    ("suback code of version 5", [V4], lambda v, i: suback(i, b"\0\x87", v)),
    ("suback too short", BOTH, lambda v, i: packet(SUBACK, two(i))),
    ("suback property of another packet", [V5], lambda v, i: suback(i, b"\0\0", v, b"\x21\0\1")),
    ("unsuback for subscribe", BOTH, lambda v, i: unsuback(i, b"\0\0", v)),
    ("puback for subscribe", BOTH, lambda v, i: ack(PUBACK, i)),
]

TO_PUBLISH = [
    (1, "pubrec for qos 1", BOTH, lambda v, i: ack(PUBREC, i)),
    (1, "pubcomp for qos 1", BOTH, lambda v, i: ack(PUBCOMP, i)),
    (1, "suback for qos 1", BOTH, lambda v, i: suback(i, version=v)),
    (2, "puback for qos 2", BOTH, lambda v, i: ack(PUBACK, i)),
    (2, "pubcomp before pubrec", BOTH, lambda v, i: ack(PUBCOMP, i)),
    (2, "unsuback for qos 2", BOTH, lambda v, i: unsuback(i, version=v)),
]


def cases(table):
    """(version, ..., bytes) with a readable name."""
    return [pytest.param(version, *more, of_version(name, version) if what is None else what,
                         id=f"{NAMES[version]}-{name}".replace(" ", "_"))
            for *more, name, versions, what in table for version in versions]


def expect_an_end_that_says_so(peer):
    """MQTT 5 has words for it; 3.1.1 only closes, so that a will is published."""
    got = peer.receive()
    while got and got.kind in (PUBREC, PUBACK):
        got = peer.receive()
    if peer.version == V5:
        assert got and got.kind == DISCONNECT and got.reason >= 0x80, got
        got = peer.receive()
    assert got is None, got


def assert_ended(thimble, broker, *words):
    done = thimble(*words, *broker.plain, report=True)
    done.ends_refused(2)
    assert done.report["allocations"]["refused_allocations"] == 0
    assert broker.attempts == 1
    return done


@pytest.mark.parametrize("version, data", cases(INSTEAD_OF_CONNACK))
def test_instead_of_connack(thimble, fake, version, data):
    def script(peer):
        peer.expect(CONNECT)
        peer.send(data)
        peer.drain()
    done = assert_ended(thimble, fake(script), "sub", "-V", NAMES[version], "-t", "t",
                        "--timeout", SECONDS)
    assert done.out == b""


@pytest.mark.parametrize("version, data", cases(TO_A_SUBSCRIBER))
def test_to_a_subscriber(thimble, fake, version, data):
    def script(peer):
        peer.greet().grant()
        peer.send(data)
        expect_an_end_that_says_so(peer)
    done = assert_ended(thimble, fake(script), "sub", "-V", NAMES[version], "-t", "t", "-q", "2",
                        "--timeout", SECONDS)
    assert done.out.strip() == b""


@pytest.mark.parametrize("version, make", cases(TO_SUBSCRIBE))
def test_in_answer_to_subscribe(thimble, fake, version, make):
    def script(peer):
        wanted = peer.greet().expect(SUBSCRIBE)
        peer.send(make(version, wanted.packet_id))
        expect_an_end_that_says_so(peer)
    assert_ended(thimble, fake(script), "sub", "-V", NAMES[version], "-t", "a", "-t", "b")


@pytest.mark.parametrize("version, qos, make", cases(TO_PUBLISH))
def test_in_answer_to_publish(thimble, fake, version, qos, make):
    def script(peer):
        sent = peer.greet().expect(PUBLISH)
        peer.send(make(version, sent.packet_id))
        expect_an_end_that_says_so(peer)
    assert_ended(thimble, fake(script), "pub", "-V", NAMES[version], "-t", "t", "-m", "x",
                 "-q", qos)


# ---- too large ----------------------------------------------------------------------------------

@pytest.mark.parametrize("length", [5000, 65536, 268435455])
@pytest.mark.parametrize("kind", [CONNACK, SUBACK])
def test_packet_larger_than_the_window(thimble, fake, kind, length):
    """Refused by its length alone, before it comes; the pool, the phase and the need are named."""
    def script(peer):
        if kind == CONNACK:
            peer.expect(CONNECT)
        else:
            peer.greet().expect(SUBSCRIBE)
        peer.send(bytes([kind << 4]) + number(length))
        peer.drain()
    done = thimble("sub", *fake(script).plain, "-V", "mqttv5", "-t", "t")
    need = 1 + len(number(length)) + length
    done.ends_refused(84, "window", str(told_bytes("window_bytes")),
                      "greeting" if kind == CONNACK else "up", str(need))


# ---- strange, but allowed -----------------------------------------------------------------------

ALLOWED = [
    ("pingresp unasked", BOTH, packet(PINGRESP)),
    ("puback for nothing", BOTH, ack(PUBACK, 77)),
    ("pubrec for nothing", BOTH, ack(PUBREC, 77)),
    ("pubcomp for nothing", BOTH, ack(PUBCOMP, 77)),
    ("pubrel for nothing", BOTH, ack(PUBREL, 77)),
    ("publish nobody subscribed to", BOTH, None),
    ("publish empty payload", BOTH, None),
    ("publish with every property", [V5], None),
    # What one client may make a broker forward must not end the connection of another.
    ("publish payload format 2", [V5], publish("other", b"odd", version=V5, raw=b"\x01\x02")),
    ("publish response topic with wildcard", [V5],
     publish("other", b"odd", version=V5, raw=b"\x08" + text("a/#"))),
]


def allowed(name, version):
    if name == "publish with every property":
        raw = (b"\x01\x01" + b"\x02\0\0\0\x09" + b"\x08" + text("r") + b"\x09" + text("c") +
               b"\x0b\x05" + b"\x0b\x06" + b"\x03" + text("t/p") +
               b"\x26" + text("k") + text("v") + b"\x26" + text("k") + text("v"))
        return publish("other", b"odd", version=version, raw=raw)
    return publish("other", b"odd" if "nobody" in name else b"", version=version)


@pytest.mark.parametrize("version, name, data", [
    pytest.param(version, name, data, id=f"{NAMES[version]}-{name}".replace(" ", "_"))
    for name, versions, data in ALLOWED for version in versions])
def test_allowed(thimble, fake, version, name, data):
    def script(peer):
        peer.greet().grant()
        peer.send(data or allowed(name, version), publish("t", b"after", version=version))
        while (got := peer.receive()) and got.kind != DISCONNECT:
            assert got.kind in (PUBREL, PUBCOMP), got
    until = 2 if name.startswith("publish") else 1
    done = thimble("sub", *fake(script).plain, "-V", NAMES[version], "-t", "t", "-C", until)
    assert done.ends(0).out.endswith(b"after\n")
