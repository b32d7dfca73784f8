"""Another generation of an identity, tried while the program goes on: what the broker acknowledges
stays, what it refuses goes."""
import contextlib
import fcntl
import json
import os
import pathlib
import shutil
import signal
import subprocess
import time

import pytest

from forge import CA, CLIENT, LOCALHOST, NOT_CA, SERVER, server
from lab import free_port
from packets import PINGREQ, PINGRESP, PUBACK, PUBLISH, SUBSCRIBE, ack, packet, suback
from program import until
from timeserver import Era


@pytest.fixture(scope="module")
def devices(forge):
    """A broker's certificate, and those of devices it trusts, and one it does not."""
    forge.issue("broker", f"{NOT_CA}\n{SERVER}\n{LOCALHOST}")
    for name in "first", "second":
        forge.issue(name, f"{NOT_CA}\n{CLIENT}", subject=name)
    return forge.directory


@pytest.fixture
def broker(mosquitto, devices):
    """It knows devices by the common names of their certificates."""
    port = free_port()
    made = mosquitto(f"listener {port} 127.0.0.1", f"cafile {devices}/root.pem",
                     f"certfile {devices}/broker.pem", f"keyfile {devices}/broker.key",
                     "require_certificate true", "use_identity_as_username true",
                     "allow_anonymous true").start()
    made.tls_port = port
    return made


@pytest.fixture
def identity(thimble, tmp_path, devices, lab, broker):
    class Identity:
        where = ["--identity-dir", tmp_path / "ids"]
        use = ["--identity", "device", *where, "-h", "localhost", "-p", broker.tls_port]

        def take(self, name, roots="root.pem"):
            """From now on this certificate counts; "stranger" is none of the broker's."""
            pair = (lab.path("ec", "client.pem"), lab.path("ec", "client.key"))
            if name != "stranger":
                pair = (devices / f"{name}.pem", devices / f"{name}.key")
            thimble("identity", "import", "device", "--cert", pair[0], "--key", pair[1],
                    *(["--cafile", devices / roots] if roots else []), *self.where).ends(0)

        @property
        def current(self):
            done = thimble("identity", "show", "device", "--json", *self.where).ends(0)
            return json.loads(done.out)["generation"]
    made = Identity()
    made.take("first")
    return made


def certificate_of(path):
    return subprocess.run(["openssl", "x509", "-in", path, "-noout", "-fingerprint"], check=True,
                          capture_output=True, text=True).stdout


def says_to(thimble, broker, topic, text):
    thimble("pub", "-h", "127.0.0.1", "-p", broker.port, "--no-tls", "-t", topic, "-m", text, "-q",
            1).ends(0)


@pytest.fixture
def subscriber(thimble, identity, broker):
    sub = thimble.start("sub", *identity.use, "-t", "rotation", "-q", 1, "-c", "-i", "device",
                        "--sandbox=require", "-d")
    broker.log.await_subscription("rotation")
    return sub


def test_what_the_broker_acknowledges_stays(thimble, identity, broker, subscriber):
    identity.take("second")
    subscriber.signal(signal.SIGHUP).says("trying generation b")
    subscriber.says("it counts now")
    assert "u'first'" in broker.log.text() and "u'second'" in broker.log.text()
    says_to(thimble, broker, "rotation", "after")
    subscriber.prints(b"after\n").signal(signal.SIGTERM).ends(0)
    assert identity.current == 2


def test_what_the_broker_refuses_goes(thimble, identity, broker, subscriber):
    """The one before counts again, for whoever comes later, too."""
    identity.take("stranger")
    assert identity.current == 2
    subscriber.signal(signal.SIGHUP).says("back to the one before")
    subscriber.says("connected again")
    says_to(thimble, broker, "rotation", "after")
    subscriber.prints(b"after\n").signal(signal.SIGTERM).ends(0)
    assert identity.current == 1
    thimble("pub", *identity.use, "-t", "t", "-n").ends(0)


