"""Another generation of an identity, tried while the program goes on: what the broker acknowledges
stays, what it refuses goes."""
import json
import pathlib
import signal
import subprocess
import time

import pytest

from forge import CLIENT, LOCALHOST, NOT_CA, SERVER
from lab import free_port
from program import patient, until


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

        def take(self, name):
            """From now on this certificate counts; "stranger" is none of the broker's."""
            pair = (lab.path("ec", "client.pem"), lab.path("ec", "client.key"))
            if name != "stranger":
                pair = (devices / f"{name}.pem", devices / f"{name}.key")
            thimble("identity", "import", "device", "--cert", pair[0], "--key", pair[1],
                    "--cafile", devices / "root.pem", *self.where).ends(0)

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
    subscriber.signal(signal.SIGHUP).says("back to generation a")
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
    pub.ends(0, seconds=patient(30))
    feed.wait()
    until(lambda: len(set(ear.out.decode().split("\n"))) > 400, "the last line")
    assert [line for line in dict.fromkeys(ear.out.decode().splitlines())] == lines


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
