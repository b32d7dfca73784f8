"""How the broker is reached: Unix sockets, given addresses, proxies, SRV records, WebSocket."""
import base64
import hashlib
import os
import shutil
import socket
import struct
import threading

import pytest

from fake import Socks, SECONDS
from lab import free_port
from packets import PUBLISH, connack, publish

QOS = [0, 1, 2]

# More than the packet window and the TCP cell, less than the outbox.
LARGE = bytes(n * n % 251 for n in range(12000))


def privileged(option, value):
    """True if this process may set this option of a socket."""
    with socket.socket() as probe:
        try:
            probe.setsockopt(socket.SOL_SOCKET, option, value)
        except OSError:
            return False
    return True


@pytest.fixture
def roads(mosquitto, lab, tmp_path):
    """A broker with a Unix socket and with WebSocket, in the clear and over mutual TLS."""
    broker = mosquitto("allow_anonymous true", f"listener {free_port()} 127.0.0.1",
                       "protocol websockets", f"listener {free_port()} 127.0.0.1",
                       "protocol websockets", f"cafile {lab.path('ec', 'root.pem')}",
                       f"certfile {lab.path('ec', 'server.pem')}",
                       f"keyfile {lab.path('ec', 'server.key')}", "require_certificate true",
                       f"listener 0 {tmp_path}/socket", "allow_anonymous true")
    broker.ws_port, broker.wss_port = (int(line.split()[1]) for line in broker.lines
                                       if line.startswith("listener") and "127.0.0.1" in line)
    return broker.start()


def ways(broker, lab, tmp_path):
    return {
        "unix": ["--unix", f"{tmp_path}/socket", "--no-tls"],
        "ws": ["-h", "127.0.0.1", "-p", broker.ws_port, "--no-tls", "--ws"],
        "ws-url": ["-L", f"ws://127.0.0.1:{broker.ws_port}/mqtt"],
        "wss": ["-h", "localhost", "-p", broker.wss_port, *lab.identity(), "--ws"],
        "wss-url": ["-L", f"wss://localhost:{broker.wss_port}", *lab.identity()],
    }


@pytest.mark.parametrize("way", ["unix", "ws", "ws-url", "wss", "wss-url"])
@pytest.mark.parametrize("version", ["mqttv311", "mqttv5"])
def test_messages_both_ways(thimble, roads, lab, tmp_path, way, version):
    """Each quality of service, small and large."""
    where = [*ways(roads, lab, tmp_path)[way], "-V", version]
    sub = thimble.start("sub", *where, "-t", "t/#", "-q", 2, "-C", 2 * len(QOS), "-N")
    roads.log.await_subscription("t/#")
    for qos in QOS:
        thimble("pub", *where, "-t", "t/small", "-m", "x", "-q", qos).ends(0)
        thimble("pub", *where, "-t", "t/large", "-s", "-q", qos, stdin=LARGE).ends(0)
    assert sub.ends(0).out == (b"x" + LARGE) * len(QOS)


@pytest.mark.parametrize("way", ["unix", "ws", "wss"])
@pytest.mark.parametrize("qos", QOS)
def test_a_file_is_streamed(thimble, roads, lab, tmp_path, way, qos):
    """Read while it is sent, in frames of a kilobyte; the same pools as for a small one."""
    (tmp_path / "file").write_bytes(LARGE * 50)
    where = ways(roads, lab, tmp_path)[way]
    sub = thimble.start("sub", *roads.plain, "-t", "t", "-q", qos, "-C", 1, "-N")
    roads.log.await_subscription("t")
    reports = [thimble("pub", *where, "-t", "t", *what, "-q", qos, report=True).ends(0).report
               for what in (["-f", tmp_path / "file"], ["-m", "x"])]
    assert sub.ends(0).out == LARGE * 50
    large, small = (report["pools"]["tls_heap"]["peak_bytes"] for report in reports)
    assert large <= small + 4096


