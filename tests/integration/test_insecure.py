"""What --insecure and --insecure-no-verify switch off, and that nothing else is switched off by
itself: no failure of TLS leads to plaintext."""
import re

import pytest

from fake import nothing, resets, says, stalls_after
from forge import LOCALHOST, SERVER, server
from lab import free_port
from packets import PUBACK, PUBLISH, ack

PUB = ["-t", "secret/topic", "-m", "secret payload", "-q", "1", "-d"]
TAGS = {"--insecure": "[insecure]", "--insecure-no-verify": "[insecure-no-verify]"}


@pytest.fixture(params=["1.2", "1.3"])
def tls(request):
    return ["--tls-version", request.param]


def serve_one_publish(peer):
    peer.greet()
    peer.send(ack(PUBACK, peer.expect(PUBLISH).packet_id))
    peer.expect_end()


@pytest.fixture
def shows(fake, lab):
    """shows(kind, name) makes a broker that shows this certificate."""
    def make(kind, name):
        key = "server.key" if name.startswith("server") else "client.key"
        context = server(lab.path(kind, f"{name}.pem"), lab.path(kind, key))
        return fake(serve_one_publish, tls=context)
    return make


def assert_every_line_has(done, tag):
    assert done.err and all(tag in line for line in done.err.splitlines()), done.story()


def test_insecure_accepts_another_name(thimble, lab, shows, tls):
    broker = shows("ec", "server-wrongname")
    done = thimble("pub", *broker.where, *lab.identity(), *tls, "--insecure", *PUB).ends(0)
    assert_every_line_has(done, "[insecure]")


@pytest.mark.parametrize("kind, name, code", [
    ("other", "server", 72), ("ec", "server-expired", 70), ("ec", "client", 79)])
def test_insecure_accepts_nothing_else(thimble, lab, shows, tls, kind, name, code):
    broker = shows(kind, name)
    done = thimble("pub", *broker.where, *lab.identity(), *tls, "--insecure", *PUB)
    done.ends_refused(code)
    assert_every_line_has(done, "[insecure]")


@pytest.mark.parametrize("kind, name", [("other", "server"), ("ec", "server-expired"),
                                        ("ec", "server-wrongname"), ("ec", "client")])
def test_no_verify_accepts_anybody(thimble, shows, tls, kind, name):
    broker = shows(kind, name)
    done = thimble("pub", *broker.where, *tls, "--insecure-no-verify", *PUB).ends(0)
    assert_every_line_has(done, "[insecure-no-verify]")


@pytest.mark.parametrize("option", TAGS)
def test_every_failure_names_the_danger(thimble, lab, option):
    authority = lab.identity()[:2] if option == "--insecure" else []
    done = thimble("pub", "-h", "localhost", "-p", free_port(), *authority, option, *PUB)
    done.ends_refused(4)
    assert_every_line_has(done, TAGS[option])


def test_both_together_are_a_mistake(thimble, lab):
    thimble("pub", *lab.tls(), "--insecure", "--insecure-no-verify", *PUB).ends(64)


# ---- never plaintext ----------------------------------------------------------------------------

FAILURES = {
    "reset at once": lambda peer: peer.reset(),
    "reset after hello": resets,
    "close": says(b""),
    "silence": stalls_after(b""),
    "http": says(b"HTTP/1.1 400 Bad Request\r\n\r\n"),
    "garbage": says(b"\xff" * 100),
    "alert": says(b"\x15\x03\x03\x00\x02\x02\x28"),
    "mqtt": says(b"\x20\x02\x00\x00"),
    "cut off": says(b"\x16\x03\x03\x00\x7a\x02\x00\x00\x76\x03\x03" + bytes(40)),
}
CERTIFICATES = {"other authority": ("other", "server"), "expired": ("ec", "server-expired"),
                "other name": ("ec", "server-wrongname")}


@pytest.fixture
def broken_tls(request, fake, lab, forge):
    """The port of a server with which TLS fails in this way."""
    way = request.param
    if way == "refused":
        return free_port()
    if way in FAILURES:
        return fake(FAILURES[way]).port
    if way in CERTIFICATES:
        kind, name = CERTIFICATES[way]
        context = server(lab.path(kind, f"{name}.pem"), lab.path(kind, "server.key"))
        return fake(nothing, tls=context).port
    forge.issue("old", SERVER, LOCALHOST)
    return fake(nothing, tls=forge.server("old", lowest="1.0", highest="1.1")).port


STRACE = ["strace", "-f", "-qq", "-e", "trace=%network"]


def dialled(calls):
    """Ports that were connected to. Port 9 is a question to the routing table, over UDP, without a
    packet."""
    ports = set(re.findall(r"connect\(.*port=htons\((\d+)\)", calls))
    return ports - {"9"}


@pytest.mark.parametrize("broken_tls", [*FAILURES, *CERTIFICATES, "refused", "old tls"],
                         indirect=True)
def test_tls_failure_never_leads_to_plaintext(thimble, broken_tls, lab, tmp_path):
    """Every socket call is looked at: it dials that port and no other, and nothing it sends there
    holds a word of MQTT. Even if it is told to try again."""
    trace = tmp_path / "trace"
    done = thimble("pub", "-h", "localhost", "-p", broken_tls, *lab.identity(), "--retry", "1",
                   "--timeout-tls", "0.3", *PUB,
                   prefix=[*STRACE, "-s", "20000", "-o", trace])
    assert done.process.returncode in (4, 7, 8, 27, 70, 72, 73, 77), done.story()
    calls = trace.read_text()
    assert dialled(calls) == {str(broken_tls)}
    assert "MQTT" not in calls and "secret" not in calls


def test_that_trace_would_show_plaintext(thimble, lab, tmp_path):
    trace = tmp_path / "trace"
    thimble("pub", *lab.plain, *PUB,
            prefix=[*STRACE, "-o", trace]).ends(0)
    assert "MQTT" in trace.read_text() and "secret" in trace.read_text()
