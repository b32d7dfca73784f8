"""Subscriptions go to files and sockets: what is written, where it ends, what becomes of it when nobody
reads or nothing can be written."""
import json
import os
import re
import signal
import socket

import packets
import pytest

from program import SANDBOX, until
from test_full_disk import disk  # noqa: F401: a fixture


@pytest.fixture
def broker(mosquitto):
    return mosquitto("allow_anonymous true", "max_packet_size 4000000", "max_queued_messages 0").start()


@pytest.fixture
def start(thimble, tmp_path, broker):
    def begin(*handlers, prefix=None, awaits=True, **more):
        path = tmp_path / "agent.json"
        path.write_text(json.dumps({
            "host": "127.0.0.1", "port": broker.port, "no_tls": True, "id": "sinking",
            "backoff": "0.05s..0.1s", "first_delay": 0, "sandbox": SANDBOX, "device_id": "pump",
            "handlers": list(handlers)} | more))
        before = broker.log.text().count("(QoS")
        agent = thimble.start("agent", "-c", path, **({"prefix": prefix} if prefix else {}))
        if awaits and all("topic" in each for each in handlers):
            until(lambda: not agent.is_running() or
                  broker.log.text().count("(QoS") >= before + len(handlers), "subscriptions")
        return agent
    return begin


@pytest.fixture
def publish(thimble, broker):
    def send(topic, payload, *words):
        return thimble("pub", *broker.plain, "-t", topic, "-q", "1", "-s", *words,
                       stdin=payload).ends(0)
    return send


@pytest.fixture
def publish_lines(thimble, broker):
    def send(topic, lines):
        thimble("pub", *broker.plain, "-t", topic, "-q", "1", "-l", stdin=b"".join(lines)).ends(0)
    return send


@pytest.fixture
def reader(tmp_path):
    """A datagram socket at this name."""
    made = []

    def make(name="sock"):
        made.append(socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM))
        made[-1].bind(str(tmp_path / name))
        made[-1].settimeout(60)
        return made[-1]
    yield make
    for each in made:
        each.close()


def has(path, content):
    """It has it, within a time."""
    until(lambda: path.exists() and path.read_bytes() == content, f"{content[:60]!r} in {path}")


def end(agent):
    agent.signal(signal.SIGTERM).ends(0)


@pytest.fixture
def end_after(broker):
    """Once the agent has acknowledged so many messages of QoS 1: from then on they are its own."""
    def wait(agent, count):
        until(lambda: broker.log.text().count("Received PUBACK from sinking") >= count, "acknowledgements")
        end(agent)
    return wait


# ---- files that grow

def test_a_line_for_each_message(start, publish, tmp_path, end_after):
    """Nothing of what was acknowledged is missing when the agent has ended; what was there stays."""
    log = tmp_path / "log"
    log.write_text("before\n")
    agent = start({"topic": "alarms/#", "append": str(log)})
    publish("alarms/a", b"one")
    publish("alarms/b", b"two")
    end_after(agent, 2)
    assert log.read_text() == "before\none\ntwo\n"


def test_lines_are_as_they_are_printed(start, publish, tmp_path, end_after):
    log = tmp_path / "${device_id}.log"
    agent = start({"topic": "a/+", "append": str(log), "qos": 2}, format="%t|%q|%r|%l|%x")
    publish("a/b", b"\n\0")
    end_after(agent, 1)
    assert (tmp_path / "pump.log").read_text() == "a/b|1|0|2|0a00\n"


def test_lines_of_json(start, publish, tmp_path, end_after):
    log = tmp_path / "log"
    agent = start({"topic": "#", "append": str(log)}, jsonl=True)
    topic = "a/../../etc/passwd $(id) \"\\ ü"
    publish(topic, b"x\n\"y\"")
    end_after(agent, 1)
    line, = map(json.loads, log.read_text().splitlines())
    assert (line["topic"], line["payload"], line["qos"]) == (topic, "x\n\"y\"", 1)


