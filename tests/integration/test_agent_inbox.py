"""Messages that programs of the same machine leave with the agent: through its socket, its standard
input and its directory. Nobody listens at the broker's port, but in the last test: what counts is
what lies in the spool."""
import base64
import json
import os
import signal
import socket
import stat
import time

import pytest

from lab import free_port
from program import SANDBOX, until

LINE_BYTES = 16384


@pytest.fixture
def door(thimble, tmp_path):
    return Door(thimble, tmp_path)


class Door:
    """An agent with a spool, and what goes on there."""

    def __init__(self, thimble, directory):
        self.thimble, self.directory = thimble, directory
        self.path, self.spool, self.drop = directory / "in", directory / "spool", directory / "drop"
        self.port = free_port()

    def agent(self, *words, stdin=None, **settings):
        path = self.directory / "agent.json"
        path.write_text(json.dumps({
            "host": "127.0.0.1", "port": self.port, "no_tls": True, "id": "agent", "backoff": "9s..9s",
            "spool": str(self.spool), "sandbox": SANDBOX, **settings}))
        return self.thimble.start("agent", "-c", path, *words, stdin=stdin)

    def with_inbox(self, *words, **settings):
        agent = self.agent("--inbox", self.path, *words, **settings)
        until(lambda: self.path.exists() or not agent.is_running(), "the socket")
        return agent

    def with_drop(self, *words, **settings):
        self.drop.mkdir(exist_ok=True)
        return self.agent("--drop", self.drop, "--drop-topic", "files/${name}", *words, **settings)

    def connect(self):
        return Producer(self.path)

    def listed(self):
        """(number, topic) of what waits; empty while there is no spool."""
        lines = self.thimble("spool", "ls", self.spool).out.decode().splitlines()
        return [(int(line.split()[0]), line.split(None, 5)[-1]) for line in lines]

    def topics(self):
        return [topic for _, topic in self.listed()]

    def payload(self, number):
        return self.thimble("spool", "cat", self.spool, number).ends(0).out

    def is_empty(self):
        return not os.listdir(self.drop)


class Producer:
    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(60)
        until(lambda: self.is_connected(str(path)), f"somebody at {path}")
        self.answers = self.socket.makefile("r")

    def is_connected(self, path):
        """Between bind(2) and listen(2) nobody is there yet."""
        try:
            self.socket.connect(path)
            return True
        except (ConnectionRefusedError, FileNotFoundError):
            return False

    def write(self, *lines):
        for line in lines:
            text = line if isinstance(line, (str, bytes)) else json.dumps(line)
            data = text if isinstance(text, bytes) else text.encode()
            self.socket.sendall(data + b"\n")
        return self

    def answer(self):
        text = self.answers.readline()
        return json.loads(text) if text else None

    def asks(self, line):
        return self.write(line).answer()


def message(number, **more):
    return {"topic": f"t/{number}", "payload": str(number), **more}


# ---- the socket --------------------------------------------------------------------------------

def test_what_is_accepted_is_in_the_spool_in_order(door):
    door.with_inbox()
    producer = door.connect().write(*[message(i) for i in range(300)])
    assert [producer.answer() for _ in range(300)] == [{"accepted": i + 1} for i in range(300)]
    assert door.topics() == [f"t/{i}" for i in range(300)]
    assert door.payload(300) == b"299"


def test_any_bytes(door):
    door.with_inbox()
    producer = door.connect()
    near = "ü/\xa0\ufdcf\ufdf0\ufffd\U0001fffd\U0001f7ff\u07ff😀"  # what is refused
    assert producer.asks({"topic": near, "payload": 'a"\\\n\t\u00e9😀'}) == {"accepted": 1}
    data = bytes(range(256))
    encoded = base64.b64encode(data).decode()
    assert producer.asks({"topic": "b", "payload_base64": encoded}) == {"accepted": 2}
    assert producer.asks({"topic": "e", "payload_base64": ""}) == {"accepted": 3}
    assert door.payload(1) == 'a"\\\n\t\u00e9😀'.encode()
    assert door.payload(2) == data and door.payload(3) == b""


