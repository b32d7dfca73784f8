"""The agent's queue on disk: nothing that was accepted is lost, and nothing at QoS 2 arrives twice,
whatever happens to the process, the connection, the broker and the disk.

What lies in the queue is written here, as docs/spool.md says."""
import collections
import contextlib
import json
import random
import re
import signal
import socket
import subprocess
import threading
import time

import pytest

from fake import Proxy
from packets import PUBACK, PUBCOMP, PUBLISH, PUBREC, PUBREL, ack
from program import ALL, SECONDS, THIMBLE, until
from test_spool import message, state, write

KILLS = 1000 if ALL else 20
OWN = 0x8000  # packet identifiers of the agent's

# mosquitto 2.0.11 lets a message overtake those that wait until a subscriber may have more.
KEEPS_ORDER = ("allow_anonymous true", "max_queued_messages 0", "max_inflight_messages 0")


class Queue:
    """A spool, and what was put into it: payload -> QoS."""

    def __init__(self, path, seed=1):
        path.mkdir(mode=0o700)
        self.path, self.put = path, {}
        self.random = random.Random(seed)

    def fill(self, *levels):
        """Behind what there is, as another segment. Nobody else may have it open."""
        last = max(self.path.glob("0*.seg"), default=None)
        first = len(self.put) + 1
        records = []
        for seq, qos in enumerate(levels, first):
            self.put[b"m%d" % seq] = qos
            records.append(message(seq, b"q/%d" % qos, b"m%d" % seq, qos=qos, when=int(time.time())))
        write(self.path, int(last.stem, 16) + 1 if last else 1, state(first), *records,
              end_before=last.stat().st_size if last else 0)
        return self

    def fill_any(self, count):
        return self.fill(*(self.random.choice([1, 2, 2]) for _ in range(count)))


@pytest.fixture
def queue(tmp_path):
    return Queue(tmp_path / "spool")


@pytest.fixture
def start(thimble, tmp_path, queue):
    """Starts the agent. `gone` ends it as a power cut does."""
    def begin(port, *words, version="mqttv311", prefix=(), **more):
        path = tmp_path / "agent.json"
        path.write_text(json.dumps({"host": "127.0.0.1", "port": port, "no_tls": True, "id": "agent",
                                    "backoff": "0.02s..0.1s", "spool": str(queue.path),
                                    "protocol_version": version, **more}))
        return thimble.start("agent", "-c", path, *words, prefix=prefix)
    return begin


class Ledger:
    """What a subscriber of the broker's got."""

    def __init__(self, broker, path):
        self.out = path.open("wb+")
        self.path, self.port = path, broker.port
        self.process = subprocess.Popen(
            ["mosquitto_sub", "-p", str(broker.port), "-q", "2", "-t", "q/#", "-F", "%q %p", "-i", "ledger",
             "-c"], stdout=self.out)
        broker.log.await_subscription("q/#")

    def count(self):
        return self.path.read_bytes().count(b"\n")

    def lines(self):
        return [line.split() for line in self.path.read_bytes().splitlines() if b" m" in line]

    def settle(self):
        """What the broker has had until now is here."""
        subprocess.run(["mosquitto_pub", "-p", str(self.port), "-q", "2", "-t", "q/end", "-m", "end"], check=True)
        until(lambda: b"2 end" in self.path.read_bytes(), "the end")

    def close(self):
        self.process.terminate()
        self.process.wait()
        self.out.close()

    def missing(self, queue):
        return queue.put.keys() - {payload for _, payload in self.lines()}

    def check(self, queue, in_order=True):
        """Nothing is lost, nothing is invented, nothing at QoS 2 came twice, or later than what was
        accepted behind it."""
        counts = collections.Counter(payload for _, payload in self.lines())
        assert not queue.put.keys() - counts.keys() and not counts.keys() - queue.put.keys()
        assert not [each for each, count in counts.items() if count > 1 and queue.put[each] == 2]
        exact = [int(payload[1:]) for _, payload in self.lines() if queue.put[payload] == 2]
        accepted = [int(payload[1:]) for payload, qos in queue.put.items() if qos == 2]
        assert exact == accepted or not in_order


