"""The date: no certificate is judged by one that cannot be right."""
import calendar
import json
import re
import time

import pytest

from conftest import tracked
from forge import CA, LOCALHOST, NOT_CA, SERVER, server
from lab import free_port
from program import until
from timeserver import Era, TimeServer, reply

YEAR = 365.25 * 86400
LONG_BEFORE_SECONDS = 60  # --clock-timeout is 120 unless it is said


def at(year, month=1, day=1):
    return calendar.timegm((year, month, day, 12, 0, 0))


@pytest.fixture
def era(tmp_path):
    return Era(tmp_path)


@pytest.fixture
def timeserver():
    yield from tracked(TimeServer)


@pytest.fixture
def pub(thimble, lab, era):
    """Publishes at another time."""
    def start(*words, **options):
        return thimble.start("pub", *lab.tls(), "-t", "clock", "-m", "x", "-q", "1", *words,
                             prefix=era.prefix, **options)
    return start


# ---- a date that cannot be right ----------------------------------------------------------------

@pytest.mark.parametrize("year", [1970, 2000, 2025])
def test_an_impossible_date_is_no_bad_certificate(pub, era, year):
    era.set(at(year))
    done = pub("--clock=fail")
    done.ends_refused(80, f"says {year}-01-01", "or later")
    assert "left out" not in done.err and "valid" not in done.err


def test_nobody_is_called_before(thimble, lab, era, fake):
    era.set(at(1970))
    broker = fake()
    thimble("pub", *broker.where, *lab.identity(), "-t", "t", "-m", "x", "--clock=fail",
            prefix=era.prefix).ends_refused(80)
    assert broker.attempts == 0


def test_it_is_waited_for(pub, era):
    """Set while we wait: no restart is needed, and locked in we see it."""
    era.set(at(1970))
    waiting = pub("--events", "--sandbox=require")
    waiting.says("says 1970-01-01").says(": waiting")
    assert waiting.is_running()
    era.set_offset(0)
    events = [json.loads(line) for line in waiting.ends(0).out.splitlines()]
    assert [each["event"] for each in events][:2] == ["waiting", "connected"]
    assert events[0]["error"] == "clock-implausible"


def test_not_for_ever(pub, era):
    era.set(at(1970))
    done = pub("--clock-timeout", "1.5").ends_refused(80, "1970")
    assert 1.4 < done.seconds < LONG_BEFORE_SECONDS


def test_it_may_be_ignored(pub, era):
    era.set(at(1970))
    pub("--clock=ignore").ends_refused(81, "not yet valid", "1970")


@pytest.mark.parametrize("words", [["--no-tls"], ["--insecure-no-verify"]])
def test_without_a_judgement_no_date_is_needed(thimble, lab, era, words):
    era.set(at(1970))
    port = lab.ports["plain_port" if words == ["--no-tls"] else "ec_port"]
    own = [] if words == ["--no-tls"] else lab.identity()[2:]
    thimble("pub", "-h", "localhost", "-p", port, *own, *words, "-t", "t", "-m", "x",
            prefix=era.prefix).ends(0)


def test_signals_end_the_waiting(pub, era):
    era.set(at(1970))
    pub().says("waiting").signal(15).ends(143)


def test_the_kernel_says_when_it_is_synchronised(pub, era):
    era.set_offset(0, kernel=5)
    waiting = pub("--clock=sync", "--sandbox=require").says("not synchronised: waiting")
    era.set_offset(0, kernel=0)
    waiting.ends(0)
    era.set_offset(0, kernel=5)
    pub("--clock=sync", "--clock-timeout", "0").ends_refused(80, "not synchronised")


# ---- dates that can -----------------------------------------------------------------------------

@pytest.fixture(scope="module")
def ages(forge):
    """Certificates from 1969 to 2120."""
    dates = ("19690101000000Z", "21200101000000Z")
    forge.issue("ages", CA, issuer=None, dates=dates)
    forge.issue("aged", NOT_CA, SERVER, LOCALHOST, issuer="ages", dates=dates)
    return forge


