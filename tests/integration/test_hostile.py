"""Peers that mean harm, and surroundings that do not help."""
import fcntl
import os
import pathlib
import select
import signal
import ssl
import subprocess

import pytest

from forge import server
from packets import CONNECT, connack, publish
from program import SECONDS, THIMBLE, environment, patient, until

F_SETPIPE_SZ = 1031


def floods(data):
    def script(peer):
        peer.greet().grant()
        try:
            while True:
                peer.socket.sendall(data)
        except OSError:
            pass  # it has gone, at last
    return script


# ---- after the handshake ---------------------------------------------------------------------

def test_a_flood_does_not_delay_the_end(thimble, fake):
    broker = fake(floods(publish("flood", b"hi") * 2000))
    program = thimble.start("sub", *broker.plain, "-t", "flood")
    until(lambda: len(program.out) > 100_000, "a flood")
    program.signal(signal.SIGTERM).ends(0)  # the goodbye waits a second for the peer's end, no more


@pytest.mark.parametrize("rubbish", [b"HTTP/1.1 400 Bad Request\r\n\r\n", b"\x16\x03\x00\x00\x01x",
                                     b"\x17\x02\x00\x00\x20" + b"x" * 32, b"\xff" * 64],
                         ids=["http", "handshake", "old", "ones"])
def test_rubbish_after_the_handshake_is_no_lack_of_versions(thimble, lab, fake, rubbish):
    def script(peer):
        peer.expect(CONNECT)
        peer.send(connack())
        os.write(peer.socket.fileno(), rubbish)
        with pytest.raises(ssl.SSLError, match="ALERT"):
            peer.drain()

    broker = fake(script, tls=server(lab.path("ec", "server.pem"), lab.path("ec", "server.key")))
    thimble("sub", *broker.where, *lab.identity(), "-t", "a", "--retry", "0").ends_refused(8)


# ---- surroundings ----------------------------------------------------------------------------

def fill(writer):
    os.set_blocking(writer, False)
    while select.select([], [writer], [], 0)[1]:
        os.write(writer, b"x")
    os.set_blocking(writer, True)


def read_until(reader, text):
    """... and what comes right after it."""
    got = b""
    while text not in got:
        got += os.read(reader, 4096)
    while select.select([reader], [], [], 0.3)[0]:
        os.read(reader, 4096)


@pytest.fixture
def small_pipe():
    ends = os.pipe()
    fcntl.fcntl(ends[1], F_SETPIPE_SZ, 4096)
    yield ends
    for end in ends:
        os.close(end)


@pytest.fixture
def speaker(small_pipe):
    """Starts a subscriber that has much to say."""
    started = []

    def start(broker):
        words = ["sub", *map(str, broker.plain), "-t", "a", "-d"]
        started.append(subprocess.Popen([THIMBLE, *words], stdin=subprocess.DEVNULL,
                                        stdout=subprocess.DEVNULL, stderr=small_pipe[1],
                                        env=environment(None)))
        return started[0]
    yield start
    for process in started:
        process.kill()
        process.wait()


def is_waiting(process):
    return "(sleeping)" in pathlib.Path(f"/proc/{process.pid}/status").read_text()


def test_a_full_standard_error_does_not_keep_it_from_ending(speaker, small_pipe, fake):
    """It waits to say its first word. The broker will not answer: it cannot become connected."""
    fill(small_pipe[1])
    process = speaker(fake(lambda peer: peer.drain()))
    with pytest.raises(subprocess.TimeoutExpired):
        process.wait(0.5)
    until(lambda: is_waiting(process), "a program that waits")
    process.send_signal(signal.SIGTERM)
    assert process.wait(SECONDS) == 143


def test_nor_one_that_was_full_before_it_had_to_say_goodbye(speaker, small_pipe, fake):
    """It waits for messages when it is asked to end, and cannot say that it does."""
    process = speaker(fake(lambda peer: peer.greet().grant() and peer.drain()))
    read_until(small_pipe[0], b": up\n")
    fill(small_pipe[1])
    process.send_signal(signal.SIGTERM)
    assert process.wait(SECONDS) == 0


def test_a_file_that_may_not_grow_leaves_nothing_behind(thimble, lab, tmp_path):
    report = tmp_path / "report"
    program = thimble("pub", *lab.plain, "-t", "a", "-m", "x", f"--mem-report=json:{report}",
                      prefix=["prlimit", "--fsize=1000"])
    program.ends_refused(66, "cannot be written")
    assert not list(tmp_path.glob("report*"))


def test_standard_input_may_be_non_blocking(thimble, lab):
    reader, writer = os.pipe()
    os.set_blocking(reader, False)
    program = thimble.start("pub", *lab.plain, "-t", "a", "-s", stdin=reader)
    until(lambda: is_waiting(program.process), "a program that waits")
    os.write(writer, b"late")
    os.close(writer)
    os.close(reader)
    program.ends(0)


# ---- a broker in a hurry ---------------------------------------------------------------------

@pytest.mark.deadline(600)
@pytest.mark.parametrize("version", ["mqttv311", "mqttv5"])
def test_a_broker_with_hundreds_under_way(thimble, mosquitto, topic, version):
    """mosquitto 2.0.11 has more QoS 2 messages under way than it was told to."""
    broker = mosquitto("allow_anonymous true", "max_queued_messages 0").start()
    lines = b"".join(b"%d\n" % number for number in range(20_000))
    common = [*broker.plain, "-t", topic, "-q", "2", "-V", version]
    subscriber = thimble.start("sub", *common)
    broker.log.await_subscription(topic)
    thimble("pub", *common, "-l", stdin=lines, seconds=patient(300)).ends(0)
    subscriber.prints(lines).signal(signal.SIGTERM).ends(0)
