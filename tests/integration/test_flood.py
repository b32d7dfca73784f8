"""More messages of QoS 2 under way than anybody announced. mosquitto 2.0.11 has thousands when QoS 1 and 2 are
published to one subscriber in a flood, and keeps neither to a Receive Maximum nor to its max_inflight_messages."""
import collections
import json
import re
import subprocess

import pytest

from packets import PUBCOMP, PUBREC, PUBREL, V4, V5, ack, publish
from program import ALL, until

NAMES = {V4: "mqttv311", V5: "mqttv5"}
VERSIONS = pytest.mark.parametrize("version", [V4, V5], ids=NAMES.get)
LINES = 4000 if ALL else 1000  # of each publisher
QOS = [1, 2, 1, 2]


@pytest.mark.parametrize("version, words", [(V4, []), (V5, []), (V5, ["-D", "connect", "receive-maximum", 1])])
def test_every_second_one(thimble, fake, version, words):
    """None is released before all have come; then they are in no order."""
    ids = range(1, 6001, 2)

    def script(peer):
        peer.greet().grant()
        for packet_id in ids:
            peer.send(publish("t", b"%d" % packet_id, 2, packet_id, version=version))
            assert peer.expect(PUBREC).packet_id == packet_id
        peer.send(publish("t", b"again", 2, 2001, version=version, dup=1))
        assert peer.expect(PUBREC).packet_id == 2001
        for packet_id in [*ids[1::2], *reversed(ids[::2])]:
            peer.send(ack(PUBREL, packet_id))
            answer = peer.expect(PUBCOMP)
            assert answer.packet_id == packet_id and not answer.reason
        peer.send(publish("t", b"another", 2, 2001, version=version))
        peer.drain()
    done = thimble("sub", *fake(script).plain, "-V", NAMES[version], *words, "-t", "t", "-q", 2, "-C", len(ids) + 1)
    assert done.ends(0).out.split() == [*(b"%d" % packet_id for packet_id in ids), b"another"]


def most_under_way(log):
    """Of QoS 2, to `me`."""
    under_way, most = set(), 0
    for came, gone in re.findall(r"Sending PUBLISH to me \(d., q2, r0, m(\d+)|Received PUBCOMP from me \(Mid: (\d+)", log):
        under_way = under_way | {came} if came else under_way - {gone}
        most = max(most, len(under_way))
    return most


def theirs(broker, version):
    return subprocess.Popen(
        ["mosquitto_sub", "-p", str(broker.port), "-V", NAMES[version], "-t", "t", "-q", "2", "-c", "-i", "theirs"],
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)


@pytest.mark.deadline(300)
@VERSIONS
def test_flood_from_mosquitto(thimble, mosquitto, tmp_path, record_property, version):
    """Each message once, to who prints and to who stays; mosquitto_sub has it, too, and what it makes of it is told."""
    broker = mosquitto("allow_anonymous true", "max_queued_messages 0").start()
    handled, path = tmp_path / "handled", tmp_path / "agent.json"
    path.write_text(json.dumps({
        "host": "127.0.0.1", "port": broker.port, "no_tls": True, "id": "agent", "first_delay": 0,
        "spool": str(tmp_path / "spool"), "protocol_version": NAMES[version],
        "handlers": [{"topic": "t", "qos": 2, "append": str(handled)}]}))
    mine = thimble.start("sub", *broker.plain, "-V", NAMES[version], "-t", "t", "-q", 2, "-c", "-i", "me")
    agent, other = thimble.start("agent", "-c", path), theirs(broker, version)
    until(lambda: broker.log.text().count("\tt (QoS 2)") == 3, "all subscriptions")
    lines = [[b"%d-%d" % (number, line) for line in range(LINES)] for number in range(len(QOS))]
    for pub in [thimble.start("pub", *broker.plain, "-t", "t", "-q", qos, "-l", stdin=b"\n".join(some))
                for qos, some in zip(QOS, lines)]:
        pub.ends(0)
    wanted = collections.Counter(line for some in lines for line in some)
    until(lambda: mine.out.count(b"\n") >= wanted.total() or not mine.is_running(), "all messages", 120)
    until(lambda: handled.exists() and handled.read_bytes().count(b"\n") >= wanted.total(), "all messages", 120)
    mine.signal(15).ends(0)
    agent.signal(15).ends(0)
    other.terminate()
    printed = collections.Counter(other.communicate()[0].split())
    record_property(f"flood {NAMES[version]}", f"{wanted.total()} messages, {most_under_way(broker.log.text())} of QoS 2 "
                    f"under way; mosquitto_sub printed {printed.total()}, {(wanted - printed).total()} not")
    assert "again" not in mine.err + agent.err
    assert collections.Counter(mine.out.split()) == wanted
    assert collections.Counter(handled.read_bytes().split()) == wanted