@pytest.mark.parametrize("topic", ["../../x", "/etc/x", "a/./b", "x/${device_id}", "%s%n", "-rf", "a;$(id)`id`"])
def test_a_topic_chooses_no_path(start, publish, tmp_path, topic, end_after):
    inside = tmp_path / "inside"
    inside.mkdir()
    agent = start({"topic": "#", "append": str(inside / "log")})
    before = set(tmp_path.rglob("*"))
    publish(topic, b"x")
    end_after(agent, 1)
    assert (inside / "log").read_bytes() == b"x\n"
    assert {path for path in set(tmp_path.rglob("*")) - before
            if "run" not in path.relative_to(tmp_path).parts[0]} == {inside / "log"}


def test_a_burst_is_written_whole_and_in_order(start, publish_lines, tmp_path, end_after):
    """More than may wait for programs."""
    sent = [b"%04d\n" % number for number in range(1000)]
    agent = start({"topic": "many", "append": str(tmp_path / "log")})
    publish_lines("many", sent)
    end_after(agent, 1000)
    assert (tmp_path / "log").read_bytes() == b"".join(sent)
    assert "dropped" not in agent.err and "lost" not in agent.err


@pytest.mark.parametrize("size", [0, 20_000, 1_048_576])
def test_messages_of_any_size(start, publish, thimble, broker, tmp_path, size, end_after):
    payload = bytes(number * 7 % 251 for number in range(size))
    agent = start({"topic": "large", "append": str(tmp_path / "log"), "max_kb": 2000},
                  {"topic": "whole", "replace": str(tmp_path / "whole")})
    for topic in ("large", "whole"):
        if size:
            publish(topic, payload)
        else:
            thimble("pub", *broker.plain, "-t", topic, "-q", 1, "-n").ends(0)
    end_after(agent, 2)
    assert (tmp_path / "whole").read_bytes() == payload
    assert not size or (tmp_path / "log").read_bytes() == payload + b"\n"


def test_a_file_has_an_end(start, publish_lines, tmp_path, end_after):
    """And one before it is kept: the rest is gone."""
    log, kept = tmp_path / "log", tmp_path / "log.1"
    agent = start({"topic": "many", "append": str(log), "max_kb": 1})
    sent = [b"%07d\n" % number for number in range(400)]
    publish_lines("many", sent)
    end_after(agent, 400)
    assert kept.stat().st_size == 1024 and log.stat().st_size == 400 * 8 % 1024
    assert kept.read_bytes() + log.read_bytes() == b"".join(sent[256:])


def test_what_is_larger_than_the_file_may_be_is_lost(start, publish, tmp_path):
    log = tmp_path / "log"
    agent = start({"topic": "many", "append": str(log), "max_kb": 1})
    publish("many", b"x" * 1024)
    agent.says("takes no messages: File too large; 1 lost so far")
    publish("many", b"x" * 1023)
    agent.says("takes messages again; 1 were lost")
    end(agent)
    assert log.read_bytes() == b"x" * 1023 + b"\n" and not (tmp_path / "log.1").exists()


# ---- files that hold the last message

def test_the_last_message_is_there(start, publish, tmp_path):
    """As it is, and whole at any moment."""
    now = tmp_path / "now"
    agent = start({"topic": "state", "replace": str(now)})
    publish("state", b"first")
    has(now, b"first")
    torn, payloads = set(), [letter * 50_000 for letter in (b"a", b"b", b"c")]
    for payload in payloads:
        publish("state", payload)
        torn.add(now.read_bytes())
    has(now, payloads[-1])
    end(agent)
    assert torn <= {b"first", *payloads} and not (tmp_path / "now.tmp").exists()


def test_a_link_is_not_followed(start, publish, tmp_path):
    victim, link = tmp_path / "victim", tmp_path / "link"
    victim.write_text("mine")
    link.symlink_to(victim)
    agent = start({"topic": "a", "append": str(link)}, {"topic": "r", "replace": str(link)})
    publish("a", b"x")
    agent.says("takes no messages: Too many levels of symbolic links")
    publish("r", b"y")
    has(link, b"y")
    end(agent)
    assert victim.read_text() == "mine" and not link.is_symlink()


