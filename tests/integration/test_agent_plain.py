"""A second way to the broker without TLS, which only the operator opens: what goes there, and when it
is over."""
import contextlib
import json
import signal
import socket

import pytest

from fake import FakeBroker
from forge import server
from lab import free_port
from packets import CONNECT, PUBACK, PUBLISH, SUBSCRIBE, ack, publish, suback
from program import SANDBOX, until

MARK = "tls-worked"


class Plain(FakeBroker):
    """Grants everything, acknowledges everything, and remembers what it got."""

    def __init__(self, *sent):
        self.sent, self.got, self.peers = sent, [], []
        super().__init__(self.serve)

    def serve(self, peer):
        self.peers.append(peer)
        with contextlib.suppress(AssertionError, OSError):
            peer.greet()
            self.got.append(peer.connect)
            peer.send(*self.sent)
            while packet := peer.receive():
                self.got.append(packet)
                if packet.kind == SUBSCRIBE:
                    peer.send(suback(packet.packet_id, bytes(len(packet.filters))))
                if packet.kind == PUBLISH and packet.qos:
                    peer.send(ack(PUBACK, packet.packet_id))

    def topics(self):
        return [each.topic.decode() for each in self.got if each.kind == PUBLISH]

    def heard(self):
        return b"".join(bytes(peer.heard) for peer in self.peers)


@pytest.fixture
def plain():
    made = []

    def make(*sent):
        made.append(Plain(*sent))
        return made[-1]
    yield make
    for each in made:
        each.close()


class Secured:
    """A real broker with TLS, which may come later."""

    def __init__(self, mosquitto, lab, kept):
        self.port = free_port()
        self.broker = mosquitto(
            "allow_anonymous true", f"listener {self.port} 127.0.0.1",
            f"cafile {lab.path('ec', 'root.pem')}", f"certfile {lab.path('ec', 'server.pem')}",
            f"keyfile {lab.path('ec', 'server.key')}", "require_certificate true",
            "persistence true", f"persistence_location {kept}/")


@pytest.fixture
def secured(mosquitto, lab, tmp_path):
    (tmp_path / "kept").mkdir(mode=0o777)
    return Secured(mosquitto, lab, tmp_path / "kept")


@pytest.fixture
def start(thimble, tmp_path, lab):
    def begin(tls_port, plain_port, **more):
        path = tmp_path / "agent.json"
        path.write_text(json.dumps({
            "host": "localhost", "port": tls_port, "cafile": str(lab.path("ec", "root.pem")),
            "cert": str(lab.path("ec", "client.pem")), "key": str(lab.path("ec", "client.key")),
            "username": "me", "password": "a secret", "id": "agent", "topic": ["in/#", "other/#"],
            "backoff": "0.05..0.2", "spool": str(tmp_path / "spool"), "sandbox": SANDBOX,
            "inbox": str(tmp_path / "in"), "status_socket": str(tmp_path / "how"),
            "insecure_plain": f"127.0.0.1:{plain_port}",
            "insecure_plain_topic": ["alarm/#", "in/#"], **more}))
        return thimble.start("agent", "-c", path)
    return begin


@pytest.fixture
def put(thimble, tmp_path):
    def hand_in(topic, qos=1):
        thimble("pub", "--agent", tmp_path / "in", "-t", topic, "-m", "x", "-q", qos).ends(0)
    return hand_in


@pytest.fixture
def told(thimble, tmp_path):
    def ask():
        return json.loads(thimble("status", "--json", tmp_path / "how").out)["agent"]
    return ask


def tries_again(agent, times=3):
    until(lambda: agent.err.count("trying again") >= times, "attempts with TLS")


def ends(agent):
    agent.signal(signal.SIGTERM).ends(0)


