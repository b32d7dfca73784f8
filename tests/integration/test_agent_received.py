"""What the agent receives at QoS 2 is handed over once, whatever kills it meanwhile: which messages came
and are not released yet outlasts it (3.1.1 and 5.0 sections 4.1 and 4.3.3)."""
import collections
import contextlib
import itertools
import json
import re
import select
import signal
import socket
import subprocess

import pytest

from fake import FakeBroker
from packets import PUBACK, PUBCOMP, PUBREC, PUBREL, V4, V5, ack, publish
from program import ALL, SECONDS, until
from test_agent_delivery import failing

ROUNDS = 50 if ALL else 5
NAMES = {V4: "mqttv311", V5: "mqttv5"}


@pytest.fixture
def start(thimble, tmp_path):
    """The agent. What it receives is appended to a file, by another process."""
    def begin(port, version=V4, prefix=(), **more):
        path = tmp_path / "agent.json"
        path.write_text(json.dumps({
            "host": "127.0.0.1", "port": port, "no_tls": True, "id": "agent", "first_delay": 0,
            "backoff": "0.02s..0.1s", "spool": str(tmp_path / "spool"), "protocol_version": NAMES[version],
            "handlers": [{"topic": "in/#", "qos": 2, "append": str(tmp_path / "lines")}], **more}))
        return thimble.start("agent", "-c", path, prefix=prefix)
    return begin


@pytest.fixture
def handled(tmp_path):
    path = tmp_path / "lines"
    return lambda: path.read_text().split() if path.exists() else []


def gone(agent):
    agent.signal(signal.SIGKILL).end()


def finish(agent):
    agent.signal(signal.SIGTERM).ends(0)


def hears(peer, *kinds, packet_id=7):
    for kind in kinds:
        assert peer.expect(kind).packet_id == packet_id


def send(peer, payload, dup=0, packet_id=7, topic="in/a"):
    peer.send(publish(topic, payload, 2, packet_id, version=peer.version, dup=dup))


def release(peer):
    peer.send(ack(PUBREL, 7))
    hears(peer, PUBCOMP)


def release_and_go_on(peer):
    """The identifier is free: what comes under it now is another message, again or not."""
    release(peer)
    send(peer, b"m2", dup=1)
    peer.drain()


def sends_again(peer):
    """A broker that got no answer to the message."""
    peer.greet(present=1).grant()
    send(peer, b"m1", dup=1)
    hears(peer, PUBREC)
    release_and_go_on(peer)


# ---- killed at each step -------------------------------------------------------------------------

@pytest.mark.parametrize("version", [V4, V5])
@pytest.mark.parametrize("step", ["PUBREC", "PUBREL", "PUBCOMP"])
def test_killed_at_each_step(start, fake, handled, version, step):
    """The broker has not had PUBREC; has had it; has sent PUBREL and not had PUBCOMP."""
    agents = []

    def first(peer):
        peer.greet(present=0).grant()
        send(peer, b"m1")
        hears(peer, PUBREC)
        if step == "PUBCOMP":
            release(peer)
        until(handled, "the message")  # by a process that outlives it, for a moment
        gone(agents[0])

    def second(peer):
        peer.greet(present=1).grant()
        if step == "PUBREC":
            send(peer, b"m1", dup=1)
            hears(peer, PUBREC)
        release_and_go_on(peer)
    broker = fake(first, second)
    agents.append(start(broker.port, version))
    agents[0].end()
    last = start(broker.port, version)
    until(lambda: "m2" in handled(), "the message behind it")
    finish(last)
    assert handled() == ["m1", "m2"]


@pytest.mark.parametrize("call, times", [("pwrite64:signal=KILL:when=2", 2), ("fdatasync:signal=KILL:when=2", 1)])
def test_killed_between_handling_and_keeping(start, fake, handled, call, times):
    """Before it is in the file it comes twice, and is not lost; from then on it comes once. The first
    pwrite is that of the spool's lock."""
    def first(peer):
        peer.greet(present=0).grant()
        send(peer, b"m1")
        peer.drain()

    broker = fake(first, sends_again)
    start(broker.port, prefix=failing(call)).end()
    last = start(broker.port)
    until(lambda: "m2" in handled(), "the message behind it")
    finish(last)
    assert handled() == ["m1"] * times + ["m2"]


def test_many_in_no_order(start, fake, handled):
    """Many more than were announced; every third is released before it is killed."""
    agents, ids = [], [each * 997 % 65535 + 1 for each in range(500)]

    def first(peer):
        peer.greet(present=0).grant()
        for packet_id in ids:
            send(peer, b"m%d" % packet_id, packet_id=packet_id)
        for packet_id in ids:
            hears(peer, PUBREC, packet_id=packet_id)
        for packet_id in ids[::3]:
            peer.send(ack(PUBREL, packet_id))
            hears(peer, PUBCOMP, packet_id=packet_id)
        until(lambda: len(handled()) == len(ids), "all messages")
        gone(agents[0])

    def second(peer):
        peer.greet(present=1).grant()
        for packet_id in ids:
            send(peer, b"m%d" % packet_id, packet_id=packet_id, dup=1)
            hears(peer, PUBREC, packet_id=packet_id)
        send(peer, b"end", packet_id=65535)
        peer.drain()
    broker = fake(first, second)
    agents.append(start(broker.port, V5))
    agents[0].end()
    last = start(broker.port, V5)
    until(lambda: "end" in handled(), "the message behind them")
    finish(last)
    assert handled() == [f"m{each}" for each in [*ids, *ids[::3]]] + ["end"]