@pytest.mark.parametrize("way", ["unix", "ws", "wss"])
def test_many_messages(thimble, roads, lab, tmp_path, way):
    where = ways(roads, lab, tmp_path)[way]
    lines = b"".join(b"line %d\n" % n for n in range(500))
    sub = thimble.start("sub", *where, "-t", "t", "-q", 1, "-C", 500)
    roads.log.await_subscription("t")
    thimble("pub", *where, "-t", "t", "-l", "-q", 1, stdin=lines).ends(0)
    assert sub.ends(0).out == lines


def test_websocket_survives_a_restart(thimble, roads, lab, tmp_path):
    where = ways(roads, lab, tmp_path)["wss"]
    sub = thimble.start("sub", *where, "-t", "t", "-q", 1, "-C", 1, report=True)
    roads.log.await_subscription("t")
    roads.stop()
    sub.says("trying again in")
    roads.log.path.unlink()
    roads.start()
    roads.log.await_subscription("t")
    thimble("pub", *where, "-t", "t", "-m", "after", "-q", 1).ends(0)
    assert sub.ends(0).out == b"after\n"


# ---- what is at the other end is not what was thought --------------------------------------------

def test_the_wrong_port_is_named(thimble, roads, lab):
    here = ["-h", "127.0.0.1", "-t", "t", "-m", "x", "-p"]
    ask = "is the port one for WebSocket?"
    thimble("pub", *here, roads.port, "--no-tls", "--ws").ends_refused(7, ask)
    thimble("pub", *here, roads.wss_port, "--no-tls", "--ws").ends_refused(7, ask)
    thimble("pub", *here, roads.ws_port, "--no-tls").ends_refused(2, "is the port one for MQTT")
    thimble("pub", *here, roads.wss_port, "--no-tls").ends_refused(7, "does it want TLS here?")
    thimble("pub", *here, roads.port, *lab.identity()).ends_refused(7, "is it a TLS port?")


def test_a_unix_socket_that_is_not_there(thimble, tmp_path):
    thimble("pub", "--unix", f"{tmp_path}/none", "--no-tls", "-t", "t", "-m", "x").ends_refused(
        4, f"connecting to {tmp_path}/none failed: No such file or directory")


def test_a_unix_socket_for_datagrams(thimble, tmp_path):
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as door:
        door.bind(str(tmp_path / "door"))
        thimble("pub", "--unix", tmp_path / "door", "--no-tls", "-t", "t", "-m", "x").ends_refused(
            4, f"connecting to {tmp_path}/door failed: Protocol wrong type for socket")


# ---- addresses -----------------------------------------------------------------------------------

def test_given_addresses_keep_the_name(thimble, lab):
    """The first is one where nobody listens."""
    port = lab.ports["ec_port"]
    message = ["-t", "addr", "-m", "x", "-q", 1, *lab.identity()]
    there = ["--addr", "127.0.0.7", "--addr", "127.0.0.1", "-p", port]
    thimble("pub", "-h", "localhost", *there, *message).ends(0)
    thimble("pub", "-h", "broker.invalid", "--servername", "localhost", *there, *message).ends(0)
    thimble("pub", "-h", "broker.invalid", *there, *message).ends_refused(73, "broker.invalid")


def test_bound_to_an_address(thimble, fake):
    came_from = []

    def script(peer):
        came_from.append(peer.socket.getpeername()[0])
        peer.greet().expect(PUBLISH)
        peer.drain()
    broker = fake(script)
    message = ["-t", "t", "-m", "x"]
    thimble("pub", *broker.plain, "-A", "127.0.0.2", *message).ends(0)
    assert came_from == ["127.0.0.2"]
    thimble("pub", *broker.plain, "-A", "192.0.2.1", *message, "--retry", 3).ends_refused(
        64, "binding to 192.0.2.1 failed; it must be an address of this machine")
    thimble("pub", *broker.plain, "-A", "::1", *message, "--retry", 3).ends_refused(64, "family")