def test_again_and_again(identity, broker, subscriber):
    for count in range(2, 7):
        identity.take("second" if count % 2 == 0 else "first")
        subscriber.signal(signal.SIGHUP)
        until(lambda: subscriber.err.count("it counts now") == count - 1, "a proof")
    subscriber.signal(signal.SIGTERM).ends(0)
    assert identity.current == 6


def test_nothing_newer(identity, subscriber):
    subscriber.signal(signal.SIGHUP).says("no newer generation")
    subscriber.signal(signal.SIGTERM).ends(0)


def test_an_import_after_a_rollback_is_newer(thimble, identity, broker, subscriber):
    """Though it takes the place of the one in use, it is another one."""
    identity.take("second")
    subscriber.signal(signal.SIGHUP).says("it counts now")
    thimble("identity", "rollback", "device", *identity.where).ends(0)
    identity.take("first")
    assert identity.current == 3
    subscriber.signal(signal.SIGHUP)
    until(lambda: subscriber.err.count("has proved itself") == 2, "the second proof")
    subscriber.signal(signal.SIGTERM).ends(0)


def test_files_that_are_damaged(identity, subscriber, tmp_path):
    identity.take("second")
    key = next(pathlib.Path(tmp_path).glob("ids/device/b/private_key"))
    key.write_bytes(key.read_bytes()[:-40])
    subscriber.signal(signal.SIGHUP).says("goes on")
    subscriber.signal(signal.SIGTERM).ends(0)


def test_no_message_is_lost(thimble, identity, broker, tmp_path):
    """Lines are published while identities come and go."""
    ear = thimble.start("sub", "-h", "127.0.0.1", "-p", broker.port, "--no-tls", "-t", "lines",
                        "-q", 1)
    broker.log.await_subscription("lines")
    lines = [f"line {n}" for n in range(400)]
    feed = subprocess.Popen(["sh", "-c", "n=0; while [ $n -lt 400 ]; do echo line $n; sleep 0.005; "
                             "n=$((n+1)); done"], stdout=subprocess.PIPE)
    pub = thimble.start("pub", *identity.use, "-t", "lines", "-l", "-q", 1, stdin=feed.stdout)
    for count, name in enumerate(("second", "stranger", "second"), 1):
        until(lambda: len(ear.out.splitlines()) > 100 * count - 50, "some lines")
        identity.take(name)
        pub.signal(signal.SIGHUP)
        pub.says(f"trying generation {'b' if count != 2 else 'a'}")
    pub.ends(0)
    feed.wait()
    until(lambda: len(set(ear.out.decode().split("\n"))) > 400, "the last line")
    assert [line for line in dict.fromkeys(ear.out.decode().splitlines())] == lines


# ---- which one is another -----------------------------------------------------------------------

def test_two_imports_before_the_signal(identity, broker, subscriber):
    """The new one then has the letter of the one in use."""
    identity.take("second")
    identity.take("second")
    subscriber.signal(signal.SIGHUP).says("trying generation a").says("it counts now")
    subscriber.signal(signal.SIGHUP).says("no newer generation")
    subscriber.signal(signal.SIGTERM).ends(0)
    assert "u'second'" in broker.log.text() and identity.current == 3


def test_two_imports_and_none_to_go_back_to(thimble, identity, broker, subscriber):
    """What is in use is stored nowhere any more, but still in use."""
    identity.take("second")
    identity.take("stranger")
    subscriber.signal(signal.SIGHUP).says("back to the one before").says("connected again")
    says_to(thimble, broker, "rotation", "after")
    subscriber.prints(b"after\n").signal(signal.SIGTERM).ends(0)
    assert identity.current == 3


def test_an_import_during_a_trial_is_not_undone(identity, broker, subscriber):
    identity.take("second")
    broker.stop()
    subscriber.signal(signal.SIGHUP).says("trying generation b")
    identity.take("first")
    broker.start()
    subscriber.says("it counts now")
    assert identity.current == 3
    subscriber.signal(signal.SIGHUP)
    until(lambda: subscriber.err.count("it counts now") == 2, "a second proof")
    subscriber.signal(signal.SIGTERM).ends(0)