@pytest.mark.parametrize("tls", ["1.2", "1.3"])
@pytest.mark.parametrize("year, words", [(1970, ["--clock=ignore"]), (2000, ["--clock=ignore"]),
                                         (2037, []), (2039, []), (2100, []), (2107, [])])
def test_certificates_are_judged_at_any_time(thimble, ages, era, fake, tls, year, words):
    era.set(at(year))
    broker = fake(lambda peer: peer.greet().finish(), tls=ages.server("aged", lowest=tls,
                                                                       highest=tls))
    thimble("pub", *broker.where, "--cafile", ages.path("ages.crt"), "-t", "t", "-m", "x", *words,
            prefix=era.prefix).ends(0)


@pytest.mark.parametrize("year", [2038, 2100])
def test_late_dates_expire_what_has_expired(pub, era, year):
    era.set(at(year, 12, 31))
    pub().ends_refused(70, "expired", f"{year}-12-31")


# ---- roots that were loaded without a date -------------------------------------------------------

@pytest.fixture(scope="module")
def roots(forge):
    for name, dates in (("past", ("20000101000000Z", "20200101000000Z")),
                        ("future", ("20900101000000Z", "21200101000000Z"))):
        forge.issue(f"{name}root", CA, issuer=None, dates=dates)
        forge.issue(f"of{name}", NOT_CA, SERVER, LOCALHOST, issuer=f"{name}root")
    forge.issue("middle", CA)
    forge.issue("ofmiddle", NOT_CA, SERVER, LOCALHOST, issuer="middle")
    bundle = b"".join(forge.path(f"{name}.crt").read_bytes()
                      for name in ("pastroot", "root", "futureroot"))
    forge.path("three").write_bytes(bundle)
    return forge


@pytest.mark.parametrize("tls", ["1.2", "1.3"])
@pytest.mark.parametrize("name, code", [("ofpast", 70), ("offuture", 81), ("ofmiddle", 0)])
def test_roots_are_judged_once_there_is_a_date(thimble, roots, era, fake, name, code, tls):
    era.set(at(1970))
    shown = roots.path(f"{name}.pem" if name == "ofmiddle" else f"{name}.crt")
    broker = fake(lambda peer: peer.greet().finish() if code == 0 else peer.drain(),
                  tls=server(shown, roots.path(f"{name}.key"), lowest=tls, highest=tls))
    waiting = thimble.start("pub", *broker.where, "--cafile", roots.path("three"), "-t", "t",
                            "-m", "x", prefix=era.prefix)
    waiting.says("waiting")
    assert "left out" not in waiting.err
    era.set_offset(0)
    waiting.ends(code)
    if code:
        waiting.ends_refused(code, "the CA certificate above that of")


# ---- jumps --------------------------------------------------------------------------------------

def test_jumps_do_not_disturb_a_connection(thimble, lab, era, topic):
    """Ten years ahead, ten back, to 1970: keep-alives, acknowledgements and messages go on."""
    sub = thimble.start("sub", *lab.tls(), "-t", topic, "-q", "1", "-k", "5", "-v",
                        prefix=era.prefix)
    lab.log.await_subscription(topic)
    for n, offset in enumerate((0, 10 * YEAR, -10 * YEAR, -time.time(), 70 * YEAR)):
        era.set_offset(offset)
        thimble("pub", *lab.plain, "-t", topic, "-m", n, "-q", "1").ends(0)
        sub.prints(b"".join(b"%s %d\n" % (topic.encode(), each) for each in range(n + 1)))
    time.sleep(8)  # more than one keep-alive
    thimble("pub", *lab.plain, "-t", topic, "-m", "last", "-q", "1").ends(0)
    until(lambda: sub.out.endswith(b"last\n"), "the last message")
    assert "trying again" not in sub.err