def test_bound_to_an_interface(thimble, lab):
    if not privileged(socket.SO_BINDTODEVICE, b"lo"):
        pytest.skip("binding to an interface needs root here")
    message = ["-t", "t", "-m", "x", "-q", 1]
    thimble("pub", *lab.plain, "--bind-interface", "lo", *message).ends(0)
    thimble("pub", *lab.plain, "--bind-interface", "none7", *message, "--retry", 3).ends_refused(
        64, "binding to interface none7 failed")


def test_marked(thimble, lab):
    if not privileged(getattr(socket, "SO_MARK", 36), 7):
        pytest.skip("marking packets needs root")
    thimble("pub", *lab.plain, "--fwmark", 7, "-t", "t", "-m", "x", "-q", 1).ends(0)


# ---- SOCKS5 --------------------------------------------------------------------------------------

@pytest.fixture
def socks():
    made = []

    def make(**options):
        made.append(Socks(**options))
        return made[-1]
    yield make
    for each in made:
        each.close()
        each.check()


@pytest.mark.parametrize("slow", [False, True])
@pytest.mark.parametrize("login", [None, (b"j:oe", b"se@cret")])
def test_through_a_proxy(thimble, lab, socks, login, slow):
    """The proxy gets the name; TLS verifies the broker's, not the proxy's."""
    proxy = socks(login=login, slow=slow)
    who = "j%3Aoe:se%40cret@" if login else ""
    done = thimble("pub", *lab.tls(), "--proxy", f"socks5h://{who}127.0.0.1:{proxy.port}", "-t",
                   "t", "-m", "x", "-q", 2, "-d")
    done.ends(0)
    assert proxy.asked == [("localhost", int(lab.ports["ec_port"]))]
    assert "cret" not in done.err


def test_a_proxy_finds_names_we_do_not_know(thimble, lab, socks):
    proxy = socks(target=int(lab.ports["plain_port"]))
    where = ["--proxy", f"socks5h://localhost:{proxy.port}", "--no-tls", "-p", 7]
    for host in "broker.invalid", "192.0.2.9", "2001:db8::9":
        thimble("pub", "-h", host, *where, "-t", "t", "-m", "x", "-q", 1).ends(0)
    assert proxy.asked == [("broker.invalid", 7), ("192.0.2.9", 7), ("2001:db8::9", 7)]


def test_websocket_through_a_proxy(thimble, roads, lab, tmp_path, socks):
    proxy = socks(slow=True)
    thimble("pub", *ways(roads, lab, tmp_path)["wss"], "--proxy",
            f"socks5h://127.0.0.1:{proxy.port}", "-t", "t", "-m", "x", "-q", 2).ends(0)
    assert proxy.asked == [("localhost", roads.wss_port)]


@pytest.mark.parametrize("who, sentence", [
    ("", "the proxy wants a name and a password"),
    ("joe:wrong@", "the proxy refused name or password")])
def test_a_proxy_that_lets_nobody_in(thimble, lab, socks, who, sentence):
    proxy = socks(login=(b"joe", b"right"))
    done = thimble("pub", *lab.plain, "--proxy", f"socks5h://{who}127.0.0.1:{proxy.port}", "-t",
                   "t", "-m", "x", "--retry", 5)
    done.ends_refused(16, sentence)
    assert proxy.attempts == 1


@pytest.mark.parametrize("reply, sentence, attempts", [
    (2, "not allowed", 1), (5, "connection refused", 2), (99, "unknown reply", 1)])
def test_a_proxy_that_does_not_connect(thimble, lab, socks, reply, sentence, attempts):
    """What is wrong with the way may pass, and is tried again if that is asked for."""
    proxy = socks(reply=reply)
    thimble("pub", *lab.plain, "--proxy", f"socks5h://127.0.0.1:{proxy.port}", "-t", "t", "-m", "x",
            "--retry", 1).ends_refused(16, sentence)
    assert proxy.attempts == attempts


# ---- SRV -----------------------------------------------------------------------------------------