def test_only_what_may_goes_and_no_credentials(start, plain, put, told, thimble, tmp_path):
    """Neither name nor password, nor will; a clean session; of what is subscribed to, and published,
    only what is allowed. QoS 2 waits. TLS is tried meanwhile."""
    broker = plain(publish("other/1", b"no"), publish("in/1", b"yes"))
    agent = start(free_port(), broker.port, status_topic="alarm/status", format="%t")
    agent.says("[insecure-plain]").says("WITHOUT TLS")
    until(lambda: any(each.kind == SUBSCRIBE for each in broker.got), "the subscription")
    for topic, qos in (("data/1", 1), ("alarm/2", 2), ("alarm/0", 0), ("alarm/1", 1)):
        put(topic, qos)
    until(lambda: "alarm/1" in broker.topics(), "what is allowed")
    agent.prints(b"in/1\n")
    assert "other/1 is left out" in agent.err
    assert told()["state"] == "degraded" and told()["alarms"]["plaintext"]
    prom = thimble("status", "--prom", tmp_path / "how").ends(1).out.decode()
    assert 'thimble_state{state="degraded"} 1' in prom and 'alarm{name="plaintext"} 1' in prom
    tries_again(agent)
    ends(agent)
    connect, subscribe = (next(each for each in broker.got if each.kind == kind)
                          for kind in (CONNECT, SUBSCRIBE))
    assert connect.body[7] == 2, "flags: a clean session, and nothing else"
    assert [each[0] for each in subscribe.filters] == [b"in/#"]
    assert broker.topics() == ["alarm/0", "alarm/1"]
    assert b"secret" not in broker.heard() and b"data" not in broker.heard()
    assert not (tmp_path / "spool" / MARK).exists()


def test_tls_ends_it_for_good(start, mosquitto, secured, put, told, tmp_path):
    """What waited comes over TLS. From then on nothing goes without, whatever becomes of TLS, and of
    the process."""
    clear = mosquitto("allow_anonymous true").start()
    agent = start(secured.port, clear.port)
    clear.log.await_subscription("in/#")
    put("data/1"), put("alarm/1")
    clear.log.await_line("'alarm/1'")
    secured.broker.start()
    secured.broker.log.await_subscription("other/#")
    secured.broker.log.await_line("'data/1'")
    clear.log.await_line("Received DISCONNECT from agent")
    until(lambda: told()["state"] == "connected", "the other state")
    assert (tmp_path / "spool" / MARK).read_text() == "localhost"
    assert "'alarm/1'" not in secured.broker.log.text(), "it was acknowledged already"

    connections = clear.log.text().count("New client connected")
    secured.broker.stop()
    tries_again(agent)
    put("alarm/2")
    ends(agent)
    agent = start(secured.port, clear.port).says("no connection without TLS")
    tries_again(agent)
    assert told()["state"] != "degraded"
    ends(agent)
    assert clear.log.text().count("New client connected") == connections == 1
    assert "'alarm/2'" not in clear.log.text() and "'data/1'" not in clear.log.text()


def test_what_waits_is_in_nobodys_way(start, plain, secured, thimble, lab, tmp_path):
    """More messages go by than there are places for those on their way; what waited keeps its order."""
    def put_lines(topic, count):
        lines = b"".join(b"%d\n" % each for each in range(count))
        thimble("pub", "--agent", tmp_path / "in", "-t", topic, "-q", "1", "-l", stdin=lines).ends(0)
    listener = ["sub", "-h", "localhost", "-p", secured.port, *lab.identity(), "-t", "#", "-q", "1",
                "-i", "listener", "-c"]
    secured.broker.start()
    thimble(*listener, "-E").ends(0)
    secured.broker.stop()
    broker = plain()
    agent = start(secured.port, broker.port)
    until(lambda: broker.got, "the agent")
    put_lines("data/a", 9), put_lines("alarm/a", 150), put_lines("data/b", 9)
    until(lambda: broker.topics().count("alarm/a") == 150, "all alarms")
    assert [int(each.payload) for each in broker.got if each.kind == PUBLISH] == [*range(150)]
    secured.broker.start()
    got = thimble(*listener, "-C", "18", "-F", "%t %p").ends(0)
    assert got.out.decode().split("\n") == [
        *(f"data/a {n}" for n in range(9)), *(f"data/b {n}" for n in range(9)), ""]
    ends(agent)


