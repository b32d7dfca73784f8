"""TLS sessions that outlive their process: --session-file."""
import contextlib
import os
import re
import shutil
import subprocess
import time

import pytest

from forge import CA, CLIENT, LOCALHOST, NOT_CA, SERVER, server
from lab import free_port
from packets import PUBLISH, PUBACK, ack
from program import SECONDS, THIMBLE
from timeserver import Era

LEFT_ALONE = "is not used"

# Of the instructions of a full handshake, with P-256.
MOST = {"1.2": 0.15, "1.3": 0.45}


@pytest.fixture
def file(tmp_path):
    return tmp_path / "session"


@pytest.fixture
def pub(thimble, lab, file):
    """Publishes once; whether the session was taken up stands in its report."""
    def run(tls="1.3", *words, kind="ec", where=None, code=0, **options):
        done = thimble.start("pub", *(where or lab.tls(kind)), "-t", "session", "-m", "x",
                             "-q", "1", "-d", "--tls-version", tls, "--session-file", file, *words,
                             report=True, **options)
        done.ends(code)
        done.resumed = done.report["connection"]["resumed"]
        return done
    return run


@pytest.mark.parametrize("kind", ["ec", "rsa"])
@pytest.mark.parametrize("tls", ["1.2", "1.3"])
def test_the_next_process_takes_it_up(pub, file, tls, kind):
    assert not pub(tls, "--sandbox=require", kind=kind).resumed
    assert file.stat().st_mode & 0o777 == 0o600 and file.stat().st_nlink == 1
    for _ in range(3):
        before = file.read_bytes()
        assert pub(tls, "--sandbox=require", kind=kind).resumed
        if tls == "1.3":
            assert file.read_bytes() != before  # used once: what is there now is new


@pytest.mark.parametrize("tls", ["1.2", "1.3"])
def test_a_killed_process_has_kept_it(thimble, lab, pub, file, tls):
    sub = thimble.start("sub", *lab.tls(), "--tls-version", tls, "-t", "t", "--session-file", file)
    while not file.exists() or not file.stat().st_size:
        assert sub.is_running() and sub.seconds < SECONDS
        time.sleep(0.01)
    sub.stop()
    assert pub(tls).resumed


def instructions(directory, *words):
    out = directory / "callgrind"
    subprocess.run(["valgrind", "--tool=callgrind", f"--callgrind-out-file={out}", str(THIMBLE),
                    *map(str, words)], capture_output=True)
    return int(re.search(r"^totals: (\d+)", out.read_text(), re.M).group(1))


@pytest.mark.skipif(not shutil.which("valgrind"), reason="NOT TESTED: there is no valgrind")
@pytest.mark.deadline(180)
@pytest.mark.parametrize("tls", ["1.2", "1.3"])
def test_what_it_saves(lab, tmp_path, file, record_property, tls):
    """Beyond what the program does before it is connected."""
    def count(port):
        return instructions(tmp_path, "pub", "-h", "localhost", "-p", port, *lab.identity(), "-t",
                            "t", "-m", "x", "-q", "1", "--tls-version", tls, "--session-file", file)
    before = count(free_port())
    whole, resumed = (count(lab.ports["ec_port"]) - before for _ in range(2))
    record_property(f"resumed with TLS {tls}", f"{resumed / whole:.3f} of {whole:,} instructions")
    assert resumed <= MOST[tls] * whole


# ---- who it is for ------------------------------------------------------------------------------

PINNED = ["--pin", "sha256//" + "A" * 43 + "="]


@pytest.mark.parametrize("tls", ["1.2", "1.3"])
@pytest.mark.parametrize("words", [
    ["-h", "127.0.0.1"], ["--servername", "127.0.0.1"], ["--tls-alpn", "mqtt"], ["--insecure"],
    ["--tls-version", "1.2+"], PINNED, ["--ciphers", "ECDHE-ECDSA-AES128-GCM-SHA256"]])