# ---- what is a refusal, and what is not ----------------------------------------------------------

def test_a_broker_that_is_down_is_waited_for(identity, broker, subscriber):
    identity.take("second")
    broker.stop()
    subscriber.says("trying again in")
    subscriber.signal(signal.SIGHUP).says("trying generation b")
    until(lambda: subscriber.err.split("generation b")[-1].count("trying again in") > 1, "attempts")
    assert "back to" not in subscriber.err and identity.current == 1
    broker.start()
    subscriber.says("it counts now").signal(signal.SIGTERM).ends(0)
    assert identity.current == 2 and ": ;" not in subscriber.err


@pytest.mark.parametrize("name, word, current", [
    ("second", "it counts now", 2), ("stranger", "back to the one before", 1)])
@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL])
def test_our_own_end_is_no_refusal(thimble, identity, broker, subscriber, tmp_path, how, name, word,
                                   current):
    """Until it has proved itself the one before counts; the next start goes on with the trial."""
    identity.take(name)
    broker.stop()
    subscriber.says("trying again in")
    subscriber.signal(signal.SIGHUP).says("trying generation b").signal(how).end()
    assert "back to" not in subscriber.err and identity.current == 1
    broker.start()
    again = thimble.start("sub", *identity.use, "-t", "rotation", "-q", 1, "-d")
    again.says("trying generation b").says(word)
    file = tmp_path / "ids/device/current"
    until(lambda: file.read_text() == "ab"[current - 1] + "\n", "a decision")
    again.says("received SUBACK").signal(signal.SIGTERM).ends(0)
    assert identity.current == current
    thimble("pub", *identity.use, "-t", "t", "-n").ends(0)


@pytest.fixture
def talks(thimble, identity, fake, devices):
    """A program that uses the identity with a broker of these scripts."""
    def start(command, *scripts, words=(), **options):
        made = fake(*scripts, tls=server(devices / "broker.pem", devices / "broker.key"))
        program = thimble.start(command, "--identity", "device", *identity.where, *made.where,
                                "--backoff", "0.1..0.2", "--sandbox=require", "-d", *words,
                                **options)
        return program.says("received SUBACK" if command == "sub" else "received CONNACK")
    return start


def hear_out(peer):
    with contextlib.suppress(OSError):
        peer.drain()


def subscribed(peer):
    peer.greet().grant()
    hear_out(peer)


SUB = ["-t", "t", "-q", "1"]


@pytest.mark.parametrize("how", ["CONNACK", "SUBACK", "silence"])
def test_refusals(identity, talks, how):
    def refuse(peer):
        if how == "silence":
            return peer.hear_connect()  # and closes
        peer.greet(code=5 if how == "CONNACK" else 0)
        if how == "SUBACK":
            peer.send(suback(peer.expect(SUBSCRIBE).packet_id, b"\x80"))
        return hear_out(peer)
    bad = [refuse] * (5 if how == "silence" else 1)
    sub = talks("sub", subscribed, *bad, subscribed, words=SUB)
    identity.take("second")
    sub.signal(signal.SIGHUP).says("trying generation b").says("back to the one before")
    until(lambda: "received SUBACK" in sub.err.split("back to the one before")[-1],
          "a subscription as before")
    assert "connected again" in sub.err and identity.current == 1
    sub.signal(signal.SIGTERM).ends(0)
    assert ": ;" not in sub.err and "in 0.0 s" not in sub.err


@pytest.mark.parametrize("reason, word", [(0x87, "back to the one before"), (0x97, None)])
def test_a_message_that_is_refused(identity, talks, reason, word):
    """Not authorized: back to the one before. For other reasons: nothing is proved."""
    def take(peer, code):
        peer.greet(raw=b"\x13\0\1")
        with contextlib.suppress(OSError):
            while got := peer.receive():
                if got.kind == PINGREQ:
                    peer.send(packet(PINGRESP))
                if got.kind == PUBLISH:
                    peer.send(ack(PUBACK, got.packet_id, code))
    feed, mouth = os.pipe()
    pub = talks("pub", lambda peer: take(peer, 0), lambda peer: take(peer, reason),
                lambda peer: take(peer, 0), words=["-t", "t", "-l", "-V", "5", "-q", "1"], stdin=feed)
    os.close(feed)
    identity.take("second")
    pub.signal(signal.SIGHUP).says("trying generation b").says("connected again")
    os.write(mouth, b"line\n")
    if word:
        pub.says(word)
        until(lambda: pub.err.count("received CONNACK") == 3, "the connection before")
    else:
        until(lambda: pub.err.count("received PINGRESP") >= 2, "two pings")
    os.close(mouth)
    assert pub.end() != 0 and "it counts now" not in pub.err
    assert identity.current == 1


