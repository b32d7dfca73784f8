"""What is mapped, signals, pipes, secrets and the environment."""
import os
import pathlib
import signal
import subprocess
import threading
import time

import pytest

from lab import free_port
from packets import DISCONNECT, PUBACK, PUBLISH, ack, publish
from program import IMAGE, SECONDS, THIMBLE, patient, until
from test_as_mosquitto import Ear

# ---- what is mapped -----------------------------------------------------------------------------


def test_nothing_is_writable_and_executable():
    listed = subprocess.run(["readelf", "-lW", IMAGE], check=True, text=True, stdout=subprocess.PIPE).stdout
    flags = [line.split()[6:-1] for line in listed.splitlines() if "LOAD" in line or "GNU_STACK" in line]
    assert ["R", "E"] in flags and ["RW"] in flags
    assert not [each for each in flags if "W" in "".join(each) and "E" in "".join(each)]


# ---- signals ------------------------------------------------------------------------------------

BEFORE_ACK_SECONDS = 25  # --timeout-ack is 30 unless it is said


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_sub_ends_in_good_order(thimble, fake, number):
    """A subscriber that was connected has done its work: 0, and DISCONNECT."""
    ear = Ear()
    sub = thimble.start("sub", *fake(ear).plain, "-t", "t")
    until(lambda: ear.filters, "SUBSCRIBE")
    sub.signal(number).ends(0)
    until(lambda: ear.goodbyes == 1, "DISCONNECT")


