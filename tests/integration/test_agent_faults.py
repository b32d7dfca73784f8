"""The link fails in every way, at every state of the protocol, over mutual TLS: the agent is back within
its deadlines, nothing that was accepted is lost, and nothing at QoS 2 arrives twice or too late.

One agent goes through all of it, and so do its queue and its broker. Between them stands a proxy that
ends TLS and reads MQTT."""
import contextlib
import json
import select
import signal
import socket
import ssl
import struct
import subprocess
import threading
import time

import pytest

from lab import Mosquitto
from packets import CONNACK, CONNECT, PUBLISH, PUBREC, PUBREL, SUBSCRIBE
from program import ALL, SANDBOX, SECONDS, Programs, patient, until
from test_agent_delivery import KEEPS_ORDER, Ledger, Producer, Queue

TIMEOUT_S, KEEP_ALIVE_S, BACKOFF_S = 2, 5, 0.1
STATES = ["tcp", "hello", "handshake", "connect", "connack", "subscribe", "publish-1", "publish-2", "pubrec",
          "pubrel", "idle"]
FAULTS = ["black-hole", "reset", "fin", "flapping", "slow", "loss", "rate-limit"]
EVERY = [(state, fault) for fault in FAULTS for state in STATES]
SOME = [("tcp", "fin"), ("hello", "black-hole"), ("handshake", "reset"), ("connect", "fin"), ("connack", "loss"),
        ("subscribe", "reset"), ("publish-1", "flapping"), ("publish-2", "reset"), ("pubrec", "fin"),
        ("pubrel", "rate-limit"), ("pubrel", "reset"), ("idle", "slow")]
CASES = EVERY if ALL else SOME


class Broken(Exception):
    """This connection is over."""


class Packets:
    """What goes one way, cut into packets."""

    def __init__(self):
        self.data = b""

    def cut(self, more):
        self.data += more
        while (end := self._end()) and end <= len(self.data):
            packet, self.data = self.data[:end], self.data[end:]
            yield packet

    def _end(self):
        length = 0
        for at in range(1, min(len(self.data), 5)):
            length |= (self.data[at] & 0x7F) << 7 * (at - 1)
            if not self.data[at] & 0x80:
                return 1 + at + length
        return None


def state_of(packet, from_client):
    """What holds when it has been passed on."""
    kind, qos = packet[0] >> 4, packet[0] >> 1 & 3
    if not from_client:
        return {CONNACK: "connack", PUBREC: "pubrec"}.get(kind)
    return f"publish-{qos}" if kind == PUBLISH else {SUBSCRIBE: "subscribe", PUBREL: "pubrel"}.get(kind)