def test_a_busy_broker_does_not_refuse_us(identity, talks):
    def busy(peer):
        peer.greet(code=3)
        hear_out(peer)
    sub = talks("sub", subscribed, *[busy] * 6, subscribed, words=SUB)
    identity.take("second")
    sub.signal(signal.SIGHUP).says("trying generation b").says("it counts now")
    sub.signal(signal.SIGTERM).ends(0)
    assert "back to" not in sub.err and identity.current == 2


def test_without_acknowledgements_a_ping_proves(thimble, identity, talks):
    """QoS 0: PINGRESP tells that what came before it was taken."""
    def listen(peer):
        peer.greet(raw=b"\x13\0\1")  # a keep-alive of one second
        while got := peer.receive():
            if got.kind == PINGREQ:
                peer.send(packet(PINGRESP))
    feed, mouth = os.pipe()
    pub = talks("pub", listen, words=["-t", "t", "-l", "-V", "5"], stdin=feed)
    os.close(feed)
    identity.take("second")
    pub.signal(signal.SIGHUP).says("trying generation b").says("connected again")
    os.write(mouth, b"line\n")
    assert "it counts now" not in pub.err
    pub.says("it counts now")
    os.close(mouth)
    pub.ends(0)
    assert identity.current == 2


def test_what_ends_by_itself_does_not_rotate(identity, talks):
    """As without an identity."""
    pub = talks("pub", lambda peer: hear_out(peer.greet()), words=["-t", "t", "-m", "x", "-q", "1"],
                prefix=["env", "--default-signal=HUP"])
    pub.signal(signal.SIGHUP).ends(-signal.SIGHUP)


# ---- roots come and go ---------------------------------------------------------------------------

def test_roots_that_do_not_know_the_broker(identity, subscriber, forge):
    forge.issue("elsewhere", CA, issuer=None)
    identity.take("second", "elsewhere.crt")
    subscriber.signal(signal.SIGHUP).says("back to the one before").says("connected again")
    identity.take("second", "root.pem")
    subscriber.signal(signal.SIGHUP).says("it counts now").signal(signal.SIGTERM).ends(0)


def test_roots_stay_when_none_are_given(identity, subscriber):
    identity.take("second", None)
    subscriber.signal(signal.SIGHUP).says("it counts now").signal(signal.SIGTERM).ends(0)


def test_roots_that_are_gone(identity, subscriber, tmp_path):
    """As at the start: without any there is no connection."""
    home = tmp_path / "ids/device"
    (home / "current").unlink()
    for generation in "ab":
        shutil.rmtree(home / generation, ignore_errors=True)
        identity.take("second", None)
    subscriber.signal(signal.SIGHUP).says("no CA certificates").says("goes on")
    identity.take("first")
    subscriber.signal(signal.SIGHUP).says("it counts now").signal(signal.SIGTERM).ends(0)


# ---- others, and the clock -----------------------------------------------------------------------

def test_messages_go_on_while_somebody_holds_it(thimble, identity, broker, subscriber, tmp_path):
    identity.take("second")
    fd = os.open(tmp_path / "ids/device", os.O_DIRECTORY)
    fcntl.flock(fd, fcntl.LOCK_EX)
    subscriber.signal(signal.SIGHUP)
    for n in range(3):
        says_to(thimble, broker, "rotation", n)
    subscriber.prints(b"0\n1\n2\n")
    assert "trying" not in subscriber.err
    os.close(fd)
    subscriber.says("it counts now").signal(signal.SIGTERM).ends(0)


