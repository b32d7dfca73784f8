"""The options of mosquitto's clients mean here what they mean there: both are run against the same
broker, and what it hears, what is printed and the exit status are compared."""
import subprocess

import pytest

from packets import (DISCONNECT, PUBACK, PUBCOMP, PUBLISH, PUBREC, PUBREL, SUBSCRIBE, UNSUBSCRIBE,
                     ack, publish, suback, unsuback)
from program import SECONDS


class Ear:
    """A broker that is fine with everything, and remembers it."""

    def __init__(self, messages=()):
        self.connects, self.published, self.filters, self.unsubscribed = [], [], [], []
        self.messages = messages
        self.goodbyes = 0

    def __call__(self, peer):
        peer.greet()
        self.connects.append(peer.connect)
        while got := peer.receive():
            self._hear(peer, got)

    def _hear(self, peer, got):
        if got.kind == PUBLISH:
            self.published.append((got.topic, got.payload, got.qos, got.retain))
            if got.qos:
                peer.send(ack(PUBACK if got.qos == 1 else PUBREC, got.packet_id))
        elif got.kind in (PUBREL, PUBREC):
            peer.send(ack(PUBCOMP if got.kind == PUBREL else PUBREL, got.packet_id))
        elif got.kind == SUBSCRIBE:
            self.filters.append(got.filters)
            codes = bytes(options & 3 for _, options in got.filters)
            peer.send(suback(got.packet_id, codes, peer.version), *self._messages(peer))
        elif got.kind == UNSUBSCRIBE:
            self.unsubscribed.append(got.filters)
            peer.send(unsuback(got.packet_id, b"\0" * len(got.filters), peer.version))
        elif got.kind == DISCONNECT:
            self.goodbyes += 1

    def _messages(self, peer):
        return [publish(topic, payload, qos, 10 + n, peer.version, retain=retain)
                for n, (topic, payload, qos, retain) in enumerate(self.messages)]

    def heard(self):
        """What must be the same."""
        connects = [{**each.connect, "raw": each.raw, "version": each.version}
                    for each in self.connects]
        return connects, self.published, self.filters, self.unsubscribed, self.goodbyes


def run_mosquitto(command, words, stdin):
    done = subprocess.run([f"mosquitto_{command}", *map(str, words)], input=stdin or b"",
                          timeout=SECONDS, capture_output=True)
    return done.returncode, done.stdout


@pytest.fixture
def compare(thimble, fake):
    """Runs both and returns (what the broker heard, what was printed), the same for both. Its port
    takes the place of PORT in the words. `but` takes out what differs on purpose."""
    def run(command, *words, stdin=None, messages=(), but=lambda heard: heard):
        results = []
        for ours in False, True:
            ear = Ear(messages)
            broker = fake(ear)
            placed = [str(word).replace("PORT", str(broker.port)) for word in words]
            if not any("mqtt://" in word for word in placed):
                placed += ["-h", "127.0.0.1", "-p", broker.port]
            if ours:
                extra = [] if any("mqtt://" in str(word) for word in placed) else ["--no-tls"]
                done = thimble(command, *placed, *extra, stdin=stdin)
                code, out = done.process.returncode, done.out
            else:
                code, out = run_mosquitto(command, placed, stdin)
            broker.close()
            results.append((code, out, but(ear.heard())))
        theirs, mine = results
        assert mine == theirs
        return mine
    return run


# ---- pub ----------------------------------------------------------------------------------------

LINES = b"first\nsecond line\n\nlast without newline"

