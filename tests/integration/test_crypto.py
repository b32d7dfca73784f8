"""Every kind of key, group and suite that is promised, against OpenSSL, on both sides."""
import pathlib
import re
import subprocess

import pytest

from fake import Proxy
from forge import CLIENT, LOCALHOST, SERVER
from lab import free_port
from packets import PUBACK, PUBLISH, ack
from program import ALL, until

KINDS = ["p256", "p384", "rsa2048", "rsa3072", "rsa4096"]
PUB = ["-t", "t", "-m", "x", "-q", "1"]


@pytest.fixture(scope="module")
def keys(forge):
    for kind in KINDS:
        forge.issue(f"server-{kind}", SERVER, LOCALHOST, key=kind)
        forge.issue(f"client-{kind}", CLIENT, key=kind)
    return forge


@pytest.fixture
def serve(fake):
    """serve(context) makes a broker that takes one message; what TLS agreed on is in `facts`."""
    def make(context):
        def script(peer):
            made.facts = (peer.socket.version(), peer.socket.cipher()[0],
                          peer.socket.selected_alpn_protocol())
            peer.greet()
            peer.send(ack(PUBACK, peer.expect(PUBLISH).packet_id))
            peer.expect_end()
        made = fake(script, tls=context)
        return made
    return make


def some(cases):
    """All with make check-all; else each kind once on each side."""
    return cases if ALL else [case for n, case in enumerate(cases) if n % 6 == 0]


PAIRS = some([(server, client) for server in KINDS for client in KINDS])


@pytest.mark.parametrize("tls", ["1.2", "1.3"])
@pytest.mark.parametrize("server, client", PAIRS)
def test_keys(thimble, serve, keys, server, client, tls):
    broker = serve(keys.server(f"server-{server}", lowest=tls, highest=tls,
                               clients=keys.path("root.pem")))
    done = thimble("pub", *broker.where, *keys.identity(f"client-{client}"), *PUB, report=True)
    assert done.ends(0).report["connection"]["tls_version"] == broker.facts[0] == f"TLSv{tls}"


SUITES = [
    ("p256", "ECDHE-ECDSA-AES128-GCM-SHA256"), ("rsa2048", "ECDHE-RSA-AES128-GCM-SHA256"),
    ("p256", "ECDHE-ECDSA-AES256-GCM-SHA384"), ("rsa2048", "ECDHE-RSA-AES256-GCM-SHA384"),
    ("p256", "ECDHE-ECDSA-CHACHA20-POLY1305"), ("rsa2048", "ECDHE-RSA-CHACHA20-POLY1305"),
]


@pytest.mark.parametrize("kind, suite", SUITES)
def test_suite_of_1_2(thimble, serve, keys, kind, suite):
    broker = serve(keys.server(f"server-{kind}", highest="1.2", ciphers=suite))
    thimble("pub", *broker.where, *keys.trust(), *PUB).ends(0)
    assert broker.facts[1] == suite


@pytest.fixture
def s_server(keys, tmp_path):
    """openssl s_server with these words; Python's ssl cannot choose X25519."""
    running = []

    def make(*words):
        port = free_port()
        running.append(subprocess.Popen(
            ["openssl", "s_server", "-accept", str(port), "-quiet", "-naccept", "1", "-cert",
             keys.path("server-p256.pem"), "-key", keys.path("server-p256.key"), *words],
            stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL))
        until(lambda: str(port) in listening(), "openssl s_server")
        return ["-h", "localhost", "-p", port]
    yield make
    for each in running:
        each.kill()
        each.wait()


def listening():
    """Local ports with a listener; a connection to look would use s_server up."""
    lines = "".join(pathlib.Path(f"/proc/net/{name}").read_text() for name in ("tcp", "tcp6"))
    return {str(int(port, 16)) for port in re.findall(r": \w+:(\w{4}) \w+:0000 0A", lines)}


@pytest.mark.parametrize("theirs, ours", [("P-256", "P-256"), ("P-384", "P-384"),
                                          ("X25519", "X25519")])