class Producer(threading.Thread):
    """Leaves messages at the agent's socket, and those without an answer again, with the same id. They
    are in `put` once they are accepted."""

    WINDOW = 20

    def __init__(self, queue, path, may_go_on=lambda given: True, patient=False):
        super().__init__(daemon=True)
        self.patient, self.refused = patient, 0  # with refusals
        self.queue, self.path, self.levels = queue, str(path), random.Random(2)
        self.unanswered, self.given, self.again = collections.deque(), 0, 0
        self.later = []  # refused for now
        self.may_go_on = may_go_on
        self.ending, self.failure = False, None
        self.start()

    def run(self):
        while not self.failure and (self.unanswered or self.later or not self.ending):
            with contextlib.suppress(ConnectionError, FileNotFoundError), socket.socket(socket.AF_UNIX) as door:
                door.settimeout(SECONDS)
                door.connect(self.path)
                self.talk(door, door.makefile("rb"))
            time.sleep(0.002)

    def talk(self, door, answers):
        self.again += len(self.unanswered)
        for line in self.unanswered:
            door.sendall(line)
        while self.unanswered or self.later or not self.ending:
            while len(self.unanswered) < self.WINDOW and not self.ending and self.may_go_on(self.given):
                self.unanswered.append(self.next_line())
                door.sendall(self.unanswered[-1])
            if not self.unanswered:
                time.sleep(0.002)
                self.give_later(door)
            elif not self.hear(answers.readline()):
                return

    def give_later(self, door):
        self.unanswered, self.later = collections.deque(self.later), []
        for line in self.unanswered:
            door.sendall(line)

    def next_line(self):
        self.given += 1
        name, qos = f"m{self.given}", self.levels.choice([1, 2, 2])
        return json.dumps({"topic": f"q/{qos}", "payload": name, "qos": qos, "id": name}).encode() + b"\n"

    def hear(self, answer):
        """False: it is gone. It may have been about to say more."""
        if not answer.endswith(b"\n"):
            return False
        if not {"accepted", "known"} & json.loads(answer).keys():
            self.refused += 1
            self.failure = None if self.patient and json.loads(answer)["retry"] else answer
            self.later.append(self.unanswered.popleft())
            return not self.failure
        line = json.loads(self.unanswered.popleft())
        self.queue.put[line["payload"].encode()] = line["qos"]
        return True

    def finish(self):
        """All that was given is accepted."""
        self.ending = True
        self.join(SECONDS)
        assert not self.failure and not self.is_alive() and len(self.queue.put) == self.given


@pytest.fixture
def ledger(tmp_path):
    made = []

    def keep(broker):
        made.append(Ledger(broker, tmp_path / "ledger"))
        return made[-1]
    yield keep
    for each in made:
        each.close()


def is_empty(thimble, queue):
    stat = json.loads(thimble("spool", "stat", queue.path, "--json").out)  # what is damaged has a status
    return stat["messages"] == 0


@pytest.fixture
def drained(thimble, queue):
    return lambda: until(lambda: is_empty(thimble, queue), "an empty spool")


# ---- the process ---------------------------------------------------------------------------------

@pytest.mark.deadline(900)
def test_killed_again_and_again(start, mosquitto, ledger, queue, drained, tmp_path, record_property):
    """kill -9, at any moment: every other time while it takes messages in and publishes them."""
    broker = mosquitto(*KEEPS_ORDER).start()
    book = ledger(broker)
    producer = Producer(queue, tmp_path / "in", lambda given: given - book.count() < 200)
    killed_under_way = 0
    for _ in range(KILLS):
        before = book.count()
        agent = start(broker.port, inbox=str(tmp_path / "in"))
        killed_at = time.monotonic() + queue.random.choice([queue.random.uniform(0.005, 0.15), SECONDS])
        while time.monotonic() < killed_at and book.count() == before:
            time.sleep(0.001)
        time.sleep(queue.random.uniform(0, 0.01))
        agent.signal(signal.SIGKILL).end()
        killed_under_way += book.count() > before
    agent = start(broker.port, inbox=str(tmp_path / "in"))
    producer.finish()
    drained()
    until(lambda: not book.missing(queue), "all messages")
    agent.signal(signal.SIGTERM).ends(0)
    book.check(queue)
    assert killed_under_way > KILLS / 10 and producer.again > KILLS / 10
    record_property("kills", f"{KILLS}, {killed_under_way} while messages arrived; {len(queue.put)} "
                    f"messages, {producer.again} given again, {book.count() - len(queue.put)} of QoS 1 "
                    "arrived twice, none of QoS 2")


def gone(agent):
    agent.signal(signal.SIGKILL).end()


