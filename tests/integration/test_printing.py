"""What sub prints: through a break in the middle of a message, to a terminal, to a closed pipe."""
import base64
import json
import os
import pty
import random

import pytest

from fake import Proxy
from packets import PUBACK, PUBCOMP, PUBREC, PUBREL, V4, V5, ack, publish
from program import SECONDS

NAMES = {V4: "mqttv311", V5: "mqttv5"}
VERSIONS = pytest.mark.parametrize("version", [V4, V5], ids=NAMES.get)
PAYLOAD = random.Random(7).randbytes(40000)
HALF = 23456


def took(peer, qos, packet_id):
    """The client acknowledges it."""
    if qos == 1:
        assert peer.expect(PUBACK).packet_id == packet_id
    if qos == 2:
        assert peer.expect(PUBREC).packet_id == packet_id
        peer.send(ack(PUBREL, packet_id))
        assert peer.expect(PUBCOMP).packet_id == packet_id


def breaks_after(version, qos, packet_id=9, half=HALF):
    def script(peer):
        peer.greet().grant()
        peer.send(publish("t", PAYLOAD, qos, packet_id, version)[:half])
        peer.finish()
    return script


def breaks_again(version, qos):
    """Before what was printed has come once more."""
    def script(peer):
        peer.greet(present=1)
        peer.send(publish("t", PAYLOAD, qos, 9, version, dup=1)[:9000])
        peer.finish()
    return script


def sends_again(version, qos, packet_id=9, payload=PAYLOAD, present=1, dup=1, topic="t"):
    def script(peer):
        peer.greet(present=present)
        if not present:
            peer.grant()
        peer.send(publish(topic, payload, qos, packet_id, version, dup=dup))
        took(peer, qos, packet_id)
        peer.expect_end()
    return script


def sub(thimble, broker, version, *more):
    return thimble("sub", *broker.plain, "-V", NAMES[version], "-i", "me", "-c", "-q", "2", "-t", "#",
                   "-C", "1", "--backoff", "0.05..0.1", *more)


def in_threes(payload):
    digits = payload.hex()
    return ":".join(digits[at:at + 3] for at in range(0, len(digits), 3)).encode()


FORMATS = {
    "%p": lambda payload: payload,
    "<%.3:x>": lambda payload: b"<" + in_threes(payload) + b">",
    "%t %l %X!": lambda payload: b"t 40000 " + payload.hex().upper().encode() + b"!",
}


@VERSIONS
@pytest.mark.parametrize("qos", [1, 2])
@pytest.mark.parametrize("format", FORMATS)
def test_goes_on_where_it_ended(thimble, fake, version, qos, format):
    broker = fake(breaks_after(version, qos), breaks_again(version, qos), sends_again(version, qos))
    done = sub(thimble, broker, version, "-F", format).ends(0)
    same = done.out == FORMATS[format](PAYLOAD) + b"\n"
    assert same, done.story()
    assert "cut off" not in done.err


@pytest.mark.parametrize("more", [{"packet_id": 10}, {"payload": PAYLOAD + b"x"},
                                  {"present": 0, "dup": 0}],
                         ids=["identifier", "length", "session"])
def test_another_message_is_printed_anew(thimble, fake, more):
    broker = fake(breaks_after(V5, 1), sends_again(V5, 1, **more))
    done = sub(thimble, broker, V5).ends(0, "the message before was cut off after")
    printed, anew = done.out.split(b"\n" + PAYLOAD[:20])
    assert 0 < len(printed) < HALF
    whole = PAYLOAD.startswith(printed) and PAYLOAD[:20] + anew == more.get("payload", PAYLOAD) + b"\n"
    assert whole, done.story()


@pytest.mark.parametrize("more", [{"payload": b"x" + PAYLOAD[1:]}, {"topic": "u"}],
                         ids=["content", "topic"])
def test_what_differs_is_told(thimble, fake, more):
    broker = fake(breaks_after(V5, 1), sends_again(V5, 1, **more))
    done = sub(thimble, broker, V5).ends(7, "differs, and is left out")
    begun = PAYLOAD.startswith(done.out[:-1]) and done.out.endswith(b"\n")
    assert begun, done.story()


class Cutting(Proxy):
    """Lets so many bytes through in the first connection, and everything in those that follow."""

    def _pass_on(self, peer):
        super()._pass_on(peer)
        self.limit = 1 << 24