@pytest.mark.parametrize("tls", ["tls1_2", "tls1_3"])
def test_group(thimble, keys, s_server, theirs, ours, tls):
    """The handshake is done when CONNACK is awaited. With TLS 1.3 a group that was not guessed
    costs a HelloRetryRequest."""
    where = s_server(f"-{tls}", "-groups", theirs)
    done = thimble("pub", *where, *keys.trust(), *PUB, "--timeout-connack", "0.3", report=True)
    assert done.ends_refused(27, "CONNACK").report["connection"]["group"] == ours


@pytest.mark.parametrize("group", ["secp521r1", "brainpoolP256r1"])
def test_group_that_is_not_offered(thimble, fake, keys, group):
    context = keys.server("server-p256", highest="1.2")
    context.set_ecdh_curve(group)
    broker = fake(lambda peer: None, tls=context)
    thimble("pub", *broker.where, *keys.trust(), *PUB).ends_refused(77)


@pytest.mark.parametrize("offered, spoken, agreed", [("mqtt", ["mqtt"], "mqtt"),
                                                     ("x,mqtt", ["mqtt"], "mqtt")])
def test_alpn(thimble, serve, keys, offered, spoken, agreed):
    context = keys.server("server-p256")
    context.set_alpn_protocols(spoken)
    broker = serve(context)
    done = thimble("pub", *broker.where, *keys.trust(), "--tls-alpn", offered, *PUB, report=True)
    assert done.ends(0).report["connection"]["alpn"] == broker.facts[2] == agreed


@pytest.mark.parametrize("host, sent", [("localhost", "localhost"), ("127.0.0.1", None)])
def test_server_name_indication(thimble, serve, keys, host, sent):
    """A name is sent, an address never (RFC 6066 section 3)."""
    names = []
    context = keys.server("server-p256")
    context.sni_callback = lambda socket, name, context: names.append(name)
    broker = serve(context)
    thimble("pub", "-h", host, "-p", broker.port, *keys.trust(), *PUB).ends(0)
    assert names == [sent]


def suites_in(hello):
    at = 5 + 4 + 2 + 32
    at += 1 + hello[at]
    length = int.from_bytes(hello[at:at + 2], "big")
    return {hello[n:n + 2].hex() for n in range(at + 2, at + 2 + length, 2)} - {"00ff"}


@pytest.mark.parametrize("tls, first, held_back", [
    ("1.2", {"c02b", "c02f", "cca8", "cca9"}, {"c02c", "c030"}),
    ("1.3", {"1301", "1303"}, {"1302"}),
])
def test_what_is_offered(thimble, fake, keys, tls, first, held_back):
    """A ClientHello names these suites and no other: AES-256 to those who want nothing else."""
    hellos = []

    def script(peer):
        hellos.append(peer.socket.recv(4096))
        peer.socket.sendall(bytes.fromhex("15 03 03 00 02 02 28"))
    thimble("pub", *fake(script).where, *keys.trust(), "--tls-version", tls, *PUB).ends(77)
    assert [suites_in(hello) for hello in hellos] == [first, first | held_back]


# ---- bytes changed on their way -----------------------------------------------------------------

class Flipper(Proxy):
    """Changes one bit of what the server sends."""

    def __init__(self, port, at):
        self.at, self.seen = at, 0
        super().__init__(port, 1 << 30)

    def change(self, data):
        offset = self.at - self.seen
        self.seen += len(data)
        if 0 <= offset < len(data):
            data = data[:offset] + bytes([data[offset] ^ 0x10]) + data[offset + 1:]
        return data


@pytest.mark.parametrize("tls", ["1.2", "1.3"])
@pytest.mark.parametrize("at", range(0, 1100, 23 if ALL else 97))
def test_flipped_bit(thimble, lab, tls, at):
    """Noticed by TLS wherever it is, before a message is taken for received."""
    proxy = Flipper(lab.ports["ec_port"], at)
    done = thimble("sub", *proxy.where, *lab.identity(), "--tls-version", tls, "-t", "t", "-E",
                   "--timeout-tls", "1", "--timeout-connack", "1", "--retry", "0", report=True)
    proxy.close()
    assert done.process.returncode in (2, 7, 8, 27, 67, 68, 70, 72, 73, 76, 77, 79, 81), done.story()
    assert done.report["pools"]["tls_heap"]["live_bytes"] == 0