@pytest.mark.parametrize("line, word", [
    ({"payload": "x"}, "topic: missing"),
    ({"topic": "t"}, "payload: missing"),
    ({"topic": "", "payload": "x"}, "topic: give"),
    ({"topic": "a/+", "payload": "x"}, "topic: give"),
    ({"topic": "a/#", "payload": "x"}, "topic: give"),
    (b'{"topic":"\xff","payload":"x"}', "topic: give"),
    ({"topic": "t" * 2000, "payload": "x"}, "1984"),
    ({"topic": ["t"], "payload": "x"}, "topic: give"),
    ({"topic": "a\n", "payload": "x"}, "control characters"),
    ({"topic": "a\x7f", "payload": "x"}, "control characters"),
    ({"topic": "a\x9fb", "payload": "x"}, "control characters"),
    ({"topic": "a\ufdd0", "payload": "x"}, "control characters"),
    ({"topic": "\ufdef", "payload": "x"}, "control characters"),
    ({"topic": "\uffff/a", "payload": "x"}, "control characters"),
    ({"topic": "\U0001fffe", "payload": "x"}, "control characters"),
    ({"topic": "t", "payload": 1}, "payload: give a text"),
    ({"topic": "t", "payload": "\0"}, "no JSON"),
    ({"topic": "t", "payload_base64": "abc"}, "base64"),
    ({"topic": "t", "payload_base64": "ab!d"}, "base64"),
    ({"topic": "t", "payload": "x", "payload_base64": "YQ=="}, "given twice"),
    ({"topic": "t", "payload": "x", "qos": 3}, "qos"),
    ({"topic": "t", "payload": "x", "retain": "true"}, "retain"),
    ({"topic": "t", "payload": "x", "id": "i" * 65}, "id"),
    ({"topic": "t", "payload": "x", "expiry_s": -1}, "expiry_s"),
    ({"topic": "t", "payload": "x", "qoss": 1}, "qoss: no member"),
    ({"topic": "t", "payload": "x", "properties": {"reason-string": "x"}}, "reason-string"),
    ({"topic": "t", "payload": "x", "properties": {"message-expiry-interval": 1}}, "expiry_s"),
    ({"topic": "t", "payload": "x", "properties": {"topic-alias": 1}}, "agent chooses"),
    ({"topic": "t", "payload": "x", "properties": {"user-property": "x"}}, "an object"),
    ({"topic": "t", "payload": "x", "properties": {"user-property": {"a": "\n"}}}, "control"),
    ({"topic": "t", "payload": "x", "properties": {"user-property": {"\x85": "b"}}}, "control"),
    ({"topic": "t", "payload": "x", "properties": {"content-type": "a\ufffe"}}, "control"),
    ({"topic": "t", "payload": "x", "properties": {"response-topic": "a\x7f"}}, "control"),
    ('{"topic":"t","payload":"x"', "no JSON"),
    ('{"topic":"t","payload":"x"}}', "no JSON"),
    ("", "no JSON"),
])
def test_what_is_wrong_is_told_and_the_next_line_counts(door, line, word):
    door.with_inbox()
    producer = door.connect()
    answer = producer.asks(line)
    assert word in answer["refused"] and answer["retry"] is False
    assert producer.asks(message(1)) == {"accepted": 1}


def test_answers_keep_the_order_of_the_lines(door):
    door.with_inbox()
    producer = door.connect().write(message(1), "nonsense", message(2), {"topic": "#"}, message(3))
    words = [next(iter(producer.answer())) for _ in range(5)]
    assert words == ["accepted", "refused", "accepted", "refused", "accepted"]