def test_it_goes_on_where_it_was(start, fake, queue, drained):
    """A message of QoS 2, and the process gone after each of its packets: the next goes on."""
    queue.fill(2)
    agents = []

    def publish(peer, dup):
        sent = peer.expect(PUBLISH)
        assert (sent.dup, sent.packet_id, sent.payload) == (dup, OWN + 1, b"m1")

    def first(peer):
        publish(peer.greet(present=0), dup=False)
        gone(agents[0])

    def second(peer):
        publish(peer.greet(present=1), dup=True)
        peer.send(ack(PUBREC, OWN + 1))
        assert peer.expect(PUBREL).packet_id == OWN + 1
        gone(agents[1])

    def third(peer):
        assert peer.greet(present=1).expect(PUBREL).packet_id == OWN + 1
        peer.send(ack(PUBCOMP, OWN + 1))
        peer.drain()
    broker = fake(first, second, third)
    for _ in range(2):
        agents.append(start(broker.port))
        agents[-1].end()
    last = start(broker.port)
    drained()
    last.signal(signal.SIGTERM).ends(0)


def test_the_broker_has_lost_the_session(start, fake, queue, drained):
    """What was only sent is sent anew; what the broker had is told, and not sent again."""
    queue.fill(2, 2, 1)
    agents = []

    def first(peer):
        peer.greet(present=0)
        ids = [peer.expect(PUBLISH).packet_id for _ in range(3)]
        assert ids == [OWN + 1, OWN + 2, OWN + 3]
        peer.send(ack(PUBREC, OWN + 1))
        assert peer.expect(PUBREL).packet_id == OWN + 1
        gone(agents[0])

    def second(peer):
        peer.greet(present=0)
        for packet_id, kind in ((OWN + 2, PUBREC), (OWN + 3, PUBACK)):
            sent = peer.expect(PUBLISH)
            assert (sent.dup, sent.packet_id) == (False, packet_id)
            peer.send(ack(kind, packet_id))
        assert peer.expect(PUBREL).packet_id == OWN + 2
        peer.send(ack(PUBCOMP, OWN + 2))
        peer.drain()
    broker = fake(first, second)
    agents.append(start(broker.port))
    agents[0].end()
    last = start(broker.port)
    drained()
    assert "the broker has lost the session" in last.err
    last.signal(signal.SIGTERM).ends(0)


# ---- the connection ------------------------------------------------------------------------------

@pytest.mark.parametrize("version", ["mqttv311", "mqttv5"])
def test_the_connection_breaks_at_any_byte(start, mosquitto, ledger, queue, drained, version):
    broker = mosquitto(*KEEPS_ORDER).start()
    book = ledger(broker)
    queue.fill_any(300)
    proxy = Proxy(broker.port, 4)
    agent = start(proxy.port, version=version, backoff="0.01s..0.02s")
    while not is_broken_off(proxy, book, queue):
        proxy.limit = queue.random.randint(4, 120)
        time.sleep(0.01)
    proxy.limit = 1 << 30
    drained()
    until(lambda: not book.missing(queue), "all messages")
    agent.signal(signal.SIGTERM).ends(0)
    proxy.close()
    book.check(queue)
    assert proxy.attempts > 10


def is_broken_off(proxy, book, queue):
    return proxy.attempts > 40 or not book.missing(queue)