def test_it_is_for_one_broker_and_one_policy(pub, tls, words):
    pub(tls)
    other = pub(tls, *words, code=75 if words is PINNED else 0)
    if words[0] == "--ciphers" and tls == "1.3":
        return  # no suites of TLS 1.2 are among what is offered
    assert not other.resumed and LEFT_ALONE in other.err


def test_it_is_for_one_identity(pub, lab, file, forge):
    """Other roots, another certificate, none."""
    extra = file.with_name("roots")
    extra.write_bytes(lab.path("ec", "root.pem").read_bytes() +
                      lab.path("rsa", "root.pem").read_bytes())
    where = ["-h", "localhost", "-p", lab.ports["ec_port"]]
    own = lab.identity()
    for identity in (["--cafile", extra, *own[2:]], [*own[:2], *lab.identity("rsa")[2:]], own[:2]):
        pub()
        other = pub(where=[*where, *identity], code=76 if identity != [
            "--cafile", extra, *own[2:]] else 0)
        assert not other.resumed and LEFT_ALONE in other.err


# ---- when it is over ----------------------------------------------------------------------------

@pytest.fixture
def era(tmp_path):
    return Era(tmp_path)


def test_a_day_later_it_is_over(pub, era):
    pub()
    era.set_offset(5000)  # OpenSSL gives them two hours
    assert pub(prefix=era.prefix).resumed
    era.set_offset(86500)
    late = pub(prefix=era.prefix)
    assert not late.resumed  # the day counts from when the certificate was verified


def in_time(seconds):
    return time.strftime("%Y%m%d%H%M%SZ", time.gmtime(time.time() + seconds))


@pytest.fixture
def brief(forge, request):
    """Of three certificates one ends within the hour: what the broker shows, and what we give."""
    whose = request.param
    dates = {who: (in_time(-3600), in_time(3600)) if who == whose else None
             for who in ("broker", "root", "ours")}
    forge.issue("theroot", CA, issuer=None, dates=dates["root"])
    forge.issue("thebroker", NOT_CA, SERVER, LOCALHOST, issuer="theroot", dates=dates["broker"])
    forge.issue("ours", NOT_CA, CLIENT, dates=dates["ours"])
    shown = server(forge.path("thebroker.crt"), forge.path("thebroker.key"))
    given = ["--cafile", forge.path("theroot.crt"), "--cert", forge.path("ours.crt"), "--key",
             forge.path("ours.key")]
    return shown, given


@pytest.mark.parametrize("brief, last", [("broker", 70), ("root", 70), ("ours", 0)],
                         indirect=["brief"])
def test_it_ends_with_the_certificate(thimble, file, fake, brief, era, last):
    def take(peer):
        peer.greet()
        peer.send(ack(PUBACK, peer.expect(PUBLISH).packet_id))
        peer.finish()
    shown, given = brief
    broker = fake(take, take, take, tls=shown)
    words = ["pub", *broker.where, *given, "-t", "t", "-m", "x", "-q", "1", "--session-file", file]
    for offset, code, resumed in ((0, 0, False), (1800, 0, True), (3700, last, False)):
        era.set_offset(offset)
        done = thimble.start(*words, prefix=era.prefix, report=True)
        done.ends(code)
        assert code or done.report["connection"]["resumed"] == resumed


@pytest.mark.parametrize("brief, offset, last, resumed", [
    ("broker", 1800, 0, True), ("broker", 3700, 70, False), ("root", 3700, 70, False),
    ("ours", 1800, 0, True), ("ours", 3700, 0, False)], indirect=["brief"])
@pytest.mark.parametrize("tls", ["1.2", "1.3"])
def test_within_a_process_too(thimble, fake, brief, era, tls, offset, last, resumed):
    def first(peer):
        peer.greet().grant()
        era.set_offset(offset)
        peer.finish()

    def then(peer):
        peer.greet().grant()
        with contextlib.suppress(OSError):
            peer.drain()
    shown, given = brief
    broker = fake(first, then, tls=shown)
    sub = thimble.start("sub", *broker.where, *given, "-t", "t", "--backoff", "0.1..0.2",
                        "--tls-version", tls, prefix=era.prefix, report=True)
    if not last:
        sub.says("connected again").signal(15)
    sub.ends(last)
    assert sub.report["connection"]["resumed"] == resumed
    assert last == 0 or "has expired" in sub.err