def test_a_line_too_long_is_skipped(door):
    door.with_inbox()
    producer = door.connect()
    for length in (LINE_BYTES, 5 * LINE_BYTES):
        answer = producer.asks({"topic": "t", "payload": "x" * length})
        assert str(LINE_BYTES) in answer["refused"] and answer["retry"] is False
    longest = {"topic": "t", "payload": ""}
    longest["payload"] = "x" * (LINE_BYTES - 1 - len(json.dumps(longest)))
    assert producer.asks(longest) == {"accepted": 1}


def test_half_a_line_at_the_end_is_refused(door):
    door.with_inbox()
    producer = door.connect().write(message(1))
    producer.socket.sendall(b'{"topic":"t","pay')
    producer.socket.shutdown(socket.SHUT_WR)
    assert producer.answer() == {"accepted": 1}
    assert "no JSON" in producer.answer()["refused"]
    assert producer.answer() is None
    assert door.topics() == ["t/1"]


def test_an_id_is_taken_once(door):
    door.with_inbox()
    producer = door.connect()
    assert producer.asks(message(1, id="a")) == {"accepted": 1}
    assert producer.asks(message(1, id="a")) == {"known": 1}
    assert door.connect().asks(message(1, id="b")) == {"accepted": 2}


def test_killed_between_line_and_answer(door):
    """Whoever was not answered sends it again: it is there once."""
    agent = door.with_inbox()
    producer = door.connect()
    answered = 0
    for number in range(40):
        producer.write(message(number, id=f"i{number}"))
        if number % 8 == 7:
            agent.signal(signal.SIGKILL).end()
            door.path.unlink()
            agent = door.with_inbox()
            producer = door.connect().write(*[message(i, id=f"i{i}")
                                              for i in range(answered, number + 1)])
            words = [next(iter(producer.answer())) for _ in range(answered, number + 1)]
            assert set(words) <= {"accepted", "known"}
            answered = number + 1
    assert sorted(door.topics()) == sorted(f"t/{i}" for i in range(40))


def test_a_stale_socket_is_replaced_and_removed_at_the_end(door):
    door.with_inbox().signal(signal.SIGKILL).end()
    assert stat.S_ISSOCK(door.path.lstat().st_mode)
    agent = door.agent("--inbox", door.path)
    until(lambda: "accepted" in door.connect().asks(message(1)), "an answer")
    agent.signal(signal.SIGTERM).ends(0)
    assert not door.path.exists()


def test_eight_at_once_and_the_ninth_waits(door):
    door.with_inbox()
    producers = [door.connect() for _ in range(8)]
    for number, producer in enumerate(producers):
        assert "accepted" in producer.asks(message(number))
    ninth = door.connect().write(message(9))
    ninth.socket.settimeout(0.3)
    with pytest.raises(TimeoutError):
        ninth.socket.recv(1)
    producers[3].socket.close()
    producers[3].answers.close()
    ninth.socket.settimeout(60)
    assert json.loads(ninth.socket.recv(100)) == {"accepted": 9}


def test_who_does_not_read_stops_only_himself(door):
    """Until the buffer of its socket is full, and then for ever."""
    agent = door.with_inbox()
    deaf = door.connect()
    deaf.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1)
    deaf.socket.settimeout(0.5)
    with pytest.raises(TimeoutError):
        while True:
            deaf.socket.sendall(b"nonsense\n" * 100)
    assert "accepted" in door.connect().asks(message(1))
    assert agent.is_running()


@pytest.mark.parametrize("mode", ["0600", "0660", "0666"])
def test_who_may_connect(door, mode):
    door.with_inbox(*([] if mode == "0600" else ["--inbox-mode", mode]))
    assert stat.S_IMODE(door.path.stat().st_mode) == int(mode, 8)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root becomes another user")