class NameServer:
    """Answers for the records it is given: {(name, type): [data]}; every other name does not
    exist."""

    def __init__(self, address, records):
        self.records = records
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind((address, 53))
        self.thread = threading.Thread(target=self._serve, daemon=True)
        self.thread.start()

    def _serve(self):
        while True:
            query, peer = self.socket.recvfrom(512)
            if query == b"end":
                return
            self.socket.sendto(self._answer(query), peer)

    def _answer(self, query):
        labels, at = [], 12
        while query[at]:
            labels.append(query[at + 1:at + 1 + query[at]].decode().lower())
            at += 1 + query[at]
        kind = struct.unpack(">H", query[at + 1:at + 3])[0]
        name = ".".join(labels)
        found = self.records.get((name, kind), [])
        exists = any(name == each for each, _ in self.records)
        head = query[:2] + struct.pack(">HHHHH", 0x8180 if exists else 0x8183, 1, len(found), 0, 0)
        return head + query[12:] + b"".join(
            b"\xc0\x0c" + struct.pack(">HHIH", kind, 1, 60, len(data)) + data for data in found)

    def close(self):
        self.socket.sendto(b"end", self.socket.getsockname())
        self.thread.join(SECONDS)
        self.socket.close()


def dns_name(name):
    return b"".join(bytes([len(label)]) + label.encode() for label in name.split(".")) + b"\0"


def srv(priority, port, target):
    return struct.pack(">HHH", priority, 1, int(port)) + dns_name(target)


A, SRV = 1, 33
NAME_SERVER = "127.0.53.7"


@pytest.fixture
def names(tmp_path):
    """Makes a name server that programs with the prefix `names.prefix` ask."""
    if os.getuid() or not shutil.which("unshare"):
        pytest.skip("another resolv.conf needs root and unshare")
    (tmp_path / "resolv.conf").write_text(f"nameserver {NAME_SERVER}\n")
    made = []

    def make(records):
        made.append(NameServer(NAME_SERVER, records))
    make.prefix = ["unshare", "-m", "sh", "-c", 'mount --bind "$0" /etc/resolv.conf && exec "$@"',
                   tmp_path / "resolv.conf"]
    yield make
    for each in made:
        each.close()


def test_srv_names_broker_and_port(thimble, lab, names):
    """The first host does not exist, at the second nobody listens."""
    names({("_mqtt._tcp.example.test", SRV): [srv(3, lab.ports["plain_port"], "live.example.test"),
                                              srv(1, 1, "none.example.test"),
                                              srv(2, 1, "dead.example.test")],
           ("live.example.test", A): [b"\x7f\0\0\1"], ("dead.example.test", A): [b"\x7f\0\0\1"]})
    thimble("pub", "-S", "-h", "example.test", "--no-tls", "-t", "t", "-m", "x", "-q", 1,
            prefix=names.prefix).ends(0)


def test_srv_does_not_choose_whom_to_trust(thimble, lab, names):
    """The certificate is for localhost, which is what the record names: that does not help."""
    names({("_secure-mqtt._tcp.example.test", SRV): [srv(1, lab.ports["ec_port"], "localhost")]})
    there = ["-S", "-h", "example.test", *lab.identity(), "-t", "t", "-m", "x", "-q", 1]
    thimble("pub", *there, prefix=names.prefix).ends_refused(73, "example.test")
    thimble("pub", *there, "--servername", "localhost", prefix=names.prefix).ends(0)


def test_srv_may_say_that_there_is_none(thimble, names):
    names({("_mqtt._tcp.example.test", SRV): [srv(0, 0, "")[:-1]]})
    thimble("pub", "-S", "-h", "example.test", "--no-tls", "-t", "t", "-m", "x",
            prefix=names.prefix).ends_refused(20, 'no SRV record "_mqtt._tcp.example.test"')


# ---- WebSocket, by a script ----------------------------------------------------------------------

