"""However TLS is kept from coming about, nothing goes out without it: twelve ways, each with a plain
port open beside it, on the same address and with the numbers everybody guesses."""
import contextlib
import json
import random
import signal
import socket
import threading

import pytest

from fake import FakeBroker, resets
from forge import server
from program import until

TLS_PORT, PLAIN_PORT = 8883, 1883
ATTEMPTS = 3


class Listener(FakeBroker):
    """At this port of this address, which is this test's alone."""

    def __init__(self, address, port, script, tls=None):
        self.fixed = (address, port)
        self.ready = threading.Event()
        super().__init__(script, tls=tls, address=address)
        self.ready.wait()

    def _accept(self):
        self.listener.close()
        self.listener = socket.create_server(self.fixed, backlog=64)
        self.ready.set()
        super()._accept()


def records(peer):
    peer.drain()


def swallows(peer):
    """The ClientHello is taken, and nothing follows."""
    peer.drain()


def ends(peer):
    peer.finish()


def answers(data, seconds=0):
    def script(peer):
        peer.socket.recv(4096)
        if seconds:
            peer.drip(data, seconds)
        else:
            peer.send(data)
        peer.finish()
    return script


def serves(peer):
    """Whoever comes so far has a connection: he should not."""
    raise AssertionError(f"a handshake was completed: {peer.receive()}")


def certificate(lab, kind, name, *versions):
    return server(lab.path(kind, name), lab.path(kind, "server.key"), *versions)


WAYS = {
    "a reset": resets,
    "an end": ends,
    "a ClientHello swallowed": swallows,
    "an answer in the clear": answers(b"\x20\x02\x00\x00"),
    "an alert": answers(bytes([21, 3, 3, 0, 2, 2, 40])),
    "a slow drip": answers(bytes([22, 3, 3, 64, 0]) + bytes(64), 0.05),
    "garbage": answers(bytes(range(256))),
    "HTTP, naming the plain port": answers(b"HTTP/1.1 426 Upgrade\r\nLocation: :1883\r\n\r\n"),
}

# What another attempt cannot heal ends the agent, with this code.
SERVED = {
    "expired": ("ec", "server-expired.pem", (), 70),
    "another authority's": ("other", "server.pem", (), 72),
    "an older version": ("ec", "server.pem", ("1.2", "1.2"), 77),
}


@pytest.fixture
def place(request):
    """An address for this test, and what listens on its two ports. No byte may reach the plain one."""
    address = f"127.{random.randint(16, 254)}.{random.randint(0, 254)}.{random.randint(1, 254)}"
    plain = Listener(address, PLAIN_PORT, records)
    made = [plain]

    def listen(script, tls=None):
        made.append(Listener(address, TLS_PORT, script, tls))
        return made[-1]
    yield address, listen
    for each in made:
        each.close()
    assert plain.attempts == 0, "somebody came to the plain port"


@pytest.fixture
def start(thimble, tmp_path, lab):
    """The sandbox would not let it go there: it is off, so that it is the program that does not."""
    def begin(address, **settings):
        path = tmp_path / "agent.json"
        path.write_text(json.dumps({
            "host": address, "servername": "localhost", "cafile": str(lab.path("ec", "root.pem")),
            "backoff": "0.01..0.02", "timeout": "0.3", "username": "me", "password": "secret",
            "topic": "t", "id": "agent", "sandbox": "off", **settings}))
        return thimble.start("agent", "-c", path)
    return begin


def tries_and_tries(agent):
    until(lambda: agent.err.count("trying again") >= ATTEMPTS or not agent.is_running(), "attempts")
    agent.signal(signal.SIGTERM).ends(0)


@pytest.mark.parametrize("way", WAYS)
def test_broken_off(start, place, way):
    address, listen = place
    listen(WAYS[way])
    agent = start(address)
    if way == "an alert":  # handshake_failure: no common suite, which a human must mend
        agent.ends(77)
    else:
        tries_and_tries(agent)


def test_closed(start, place):
    tries_and_tries(start(place[0]))


def test_black_hole(start, place):
    """Nobody accepts, and the queue of connections is full: the next SYN is not answered."""
    address, _ = place
    with contextlib.ExitStack() as held:
        hole = held.enter_context(socket.create_server((address, TLS_PORT), backlog=0))
        for _ in range(4):
            filling = held.enter_context(socket.socket())
            filling.setblocking(False)
            filling.connect_ex(hole.getsockname())
        tries_and_tries(start(address))


@pytest.mark.parametrize("way", SERVED)
def test_refused_by_us(start, place, lab, way):
    address, listen = place
    kind, name, versions, code = SERVED[way]
    listen(swallows, certificate(lab, kind, name, *versions))
    start(address, tls_version="tlsv1.3").ends_refused(code)


def test_the_plain_port_hears_who_comes():
    """Or all of the above would prove nothing."""
    plain = Listener("127.15.0.1", PLAIN_PORT, records)
    with socket.create_connection(("127.15.0.1", PLAIN_PORT)):
        until(lambda: plain.attempts == 1, "us")
    plain.close()
