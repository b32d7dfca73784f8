"""thimble cert on a server instead of a file: what it sends in a handshake, and nothing more is sent
to it."""
import json
import time

import pytest

from conftest import tracked
from fake import Socks, nothing
from forge import CA, LOCALHOST, NOT_CA, SERVER
from lab import free_port, needs_ipv6
from program import SECONDS
from test_pin_forgery import pin_of
from timeserver import Era

HERE = "subjectAltName = DNS:localhost, IP:127.0.0.1, IP:::1"
BLIND = "nothing about localhost is verified"
VERSIONS = ["1.2", "1.3"]


@pytest.fixture(scope="module")
def chains(forge):
    forge.issue("seen", NOT_CA, SERVER, HERE)
    forge.issue("seen_between", CA)
    forge.issue("seen_below", NOT_CA, SERVER, HERE, issuer="seen_between")
    forge.issue("seen_late", NOT_CA, SERVER, LOCALHOST, dates=("20200101000000Z",
                                                              "20210101000000Z"))
    forge.issue("seen_soon", NOT_CA, SERVER, LOCALHOST, dates=(
        "20200101000000Z", time.strftime("%Y%m%d%H%M%SZ", time.gmtime(time.time() + 20.5 * 86400))))
    forge.issue("seen_1024", NOT_CA, SERVER, LOCALHOST, key="rsa1024")
    forge.issue("seen_521", NOT_CA, SERVER, LOCALHOST, key="p521")
    return forge


@pytest.fixture
def socks():
    yield from tracked(Socks)


@pytest.fixture
def era(tmp_path):
    return Era(tmp_path)


def at(broker, host="localhost"):
    return f"{host}:{broker.port}"


# ---- pin ----------------------------------------------------------------------------------------

@pytest.mark.parametrize("tls", VERSIONS)
@pytest.mark.parametrize("name", ["seen", "seen_below", "seen_late"])
def test_pin_of_who_is_not_trusted(thimble, fake, chains, name, tls):
    broker = fake(nothing, tls=chains.server(name, lowest=tls, highest=tls))
    done = thimble("cert", "pin", at(broker), "--sandbox=require").ends(0)
    assert done.out.decode() == pin_of(chains.path(f"{name}.pem")) + "\n"
    assert BLIND in done.err and broker.attempts == 1


@pytest.mark.parametrize("tls", VERSIONS)
def test_pin_of_who_is_trusted(thimble, fake, chains, tls):
    broker = fake(nothing, tls=chains.server("seen_below", lowest=tls, highest=tls))
    done = thimble("cert", "pin", at(broker), *chains.trust()).ends(0)
    assert done.out.decode() == pin_of(chains.path("seen_below.pem")) + "\n" and not done.err
    done = thimble("cert", "pin", at(broker), "--ca").ends(0)
    assert done.out.decode() == pin_of(chains.path("seen_between.pem")) + "\n"


@pytest.mark.parametrize("name, words, status", [
    ("seen_late", [], 70), ("seen", ["--host", "other.example"], 73),
    ("seen", ["--pin", "sha256//" + "A" * 43 + "="], 75), ("seen_1024", [], 68)])
def test_who_is_refused_has_no_pin(thimble, fake, chains, name, words, status):
    broker = fake(nothing, tls=chains.server(name))
    done = thimble("cert", "pin", at(broker), *chains.trust(), *words).ends(status)
    assert not done.out


def test_the_pin_that_is_printed_fits(thimble, fake, chains):
    broker = fake(nothing, tls=chains.server("seen"))
    pin = thimble("cert", "pin", at(broker)).ends(0).out.decode().strip()
    done = thimble("cert", "verify", at(broker), *chains.trust(), "--pin", pin).ends(0)
    assert done.out.decode() == f"{at(broker)}: valid\n"


def test_of_a_broker(thimble, lab):
    where = f"localhost:{lab.ports['ec_port']}"
    done = thimble("cert", "pin", where).ends(0)
    assert done.out.decode() == pin_of(lab.path("ec", "server.pem")) + "\n"
    thimble("cert", "verify", where, *lab.identity()).ends(0)
    thimble("cert", "check", where, "--cafile", lab.path("ec", "root.pem")).ends(0)


# ---- show ---------------------------------------------------------------------------------------

@pytest.mark.parametrize("tls", VERSIONS)
@pytest.mark.parametrize("trust, status", [([], 0), (["--tls-use-os-certs"], 72)])
def test_show_is_what_the_file_says(thimble, fake, chains, tls, trust, status):
    """Also of one that is refused."""
    broker = fake(nothing, tls=chains.server("seen_below", lowest=tls, highest=tls))
    done = thimble("cert", "show", at(broker), "--json", *trust).ends(status)
    file = thimble("cert", "show", chains.path("seen_below.pem"), "--json").ends(0)
    assert json.loads(done.out) == json.loads(file.out)
    assert len(json.loads(done.out)["certificates"]) == 2
    assert (BLIND in done.err) == (status == 0)


@pytest.mark.parametrize("name, said", [("seen_521", b"P-521"), ("seen_1024", b" 1024\n")])
def test_a_key_we_cannot_use_is_shown_all_the_same(thimble, fake, chains, name, said):
    broker = fake(nothing, tls=chains.server(name))
    done = thimble("cert", "show", at(broker))
    assert done.end() != 0 and said in done.out, done.story()


# ---- verify -------------------------------------------------------------------------------------