@pytest.mark.parametrize("kind", ["directory", "pipe", "device"])
def test_what_is_no_file_is_refused(start, publish, tmp_path, kind):
    path = tmp_path / "it"
    if kind == "directory":
        path.mkdir()
    elif kind == "pipe":
        os.mkfifo(path)
    agent = start({"topic": "a", "append": "/dev/null" if kind == "device" else str(path)})
    publish("a", b"x")
    agent.says("takes no messages: ")
    end(agent)


# ---- failures

def test_it_is_told_once_counted_and_over(start, publish, tmp_path):
    directory = tmp_path / "gone"
    agent = start({"topic": "a", "append": str(directory / "log")},
                  {"topic": "b", "append": str(tmp_path / "other")})
    for number in range(3):
        publish("a", b"%d" % number)
        publish("b", b"%d" % number)
    has(tmp_path / "other", b"0\n1\n2\n")
    directory.mkdir()
    publish("a", b"3")
    agent.says("gone/log takes messages again; 3 were lost")
    end(agent)
    assert agent.err.count("takes no messages") == 1
    assert "gone/log takes no messages: No such file or directory; 1 lost so far" in agent.err
    assert (directory / "log").read_text() == "3\n"


@pytest.mark.parametrize("way", ["append", "replace"])
def test_the_disk_is_full(start, publish, disk, way):  # noqa: F811
    """What was there stays; once there is room, it goes on."""
    agent = start({"topic": "a", way: str(disk.place / "file")}, prefix=disk.prefix)
    publish("a", b"x" * 3000)
    whole = b"x" * 3000 + (b"\n" if way == "append" else b"")
    has(disk.seen / "file", whole)
    disk.leave(0)
    publish("a", b"y" * 6000)
    agent.says("takes no messages: No space left on device; 1 lost so far")
    assert set(disk.tree()) == {"file"} and disk.tree()["file"] == whole
    (disk.seen / "filler").unlink()
    publish("a", b"z")
    agent.says("takes messages again; 1 were lost")
    end(agent)
    assert disk.tree() == {"file": whole + b"z\n" if way == "append" else b"z"}


def test_what_is_lost_at_the_end_is_told(start, publish, broker, tmp_path):
    """The agent waits for the runner, and hears it out."""
    agent = start({"topic": "a", "append": str(tmp_path / "gone" / "log")})
    os.kill(runner_of(agent), signal.SIGSTOP)
    publish("a", b"x")
    until(lambda: "Received PUBACK from sinking" in broker.log.text(), "the acknowledgement")
    agent.signal(signal.SIGTERM)
    until(lambda: "Received DISCONNECT from sinking" in broker.log.text(), "its goodbye")
    os.kill(runner_of(agent), signal.SIGCONT)
    agent.ends(0, "gone/log takes no messages: No such file or directory; 1 lost so far")


def runner_of(agent):
    with open(f"/proc/{agent.pid}/task/{agent.pid}/children") as children:
        return int(children.read().split()[0])


def unhandled(thimble, directory, *form):
    return thimble("status", *form, directory / "status").ends(1).out.decode()


def test_status_counts_what_was_lost(start, publish_lines, publish, thimble, tmp_path):
    """Each message, also those of a burst, of which the log tells the first; and those that programs did not
    handle, which stand beside them."""
    agent = start({"topic": "lost/#", "append": str(tmp_path / "none" / "log")},
                  {"topic": "run", "run": ["/bin/false"]}, status_socket=str(tmp_path / "status"))

    def told():
        return json.loads(unhandled(thimble, tmp_path, "--json"))["agent"]["unhandled"]
    assert told() == {"busy": 0, "program": 0, "sink": 0}
    assert "not handled" not in unhandled(thimble, tmp_path)
    publish_lines("lost/a", [b"%d\n" % number for number in range(1500)])
    publish("run", b"x")
    until(lambda: told() == {"busy": 0, "program": 1, "sink": 1500}, "1500 lost")
    assert re.search("^messages not handled +program: 1\n +sink: 1500$", unhandled(thimble, tmp_path), re.M)
    assert 'thimble_unhandled_total{name="sink"} 1500\n' in unhandled(thimble, tmp_path, "--prom")
    assert "# TYPE thimble_unhandled_total counter\n" in unhandled(thimble, tmp_path, "--prom")
    (tmp_path / "none").mkdir()
    publish("lost/b", b"here")
    has(tmp_path / "none" / "log", b"here\n")
    assert told()["sink"] == 1500
    end(agent)
    assert agent.err.count("takes no messages") < 4