@pytest.mark.parametrize("number, code", [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_pub_was_not_done(thimble, fake, number, code):
    """Its line is out, and not acknowledged. The second signal may find it at its very end, where it
    ends by the signal itself; a shell says the same of both."""
    said = []

    def script(peer):
        said.append(peer.greet().expect(PUBLISH))
        said.append(peer.receive())
    pub = thimble.start("pub", *fake(script).plain, "-t", "t", "-m", "x", "-q", "1")
    until(lambda: said, "PUBLISH")
    pub.signal(number)
    until(lambda: pub.has_heard(number), "the first")
    assert pub.signal(number).end(seconds=patient(BEFORE_ACK_SECONDS)) in (code, -number), pub.story()


@pytest.mark.parametrize("words, signals", [(["--timeout-ack", "1"], 1), ([], 2)])
def test_end_within_a_message(thimble, fake, tmp_path, words, signals):
    """Its broker takes no more of it: the end comes after the patience for one, or the second
    signal."""
    with open(tmp_path / "large", "wb") as large:
        large.truncate(50_000_000)
    begun, over = threading.Event(), threading.Event()

    def script(peer):
        peer.greet().socket.recv(1)
        begun.set()
        over.wait(SECONDS)
    pub = thimble.start("pub", *fake(script).plain, "-t", "t", "-f", tmp_path / "large", *words)
    assert begun.wait(SECONDS)
    for _ in range(signals):
        pub.signal(signal.SIGINT)
        until(lambda: pub.has_heard(signal.SIGINT), "the signal")
        time.sleep(0.1)  # an imitated machine has heard it before the program has
    pub.ends(130, seconds=patient(BEFORE_ACK_SECONDS))
    over.set()


@pytest.mark.parametrize("number, code", [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_before_it_is_connected(thimble, fake, number, code):
    heard = []
    broker = fake(lambda peer: heard.append(peer.hear_connect()) or peer.drain())
    sub = thimble.start("sub", *broker.plain, "-t", "t")
    until(lambda: heard, "CONNECT")
    sub.signal(number).ends(code)


def test_while_it_waits_to_try_again(thimble, fake):
    broker = fake(lambda peer: peer.greet().grant())
    sub = thimble.start("sub", *broker.plain, "-t", "t", "--backoff", "1000..1000")
    sub.says("trying again in").signal(signal.SIGTERM).ends(0)


def test_while_it_gathers(thimble, fake, tmp_path):
    """After two wakings that came close together it waits for more; here for very long, by strace.
    A signal that comes then counts, though the descriptor for signals is empty afterwards."""
    calls = tmp_path / "calls"
    calls.touch()

    def gathers():
        return "ppoll(" in calls.read_text()

    def script(peer):
        peer.greet().grant()
        while not gathers():
            peer.send(publish("t", b"x"))
            time.sleep(0.0001)
            peer.send(publish("t", b"x"))
            time.sleep(0.05)
        peer.drain()
    slow = ["strace", "-f", "-qq", "-o", calls, "-e", "trace=ppoll",
            "-e", "inject=ppoll:delay_enter=300000"]
    sub = thimble.start("sub", *fake(script).plain, "-t", "t", prefix=slow)
    until(gathers, "gathering")
    time.sleep(0.1)
    os.kill(int(calls.read_text().split()[0]), signal.SIGTERM)
    sub.ends(0)


def test_stopped_and_continued(thimble, lab, topic):
    sub = thimble.start("sub", *lab.tls(), "-t", topic, "-C", "1")
    lab.log.await_subscription(topic)
    sub.signal(signal.SIGSTOP)
    thimble("pub", *lab.tls(), "-t", topic, "-m", "patience").ends(0)
    sub.signal(signal.SIGCONT)
    assert sub.ends(0).out == b"patience\n"


# ---- pipes --------------------------------------------------------------------------------------

def test_reader_has_gone(thimble, fake):
    """Of standard output: DISCONNECT, and 141 as if SIGPIPE had ended it. Nothing is complained."""
    ears = []

    def script(peer):
        peer.greet().grant()
        while not ears:
            if not peer.send(publish("t", b"x" * 100)) or not peer.is_silent(0.01):
                ears.append(peer.receive())
    reader, writer = os.pipe()
    os.close(reader)
    sub = thimble.start("sub", *fake(script).plain, "-t", "t", stdout=writer)
    os.close(writer)
    sub.ends(141)
    assert ears[0].kind == DISCONNECT and sub.err == ""


def test_closed_standard_output(thimble, lab, topic):
    """As a shell's >&- closes it: said, not overlooked; no file of ours gets what was printed."""
    thimble("pub", *lab.tls(), "-t", topic, "-m", "lost", "-r").ends(0)
    done = subprocess.run(["sh", "-c", '"$@" >&-', "sh", THIMBLE, "sub", *map(str, lab.tls()),
                           "-t", topic, "-C", "1"], capture_output=True, text=True, timeout=SECONDS)
    assert done.returncode == 14 and "standard output" in done.stderr


def test_full_disk(thimble, lab, topic):
    thimble("pub", *lab.tls(), "-t", topic, "-m", "lost", "-r").ends(0)
    with open("/dev/full", "wb") as full:
        done = thimble("sub", *lab.tls(), "-t", topic, "-W", "12", stdout=full)
    done.ends_refused(14, "cannot write to standard output: No space left")


def test_broker_that_goes_while_we_write(thimble, fake):
    """SIGPIPE never kills."""
    def script(peer):
        peer.greet().expect(PUBLISH)
        peer.reset()
    done = thimble("pub", *fake(script).plain, "-t", "t", "-l", "--retry", "0",
                   stdin=b"".join(b"line %d\n" % n for n in range(2000)))
    assert done.process.returncode in (0, 7), done.story()


def test_slow_reader_slows_the_broker(thimble, fake):
    """What is printed into a full pipe waits; nothing is dropped, nothing grows."""
    total = 3000
    lines = [b"%05d %s" % (n, b"x" * 200) for n in range(total)]

    def script(peer):
        peer.greet().grant()
        peer.socket.sendall(b"".join(publish("t", line) for line in lines))
        peer.drain()
    reader, writer = os.pipe()
    sub = thimble.start("sub", *fake(script).plain, "-t", "t", "-C", total, stdout=writer)
    os.close(writer)
    time.sleep(0.3)
    got = b""
    while data := os.read(reader, 65536):
        got += data
    os.close(reader)
    sub.ends(0)
    assert got.splitlines() == lines


def test_lines_go_out_as_they_come(thimble, fake):
    """-l does not wait for the end of the input; nor does it read ahead of a broker that stalls."""
    got = []

    def script(peer):
        peer.greet()
        while (each := peer.receive()) and each.kind == PUBLISH:
            got.append(each.payload)
            peer.send(ack(PUBACK, each.packet_id))
    pub = thimble.start("pub", *fake(script).plain, "-t", "t", "-l", "-q", "1",
                        stdin=subprocess.PIPE)
    for line in b"one", b"two", b"three":
        pub.process.stdin.write(line + b"\n")
        pub.process.stdin.flush()
        until(lambda: got and got[-1] == line, line)
    pub.process.stdin.close()
    pub.ends(0)


def test_stalled_broker_stops_the_reading(thimble, fake):
    begun, over = threading.Event(), threading.Event()

    def script(peer):
        peer.greet().expect(PUBLISH)
        begun.set()
        over.wait(SECONDS)
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    pub = thimble.start("pub", *fake(script).plain, "-t", "t", "-l", "-q", "1", stdin=reader)
    os.close(reader)
    written, idle = 0, 0
    while idle < 25 and written < 1 << 20:
        try:
            written += os.write(writer, b"x" * 99 + b"\n")
            idle = 0
        except BlockingIOError:
            idle += begun.wait(SECONDS)
            time.sleep(0.02)
    os.close(writer)
    assert begun.is_set() and written <= 65536 + 3 * 16384, "it read more than its outbox takes"
    pub.stop()
    over.set()


# ---- secrets ------------------------------------------------------------------------------------

def cmdline(program):
    return pathlib.Path(f"/proc/{program.pid}/cmdline").read_bytes()


def environ(program):
    return pathlib.Path(f"/proc/{program.pid}/environ").read_bytes()


@pytest.mark.parametrize("how", ["-P", "--pw", "--pw=", "-L", "environment"])
def test_password_is_wiped(thimble, fake, how):
    """From the list of arguments and the environment, before anything is sent."""
    ear = Ear()
    broker = fake(ear)
    words, env = {
        "-P": (["-u", "me", "-P", "s3cret"], None),
        "--pw": (["-u", "me", "--pw", "s3cret"], None),
        "--pw=": (["-u", "me", "--pw=s3cret"], None),
        "-L": ([], None),
        "environment": (["-u", "me"], {"THIMBLE_PASSWORD": "s3cret"}),
    }[how]
    url = ["-L", f"mqtt://me:s3cret@127.0.0.1:{broker.port}/t"]
    where = url if how == "-L" else [*broker.plain, "-t", "t"]
    sub = thimble.start("sub", *where, *words, "-d", env=env)
    until(lambda: ear.connects, "CONNECT")
    assert ear.connects[0].connect["password"] == b"s3cret"
    assert b"s3cret" not in cmdline(sub) + environ(sub)
    assert b"thimble" in cmdline(sub) and "s3cret" not in sub.err
    sub.signal(signal.SIGTERM).ends(0)


@pytest.mark.parametrize("content", [b"s3cret", b"s3cret\n", b"s3cret\nmore\n"])
@pytest.mark.parametrize("how", ["option", "environment"])
def test_password_file(thimble, fake, tmp_path, content, how):
    path = tmp_path / "password"
    path.write_bytes(content)
    ear = Ear()
    words = ["--password-file", path] if how == "option" else []
    env = {"THIMBLE_PASSWORD_FILE": str(path)} if how == "environment" else None
    thimble("pub", *fake(ear).plain, "-u", "me", *words, "-t", "t", "-n", env=env).ends(0)
    assert ear.connects[0].connect["password"] == b"s3cret"


def test_nothing_secret_is_logged(thimble, lab, topic):
    done = thimble("pub", *lab.tls(), "-u", "me", "-P", "s3cret", "-t", topic, "-m", "payl0ad",
                   "-d", "--mem-report").ends(0)
    key = lab.path("ec", "client.key").read_text().splitlines()[1]
    for word in "s3cret", "payl0ad", key:
        assert word not in done.err


# ---- the environment ----------------------------------------------------------------------------

def test_environment(thimble, lab, topic):
    """It stands in for options that were not given."""
    env = {"THIMBLE_HOST": "localhost", "THIMBLE_CAFILE": str(lab.path("ec", "root.pem")),
           "THIMBLE_CERT": str(lab.path("ec", "client.pem")),
           "THIMBLE_KEY": str(lab.path("ec", "client.key")), "THIMBLE_USERNAME": "me"}
    thimble("pub", "-p", lab.ports["ec_port"], "-t", topic, "-m", "x", env=env).ends(0)
    env["THIMBLE_CAFILE"] = str(lab.path("other", "root.pem"))
    thimble("pub", "-p", lab.ports["ec_port"], "-t", topic, "-m", "x", env=env).ends(72)


def test_option_wins_over_environment(thimble, lab, topic):
    env = {"THIMBLE_HOST": "no-such-host.invalid", "THIMBLE_CAFILE": "/nowhere"}
    thimble("pub", *lab.tls(), "-t", topic, "-m", "x", env=env).ends(0)


def test_prefix_of_the_client_id(thimble, fake):
    ear = Ear()
    done = thimble("pub", *fake(ear).plain, "-I", "sensor-", "-t", "t", "-n").ends(0)
    assert ear.connects[0].connect["id"] == b"sensor-%d" % done.pid


def test_quiet(thimble, lab):
    done = thimble("pub", "-h", "localhost", "-p", free_port(), *lab.identity(), "-t", "t", "-n",
                   "--quiet")
    assert done.ends(4).err == ""


def test_debug_shows_the_phases(thimble, lab, topic):
    done = thimble("pub", *lab.tls(), "-t", topic, "-n", "-d").ends(0)
    order = [done.err.index(f"localhost: {phase}") for phase in (
        "finding", "dialing", "shaking", "greeting", "up", "closing")]
    assert order == sorted(order)


def test_no_descriptor_is_inherited_or_left(thimble, lab, topic):
    """It runs with standard streams closed, too."""
    done = subprocess.run(["sh", "-c", '"$@" <&- >&- 2>&-', "sh", THIMBLE, "pub",
                           *map(str, lab.tls()), "-t", topic, "-m", "x", "-q", "1", "-r"],
                          timeout=SECONDS)
    assert done.returncode == 0
    assert thimble("sub", *lab.tls(), "-t", topic, "-C", "1").ends(0).out == b"x\n"