def test_ended_in_good_order_while_offline(start, fake, handled):
    """The connection is lost at once, so that nothing could be answered."""
    def first(peer):
        peer.greet(present=0).grant()
        send(peer, b"m1")
        peer.socket.shutdown(socket.SHUT_WR)
        peer.drain()

    broker = fake(first, sends_again)
    agent = start(broker.port, backoff="30s..30s")
    until(handled, "a message")
    agent.says("trying again")
    finish(agent)
    last = start(broker.port)
    until(lambda: "m2" in handled(), "the message behind it")
    finish(last)
    assert handled() == ["m1", "m2"]


def test_printed_before_it_is_kept(start, fake, tmp_path):
    """What the agent itself prints is not in its memory when the broker will not send it again."""
    def script(peer):
        peer.greet(present=0).grant()
        send(peer, b"m1", topic="out/a")
        peer.drain()
    agent = start(fake(script).port, topic=["out/#"], qos=2, prefix=failing("fdatasync:signal=KILL:when=2"))
    agent.end()
    assert agent.out == b"m1\n"


# ---- with mosquitto ------------------------------------------------------------------------------

class Withholding(FakeBroker):
    """Passes everything on to `port`, until so many packets of this kind have come: the next one is
    withheld, as is all that follows, and somebody is told."""

    def __init__(self, port, kind):
        self.target, self.kind, self.left, self.told = port, kind, 0, None
        super().__init__(self._serve)

    def _whole(self, data):
        """Of the first packet, so many bytes, or None. All we look at are short."""
        if len(data) < 2 or (data[1] & 0x80 and len(data) < 3):
            return None
        head, length = (3, data[1] & 0x7F | data[2] << 7) if data[1] & 0x80 else (2, data[1])
        return head + length if len(data) >= head + length else None

    def _pass(self, data, to):
        """What is left of `data`; None: it has been withheld."""
        while size := self._whole(data):
            self.left -= data[0] >> 4 == self.kind
            if self.left < 0:
                return None
            to.sendall(data[:size])
            data = data[size:]
        return data

    def _serve(self, peer):
        with socket.create_connection(("127.0.0.1", self.target)) as behind, contextlib.suppress(ConnectionError):
            other, rest = {peer.socket: behind, behind: peer.socket}, {peer.socket: b"", behind: b""}
            while True:
                for ready in select.select(list(other), [], [], SECONDS)[0]:
                    more = ready.recv(65536)
                    if not more:
                        return
                    rest[ready] = self._pass(rest[ready] + more, other[ready])
                    if rest[ready] is None:
                        self.told()
                        return


def sent_after_pubrel(broker):
    """Once many a PUBCOMP has not come, mosquitto 2.0.11 sends PUBLISH again, which it must not (5.0 section
    4.3.3): for us it is another message. The n-th message has the n-th identifier."""
    released, again = set(), set()
    for of_publish, of_pubrel in re.findall(
            r"Sending (?:PUBLISH to agent \(d., q2, r0, m(\d+)|PUBREL to agent \(m(\d+)\))", broker.log.text()):
        released.add(of_pubrel)
        again |= {of_publish} & released - {""}
    return {f"m{int(each) - 1}" for each in again}


@pytest.mark.deadline(600)
@pytest.mark.parametrize("version", [V4, V5])
@pytest.mark.parametrize("kind", [PUBREC, PUBREL, PUBCOMP])
def test_killed_again_and_again(start, mosquitto, handled, record_property, version, kind):
    """While messages come, and each time one of these packets is on its way and does not arrive. None is
    lost, and none comes twice but, now and then, that which was being handed over."""
    broker = mosquitto("allow_anonymous true", "max_queued_messages 0", "max_inflight_messages 20").start()
    proxy, numbers = Withholding(broker.port, kind), itertools.count()
    proxy.left = 1 << 30

    def give(count):
        lines = "".join(f"m{number}\n" for number in itertools.islice(numbers, count))
        subprocess.run(["mosquitto_pub", "-p", str(broker.port), "-q", "2", "-t", "in/a", "-l"], check=True,
                       input=lines.encode())
    first = start(proxy.port, version)
    broker.log.await_subscription("in/#")
    finish(first)
    for each in range(ROUNDS):
        agents = []
        give(50)
        proxy.left, proxy.told = each * 7 % 50, lambda: gone(until(lambda: agents, "the agent")[0])
        agents.append(start(proxy.port, version))
        agents[0].end()
    proxy.left = 1 << 30
    last = start(proxy.port, version)
    give(1)
    until(lambda: f"m{50 * ROUNDS}" in handled(), "the last")
    finish(last)
    proxy.close()
    proxy.check()
    counts = collections.Counter(handled())
    assert counts.keys() == {f"m{each}" for each in range(50 * ROUNDS + 1)}
    theirs = sent_after_pubrel(broker)
    twice = [each for each in counts for _ in range(counts[each] - 1) if each not in theirs]
    assert len(set(twice)) == len(twice) <= ROUNDS
    record_property("kills", f"{ROUNDS}, {len(counts)} messages of QoS 2, {len(twice)} handled twice, "
                    f"{len(theirs)} sent again by mosquitto after PUBREL")