# ---- sockets

def test_a_datagram_for_each_message(start, publish, reader, tmp_path):
    sock = reader()
    agent = start({"topic": "s/#", "socket": str(tmp_path / "sock")}, jsonl=True)
    publish("s/1", b"one")
    publish("s/2", b"\xff\0")
    first, second = json.loads(sock.recv(65536)), json.loads(sock.recv(65536))
    assert (first["topic"], first["payload"]) == ("s/1", "one")
    assert (second["topic"], second["payload_b64"]) == ("s/2", "/wA=")
    end(agent)


def test_a_socket_of_another_kind(start, publish, tmp_path):
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as door:
        door.bind(str(tmp_path / "sock"))
        door.listen()
        agent = start({"topic": "s/#", "socket": str(tmp_path / "sock")})
        publish("s/1", b"x")
        agent.says("sock takes no messages: it is a stream socket, and one for datagrams is wanted; 1 lost")
        end(agent)


def test_a_reader_that_reads_gets_all(start, publish_lines, reader, tmp_path):
    """In order, of a few that come at once."""
    sock, sent = reader(), [b"%04d\n" % number for number in range(10)]
    agent = start({"topic": "many", "socket": str(tmp_path / "sock")})
    publish_lines("many", sent)
    assert [sock.recv(64) for _ in sent] == sent
    end(agent)
    assert "lost" not in agent.err


def test_who_comes_and_goes(start, publish, reader, tmp_path):
    agent = start({"topic": "s", "socket": str(tmp_path / "sock")})
    publish("s", b"0")
    agent.says("sock takes no messages: No such file or directory; 1 lost so far")
    sock = reader()
    publish("s", b"1")
    assert sock.recv(64) == b"1\n"
    agent.says("takes messages again; 1 were lost")
    sock.close()
    publish("s", b"2")
    agent.says("sock takes no messages: Connection refused; 1 lost so far")
    end(agent)


def test_who_does_not_read_holds_up_nobody(start, publish, publish_lines, reader, tmp_path):
    sock = reader()
    agent = start({"topic": "slow", "socket": str(tmp_path / "sock")},
                  {"topic": "log", "append": str(tmp_path / "log")}, keepalive=5)
    publish_lines("slow", [b"%05d\n" % number for number in range(2000)])
    publish("log", b"here")
    has(tmp_path / "log", b"here\n")
    agent.says("sock takes no messages: No buffer space available; 1 lost so far")
    sock.setblocking(False)
    kept = 0
    try:
        while sock.recv(64):
            kept += 1
    except BlockingIOError:
        pass
    publish("slow", b"again")
    agent.says(f"takes messages again; {2000 - kept} were lost")
    assert kept >= 1 and sock.recv(64) == b"again\n"
    end(agent)


@pytest.mark.parametrize("size, fits", [(16383, True), (16384, False)])
def test_a_datagram_has_an_end(start, publish, reader, tmp_path, size, fits):
    sock = reader()
    agent = start({"topic": "s", "socket": str(tmp_path / "sock")})
    publish("s", b"x" * size)
    if fits:
        assert sock.recv(65536) == b"x" * size + b"\n"
    else:
        agent.says("takes no messages: File too large")
    end(agent)


# ---- all of them