@pytest.mark.parametrize("what", ["empty", "unreadable", "a directory", "a link to nothing"])
def test_any_mark_counts(start, plain, put, tmp_path, what):
    broker, mark = plain(), tmp_path / "spool" / MARK
    mark.parent.mkdir(mode=0o700)
    if what == "a directory":
        mark.mkdir()
    elif what == "a link to nothing":
        mark.symlink_to("nowhere")
    else:
        mark.touch(mode=0 if what == "unreadable" else 0o600)
    agent = start(free_port(), broker.port)
    tries_again(agent)
    put("alarm/1")
    ends(agent)
    assert broker.attempts == 0


def test_a_handshake_is_enough(start, plain, lab, fake, tmp_path):
    """The broker that speaks TLS refuses MQTT, or hangs up: it is there."""
    def hangs_up(peer):
        with contextlib.suppress(AssertionError, OSError):
            peer.hear_connect()
            peer.reset()
    broker = plain()
    other = fake(hangs_up, tls=server(lab.path("ec", "server.pem"), lab.path("ec", "server.key")))
    agent = start(other.port, broker.port)
    tries_again(agent)
    ends(agent)
    assert broker.attempts == 0 and (tmp_path / "spool" / MARK).exists()


def test_a_certificate_that_is_refused_is_no_reason(start, plain, lab, fake):
    broker = plain()
    other = fake(lambda peer: None, tls=server(lab.path("ec", "server-expired.pem"),
                                               lab.path("ec", "server.key")))
    start(other.port, broker.port).ends_refused(70)
    assert broker.attempts == 0


def test_a_mark_that_cannot_be_written_is_told(start, plain, secured, put, tmp_path):
    broker = plain()
    agent = start(secured.port, broker.port)
    until(lambda: broker.attempts, "the agent")
    (tmp_path / "spool").rename(tmp_path / "away")
    secured.broker.start()
    agent.says("cannot be written")
    secured.broker.stop()
    tries_again(agent)
    tried = broker.attempts
    tries_again(agent, agent.err.count("trying again") + 2)
    assert broker.attempts == tried == 1
    agent.stop()


def test_a_broker_that_goes_is_dialled_again(start, plain, put):
    broker = plain()
    agent = start(free_port(), broker.port)
    until(lambda: broker.got, "the agent")
    broker.peers[0].socket.shutdown(socket.SHUT_RDWR)
    until(lambda: broker.attempts == 2, "the agent again")
    put("alarm/1")
    until(lambda: broker.topics(), "the message")
    ends(agent)


@pytest.mark.parametrize("allowed, filters", [
    ("a/#", ["a/#", "a/b/#", "a/+", "a", "a/b", "a/b/c"]), ("a/+", ["a/+", "a/b"]), ("+/b", ["+/b", "a/b"]),
    ("#", ["a/#", "a/+", "+/b", "a/b/#", "a", "a/b", "a/b/c"]), ("a/+/#", ["a/b/#", "a/+", "a/b", "a/b/c"]),
])
def test_which_subscriptions(start, plain, allowed, filters):
    """All that a filter selects must be allowed: but a/+/# has not a, which a/# has."""
    broker = plain()
    every = ["a/#", "a/+", "+/b", "a/b/#", "a", "a/b", "a/b/c", "$SYS/#"]
    agent = start(free_port(), broker.port, topic=every, insecure_plain_topic=[allowed])
    until(lambda: any(each.kind == SUBSCRIBE for each in broker.got), "the subscription")
    ends(agent)
    subscribe = next(each for each in broker.got if each.kind == SUBSCRIBE)
    assert sorted(each[0].decode() for each in subscribe.filters) == sorted(filters)


@pytest.mark.parametrize("more", [
    {"insecure_plain_topic": None}, {"spool": None, "inbox": None}, {"insecure_plain_topic": ["a#"]},
    {"insecure_plain": "a:0"}, {"insecure_plain": None},
    {"proxy": "socks5h://127.0.0.1"},
    {"no_tls": True, "cafile": None, "cert": None, "key": None},
])
def test_what_cannot_be(start, more):
    start(1, 1, **more).ends(64, "--insecure-plain")