@pytest.fixture
def refused(queue):
    """Puts `first` messages in the queue and one behind them that no mosquitto here takes; its number."""
    def fill(first, qos=1):
        queue.fill(*[1, 2] * (first // 2))
        large = message(first + 1, b"large", bytes(200000), qos=qos, when=int(time.time()))
        last = max(queue.path.glob("0*.seg"), default=None)
        write(queue.path, 2 if last else 1, state(first + 1), large, end_before=last.stat().st_size if last else 0)
        return first + 1
    return fill


SUSPICION = "may be refused: 3 connections ended over it"


@pytest.mark.parametrize("first", [0, 6])
def test_a_message_that_the_broker_hangs_up_on(thimble, start, mosquitto, queue, refused, tmp_path, first):
    """It is told once, with what to do, and an alarm; nothing is dropped, and what stands before it arrives."""
    broker = mosquitto("allow_anonymous true", "max_packet_size 3000").start()
    number = refused(first)
    agent = start(broker.port, status_socket=str(tmp_path / "st"))
    agent.says(f"message {number} to large {SUSPICION}").says(str(queue.path))
    seen = broker.log.text().count("oversize packet")
    until(lambda: broker.log.text().count("oversize packet") > seen + 5, "other attempts")
    assert status(thimble, tmp_path / "st")["alarms"]["spool"]
    agent.signal(signal.SIGTERM).end()
    assert agent.err.count(SUSPICION) == 1
    assert thimble("spool", "cat", queue.path, number).ends(0).out == bytes(200000)
    assert thimble("spool", "drop", queue.path, number).ends(0).out == b"1 messages dropped\n"
    assert is_empty(thimble, queue)


@pytest.mark.parametrize("qos", [0, 1, 2])
def test_a_message_is_given_up_after_so_many_connections(thimble, start, mosquitto, ledger, queue, refused, drained,
                                                         qos):
    """Where that is wanted: it is told, and what stands behind it arrives."""
    broker = mosquitto(*KEEPS_ORDER, "max_packet_size 3000").start()
    book = ledger(broker)
    number = refused(6, qos)
    queue.put[b""] = qos
    queue.fill(2, 1)
    del queue.put[b""]
    agent = start(broker.port, "--spool-attempts", "5")
    drained()
    agent.signal(signal.SIGTERM).ends(0)
    assert f"message {number} to large {SUSPICION}" in agent.err
    assert agent.err.count("is given up") == 1
    assert f"message {number} to large is given up: connections ended over it" in agent.err
    assert broker.log.text().count("oversize packet") in (5, 6)  # over the first one others may have been lost, too
    book.settle()
    book.check(queue)


@pytest.mark.parametrize("version", ["mqttv311", "mqttv5"])
def test_connections_that_end_before_anything_is_acknowledged(thimble, start, mosquitto, ledger, queue, drained, version,
                                                              tmp_path):
    """The suspicion is wrong, and costs nothing: it ends with the first acknowledgement."""
    broker = mosquitto(*KEEPS_ORDER).start()
    book = ledger(broker)
    queue.fill(*[1, 2] * 10)
    proxy = Proxy(broker.port, {"mqttv311": 4, "mqttv5": 11}[version])  # CONNACK
    agent = start(proxy.port, version=version, status_socket=str(tmp_path / "st"))
    until(lambda: proxy.attempts > 5, "connections")
    agent.says(f"message 1 to q/1 {SUSPICION}")
    proxy.limit = 1 << 30
    drained()
    until(lambda: not book.missing(queue), "all messages")
    assert not status(thimble, tmp_path / "st")["alarms"]["spool"]
    agent.signal(signal.SIGTERM).ends(0)
    proxy.close()
    book.check(queue)
    assert agent.err.count(SUSPICION) == 1


def test_the_broker_is_started_again(start, mosquitto, queue, drained, tmp_path):
    """And has kept the session. What comes to it counts: mosquitto 2.0.11 itself passes on twice what it
    kept for a subscriber that was away."""
    broker = mosquitto("allow_anonymous true", "persistence true", f"persistence_location {tmp_path}/").start()
    producer = Producer(queue, tmp_path / "in")
    agent = start(broker.port, inbox=str(tmp_path / "in"))
    for _ in range(3):
        before = len(finished(broker))
        until(lambda: len(finished(broker)) > before + 50, "progress")
        broker.stop()
        broker.start()
    producer.finish()
    drained()
    agent.signal(signal.SIGTERM).ends(0)
    assert finished(broker) == {str(OWN + seq) for seq in range(1, len(queue.put) + 1)}
    released = set()
    for kind, of_publish, of_pubrel in re.findall(
            r"Received (PUBLISH|PUBREL) from agent \((?:d., q2, r0, m(\d+)|Mid: (\d+))", broker.log.text()):
        assert kind == "PUBREL" or of_publish not in released
        released.add(of_pubrel)
    assert "(d1, q2" in broker.log.text()


def finished(broker):
    return set(re.findall(r"Sending PUB(?:ACK|COMP) to agent \(m(\d+)", broker.log.text()))


# ---- the disk ------------------------------------------------------------------------------------

def failing(*rules):
    """System calls that fail; strace lets go of it when it ends."""
    injected = [word for rule in rules for word in ("-e", f"inject={rule}")]
    calls = ",".join(rule.split(":")[0] for rule in rules)
    return ("strace", "-D", "-qq", "-o", "/dev/null", "-e", f"trace={calls}", *injected)


def status(thimble, socket_path):
    return json.loads(thimble("status", "--json", socket_path).out)["agent"]


@pytest.mark.parametrize("error", ["ENOSPC", "EIO", "EROFS"])
def test_the_disk_fails_for_a_while(thimble, start, mosquitto, ledger, queue, drained, tmp_path, error):
    """It is told once, and is an alarm. QoS 1 goes on meanwhile, QoS 2 when the disk is well again; whom
    the agent cannot accept a message from may come again."""
    broker = mosquitto(*KEEPS_ORDER).start()
    book = ledger(broker)
    queue.fill(*[1, 2] * 10)
    agent = start(broker.port, inbox=str(tmp_path / "in"), status_socket=str(tmp_path / "st"),
                  prefix=failing(f"fdatasync:error={error}:when=3..9"))
    agent.says("cannot write to the spool")
    until(lambda: all(b"m%d" % seq in [payload for _, payload in book.lines()] for seq in range(1, 21, 2)), "QoS 1")
    with_alarm = until(lambda: status(thimble, tmp_path / "st"), "an answer")
    agent.says("the spool is written again")
    drained()
    until(lambda: not book.missing(queue), "all messages")
    without = status(thimble, tmp_path / "st")
    agent.signal(signal.SIGTERM).ends(0)
    book.check(queue)
    assert agent.err.count("cannot write to") == 1
    assert with_alarm["alarms"]["spool"] and not without["alarms"]["spool"]


@pytest.mark.parametrize("error", ["ENOSPC", "EIO", "EROFS"] if ALL else ["ENOSPC"])
def test_a_disk_that_takes_nothing(start, mosquitto, ledger, queue, tmp_path, error):
    """What is refused is not sent; given again, it is accepted once, though the disk had a part of it."""
    broker = mosquitto(*KEEPS_ORDER).start()
    book = ledger(broker)
    agent = start(broker.port, inbox=str(tmp_path / "in"), prefix=failing(f"fdatasync:error={error}:when=3..20+3"))
    producer = Producer(queue, tmp_path / "in", lambda given: given < 60, patient=True)
    until(lambda: len(queue.put) == 60, "all accepted")
    producer.finish()
    until(lambda: not book.missing(queue), "all messages")
    agent.signal(signal.SIGTERM).ends(0)
    book.check(queue)
    assert producer.refused > 0


@pytest.mark.parametrize("bit", range(40 if ALL else 3))
def test_a_bit_flips(start, mosquitto, ledger, queue, drained, tmp_path, bit):
    """At most the message it is in is lost, and that is told."""
    broker = mosquitto(*KEEPS_ORDER).start()
    book = ledger(broker)
    queue.fill_any(20)
    path = queue.path / "00000001.seg"
    data = bytearray(path.read_bytes())
    data[200 + bit * 251 % (len(data) - 200)] ^= 1 << bit % 8
    path.write_bytes(data)
    agent = start(broker.port)
    drained()
    book.settle()
    agent.signal(signal.SIGTERM).ends(0)
    assert len(book.missing(queue)) < 2
    for lost in book.missing(queue):
        assert "the spool is damaged" in agent.err or lost == b"m20"
        del queue.put[lost]
    book.check(queue)


@pytest.mark.parametrize("first", range(0, 40) if ALL else [0, 4])
def test_what_cannot_be_read_holds_nothing_up(thimble, start, mosquitto, ledger, queue, drained, tmp_path, first):
    """A place is tried three times; then what lies there is damaged, and is told, and an alarm. What is
    behind it need not wait for it, and may overtake it."""
    broker = mosquitto(*KEEPS_ORDER).start()
    book = ledger(broker)
    queue.fill(*[1, 2] * 5)
    first += count_reads(queue)
    agent = start(broker.port, status_socket=str(tmp_path / "st"),
                  prefix=failing(f"pread64:error=EIO:when={first}..{first + 4}"))
    drained()
    book.settle()
    lost, found = book.missing(queue), status(thimble, tmp_path / "st")
    agent.signal(signal.SIGTERM).ends(0)
    assert not lost or len(lost) == 1 and "damaged" in agent.err
    assert not lost or found["alarms"]["spool"] and found["spool_damages"]
    for each in lost:
        del queue.put[each]
    book.check(queue, in_order=False)  # what can be read the second time comes later


def count_reads(queue):
    """When a spool is opened."""
    trace = queue.path.parent / "reads"
    subprocess.run(["strace", "-o", trace, "-e", "trace=pread64", THIMBLE, "spool", "stat", queue.path], check=True,
                   stdout=subprocess.DEVNULL)
    return trace.read_text().count("pread64(")


# ---- what is refused -----------------------------------------------------------------------------

@pytest.mark.parametrize("more", [{"id": ""}, {"session_expiry": 0, "version": "mqttv5"}])
def test_a_session_that_is_not_kept_is_refused(start, more):
    """In it, messages would arrive twice."""
    start(1, **more).ends(64, "a session that is kept")