def test_over_mutual_tls(lab, thimble, topic, tmp_path):
    path, log = tmp_path / "agent.json", tmp_path / "log"
    path.write_text(json.dumps({
        "sandbox": SANDBOX, "id": f"sinking {os.getpid()}", "jsonl": True,
        "handlers": [{"topic": f"{topic}/#", "append": str(log)},
                     {"topic": f"{topic}-now", "replace": str(tmp_path / "now")}]}))
    agent = thimble.start("agent", "-c", path, *lab.tls())
    lab.log.await_subscription(f"{topic}-now")
    for place, payload in (("/a", "one"), ("/b", "two"), ("-now", "three")):
        thimble("pub", *lab.tls(), "-t", topic + place, "-q", 1, "-m", payload).ends(0)
    has(tmp_path / "now", b"three")
    end(agent)
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    assert [(line["topic"], line["payload"]) for line in lines] == [
        (f"{topic}/a", "one"), (f"{topic}/b", "two")]


def test_a_disk_that_hangs_holds_up_the_runner_alone(start, publish_lines, broker, tmp_path):
    """One that is stopped stands for it: the connection goes on after a moment."""
    log = tmp_path / "log"
    agent = start({"topic": "many", "append": str(log)})
    os.kill(runner_of(agent), signal.SIGSTOP)
    publish_lines("many", [b"%04d\n" % number for number in range(2000)])
    until(lambda: broker.log.text().count("Received PUBACK from sinking") >= 2000, "them to be taken")
    os.kill(runner_of(agent), signal.SIGCONT)
    dropped = int(agent.err.split(" so far")[-2].split()[-1])
    until(lambda: log.exists() and log.read_bytes().count(b"\n") == 2000 - dropped, "the others")
    publish_lines("many", [b"again\n"])
    until(lambda: log.read_bytes().endswith(b"again\n"), "one more")
    end(agent)
    assert 0 < dropped < 2000


def test_the_agent_is_killed_and_what_it_acknowledged_is_written(start, publish_lines, broker, tmp_path):
    log = tmp_path / "log"
    agent = start({"topic": "many", "append": str(log)})
    publish_lines("many", [b"%04d\n" % number for number in range(2000)])
    until(log.exists, "the first")
    agent.signal(signal.SIGKILL).ends(-signal.SIGKILL)
    acknowledged = broker.log.text().count("Received PUBACK from sinking")
    until(lambda: log.read_bytes().count(b"\n") >= acknowledged, "as many lines")
    written = log.read_bytes().split(b"\n")[:-1]
    assert written == [b"%04d" % number for number in range(len(written))]


def test_sighup_brings_another_file(start, publish, tmp_path, broker):
    """In a directory that was not there at the start: it is not the agent that opens it."""
    agent = start({"topic": "a", "append": str(tmp_path / "one")})
    publish("a", b"1")
    has(tmp_path / "one", b"1\n")
    (tmp_path / "new").mkdir()
    path = tmp_path / "agent.json"
    settings = json.loads(path.read_text())
    settings["handlers"] = [{"topic": "a", "append": str(tmp_path / "new" / "two")},
                            {"topic": "b", "replace": str(tmp_path / "new" / "three")}]
    path.write_text(json.dumps(settings | {"verbose": True}))
    agent.signal(signal.SIGHUP).says("was read again")
    broker.log.await_subscription("b")
    publish("a", b"2")
    publish("b", b"3")
    has(tmp_path / "new" / "two", b"a 2\n")
    has(tmp_path / "new" / "three", b"3")
    end(agent)
    assert (tmp_path / "one").read_bytes() == b"1\n"


def test_sighup_that_finds_the_runner_busy(start, publish, publish_lines, broker, tmp_path):
    def is_read_again():
        agent.signal(signal.SIGHUP)
        return "other (QoS" in broker.log.text()
    agent = start({"topic": "many", "append": str(tmp_path / "log")})
    os.kill(runner_of(agent), signal.SIGSTOP)
    publish_lines("many", [b"%04d\n" % number for number in range(2000)])
    agent.says("its handlers are busy")
    path = tmp_path / "agent.json"
    settings = json.loads(path.read_text())
    settings["handlers"] = [{"topic": "other", "append": str(tmp_path / "other")}]
    path.write_text(json.dumps(settings))
    agent.signal(signal.SIGHUP).says("the handlers stay as they were: their process is busy")
    os.kill(runner_of(agent), signal.SIGCONT)
    until(is_read_again, "the new handler")
    publish("other", b"x")
    has(tmp_path / "other", b"x\n")
    end(agent)


