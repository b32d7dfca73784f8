"""Messages of any size in the same memory: files, pipes, lines, and a broker that stalls."""
import hashlib
import os
import subprocess
import threading
import time

import pytest

from packets import (PUBACK, PUBLISH, PUBREC, PUBREL, PUBCOMP, SUBSCRIBE, V4, V5, ack, number,
                     publish, suback, text, two)
from program import ALL, SECONDS, patient, why_not_here

MB = 1 << 20
LIMIT_BYTES = 268_435_455  # of topic, properties and payload (5.0 section 1.5.5)
NAMES = {V4: "mqttv311", V5: "mqttv5"}
VERSIONS = pytest.mark.parametrize("version", [V4, V5], ids=NAMES.get)
QOS = pytest.mark.parametrize("qos", [0, 1, 2])


def sparse(path, size):
    """A file of so many bytes that takes little room, no two of its megabytes alike."""
    with open(path, "wb") as file:
        file.truncate(size)
        for at in range(0, size, MB):
            file.seek(at)
            file.write(str(at).encode()[:size - at])
    return path


def digest_of(path):
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def pool_peak(program):
    return program.report["memory"]["pool_peak_bytes"]


def converse(peer, acknowledged=10**9, heard=10**9):
    """Acknowledges so many messages, and returns all it heard until it has enough, or the client
    leaves."""
    published = []
    while len(published) < heard and (got := peer.receive()):
        answer = {PUBREL: PUBCOMP}.get(got.kind)
        if got.kind == PUBLISH:
            published.append(got)
            answer = [None, PUBACK, PUBREC][got.qos] if len(published) <= acknowledged else None
        if answer:
            peer.send(ack(answer, got.packet_id))
    return published


# ---- files --------------------------------------------------------------------------------------

@pytest.mark.deadline(600)
@QOS
@pytest.mark.parametrize("size", [17_000, 32 * MB, *([LIMIT_BYTES - 100] if ALL else [])])
def test_file(thimble, lab, topic, tmp_path, qos, size):
    """It arrives whole, and the pools have no higher peak than for 256 bytes."""
    how = ["pub", *lab.tls(), "-t", topic, "-q", qos, "--timeout", "120"]
    small = thimble(*how, "-m", "x" * 256, report=True).ends(0)
    received = tmp_path / "received"
    with open(received, "wb") as out:
        sub = thimble.start("sub", *lab.tls(), "-q", qos, "-t", topic, "-C", "1", "-N", stdout=out)
        lab.log.await_subscription(topic)
        large = thimble(*how, "-f", sparse(tmp_path / "large", size), report=True, seconds=patient(500))
        large.ends(0)
        sub.ends(0, seconds=patient(100))
    assert digest_of(received) == digest_of(tmp_path / "large")
    assert pool_peak(large) == pool_peak(small)
    outbox = large.report["pools"]["outbox"]
    assert outbox["peak_bytes"] <= outbox["size_bytes"]


@pytest.mark.parametrize("size", [16_383, 16_384, 16_385, 20_000])
def test_file_about_as_large_as_the_outbox(thimble, fake, tmp_path, size):
    got = []
    (tmp_path / "file").write_bytes(payload := os.urandom(size))
    broker = fake(lambda peer: got.extend(converse(peer.greet())))
    thimble("pub", *broker.plain, "-t", "t", "-q", "1", "-f", tmp_path / "file").ends(0)
    assert [each.payload for each in got] == [payload]


@VERSIONS
@pytest.mark.parametrize("over", [0, 1])
def test_limit_of_mqtt(thimble, fake, tmp_path, version, over):
    """To the byte, before a byte of it is sent."""
    header = len(text("t")) + len(two(1)) + (1 if version == V5 else 0)
    size = LIMIT_BYTES - header + over

    def script(peer):
        peer.greet()
        if over:
            peer.expect_end()
        else:
            assert peer._bytes(5) == b"\x32" + number(LIMIT_BYTES)
    done = thimble.start("pub", *fake(script).plain, "-V", NAMES[version], "-t", "t", "-q", "1",
                         "-f", sparse(tmp_path / "file", size), "--retry", "0")
    done.ends(25 if over else 7)


def test_larger_than_mqtt(thimble, tmp_path):
    """No connection is made for it."""
    path = sparse(tmp_path / "file", LIMIT_BYTES + 1)
    done = thimble("pub", "--no-tls", "-h", "127.0.0.1", "-p", "1", "-t", "t", "-f", path)
    done.ends_refused(25, "268435456", "at most 268435455")