def test_nothing_that_was_not_proved_is_kept(pub, lab, file):
    where = ["-h", "localhost", "-p", lab.ports["ec_port"], *lab.identity()[2:],
             "--insecure-no-verify"]
    for tls in ("1.2", "1.3"):
        assert not pub(tls, where=where).resumed and not file.stat().st_size


def test_where_lists_tell_who_was_revoked_they_are_asked(thimble, file, fake, forge):
    forge.issue("listed", NOT_CA, SERVER, LOCALHOST)
    lists = forge.path("empty.crl")
    forge._openssl("ca", "-config", "conf", "-gencrl", "-md", "sha256", "-crldays", "30", "-cert",
                   "root.crt", "-keyfile", "root.key", "-out", lists)

    def take(peer):
        peer.greet()
        peer.send(ack(PUBACK, peer.expect(PUBLISH).packet_id))
        peer.finish()
    broker = fake(take, take, take, tls=forge.server("listed"))
    resumed = []
    for words in ([], ["--crlfile", lists], ["--crlfile", lists]):
        done = thimble.start("pub", *broker.where, *forge.trust(), *words, "-t", "t", "-m", "x",
                             "-q", "1", "--session-file", file, report=True)
        resumed.append(done.ends(0).report["connection"]["resumed"])
    assert resumed == [False, False, False]


def test_a_broker_that_forgot(thimble, mosquitto, lab, pub, file):
    """Restarted, it has other keys: an ordinary handshake, and a new session."""
    port = free_port()
    broker = mosquitto("allow_anonymous true", f"listener {port}", "require_certificate true",
                       *(f"{option} {lab.path('ec', name)}" for option, name in (
                           ("cafile", "root.pem"), ("certfile", "server.pem"),
                           ("keyfile", "server.key")))).start()
    where = ["-h", "localhost", "-p", port, *lab.identity()]
    for tls in ("1.2", "1.3"):
        pub(tls, where=where)
        assert pub(tls, where=where).resumed
        broker.stop()
        broker.start()
        assert not pub(tls, where=where).resumed
        assert pub(tls, where=where).resumed


def test_an_offer_that_comes_to_nothing_is_used_up(pub, lab, file, fake):
    good = server(lab.path("ec", "server.pem"), lab.path("ec", "server.key"))
    broker = fake(lambda peer: peer.greet().finish(), lambda peer: peer.reset(), tls=good)
    words = {"where": [*broker.where, *lab.identity(), "--retry", "0"], "code": 7}
    pub(**words)
    size = file.stat().st_size
    pub(**words)
    assert size and not file.stat().st_size


# ---- files --------------------------------------------------------------------------------------

MARK = b"thimble session\n"


def damages(data):
    """Behind the mark, or without a byte that is somebody's."""
    yield b""
    for cut in (16, 17, 47, 64, 516, len(data) - 1):
        yield data[:cut]
    for place in range(16, len(data), 61):
        yield data[:place] + bytes([data[place] ^ 0x40]) + data[place + 1:]
    yield data + b"\0"
    yield MARK + os.urandom(len(data) - 16)
    yield b"\0" * 5
    yield b"\0" * 8192
    yield b"\0" * 512 + data[512:]
    yield MARK + b"\xff" * 100000


def test_damaged_files_are_left_alone(pub, file):
    pub()
    pub()
    good = file.read_bytes()
    assert good.startswith(MARK)
    for bad in damages(good):
        file.write_bytes(bad)
        done = pub()
        assert not done.resumed and (LEFT_ALONE in done.err or len(bad) <= 16)
        assert file.stat().st_size == len(good) and file.read_bytes().startswith(MARK)
    assert pub().resumed