@pytest.mark.parametrize("tls", VERSIONS)
def test_verify(thimble, fake, chains, tls):
    broker = fake(nothing, tls=chains.server("seen_below", lowest=tls, highest=tls))
    thimble("cert", "verify", at(broker), *chains.trust()).ends(0)
    thimble("cert", "verify", at(broker, "127.0.0.1"), *chains.trust()).ends(0)
    thimble("cert", "verify", at(broker, "127.0.0.1"), *chains.trust(), "-h", "localhost").ends(0)
    done = thimble("cert", "verify", at(broker), "--tls-use-os-certs").ends(72)
    assert not done.out


def test_verify_wants_somebody_to_trust(thimble, fake, chains):
    broker = fake(nothing, tls=chains.server("seen"))
    thimble("cert", "verify", at(broker)).ends(64)
    assert broker.attempts == 0


@pytest.mark.parametrize("address", ["127.0.0.1", needs_ipv6()])
def test_addresses(thimble, fake, chains, address):
    broker = fake(nothing, tls=chains.server("seen"), address=address)
    host = f"[{address}]" if ":" in address else address
    thimble("cert", "verify", at(broker, host), *chains.trust()).ends(0)


def test_through_a_proxy(thimble, fake, chains, socks):
    broker = fake(nothing, tls=chains.server("seen"))
    proxy = socks(login=(b"me", b"secret"))
    thimble("cert", "verify", at(broker), *chains.trust(), "--proxy",
            f"socks5h://me:secret@127.0.0.1:{proxy.port}").ends(0)
    assert proxy.attempts == 1


# ---- check --------------------------------------------------------------------------------------

@pytest.mark.parametrize("name, words, status, said", [
    ("seen", [], 0, "OK"), ("seen_soon", [], 1, "WARNING"), ("seen_soon", ["--warn", "10d"], 0, "OK"),
    ("seen_soon", ["--critical", "25"], 2, "CRITICAL"), ("seen_late", [], 2, "CRITICAL")])
def test_check(thimble, fake, chains, name, words, status, said):
    broker = fake(nothing, tls=chains.server(name))
    done = thimble("cert", "check", at(broker), *words).ends(status)
    assert done.out.decode().startswith(f"CERT {said} - {at(broker)}: ") and BLIND in done.err
    done = thimble("cert", "check", at(broker), *chains.trust(), *words).ends(status)
    assert done.out.decode().startswith(f"CERT {said} - {at(broker)}: ")


def test_check_of_who_is_refused(thimble, fake, chains):
    broker = fake(nothing, tls=chains.server("seen"))
    done = thimble("cert", "check", at(broker), "--tls-use-os-certs").ends(2)
    assert done.out.decode() == f"CERT CRITICAL - {at(broker)}: unknown-ca\n"
    done = thimble("cert", "check", at(broker), "--tls-use-os-certs", "--json").ends(2)
    assert json.loads(done.out) == {"status": "CRITICAL", "file": at(broker), "state": "unknown-ca"}


def test_check_of_nobody(thimble):
    where = f"localhost:{free_port()}"
    done = thimble("cert", "check", where).ends(3)
    assert done.out.decode() == f"CERT UNKNOWN - {where}: not-connected\n"


@pytest.mark.parametrize("words", [["--warn", "30x"], ["--warn", "30dd"], ["--critical", "d"],
                                   ["--warn", "-1"], ["--critical", " 7"], ["--warn", "123456d"]])
def test_days_are_days(thimble, chains, words):
    assert not thimble("cert", "check", chains.path("seen.pem"), *words).ends(3).out


def test_check_believes_no_impossible_date(thimble, chains, era):
    era.set(0)
    done = thimble.start("cert", "check", chains.path("seen.pem"), prefix=era.prefix)
    done.ends(3)
    assert done.out.decode().endswith(": clock-implausible\n") and "1970" in done.err


# ---- who is no server of TLS --------------------------------------------------------------------

@pytest.mark.parametrize("verb", ["pin", "show", "verify"])
def test_nobody_listens(thimble, chains, verb):
    done = thimble("cert", verb, f"localhost:{free_port()}", *chains.trust())
    done.ends_refused(4, "refused")


def test_no_tls_there(thimble, lab, chains):
    done = thimble("cert", "pin", f"localhost:{lab.ports['plain_port']}", "--timeout", SECONDS)
    assert done.end() in (7, 8, 27) and not done.out, done.story()


def test_silence_has_an_end(thimble, fake):
    broker = fake(lambda peer: peer.drain())
    done = thimble("cert", "pin", at(broker), "--timeout-tls", "0.3")
    done.ends_refused(27)
    assert not done.out


def test_no_such_name(thimble):
    thimble("cert", "pin", "nobody.invalid:8883", "--timeout-lookup", "1").ends_refused(20)


# ---- words --------------------------------------------------------------------------------------

@pytest.mark.parametrize("words, status", [
    (["pin", "localhost:1", "x.pem"], 64), (["check", "localhost:1", "x.pem"], 64),
    (["check", "x.pem", "localhost:1"], 3), (["pin", "localhost:0"], 66),
    (["pin", "localhost:65536"], 66), (["pin", "me@localhost:1"], 66), (["pin", "::1:8883"], 66),
    (["pin", "./localhost:1"], 66), (["pin", "localhost:1", "--crlfile", "x"], 64),
    (["pin", "localhost:1", "--insecure"], 64), (["pin", "localhost:1", "--cert", "x"], 64),
    (["pin", "a..b:1"], 64), (["pin", "x" * 254 + ":1"], 66)])
def test_words(thimble, words, status):
    done = thimble("cert", *words).ends(status)
    assert done.err.startswith("thimble cert: ")