@VERSIONS
@pytest.mark.parametrize("qos", [1, 2])
def test_through_a_real_broker(thimble, mosquitto, tmp_path, version, qos):
    broker = mosquitto("allow_anonymous true", "set_tcp_nodelay true").start()
    who = ["-V", NAMES[version], "-i", "me", "-c", "-q", qos, "-t", "big"]
    thimble("sub", *broker.plain, *who, "-E").ends(0)
    payload = random.Random(qos).randbytes(1 << 20)
    (tmp_path / "payload").write_bytes(payload)
    thimble("pub", *broker.plain, "-t", "big", "-q", qos, "-f", tmp_path / "payload").ends(0)
    between = Cutting(broker.port, 600000)
    try:
        done = thimble("sub", *between.plain, *who, "-C", "1", "-W", SECONDS, "--backoff", "0.05..0.1")
    finally:
        between.close()
    same = done.ends(0).out == payload + b"\n"
    assert same, done.story()
    assert "connected again" in done.err and "cut off" not in done.err


def test_what_needs_it_whole_is_left_out(thimble, fake):
    def script(peer):
        peer.greet().grant()
        peer.send(publish("t", PAYLOAD), publish("t", b'{"a": 1}'))
        peer.expect_end()
    done = thimble("sub", *fake(script).plain, "-t", "t", "-C", "2", "-F", "%J")
    done.ends(25, "needs its 40000 bytes at once")
    assert json.loads(done.out)["payload"] == {"a": 1}


def says_evil(peer):
    peer.greet().grant()
    peer.send(publish("t", b"\x1b[2J\x07\xc2\x9b31m\r\xff caf\xc3\xa9\n"))
    peer.expect_end()


def test_a_message_cannot_drive_the_terminal(thimble, fake):
    leader, terminal = pty.openpty()
    thimble("sub", *fake(says_evil).plain, "-t", "t", "-C", "1", "-F", r"\e[1m%p\e[0m",
            stdout=terminal).ends(0)
    shown = os.read(leader, 4096)
    os.close(leader)
    os.close(terminal)
    assert shown == (b"\x1b[1m\\x1b[2J\\x07\\xc2\\x9b31m\\x0d\\xff caf\xc3\xa9\r\n\x1b[0m\r\n")


def test_events_cannot_drive_the_terminal_either(thimble, fake):
    def script(peer):
        peer.greet().grant()
        peer.send(publish("t\x9b31m", b"x"))
        peer.expect_end()
    leader, terminal = pty.openpty()
    thimble("sub", *fake(script).plain, "-t", "#", "-C", "1",
            f"--events=/proc/{os.getpid()}/fd/{terminal}").ends(0)
    shown = os.read(leader, 4096)
    os.close(leader)
    os.close(terminal)
    assert rb"t\xc2\x9b31m" in shown


def test_into_a_pipe_everything_goes_as_it_came(thimble, fake):
    done = thimble("sub", *fake(says_evil).plain, "-t", "t", "-C", "1").ends(0)
    assert done.out == b"\x1b[2J\x07\xc2\x9b31m\r\xff caf\xc3\xa9\n\n"


def test_a_closed_pipe_ends_quietly(thimble, fake):
    def script(peer):
        peer.greet().grant()
        for _ in range(200):
            peer.send(publish("t", PAYLOAD[:1000]))
        peer.drain()
    reader, writer = os.pipe()
    os.close(reader)
    done = thimble("sub", *fake(script).plain, "-t", "t", stdout=writer)
    os.close(writer)
    assert done.ends(141).err == ""


def payload_of(line):
    if "payload" in line:
        return line["payload"].encode()
    return base64.b64decode(line["payload_b64"])


def test_lines_of_json(thimble, fake, tmp_path):
    """Messages and events, each line an object; pieces make the message."""
    def script(peer):
        peer.greet().grant()
        peer.send(publish("t", "gr\u00fc\u00df".encode(), version=V5),
                  publish("t", PAYLOAD, version=V5))
        peer.expect_end()
    done = thimble("sub", *fake(script).plain, "-V", "5", "-t", "t", "-C", "2", "--jsonl",
                   f"--events={tmp_path}/events")
    first, *pieces = [json.loads(line) for line in done.ends(0).out.splitlines()]
    assert first["payload"] == "gr\u00fc\u00df" and first["topic"] == "t" and first["len"] == 6
    same = b"".join(map(payload_of, pieces)) == PAYLOAD
    assert same
    assert [piece["off"] for piece in pieces][0] == 0 and pieces[0]["total"] == len(PAYLOAD)
    events = [json.loads(line) for line in (tmp_path / "events").read_text().splitlines()]
    names = [event["event"] for event in events]
    assert names[:3] == ["connected", "subscribed", "data"] and names[-1] == "disconnected"
    assert sum(event["len"] for event in events if event["event"] == "data") == 6 + len(PAYLOAD)