PUB = {
    "-m": (["-t", "a/b", "-m", "text"], None),
    "-m empty": (["-t", "a/b", "-m", ""], None),
    "-n": (["-t", "a/b", "-n"], None),
    "-l": (["-t", "a/b", "-l"], LINES),
    "-l -q 1": (["-t", "a/b", "-l", "-q", "1"], LINES),
    "-l -q 2": (["-t", "a/b", "-l", "-q", "2"], LINES),
    "-l, nothing": (["-t", "a/b", "-l"], b""),
    "-l, crlf": (["-t", "a/b", "-l"], b"one\r\ntwo\r\n"),
    "-l, many": (["-t", "a/b", "-l", "-q", "1"], b"".join(b"%d\n" % n for n in range(200))),
    "-s": (["-t", "a/b", "-s"], LINES + b"\0\xff binary"),
    "-f": (["-t", "a/b", "-f", "FILE"], None),
    "-r": (["-t", "a/b", "-m", "x", "-r"], None),
    "-r -n": (["-t", "a/b", "-r", "-n"], None),
    "-q 1": (["-t", "a/b", "-m", "x", "-q", "1"], None),
    "-q 2": (["-t", "a/b", "-m", "x", "-q", "2"], None),
    "-i": (["-t", "a/b", "-m", "x", "-i", "me"], None),
    "-i -c": (["-t", "a/b", "-m", "x", "-i", "me", "-c"], None),
    "-u -P": (["-t", "a/b", "-m", "x", "-i", "me", "-u", "user", "-P", "pass word"], None),
    "-u": (["-t", "a/b", "-m", "x", "-i", "me", "-u", "user"], None),
    "-k": (["-t", "a/b", "-m", "x", "-i", "me", "-k", "17"], None),
    "-V 311": (["-t", "a/b", "-m", "x", "-i", "me", "-V", "311"], None),
    "will": (["-t", "a/b", "-m", "x", "-i", "me", "--will-topic", "w/t", "--will-payload", "gone",
              "--will-qos", "2", "--will-retain"], None),
    "will empty": (["-t", "a/b", "-m", "x", "-i", "me", "--will-topic", "w/t"], None),
    "-L": (["-L", "mqtt://127.0.0.1:PORT/a/b", "-m", "x", "-i", "me"], None),
    "-L user": (["-L", "mqtt://user:pa:ss@127.0.0.1:PORT/a", "-m", "x", "-i", "me"], None),
    "utf-8": (["-t", "ä/€", "-m", "grün"], None),
    "$": (["-t", "$odd/topic", "-m", "x"], None),
}


def without_unnamed_ids(heard):
    """Both let the broker choose a name, or choose one themselves."""
    connects, *rest = heard
    for each in connects:
        each["id"] = each["id"] if each["id"] == b"me" else b"any"
    return connects, *rest


@pytest.mark.parametrize("name", PUB)
def test_pub(compare, name, tmp_path):
    words, stdin = PUB[name]
    (tmp_path / "file").write_bytes(bytes(range(256)) * 20)
    words = [str(tmp_path / "file") if word == "FILE" else word for word in words]
    code, out, heard = compare("pub", *words, stdin=stdin, but=without_unnamed_ids)
    assert (code, out) == (0, b"")
    assert heard[1] or "nothing" in name


def version_5(heard):
    """What we announce beyond mosquitto is our Receive Maximum, and how it is said."""
    connects, *rest = without_unnamed_ids(heard)
    for each in connects:
        each.pop("raw")
    return connects, *rest


@pytest.mark.parametrize("name", ["-m", "-l -q 2", "-i -c", "-u -P", "-r", "will"])
def test_pub_version_5(compare, name):
    words, stdin = PUB[name]
    assert compare("pub", *words, "-V", "mqttv5", stdin=stdin, but=version_5)[0] == 0


# ---- sub ----------------------------------------------------------------------------------------

#            topic   payload       qos retained
MESSAGES = [("a/b", b"retained", 0, 1),
            ("a/b", b"zero", 0, 0),
            ("a/c", b"one", 1, 0),
            ("a/d", b"", 0, 0),
            ("a/b", b"\x00\xff\x80 binary", 1, 0),
            ("a/b", b"end", 1, 0),
            ("x/y", b"two\nlines", 2, 0)]

SUB = {
    "plain": ["-t", "#", "-C", "6"],
    "-v": ["-t", "#", "-v", "-C", "7"],
    "-N": ["-t", "#", "-N", "-C", "6"],
    "-v -N": ["-t", "#", "-v", "-N", "-C", "6"],
    "-R": ["-t", "#", "-R", "-C", "5"],
    "-C 1": ["-t", "#", "-C", "1"],
    "-C 3": ["-t", "#", "-C", "3", "-q", "1"],
    "-T": ["-t", "#", "-T", "a/b", "-C", "3", "-v"],
    "-T +": ["-t", "#", "-T", "a/+", "-C", "1", "-v"],
    "--retained-only": ["-t", "#", "--retained-only", "-v"],
    "-q 2": ["-t", "#", "-q", "2", "-C", "6"],
    "two": ["-t", "a/+", "-t", "x/y", "-C", "6"],
    "-E": ["-t", "a", "-E"],
    "-U": ["-t", "a", "-U", "b/#", "-E"],
    "-W": ["-t", "#", "-W", "5"],
    "-i -c": ["-t", "#", "-i", "me", "-c", "-C", "1"],
    "will": ["-t", "#", "-i", "me", "--will-topic", "w", "--will-payload", "p", "-C", "1"],
    "-L": ["-L", "mqtt://127.0.0.1:PORT/a/b", "-C", "1"],
}