def test_a_redial_waits_for_the_date_too(thimble, lab, era, fake):
    good = server(lab.path("ec", "server.pem"), lab.path("ec", "server.key"))
    broker = fake(lambda peer: peer.greet().grant(), tls=good)
    sub = thimble.start("sub", *broker.where, *lab.identity(), "-t", "t", prefix=era.prefix)
    sub.says("trying again")
    era.set(at(1970))
    sub.says("says 1970-01-01")
    assert "(80" not in sub.err and "valid" not in sub.err
    sub.signal(15).end()


# ---- time servers -------------------------------------------------------------------------------

def good(question):
    return [reply(question, time.time())]


def slow(question):
    time.sleep(0.3)
    return good(question)


REFUSED = {
    "silence": lambda q: [],
    "an echo of nothing": lambda q: [reply(q, time.time(), echo=b"\0" * 8)],
    "another echo": lambda q: [reply(q, time.time(), echo=bytes(8 - n for n in range(8)))],
    "a client's mode": lambda q: [reply(q, time.time(), mode=3)],
    "broadcast": lambda q: [reply(q, time.time(), mode=5)],
    "a kiss: RATE": lambda q: [reply(q, time.time(), stratum=0, reference=b"RATE")],
    "a kiss: DENY": lambda q: [reply(q, time.time(), stratum=0, leap=3, reference=b"DENY")],
    "stratum 16": lambda q: [reply(q, time.time(), stratum=16)],
    "not synchronised": lambda q: [reply(q, time.time(), leap=3)],
    "cut short": lambda q: [reply(q, time.time())[:47]],
    "nothing in it": lambda q: [b""],
    "from elsewhere": lambda q: [("from elsewhere", reply(q, time.time()))],
    "below the floor": lambda q: [reply(q, at(2025))],
    "zero": lambda q: [reply(q, -2208988800)],
    "the question itself": lambda q: [q],
}


def test_a_time_server_tells_the_date(pub, era, timeserver):
    era.set(at(1970))
    there = timeserver(slow)
    pub("--sntp", there.where, "--sandbox=require").ends(0, "waiting")
    assert len(there.questions) == 1


def test_a_time_server_has_a_name(pub, era, timeserver):
    era.set(at(1970))
    there = timeserver(good)
    pub("--sntp", there.where.replace("127.0.0.1", "localhost"), "--sandbox=require").ends(0)


def test_it_is_not_asked_without_need(pub, era, timeserver):
    there = timeserver(good)
    pub("--sntp", there.where).ends(0)
    assert not there.questions


@pytest.mark.parametrize("what", REFUSED)
def test_what_cannot_be_believed_leads_to_the_next(pub, era, timeserver, what):
    era.set(at(1970))
    bad, better = timeserver(REFUSED[what]), timeserver(good)
    done = pub("--sntp", bad.where, "--sntp", better.where).ends(0)
    assert len(bad.questions) == 1 and len(better.questions) == 1
    assert done.seconds < LONG_BEFORE_SECONDS


@pytest.mark.parametrize("what", ["below the floor", "another echo", "a kiss: DENY"])
def test_alone_it_is_not_believed(pub, era, timeserver, what):
    era.set(at(1970))
    there = timeserver(REFUSED[what])
    pub("--sntp", there.where, "--clock-timeout", "5").ends_refused(80, "1970")
    assert len(there.questions) == 1


def test_the_right_answer_among_wrong_ones(pub, era, timeserver):
    era.set(at(1970))
    there = timeserver(lambda q: [REFUSED["another echo"](q)[0], q, b"x", good(q)[0]])
    pub("--sntp", there.where).ends(0)


@pytest.mark.parametrize("year", [2037, 2080])
def test_eras(pub, era, timeserver, year):
    """The seconds of the format begin anew in 2036."""
    era.set(at(1970))
    there = timeserver(lambda q: [reply(q, at(year, 12, 31))])
    pub("--sntp", there.where).ends_refused(70, f"{year}-12-31")


def test_nobody_there(pub, era):
    era.set(at(1970))
    pub("--sntp", f"127.0.0.1:{free_port()}", "--sntp", "no name", "--clock-timeout", "1").ends(64)
    pub("--sntp", f"127.0.0.1:{free_port()}", "--sntp", "[::1]:9", "--sntp", "::1",
        "--clock-timeout", "1").ends_refused(80, "1970")