def test_another_user_is_turned_away(door):
    """Though the rights of the socket were changed behind our back."""
    agent = door.with_inbox()
    door.path.chmod(0o666)
    for part in (door.directory, *door.directory.parents):
        if part.stat().st_uid == os.geteuid() and not part.stat().st_mode & 0o1:
            part.chmod(part.stat().st_mode | 0o11)
    child = os.fork()
    if child == 0:
        os.setuid(65534)
        try:
            answer = door.connect().answer()
        except OSError:
            os._exit(2)
        os._exit(0 if "another user" in (answer or {}).get("refused", "") else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    agent.says("turned away")


def test_full_and_refuse(door):
    door.with_inbox("--spool-full", "refuse", "--spool-messages", "2")
    producer = door.connect()
    assert [producer.asks(message(i)) for i in range(2)] == [{"accepted": 1}, {"accepted": 2}]
    assert producer.asks(message(3)) == {"refused": "the spool is full", "retry": True}


def test_full_and_newest(door):
    door.with_inbox("--spool-full", "newest", "--spool-messages", "1")
    producer = door.connect()
    assert producer.asks(message(1)) == {"accepted": 1}
    assert producer.asks(message(2)) == {"dropped": "full"}


def test_the_inbox_needs_a_spool(door):
    door.agent("--inbox", door.path, spool=None).ends(64)


# ---- standard input ----------------------------------------------------------------------------

def test_standard_input(door):
    lines = b"".join(json.dumps(message(i)).encode() + b"\n" for i in range(100))
    agent = door.agent("--stdin", stdin=lines + b"nonsense\n" + lines)
    until(lambda: agent.out.count(b"\n") == 201, "all answers")
    answers = [json.loads(line) for line in agent.out.splitlines()]
    assert [a.get("accepted") for a in answers] == [*range(1, 101), None, *range(101, 201)]
    assert "line 101 of standard input" in agent.err
    assert agent.is_running(), "its end is not ours"


def test_standard_input_quietly(door):
    agent = door.agent("--stdin", "--quiet", stdin=b'{"topic":"t","payload":"x"}\nnonsense\n')
    until(door.listed, "the message")
    agent.signal(signal.SIGTERM).ends(0)
    assert agent.out == b"" and agent.err == ""


def test_standard_input_waits_while_the_spool_is_full(door):
    """Nothing of it is lost: the rest comes when there is room."""
    lines = b"".join(json.dumps(message(i)).encode() + b"\n" for i in range(5))
    agent = door.agent("--stdin", "--spool-full", "refuse", "--spool-messages", "3", stdin=lines)
    agent.says("line 4 of standard input waits: the spool is full")
    assert door.topics() == ["t/0", "t/1", "t/2"]


# ---- the directory -----------------------------------------------------------------------------

def test_what_lay_there_comes_first_in_the_order_of_names(door):
    door.drop.mkdir()
    names = [f"f{i:03}" for i in range(60)]
    for name in reversed(names):
        (door.drop / name).write_text(name)
    door.with_drop()
    until(door.is_empty, "all taken")
    assert door.topics() == [f"files/{name}" for name in names]
    assert door.payload(60) == b"f059"


def test_what_is_renamed_or_closed_is_taken(door):
    agent = door.with_drop()
    (door.drop / "first").write_text("")
    until(door.is_empty, "the first")
    (door.drop / ".second").write_text("two")
    (door.drop / "third.tmp").write_text("three")
    (door.drop / "fourth.part").write_text("four")
    os.rename(door.drop / ".second", door.drop / "second")
    until(lambda: "files/second" in door.topics(), "the second")
    until(lambda: not (door.drop / "second").exists(), "its end")
    assert sorted(os.listdir(door.drop)) == ["fourth.part", "third.tmp"]
    assert agent.is_running()


def test_what_cannot_be_taken_is_renamed(door):
    agent = door.with_drop()
    (door.drop / "a+b").write_text("x")
    (door.drop / "a\nb").write_text("x")
    (door.drop / ".large").write_bytes(bytes(2_000_000))
    os.rename(door.drop / ".large", door.drop / "large")
    (door.drop / "dir").mkdir()
    os.mkfifo(door.drop / ".fifo")
    os.rename(door.drop / ".fifo", door.drop / "fifo")
    os.symlink("/etc/passwd", door.drop / ".link")
    os.rename(door.drop / ".link", door.drop / "link")
    agent.says("a+b was not taken").says("large was not taken").says("fifo was not taken")
    agent.says("link was not taken").says("control characters")
    assert {"a+b.refused", "a\nb.refused", "dir", "large.refused"} <= set(os.listdir(door.drop))
    assert door.topics() == []


def test_what_was_refused_before_stays(door):
    agent = door.with_drop()
    for count in range(1, 102):
        (door.drop / ".a+").write_text(str(count))
        os.rename(door.drop / ".a+", door.drop / "a+")
        until(lambda: agent.err.count("a+ was not taken") == count, "each to be told")
    assert agent.err.count("and is called .refused now") == 99
    names = ["a+.refused", *(f"a+.{count}.refused" for count in range(2, 100))]
    assert [(door.drop / name).read_text() for name in names] == [str(n) for n in range(1, 100)]
    assert sorted(os.listdir(door.drop)) == sorted([*names, "a+"])
    assert (door.drop / "a+").read_text() == "101"


def test_a_directory_that_is_gone_is_told_once(door):
    agent = door.with_drop(backoff="0.1s..0.1s")
    (door.drop / "a").write_text("x")
    until(lambda: not os.listdir(door.drop), "taken")
    door.drop.rmdir()
    agent.says("drop is gone: no files are taken any more; make it again, and restart the agent")
    door.drop.mkdir()
    (door.drop / "b").write_text("x")
    time.sleep(2)
    assert agent.err.count("is gone") == 1 and door.topics() == ["files/a"]
    agent.signal(signal.SIGTERM).ends(0)
    door.with_drop()
    until(lambda: door.topics() == ["files/a", "files/b"], "the other one")


def test_a_file_is_taken_once_however_often_it_is_found(door):
    """As after a crash between the spool and the directory: the same file, once more."""
    door.with_drop()
    (door.drop / ".kept").write_text("x")
    os.link(door.drop / ".kept", door.drop / "file")
    os.rename(door.drop / "file", door.drop / "again")
    until(lambda: not (door.drop / "again").exists(), "taken")
    os.link(door.drop / ".kept", door.drop / ".again")
    os.rename(door.drop / ".again", door.drop / "again")
    until(lambda: not (door.drop / "again").exists(), "taken again")
    assert door.topics() == ["files/again"]


def test_files_wait_while_the_spool_is_full(door):
    door.drop.mkdir()
    for name in "abc":
        (door.drop / name).write_text(name)
    door.with_drop("--spool-full", "refuse", "--spool-messages", "2")
    until(lambda: os.listdir(door.drop) == ["c"], "two of three")
    assert door.topics() == ["files/a", "files/b"]


# ---- pub --agent -------------------------------------------------------------------------------

@pytest.fixture
def pub(door, thimble):
    def run(*words, **options):
        return thimble("pub", "--agent", door.path, "-t", "t", "--sandbox=require", *words, **options)
    return run


def test_pub(door, pub, tmp_path):
    door.with_inbox()
    (tmp_path / "file").write_bytes(bytes(range(256)) * 20)
    pub("-m", "text", "-q", "2", "-r").ends(0)
    pub("-f", tmp_path / "file").ends(0)
    pub("-s", stdin=b"input").ends(0)
    pub("-n").ends(0)
    pub("-l", stdin=b"one\ntwo\nthree").ends(0)
    pub("-m", "again", "--repeat", "2").ends(0)
    found = [door.payload(number) for number, _ in door.listed()]
    assert found == [b"text", bytes(range(256)) * 20, b"input", b"", b"one", b"two", b"three",
                     b"again", b"again"]


def test_pub_once(door, pub):
    door.with_inbox()
    for _ in range(2):
        pub("-m", "x", "--message-id", "a").ends(0)
        pub("-l", "--message-id", "b", stdin=b"one\ntwo\n").ends(0)
    assert len(door.listed()) == 3


def test_pub_with_properties(door, pub):
    door.with_inbox("-V", "mqttv5")
    pub("-m", "x", "-D", "publish", "content-type", "text/plain", "-D", "publish", "user-property",
        "a", "b", "-D", "publish", "message-expiry-interval", "100").ends(0)
    assert len(door.listed()) == 1


def test_pub_of_many_at_once(door, pub, thimble):
    door.with_inbox()
    all_of_them = [thimble.start("pub", "--agent", door.path, "-t", "t", "-l", stdin=b"x\n" * 50)
                   for _ in range(12)]
    for each in all_of_them:
        each.ends(0)
    assert len(door.listed()) == 600


def test_pub_and_nobody_listens(door, pub):
    pub("-m", "x").ends_refused(4, "no agent listens", "--inbox")
    door.with_inbox().signal(signal.SIGKILL).end()
    pub("-m", "x").ends_refused(4, "no agent listens")


def test_pub_is_refused(door, pub):
    door.with_inbox("--spool-full", "refuse", "--spool-messages", "1")
    pub("-m", "x", "-t", "t" * 3000).ends(64)
    pub("-m", "x" * 13000).ends_refused(25, "16384")
    pub("-m", "x", "-D", "publish", "topic-alias", "1").ends_refused(50, "the agent chooses it")
    pub("-m", "x").ends(0)
    pub("-m", "x").ends_refused(56, "the spool is full")


def test_pub_when_the_agent_goes(door, pub, thimble):
    listening = socket.socket(socket.AF_UNIX)
    listening.bind(str(door.path))
    listening.listen()
    program = thimble.start("pub", "--agent", door.path, "-t", "t", "-m", "x")
    listening.accept()[0].close()
    program.ends_refused(7, "--message-id")
    pub("-m", "x", "--timeout", "0.2").ends_refused(27, "does not answer")


@pytest.mark.parametrize("words", [["-h", "x"], ["--cafile", "x"], ["-u", "x"], ["-i", "x"], ["-p", "1"]])
def test_pub_through_the_agent_has_no_connection_of_its_own(pub, words):
    pub("-m", "x", *words).ends(64, "--agent")


def test_an_id_is_of_the_agent(thimble, pub):
    thimble("pub", "-t", "t", "-m", "x", "--message-id", "a", "--no-tls").ends(64, "--agent")


# ---- and on to a broker ------------------------------------------------------------------------

def test_all_three_doors_lead_to_the_broker_over_mutual_tls(door, lab, thimble, pub, topic):
    receiver = thimble.start("sub", *lab.plain, "-t", f"{topic}/#", "-q", "1", "-C", "3", "-v")
    lab.log.await_subscription(f"{topic}/#")
    door.drop.mkdir()
    (door.directory / "agent.json").write_text("{}")
    agent = thimble.start(
        "agent", "-c", door.directory / "agent.json", *lab.tls(), "-i", f"agent {os.getpid()}", "--spool", door.spool,
        "--inbox", door.path, "--drop", door.drop, "--drop-topic", topic + "/files/${name}", "--stdin",
        "--sandbox=require", stdin=json.dumps({"topic": f"{topic}/in", "payload": "1"}).encode())
    until(lambda: door.path.exists() or not agent.is_running(), "the socket")
    assert "accepted" in door.connect().asks({"topic": f"{topic}/line", "payload": "2"})
    (door.drop / "three").write_text("3")
    got = set(receiver.ends(0).out.decode().splitlines())
    assert got == {f"{topic}/in 1", f"{topic}/line 2", f"{topic}/files/three 3"}
    until(lambda: not door.listed(), "an empty spool")