def test_sighup_in_the_middle_of_a_message(start, fake, tmp_path):
    """It is written where it belonged when it began, and nothing but written."""
    log, ran, halfway, go = (tmp_path / name for name in ("log", "ran", "halfway", "go"))
    log.write_text(f"#!/bin/sh\ntouch {ran}\n")
    log.chmod(0o755)
    before, payload = log.read_bytes(), b"x" * 40_000

    def script(peer):
        peer.greet().grant()
        message = packets.publish("a", payload)
        peer.send(message[:20_000])
        halfway.touch()
        until(go.exists, "the new configuration")
        peer.send(message[20_000:])
        peer.drain()
    agent = start({"topic": "a", "append": str(log)}, port=fake(script).port, awaits=False)
    until(halfway.exists, "half of it")
    settings = json.loads((tmp_path / "agent.json").read_text())
    settings["handlers"] = [{"topic": "b", "append": str(tmp_path / "other")}]
    (tmp_path / "agent.json").write_text(json.dumps(settings))
    agent.signal(signal.SIGHUP).says("was read again")
    go.touch()
    has(log, before + payload + b"\n")
    end(agent)
    assert not ran.exists() and not (tmp_path / "other").exists()


def test_programs_and_files_together(start, publish, tmp_path, end_after):
    program = tmp_path / "program"
    program.write_text(f"#!/bin/sh\ncat >{tmp_path}/ran.new; mv {tmp_path}/ran.new {tmp_path}/ran\n")
    program.chmod(0o755)
    agent = start({"topic": "run", "run": [str(program)]},
                  {"topic": "log", "append": str(tmp_path / "log")},
                  {"topic": "#", "append": str(tmp_path / "rest")})
    publish("log", b"1")
    publish("run", b"2")
    publish("other", b"3")
    has(tmp_path / "ran", b"2")
    end_after(agent, 3)
    assert (tmp_path / "log").read_bytes() == b"1\n" and (tmp_path / "rest").read_bytes() == b"3\n"


@pytest.mark.parametrize("handler, words", [
    ({"topic": "t", "append": "/x", "run": ["/bin/true"]}, "run: a handler has one of run, append"),
    ({"topic": "t", "run": ["/bin/true"], "append": "/x"}, "append: a handler has one of run"),
    ({"topic": "t", "append": "/x", "replace": "/x"}, "replace: a handler has one of"),
    ({"topic": "t", "append": "/x", "socket": "/x"}, "socket: a handler has one of"),
    ({"topic": "t", "append": "relative"}, "a path that begins with /"),
    ({"topic": "t", "append": 1}, "append: give a text"),
    ({"topic": "t", "append": ["/x"]}, "append: not in this form"),
    ({"topic": "t", "append": "/${x}"}, "append: no such name in ${}"),
    ({"topic": "t", "append": "/x", "max_kb": 0}, "max_kb: no such number"),
    ({"topic": "t", "append": "/x", "max_kb": 65536}, "max_kb: no such number"),
    ({"topic": "t", "append": "/x", "reply": "r"}, "env and reply are for run"),
    ({"topic": "t", "socket": "/x", "env": {"A": "b"}}, "env and reply are for run"),
    ({"topic": "t", "replace": "/x", "timeout_s": 30}, "timeout_s, concurrency, env and reply are for run"),
    ({"topic": "t", "concurrency": 1, "socket": "/x"}, "are for run"),
    ({"topic": "t", "run": ["/bin/true"], "max_kb": 1024}, "max_kb is for append"),
    ({"topic": "t", "max_kb": 1, "socket": "/x"}, "max_kb is for append"),
    ({"topic": "t", "replace": "/x", "max_kb": 1}, "max_kb is for append"),
    ({"append": "/x"}, "a handler has a topic"),
])
def test_mistakes_have_a_place(start, handler, words):
    assert ":1:" in start(handler).ends(67, words).err


def test_a_path_of_a_socket_has_an_end(start):
    start({"topic": "t", "socket": "/" + "x" * 107}).ends(64, "is too long for a socket")