class Passage:
    """One connection through the proxy."""

    def __init__(self, proxy, front):
        self.proxy, self.front, self.behind = proxy, front, None
        self.pause, self.pieces, self.paced = 0, 1 << 30, 0
        self.incoming, self.outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = proxy.context.wrap_bio(self.incoming, self.outgoing, server_side=True)
        self.streams = Packets(), Packets()

    def run(self):
        with contextlib.suppress(Broken, OSError, ssl.SSLError):
            self.at("tcp")
            self.shake_hands()
            self.behind = socket.create_connection(("127.0.0.1", self.proxy.target))
            while True:
                self.relay()
        if self not in self.proxy.held:
            self.close()

    def close(self):
        self.front.close()
        if self.behind:
            self.behind.close()

    # ---- what passes

    def emit(self, data):
        """To the client, as slowly as it has to be."""
        while data:
            some, data = (data[:self.pieces], data[self.pieces:]) if self.paced else (data, b"")
            time.sleep(self.pause if self.paced else 0)
            self.paced -= self.paced > 0
            self.front.sendall(some)

    def flush(self):
        self.emit(self.outgoing.read())

    def hear(self):
        data = self.front.recv(65536)
        if not data:
            raise Broken
        self.incoming.write(data)

    def shake_hands(self):
        self.hear()
        self.at("hello")
        with contextlib.suppress(ssl.SSLWantReadError):
            self.tls.do_handshake()
        flight = self.outgoing.read()
        self.emit(flight[:len(flight) // 2])
        self.at("handshake")
        self.emit(flight[len(flight) // 2:])
        while not self.is_shaken():
            self.hear()
        self.flush()

    def is_shaken(self):
        with contextlib.suppress(ssl.SSLWantReadError):
            self.tls.do_handshake()
            return True
        self.flush()
        return False

    def relay(self):
        ready = select.select([self.front, self.behind], [], [], 0.2)[0]
        if self.front in ready:
            self.hear()
        for packet in self.streams[0].cut(self.plaintext()):
            if packet[0] >> 4 == CONNECT:
                self.at("connect")
            self.behind.sendall(packet)
            self.at(state_of(packet, True))
        if self.behind in ready:
            self.answer(self.behind.recv(65536))
        if not ready:
            self.at("idle")

    def plaintext(self):
        got = b""
        with contextlib.suppress(ssl.SSLWantReadError):
            while more := self.tls.read(65536):
                got += more
            raise Broken
        return got

    def answer(self, data):
        if not data:
            raise Broken
        for packet in self.streams[1].cut(data):
            self.tls.write(packet)
            self.flush()
            self.at(state_of(packet, False))

    # ---- what goes wrong

    def at(self, state):
        if self.proxy.fires(state):
            getattr(self, self.proxy.fault.replace("-", "_"))()

    def black_hole(self):
        """Nothing moves any more, and nobody is told, the broker neither."""
        self.proxy.held.append(self)
        raise Broken

    def reset(self):
        self.front.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        raise Broken

    flapping = reset  # again and again

    def fin(self):
        """Without close_notify."""
        raise Broken

    def slow(self):
        self.pause, self.paced = 0.05, 20

    def loss(self):
        """As long as TCP takes to send it again."""
        time.sleep(0.7)

    def rate_limit(self):
        self.pause, self.pieces, self.paced = 0.01, 20, 100


class FaultyProxy:
    def __init__(self, target, context):
        self.target, self.context = target, context
        self.lock, self.held, self.passages = threading.Lock(), [], []
        self.state, self.fault, self.left, self.fired = None, None, 0, 0
        self.accepted = []
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        with contextlib.suppress(OSError):
            while True:
                front, _ = self.listener.accept()
                front.settimeout(SECONDS)
                front.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                self.accepted.append(time.monotonic())
                self.passages.append(Passage(self, front))
                threading.Thread(target=self.passages[-1].run, daemon=True).start()

    def arm(self, state, fault):
        with self.lock:
            self.state, self.fault = state, fault
            self.left, self.fired = 4 if fault == "flapping" else 1, 0

    def fires(self, state):
        with self.lock:
            if not self.left or state != self.state:
                return False
            self.left, self.fired, self.fired_at = self.left - 1, self.fired + 1, time.monotonic()
            return True

    def hang_up(self):
        """The connection there is, at once."""
        with contextlib.suppress(OSError):
            self.passages[-1].front.shutdown(socket.SHUT_RDWR)

    def close(self):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        for passage in self.passages:
            passage.close()


class World:
    """The one agent, and all around it."""

    def __init__(self, directory, lab, broker):
        self.broker, self.directory = broker, directory
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(lab.path("ec", "server.pem"), lab.path("ec", "server.key"))
        context.load_verify_locations(lab.path("ec", "root.pem"))
        context.verify_mode = ssl.CERT_REQUIRED
        self.proxy = FaultyProxy(broker.port, context)
        self.queue = Queue(directory / "spool")
        self.programs = Programs(directory)
        self.agent = self.start(lab)
        self.ledger = Ledger(broker, directory / "ledger")
        self.wanted = 0
        self.producer = Producer(self.queue, directory / "in", lambda given: given < self.wanted)

    def start(self, lab):
        path = self.directory / "agent.json"
        path.write_text(json.dumps({
            "host": "localhost", "port": self.proxy.port, "id": "agent", "spool": str(self.queue.path),
            "inbox": str(self.directory / "in"), "backoff": f"0.02s..{BACKOFF_S}s", "sandbox": SANDBOX,
            "timeout": TIMEOUT_S, "keepalive": KEEP_ALIVE_S}))
        return self.programs.start("agent", "-c", path, "-t", "orders", *lab.identity())

    def give(self, count):
        self.wanted += count

    def has_all(self):
        return len(self.queue.put) == self.wanted and not self.ledger.missing(self.queue)

    def settle(self):
        try:
            until(self.has_all, "all messages")
        except AssertionError:
            raise AssertionError(self.agent.story()) from None

    def forget_session(self):
        """The broker's, so that the agent has to subscribe."""
        subprocess.run(["mosquitto_sub", "-p", str(self.broker.port), "-i", "agent", "-t", "x", "-E"], check=True)

    def end(self):
        self.producer.finish()
        self.agent.signal(signal.SIGTERM).ends(0)
        self.ledger.check(self.queue)

    def stop(self):
        self.programs.stop()
        self.ledger.close()
        self.proxy.close()


@pytest.fixture(scope="module")
def world(tmp_path_factory, lab):
    directory = tmp_path_factory.mktemp("faults")
    broker = Mosquitto(directory, *KEEPS_ORDER)
    with contextlib.ExitStack() as at_the_end:
        at_the_end.callback(broker.stop)
        world = World(directory, lab, broker.start())
        at_the_end.callback(world.stop)
        world.give(5)
        world.settle()
        yield world
        world.end()


def begin(world, state):
    """Brings it there, with messages on their way."""
    if state == "subscribe":
        world.forget_session()
    if state in STATES[:5]:
        world.proxy.hang_up()
    if state != "idle":
        world.give(8)


def allowed_seconds(state, fault):
    """Until it tries again."""
    silence = KEEP_ALIVE_S if state == "idle" else 0
    wait = silence + TIMEOUT_S if fault == "black-hole" else 0
    return wait + BACKOFF_S + patient(15)


@pytest.mark.parametrize("state, fault", CASES)
def test_it_comes_back(world, state, fault):
    world.settle()
    world.proxy.arm(state, fault)
    begin(world, state)
    until(lambda: not world.proxy.left, f"{fault} at {state}")
    if fault in FAULTS[:4]:
        fired_at = world.proxy.fired_at
        until(lambda: world.proxy.accepted[-1] > fired_at, "another attempt")
        assert world.proxy.accepted[-1] - fired_at < allowed_seconds(state, fault)
    world.give(2)
    world.settle()
    world.ledger.check(world.queue)


def test_all_of_them(world, record_property):
    """At the end nothing waits."""
    world.settle()
    record_property("faults" if ALL else "sample",
                    f"{len(CASES)} of {len(EVERY)} faults at states of the protocol, {len(world.queue.put)} messages, "
                    f"{world.ledger.count() - len(world.queue.put)} of QoS 1 twice, none of QoS 2"
                    + ("" if ALL else "; all: make check-all"))