FOREIGN = {"a letter": b"x", "half a mark": MARK[:15], "another mark": MARK.upper(),
           "after NULs": b"\0" * 15 + b"x", "a key": b"-----BEGIN EC PRIVATE KEY-----\n" * 9,
           "much": b"\xff" * 100000}


@pytest.mark.parametrize("what", FOREIGN)
def test_what_is_not_ours_is_not_overwritten(thimble, lab, file, what):
    foreign = FOREIGN[what]
    file.write_bytes(foreign)
    file.chmod(0o600)
    for _ in range(2):
        thimble("pub", *lab.tls(), "-t", "t", "-m", "x", "--session-file", file).ends_refused(
            67, "nothing is overwritten")
    assert file.read_bytes() == foreign


def test_others_may_not_read_it(thimble, lab, file, tmp_path):
    words = ["pub", *lab.tls(), "-t", "t", "-m", "x", "--session-file"]
    for mode in (0o640, 0o604, 0o666, 0o620):
        file.write_bytes(b"")
        file.chmod(mode)
        thimble(*words, file).ends_refused(82, "only its user")
    if os.geteuid() == 0:
        file.chmod(0o600)
        os.chown(file, 1, 1)
        thimble(*words, file).ends_refused(82, "only its user")
    os.mkfifo(tmp_path / "fifo", 0o600)
    thimble(*words, tmp_path / "fifo").ends_refused(82, "only its user")
    (tmp_path / "link").symlink_to(tmp_path / "elsewhere")
    for path in (tmp_path / "link", tmp_path, tmp_path / "no" / "file"):
        thimble(*words, path).ends_refused(66, str(path))
    assert not (tmp_path / "elsewhere").exists()


def test_one_process_at_a_time(thimble, lab, pub, file, topic):
    """Who comes second does without."""
    pub()
    sub = thimble.start("sub", *lab.tls(), "-t", topic, "--session-file", file,
                        "--tls-version", "1.3")
    lab.log.await_subscription(topic)
    assert not pub().resumed
    sub.signal(15).end()
    assert pub().resumed


def test_nothing_is_kept_without_being_asked(thimble, lab, tmp_path):
    before = set(os.listdir(tmp_path))
    thimble("pub", *lab.tls(), "-t", "t", "-m", "x").ends(0)
    made = set(os.listdir(tmp_path)) - before
    assert not [name for name in made if not name.startswith("run")]


# ---- beside an identity -------------------------------------------------------------------------

@pytest.fixture
def stored(thimble, lab, tmp_path):
    ids = tmp_path / "ids"
    thimble("identity", "import", "device", *lab.identity(), "--endpoint",
            f"localhost:{lab.ports['ec_port']}", "--identity-dir", ids).ends(0)
    return ids


def test_with_an_identity_it_is_kept_by_default(thimble, stored):
    def resumed():
        done = thimble.start("pub", "--identity", "device", "--identity-dir", stored, "-t", "t",
                             "-m", "x", "-q", "1", "--sandbox=require", report=True)
        done.ends(0)
        return done.report["connection"]["resumed"]
    assert [resumed(), resumed(), resumed()] == [False, True, True]
    for name in ("session", "clock"):
        assert (stored / "device" / name).stat().st_mode & 0o777 == 0o600


def test_no_date_is_earlier_than_the_identity(thimble, lab, tmp_path, era):
    """Neither than it was stored, nor than the last connection it made."""
    ids = tmp_path / "ids"
    where = ["--identity-dir", ids]
    era.set_offset(10 * 86400)
    thimble("identity", "import", "device", *lab.identity(), "--endpoint",
            f"localhost:{lab.ports['ec_port']}", *where, prefix=era.prefix).ends(0)
    words = ["pub", "--identity", "device", *where, "-t", "t", "-m", "x", "--clock=fail"]
    thimble(*words).ends_refused(80, "or later")
    era.set_offset(20 * 86400)
    thimble(*words, prefix=era.prefix).ends(0)
    era.set_offset(15 * 86400)
    thimble(*words, prefix=era.prefix).ends_refused(80, "or later")