def without_goodbyes(heard):
    """mosquitto_sub does not always say DISCONNECT."""
    return without_unnamed_ids(heard)[:-1]


@pytest.mark.parametrize("name", SUB)
def test_sub(compare, name):
    code, out, _ = compare("sub", *SUB[name], messages=() if name in ("-E", "-U") else MESSAGES,
                           but=without_goodbyes)
    assert code == (27 if name == "-W" else 0)
    assert out or name in ("-E", "-U")


# ---- through mosquitto --------------------------------------------------------------------------

def test_retained(thimble, lab, topic):
    """-r keeps a message, -R hides it, -r -n clears it."""
    pub = ["pub", *lab.tls(), "-t", topic, "-q", "1", "-r"]
    thimble(*pub, "-m", "kept").ends(0)
    sub = ["sub", *lab.tls(), "-t", topic]
    assert thimble(*sub, "-C", "1").ends(0).out == b"kept\n"
    assert thimble(*sub, "-R", "-W", "1").ends(27).out == b""
    assert thimble(*sub, "--retained-only", "-W", "5").ends(27).out == b"kept\n"
    thimble(*pub, "-n").ends(0)
    assert thimble(*sub, "-W", "1").ends(27).out == b""


@pytest.mark.parametrize("version", ["mqttv311", "mqttv5"])
def test_offline_messages(thimble, lab, topic, version):
    """-c with -i: what was published meanwhile is there."""
    who = ["sub", *lab.tls(), "-V", version, "-i", topic, "-c", "-q", "1", "-t", topic]
    thimble(*who, "-E").ends(0)
    thimble("pub", *lab.tls(), "-t", topic, "-m", "meanwhile", "-q", "1").ends(0)
    assert thimble(*who, "-C", "1").ends(0).out == b"meanwhile\n"
    thimble("pub", *lab.tls(), "-t", topic, "-m", "again", "-q", "1").ends(0)
    thimble("sub", *lab.tls(), "-V", version, "-i", topic, "-t", topic, "-E").ends(0)  # clean
    assert thimble(*who, "-W", "1").ends(27).out == b""


@pytest.mark.parametrize("version", ["mqttv311", "mqttv5"])
def test_will(thimble, lab, topic, version):
    """It is published when we vanish, and not after a goodbye."""
    watcher = thimble.start("sub", *lab.tls(), "-t", f"{topic}/will", "-C", "1")
    lab.log.await_subscription(f"{topic}/will")
    for vanish in False, True:
        will = ["--will-topic", f"{topic}/will", "--will-payload", f"vanished {vanish}",
                "--will-qos", "1"]
        sub = thimble.start("sub", *lab.tls(), "-V", version, "-t", f"{topic}/{vanish}", *will)
        lab.log.await_subscription(f"{topic}/{vanish}")
        sub.stop() if vanish else sub.signal(15).ends(0)
    assert watcher.ends(0).out == b"vanished True\n"


def test_both_directions_with_their_clients(thimble, lab, topic):
    """Their subscriber hears our publisher over TLS, and the other way round."""
    tls = ["-h", "localhost", "-p", lab.ports["ec_port"], *map(str, lab.identity())]
    theirs = subprocess.Popen(["mosquitto_sub", *tls, "-t", f"{topic}/1", "-C", "1", "-q", "2"],
                              stdout=subprocess.PIPE)
    lab.log.await_subscription(f"{topic}/1")
    thimble("pub", *lab.tls(), "-t", f"{topic}/1", "-m", "ours", "-q", "2").ends(0)
    assert theirs.communicate(timeout=SECONDS)[0] == b"ours\n"
    ours = thimble.start("sub", *lab.tls(), "-t", f"{topic}/2", "-C", "1", "-q", "2")
    lab.log.await_subscription(f"{topic}/2")
    subprocess.run(["mosquitto_pub", *tls, "-t", f"{topic}/2", "-m", "theirs", "-q", "2"],
                   check=True)
    assert ours.ends(0).out == b"theirs\n"