def test_a_proof_is_kept_as_soon_as_nobody_holds_it(identity, broker, subscriber, tmp_path):
    """Back on the one before, while another one counts and is held."""
    identity.take("stranger")
    broker.stop()
    subscriber.says("trying again in")
    subscriber.signal(signal.SIGHUP).says("trying generation b")
    fd = os.open(tmp_path / "ids/device", os.O_DIRECTORY)
    fcntl.flock(fd, fcntl.LOCK_EX)
    broker.start()
    subscriber.says("back to the one before").says("connected again")
    file = tmp_path / "ids/device/current"
    assert file.read_text() == "ab\n"
    os.close(fd)
    until(lambda: file.read_text() == "a\n", "the end of the trial")
    subscriber.signal(signal.SIGTERM).ends(0)


def test_a_trial_waits_for_those_who_read(identity, subscriber, tmp_path):
    """Who reads the one that counts must find it whole; then the one in use counts, and is held to."""
    identity.take("second")
    fd = os.open(tmp_path / "ids/device", os.O_DIRECTORY)
    fcntl.flock(fd, fcntl.LOCK_SH)
    subscriber.signal(signal.SIGHUP)
    time.sleep(0.5)
    assert "trying" not in subscriber.err
    os.close(fd)
    subscriber.says("trying generation b").says("it counts now").signal(signal.SIGTERM).ends(0)


def test_who_reads_his_message_holds_nothing(thimble, identity, broker):
    feed, mouth = os.pipe()
    pub = thimble.start("pub", *identity.use, "-t", "t", "-s", stdin=feed)
    os.close(feed)
    identity.take("second")
    os.write(mouth, b"message")
    os.close(mouth)
    pub.ends(0)
    assert "u'second'" in broker.log.text() and "u'first'" not in broker.log.text()


def test_a_signal_while_the_clock_is_waited_for(thimble, identity, broker, tmp_path):
    era = Era(tmp_path)
    era.set(0)
    sub = thimble.start("sub", *identity.use, "-t", "rotation", "-q", 1, "--sandbox=require",
                        prefix=era.prefix)
    sub.says(": waiting")
    identity.take("second")
    sub.signal(signal.SIGHUP).says("trying generation b")
    era.set_offset(0)
    sub.says("it counts now").signal(signal.SIGTERM).ends(0)
    assert identity.current == 2


def test_without_an_identity_it_ends(thimble, lab, topic):
    """As ever: a terminal that closes ends what it had started."""
    sub = thimble.start("sub", *lab.tls(), "-t", topic)
    lab.log.await_subscription(topic)
    sub.signal(signal.SIGHUP).ends(-signal.SIGHUP)


# ---- the end of a certificate ------------------------------------------------------------------------

@pytest.mark.parametrize("age_days, left_days, told", [
    (10, 2000, None),
    (10, 31.5, None),
    (10, 29.5, "expires in 29 days"),
    (60, 13.5, "expires in 13 days"),
    (3, 6.5, "expires in 6 days"),
    (1, 0.5, "expires in 0 days"),
    (400, 90.5, "expires in 90 days; it is time to renew it"),
])
def test_its_end_is_told(thimble, forge, lab, topic, tmp_path, age_days, left_days, told):
    """Whether the broker likes it is not asked here."""
    def when(days):
        return time.strftime("%Y%m%d%H%M%SZ", time.gmtime(time.time() + 86400 * days))
    forge.issue("ending", f"{NOT_CA}\n{CLIENT}", dates=(when(-age_days), when(left_days)))
    where = ["--identity-dir", tmp_path / "ids"]
    thimble("identity", "import", "device", *forge.identity("ending")[2:], *where).ends(0)
    done = thimble("pub", "--identity", "device", *where, *lab.tls()[:4], "--cafile",
                   lab.path("ec", "root.pem"), "-t", topic, "-n", "-q", 1).ends(76)
    assert told in done.err if told else "of the identity" not in done.err