# ---- what is none of it --------------------------------------------------------------------------

def comes_again(start, handled, first_port, second_port):
    """The other session's message under the same identifier is another one."""
    def one(agent):
        until(lambda: "m1" in handled(), "a message")
        agent.says("trying again")
        gone(agent)
    one(start(first_port, backoff="30s..30s"))
    last = start(second_port)
    until(lambda: "m2" in handled(), "the message")
    finish(last)
    assert handled() == ["m1", "m2"]


def unreleased(peer):
    peer.greet(present=0).grant()
    send(peer, b"m1")
    hears(peer, PUBREC)


def goes_on(present):
    def script(peer):
        peer.greet(present=present).grant()
        send(peer, b"m2", dup=1)
        hears(peer, PUBREC)
        peer.drain()
    return script


def test_the_broker_has_lost_the_session(start, fake, handled):
    broker = fake(unreleased, goes_on(present=0))
    comes_again(start, handled, broker.port, broker.port)


def test_another_broker_has_a_session(start, fake, handled):
    comes_again(start, handled, fake(unreleased).port, fake(goes_on(present=1)).port)


def test_who_receives_nothing_at_qos_2_writes_nothing(start, fake, handled, tmp_path):
    def script(peer):
        peer.greet(present=0).grant()
        peer.send(publish("in/a", b"m0"), publish("in/a", b"m1", 1, 7))
        hears(peer, PUBACK)
        peer.drain()
    agent = start(fake(script).port)
    until(lambda: handled() == ["m0", "m1"], "both")
    finish(agent)
    assert (tmp_path / "spool" / "received").stat().st_size == 0


@pytest.mark.parametrize("place", [0, 12288])
@pytest.mark.parametrize("damage", ["zeros", "a bit", "cut off"])
def test_damaged(start, fake, handled, tmp_path, place, damage):
    """Of the two places one is whole: of the newer one, lost, nothing is taken for true."""
    agents, path = [], tmp_path / "spool" / "received"

    def first(peer):
        peer.greet(present=0).grant()
        for packet_id in (7, 8):
            send(peer, b"m%d" % packet_id, packet_id=packet_id)
            hears(peer, PUBREC, packet_id=packet_id)
        until(lambda: len(handled()) == 2, "both messages")
        gone(agents[0])

    def second(peer):
        peer.greet(present=1).grant()
        for packet_id in (7, 8, 9):
            send(peer, b"m%d" % packet_id, packet_id=packet_id, dup=1)
            hears(peer, PUBREC, packet_id=packet_id)
        peer.drain()
    broker = fake(first, second)
    agents.append(start(broker.port))
    agents[0].end()
    data = bytearray(path.read_bytes())
    if damage == "zeros":
        data[place:place + 288] = bytes(288)
    elif damage == "a bit":
        data[place + 30] ^= 4
    else:
        del data[place + 100:]
    path.write_bytes(data)
    last = start(broker.port)
    until(lambda: "m9" in handled(), "the last")
    finish(last)
    kept = {(0, "cut off"): []}.get((place, damage), ["m7", "m8"] if place else ["m7"])
    assert handled() == ["m7", "m8"] + [each for each in ("m7", "m8") if each not in kept] + ["m9"]


# ---- the disk ------------------------------------------------------------------------------------

@pytest.mark.parametrize("call", ["pwrite64", "fdatasync"])
@pytest.mark.parametrize("error", ["ENOSPC", "EIO", "EROFS"] if ALL else ["EIO"])
def test_the_disk_fails_for_a_while(start, fake, handled, call, error):
    """Nothing is answered meanwhile; the connection is made again, and the message not handled again."""
    first, last = (2, 7) if call == "pwrite64" else (2, 4)

    def begin(peer):
        peer.greet(present=0).grant()
        send(peer, b"m1")
        assert peer.receive() is None

    def again(peer):
        peer.greet(present=1)
        send(peer, b"m1", dup=1)
        got = peer.receive()
        if got:
            assert (got.kind, got.packet_id) == (PUBREC, 7)
            release_and_go_on(peer)
    broker = fake(begin, again)
    agent = start(broker.port, prefix=failing(f"{call}:error={error}:when={first}..{last}"))
    until(lambda: "m2" in handled(), "the message behind it")
    finish(agent)
    assert handled() == ["m1", "m2"]
    assert broker.attempts > 2 and "cannot write to the spool" in agent.err