def test_the_answer_holds_while_the_system_is_wrong(pub, era, timeserver):
    """Also for what is printed."""
    era.set(at(1970))
    there = timeserver(slow)
    done = pub("--events", "--sntp", there.where).ends(0)
    first, *_, last = (json.loads(line) for line in done.out.splitlines())
    assert first["event"] == "waiting" and first["t"] - at(1970) < 86400
    assert abs(last["t"] - time.time()) < 60


# ---- the last date that was right ---------------------------------------------------------------

def test_the_last_date_is_kept(pub, era, tmp_path):
    file = tmp_path / "clock"
    era.set_offset(100 * 86400)
    pub("--clock-file", file, "--sandbox=require").ends(0)
    kept = file.read_text()
    assert re.fullmatch(r"\d{20}\n", kept) and abs(int(kept) - time.time() - 100 * 86400) < 60
    assert file.stat().st_mode & 0o777 == 0o600
    era.set_offset(0)
    pub("--clock-file", file, "--clock=fail").ends_refused(80, "or later")
    era.set_offset(100 * 86400 + 3600)
    pub("--clock-file", file).ends(0)
    assert file.read_text() == kept  # once a day is enough
    era.set_offset(102 * 86400)
    pub("--clock-file", file).ends(0)
    assert int(file.read_text()) > int(kept)


def test_a_date_that_was_not_proved_is_not_kept(thimble, lab, era, tmp_path):
    file = tmp_path / "clock"
    era.set_offset(100 * 86400)
    thimble("pub", "-h", "localhost", "-p", lab.ports["ec_port"], "--cafile",
            lab.path("other", "root.pem"), "-t", "t", "-m", "x", "--clock-file", file,
            prefix=era.prefix).ends_refused(72)
    assert file.read_text() == ""


@pytest.mark.parametrize("text", ["x", "12\n34\n", "-5\n", "99999999999999999999\n", "\0" * 20 + "1",
                                  "0" * 4096])
def test_a_file_that_holds_no_date(pub, tmp_path, text):
    (tmp_path / "clock").write_text(text)
    (tmp_path / "clock").chmod(0o600)
    pub("--clock-file", tmp_path / "clock").ends_refused(67, "holds no date")
    assert (tmp_path / "clock").read_text() == text


@pytest.mark.parametrize("left", [0, 5, 21, 30])
def test_what_a_power_cut_leaves_is_no_date(pub, era, tmp_path, left):
    file = tmp_path / "clock"
    file.write_bytes(b"\0" * left)
    file.chmod(0o600)
    era.set_offset(100 * 86400)
    pub("--clock-file", file, "--sandbox=require").ends(0)
    assert abs(int(file.read_bytes()[:21]) - time.time() - 100 * 86400) < 60
    pub("--clock-file", file).ends(0)


def test_what_a_time_server_told_is_not_kept(pub, era, timeserver, tmp_path):
    """A broker's certificate may be valid for ten years: it would confirm any of them."""
    file = tmp_path / "clock"
    era.set(at(1970))
    later = timeserver(lambda q: [reply(q, time.time() + 200 * 86400)])
    pub("--sntp", later.where, "--clock-file", file).ends(0)
    assert file.read_bytes() == b""
    era.set_offset(0)
    pub("--clock-file", file, "--clock=fail").ends(0)


def test_a_file_of_others(pub, tmp_path):
    file = tmp_path / "clock"
    file.write_text("")
    file.chmod(0o640)
    pub("--clock-file", file).ends_refused(82, "--clock-file", "only its user")


def test_a_file_that_cannot_be(pub, tmp_path):
    (tmp_path / "link").symlink_to(tmp_path / "elsewhere")
    for path in (tmp_path, tmp_path / "link", tmp_path / "no" / "file"):
        pub("--clock-file", path).ends_refused(66, str(path))
    assert not (tmp_path / "elsewhere").exists()