def upgrade(peer, status="101 Switching Protocols"):
    request = b""
    while not request.endswith(b"\r\n\r\n"):
        request += peer._bytes(1)
    headers = dict(line.split(": ", 1) for line in request.decode().split("\r\n")[1:] if line)
    proof = hashlib.sha1(headers["Sec-WebSocket-Key"].encode()
                         + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11").digest()
    peer.send(f"HTTP/1.1 {status}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
              f"Sec-WebSocket-Protocol: mqtt\r\n"
              f"Sec-WebSocket-Accept: {base64.b64encode(proof).decode()}\r\n\r\n".encode())
    return request.decode()


def frame(payload, opcode=2, final=True):
    length = len(payload)
    short = bytes([length]) if length < 126 else b"\x7e" + struct.pack(">H", length)
    return bytes([opcode | (0x80 if final else 0)]) + short + payload


def hear_frame(peer):
    """(opcode, payload) of the client's next frame, which must be masked and final."""
    first, second = peer._bytes(2)
    assert first & 0x80 and second & 0x80
    length = second & 0x7F
    if length == 126:
        length = struct.unpack(">H", peer._bytes(2))[0]
    mask = peer._bytes(4)
    data = peer._bytes(length) if length else b""
    return first & 15, bytes(byte ^ mask[n % 4] for n, byte in enumerate(data))


WS = ["--ws", "--ws-path", "/a/path"]


def test_the_status_of_a_close_is_told(thimble, fake):
    def script(peer):
        upgrade(peer)
        peer.send(frame(b"\x03\xf0", 8))
        peer.drain()
    pub = thimble("pub", *fake(script).plain, *WS, "-t", "t", "-n")
    pub.ends_refused(7, "the broker closed the WebSocket with status 1008 (7")


def test_frames_in_pieces_and_controls_between(thimble, fake):
    heard = []

    def script(peer):
        heard.append(upgrade(peer))
        assert hear_frame(peer)[1][0] >> 4 == 1
        answer = connack()
        peer.drip(frame(answer[:1], final=False) + frame(b"are you there?", 9)
                  + frame(answer[1:], 0))
        frames = [hear_frame(peer), hear_frame(peer)]
        assert (10, b"are you there?") in frames
        peer.send(frame(b"\x90\3\0\1\0") + frame(publish("t", LARGE)) + frame(b"", 9))
        heard.extend([hear_frame(peer), hear_frame(peer), hear_frame(peer)])
        peer.send(frame(b"\3\xe8", 8))
        peer.drain()
    broker = fake(script)
    done = thimble("sub", *broker.plain, *WS, "-t", "t", "-C", 1, "-N")
    assert done.ends(0).out == LARGE
    assert heard[0].startswith(f"GET /a/path HTTP/1.1\r\nHost: 127.0.0.1:{broker.port}\r\n")
    assert heard[1] == (10, b"") and heard[2] == (2, b"\xe0\0") and heard[3] == (8, b"\3\xe8")


@pytest.mark.parametrize("data, sentence", [
    (frame(b"text", 1), "a text frame"),
    (b"\x82\x84\0\0\0\0abcd", "a masked frame"),
    (b"\xc2\x01a", "a reserved bit"),
    (frame(b"x" * 126, 9), "a long control frame"),
    (b"\x82\x7f" + b"\xff" * 8, "a frame without end")])
def test_a_broken_rule_ends_it(thimble, fake, data, sentence):
    def script(peer):
        upgrade(peer)
        hear_frame(peer)
        peer.send(frame(connack()) + data)
        peer.drain()
    broker = fake(script)
    thimble("sub", *broker.plain, *WS, "-t", "t", "--retry", 3).ends_refused(2, sentence)
    assert broker.attempts == 1


@pytest.mark.parametrize("status, attempts", [("404 Not Found", 1), ("503 Busy", 2)])
def test_another_status_than_101(thimble, fake, status, attempts):
    def script(peer):
        upgrade(peer, status)
        peer.drain()
    broker = fake(script)
    thimble("sub", *broker.plain, *WS, "-t", "t", "--retry", 1).ends_refused(
        50, f"the broker answered the WebSocket upgrade with {status}")
    assert broker.attempts == attempts


def test_an_upgrade_that_is_never_answered(thimble, fake):
    thimble("sub", *fake(lambda peer: peer.drain()).plain, *WS, "-t", "t", "--timeout-tls",
            "0.3").ends_refused(27, "no answer to the WebSocket upgrade within")