@VERSIONS
@pytest.mark.parametrize("qos", [1, 2])
def test_file_begins_anew_after_a_redial(thimble, fake, tmp_path, version, qos):
    """The connection breaks in the middle; the second one gets all of it, marked as sent before."""
    (tmp_path / "file").write_bytes(payload := os.urandom(MB))
    got = []

    def first(peer):
        peer.greet()
        peer.socket.recv(50_000)
        peer.reset()

    def second(peer):
        got.extend(converse(peer.greet(present=1)))
    broker = fake(first, second)
    thimble("pub", *broker.plain, "-V", NAMES[version], "-i", "me", "-c", "-t", "t", "-q", qos,
            "-f", tmp_path / "file").ends(0)
    assert [(each.payload == payload, each.dup) for each in got] == [(True, 1)]


def test_file_that_shrinks(thimble, fake, tmp_path):
    path = sparse(tmp_path / "file", 8 * MB)

    def script(peer):
        peer.greet()
        peer.socket.recv(10_000)
        os.truncate(path, 1000)
        peer.drain()
    done = thimble("pub", *fake(script).plain, "-t", "t", "-q", "1", "-f", path)
    done.ends_refused(66, str(path)[:30], "shorter")


def test_file_repeated(thimble, fake, tmp_path):
    (tmp_path / "file").write_bytes(payload := os.urandom(100_000))
    got = []
    broker = fake(lambda peer: got.extend(converse(peer.greet())))
    thimble("pub", *broker.plain, "-t", "t", "-q", "2", "--repeat", "3", "-f",
            tmp_path / "file").ends(0)
    assert [each.payload == payload for each in got] == [True] * 3
    assert [each.packet_id for each in got] == [1, 2, 3]


# ---- standard input -----------------------------------------------------------------------------

def feed(data):
    """A pipe with this in it, whoever reads it."""
    reading, writing = os.pipe()

    def write():
        with os.fdopen(writing, "wb") as pipe:
            try:
                pipe.write(data)
            except BrokenPipeError:
                pass
    threading.Thread(target=write, daemon=True).start()
    return os.fdopen(reading, "rb")


@pytest.mark.parametrize("size", [1, 16_383, 16_384, 16_385, 100_000, 8 * MB])
def test_pipe(thimble, fake, size):
    got = []
    payload = os.urandom(size)
    broker = fake(lambda peer: got.extend(converse(peer.greet())))
    thimble("pub", *broker.plain, "-t", "t", "-q", "1", "-s", stdin=feed(payload)).ends(0)
    assert [each.payload == payload for each in got] == [True]


def test_pipe_takes_no_memory(thimble, lab, topic):
    how = ["pub", *lab.tls(), "-t", topic, "-q", "1"]
    small = thimble(*how, "-m", "x" * 256, report=True).ends(0)
    large = thimble(*how, "-s", stdin=feed(bytes(4 * MB)), report=True).ends(0)
    assert pool_peak(large) == pool_peak(small)


def test_pipe_is_sent_again_after_a_redial(thimble, fake):
    payload = os.urandom(MB)
    got = []

    def first(peer):
        peer.greet()
        peer.socket.recv(50_000)
        peer.reset()
    broker = fake(first, lambda peer: got.extend(converse(peer.greet(present=1))))
    thimble("pub", *broker.plain, "-i", "me", "-c", "-t", "t", "-q", "1", "-s",
            stdin=feed(payload)).ends(0)
    assert [each.payload == payload for each in got] == [True]


def test_copy_has_no_name(thimble, fake, tmp_path):
    """It lies in $TMPDIR, and nobody finds it there."""
    seen = []

    def script(peer):
        peer.greet()
        listed = [os.readlink(f"/proc/{program.pid}/fd/{fd}")
                  for fd in os.listdir(f"/proc/{program.pid}/fd")]
        seen.extend(name for name in listed if name.startswith(str(tmp_path / "here")))
        seen.append(os.listdir(tmp_path / "here"))
        converse(peer)
    (tmp_path / "here").mkdir()
    reading, writing = os.pipe()
    program = thimble.start("pub", *fake(script).plain, "-t", "t", "-q", "1", "-s",
                            stdin=os.fdopen(reading, "rb"), env={"TMPDIR": str(tmp_path / "here")})
    with os.fdopen(writing, "wb") as pipe:
        pipe.write(bytes(100_000))
    program.ends(0)
    assert len(seen) == 2 and seen[0].endswith(" (deleted)") and seen[1] == []


def test_no_place_for_a_copy(thimble):
    """A limit of file size stands for a disk that is full."""
    done = thimble("pub", "--no-tls", "-h", "127.0.0.1", "-p", "1", "-t", "t", "-s",
                   stdin=feed(bytes(100_000)), prefix=["prlimit", "--fsize=8192"])
    done.ends_refused(66, "standard input", "-f", "File too large")


def test_file_that_is_a_pipe(thimble, fake, tmp_path):
    payload = os.urandom(100_000)
    got = []
    os.mkfifo(tmp_path / "fifo")
    broker = fake(lambda peer: got.extend(converse(peer.greet())))
    program = thimble.start("pub", *broker.plain, "-t", "t", "-q", "1", "-f", tmp_path / "fifo")
    (tmp_path / "fifo").write_bytes(payload)
    program.ends(0)
    assert [each.payload == payload for each in got] == [True]


# ---- lines --------------------------------------------------------------------------------------

@QOS
def test_stalled_broker_stops_the_reading(thimble, fake, qos):
    """While it stalls no more is read than there is room for; then everything arrives, in order."""
    go_on = threading.Event()
    got = []

    def script(peer):
        peer.greet()
        assert go_on.wait(SECONDS)
        got.extend(converse(peer))
    lines = [b"%d %s" % (n, b"x" * 500) for n in range(10_000)]
    reading, writing = os.pipe()
    program = thimble.start("pub", *fake(script).plain, "-t", "t", "-l", "-q", qos, report=True,
                            stdin=os.fdopen(reading, "rb"))
    os.set_blocking(writing, False)
    data = memoryview(b"\n".join(lines))
    taken = stuffed(writing, data)
    assert taken < len(data) // 2
    os.set_blocking(writing, True)
    go_on.set()
    with os.fdopen(writing, "wb") as pipe:
        pipe.write(data[taken:])
    program.ends(0)
    assert [each.payload for each in got] == lines
    assert program.report["pools"]["outbox"]["peak_bytes"] <= 16_384


@pytest.mark.parametrize("qos", [1, 2])
def test_lines_survive_a_lost_connection(thimble, fake, qos):
    """What was read and not acknowledged comes again, and nothing is missing or out of order."""
    lines = [b"%d" % n for n in range(3000)]
    got = []

    def first(peer):
        got.extend(converse(peer.greet(), acknowledged=100, heard=110))
        peer.reset()

    def second(peer):
        got.extend(converse(peer.greet(present=1)))
    thimble("pub", *fake(first, second).plain, "-i", "me", "-c", "-t", "t", "-l", "-q", qos,
            stdin=b"\n".join(lines)).ends(0)
    assert list(dict.fromkeys(each.payload for each in got)) == lines


def stuffed(writing, data):
    """Bytes the pipe has taken, once it has taken none for 0.3 s."""
    taken, since = 0, time.monotonic()
    while time.monotonic() - since < 0.3:
        try:
            taken, since = taken + os.write(writing, data[taken:taken + 65536]), time.monotonic()
        except BlockingIOError:
            time.sleep(0.01)
    return taken


def test_line_longer_than_the_outbox(thimble, fake):
    def script(peer):
        assert peer.greet().expect(PUBLISH).payload == b"short"
        peer.expect_end()
    done = thimble("pub", *fake(script).plain, "-t", "t", "-l", stdin=b"short\n" + b"x" * 20_000)
    done.ends_refused(25, "line 2", "-s or -f")


# ---- properties on the wire ---------------------------------------------------------------------

def test_properties(thimble, fake):
    """Each goes into its packet, byte for byte."""
    heard = {}

    def script(peer):
        heard["connect"] = peer.greet().connect
        got = peer.expect(PUBLISH)
        heard["publish"] = got.raw
        peer.send(ack(PUBACK, got.packet_id))
        heard["disconnect"] = peer.expect_end().body
    thimble("pub", *fake(script).plain, "-t", "t", "-m", "x", "-q", "1", "--will-topic", "w",
            "-D", "connect", "receive-maximum", "7", "-D", "connect", "user-property", "a", "b",
            "-D", "publish", "content-type", "text/plain",
            "-D", "PUBLISH", "Message-Expiry-Interval", "60",
            "-D", "will", "will-delay-interval", "4",
            "-D", "disconnect", "user-property", "c", "d").ends(0)
    assert b"\x21\0\7" in heard["connect"].raw
    assert b"\x26" + text("a") + text("b") in heard["connect"].raw
    assert heard["connect"].connect["will"]["raw"] == b"\x18\0\0\0\4"
    assert heard["publish"] == b"\3" + text("text/plain") + b"\2\0\0\0\x3c"
    assert heard["disconnect"] == b"\0\7\x26" + text("c") + text("d")


@pytest.mark.parametrize("words, part", [
    (["publish", "topic-alias", "0"], "from 1 to 65535"),
    (["publish", "will-delay-interval", "1"], "content-type"),
    (["subscribe", "user-property", "a", "b"], "connect publish disconnect will"),
    (["publish", "user-property", "a"], "missing")])
def test_wrong_properties(thimble, words, part):
    done = thimble("pub", "--no-tls", "-p", "1", "-t", "t", "-m", "x", "-D", *words)
    done.ends(64, part)


def test_reason_of_a_refusal(thimble, fake):
    """A refused message is no success, and the broker's own words are shown."""
    def script(peer):
        got = peer.greet().expect(PUBLISH)
        words = b"\x1f" + text("over quota")
        peer.send(b"\x40" + number(4 + len(words)) + two(got.packet_id) + b"\x97" +
                  number(len(words)) + words)
        peer.expect_end()
    done = thimble("pub", *fake(script).plain, "-V", "5", "-t", "t", "-m", "x", "-q", "1")
    done.ends_refused(56, "151", "over quota")


# ---- request and response -----------------------------------------------------------------------

def answers(lab, topic, version):
    """Somebody who answers the first request on `topic`, with mosquitto's clients."""
    if reason := why_not_here(["rr"]):
        pytest.skip(f"NOT HERE: {reason}")
    port = lab.ports["plain_port"]
    hears = subprocess.Popen(
        ["mosquitto_sub", "-h", "127.0.0.1", "-p", port, "-t", topic, "-C", "1", "-V",
         NAMES[version], "-F", "%R|%D|%p"], stdout=subprocess.PIPE, text=True)
    lab.log.await_subscription(topic)

    def answer():
        where, data, question = hears.communicate(timeout=SECONDS)[0].strip().split("|")
        more = ["-D", "publish", "correlation-data", data] if data else []
        subprocess.run(["mosquitto_pub", "-h", "127.0.0.1", "-p", port, "-V", NAMES[version],
                        "-t", where or topic + "/answer", "-m", question + " answered", *more],
                       check=True)
    threading.Thread(target=answer, daemon=True).start()


@VERSIONS
@pytest.mark.parametrize("qos", [0, 2])
def test_request_and_response(thimble, lab, topic, version, qos):
    answers(lab, topic, version)
    done = thimble("rr", *lab.tls(), "-V", NAMES[version], "-t", topic, "-e", topic + "/answer",
                   "-m", "question", "-q", qos, "-W", SECONDS, "-v")
    assert done.ends(0).out == f"{topic}/answer question answered\n".encode()


@VERSIONS
def test_no_response(thimble, lab, topic, version):
    done = thimble("rr", *lab.tls(), "-V", NAMES[version], "-t", topic, "-e", topic + "/answer",
                   "-m", "question", "-W", "3")
    assert done.ends_refused(27, "no response within 3 s").out == b""


def test_request_waits_for_the_subscription(thimble, fake):
    def script(peer):
        wanted = peer.greet().expect(SUBSCRIBE)
        assert peer.is_silent(0.2)
        peer.send(suback(wanted.packet_id, b"\0", V5))
        request = peer.expect(PUBLISH)
        mine = request.raw[:request.raw.index(b"\x08")]
        assert mine.startswith(b"\x09\0\x10") and request.raw.endswith(b"\x08" + text("answer"))
        peer.send(publish("answer", b"for another", version=V5, raw=b"\x09\0\1x"),
                  publish("answer", b"old", version=V5, retain=1),
                  publish("answer", b"mine", version=V5, raw=mine))
        peer.expect_end()
    done = thimble("rr", *fake(script).plain, "-t", "ask", "-e", "answer", "-m", "q")
    assert done.ends(0).out == b"mine\n"


def test_response_topic_of_the_broker(thimble, fake):
    def script(peer):
        peer.greet(raw=b"\x1a" + text("proposed"))
        assert peer.connect.raw.count(b"\x19\1") == 1
        assert peer.grant().filters == [(b"proposed", 0)]
        assert peer.expect(PUBLISH).raw.endswith(b"\x08" + text("proposed"))
        peer.send(publish("proposed", b"yes", version=V5))
        peer.expect_end()
    done = thimble("rr", *fake(script).plain, "-t", "ask", "-m", "q", "-D", "connect",
                   "request-response-information", "1")
    assert done.ends(0).out == b"yes\n"


def test_large_response(thimble, fake):
    """Through the window of 4 KB, as with sub."""
    payload = os.urandom(MB)

    def script(peer):
        peer.greet().grant()
        peer.expect(PUBLISH)
        peer.send(publish("answer", payload, version=V5))
        peer.expect_end()
    done = thimble("rr", *fake(script).plain, "-t", "ask", "-e", "answer", "-m", "q", "-N")
    assert done.ends(0).out == payload


def test_lost_while_the_response_is_awaited(thimble, fake):
    def script(peer):
        peer.greet().grant()
        peer.expect(PUBLISH)
    broker = fake(script)
    done = thimble("rr", *broker.plain, "-t", "ask", "-e", "answer", "-m", "q")
    done.ends_refused(7)
    assert broker.attempts == 1
