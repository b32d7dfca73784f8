"""SIGHUP: the configuration is read again. What is wrong in it is told, what is right counts, at once
or after a trial on a new connection."""
import json
import os
import signal
import socket

import packets
import pytest

from lab import free_port
from program import SANDBOX, until


@pytest.fixture
def broker(mosquitto):
    return mosquitto("allow_anonymous true").start()


class Configured:
    """An agent, and the file it was started with."""

    def __init__(self, thimble, path, settings):
        self.path, self.settings, self.thimble = path, settings, thimble
        self.write()

    def write(self, **changed):
        self.settings = {name: value for name, value in (self.settings | changed).items()
                         if value is not None}
        self.path.write_text(json.dumps(self.settings))

    def start(self, *words, **more):
        self.agent = self.thimble.start("agent", "-c", self.path, *words, **more)
        return self

    def reload(self, **changed):
        self.write(**changed)
        self.agent.signal(signal.SIGHUP)
        return self.agent

    def ends(self):
        self.agent.signal(signal.SIGTERM).ends(0)


@pytest.fixture
def configured(thimble, tmp_path, broker):
    def make(*words, **settings):
        plain = {"host": "127.0.0.1", "port": broker.port, "no_tls": True, "id": "reloading",
                 "backoff": "0.05s..0.1s", "first_delay": 0, "sandbox": SANDBOX, "topic": ["one"]}
        made = Configured(thimble, tmp_path / "agent.json", plain | settings).start(*words)
        if "topic" not in settings:
            broker.log.await_subscription("one")
        return made
    return make


@pytest.fixture
def publish(thimble, broker):
    def send(topic, text, port=None):
        where = ["-h", "127.0.0.1", "-p", port, "--no-tls"] if port else broker.plain
        thimble("pub", *where, "-t", topic, "-m", text, "-q", 1).ends(0)
    return send


def test_what_is_wrong_is_told_and_changes_nothing(configured, publish):
    made = configured()
    made.path.write_text('{"host": "127.0.0.1",\n  "hots": "x"}')
    made.agent.signal(signal.SIGHUP)
    made.agent.says(":2:3: hots: no such name; did you mean host?; the one before goes on")
    made.path.write_text('{"host": "127.0.0.1", "port": 0}')
    made.agent.signal(signal.SIGHUP).says(":1:31: port 0: give a whole number")
    made.path.unlink()
    made.agent.signal(signal.SIGHUP).says("cannot read")
    publish("one", "still here")
    made.agent.prints(b"still here\n")
    made.ends()


def test_a_pipe_instead_of_the_file_holds_nobody_up(configured, publish):
    made = configured()
    made.path.unlink()
    os.mkfifo(made.path)
    made.agent.signal(signal.SIGHUP).says(":1:1: not JSON here")
    publish("one", "still here")
    made.agent.prints(b"still here\n")
    made.ends()


def test_subscriptions_come_and_go(configured, publish, broker):
    made = configured(verbose=True)
    connections = broker.log.text().count("New client connected")
    made.reload(topic=["two", "three"], verbose=None).says("was read again")
    broker.log.await_subscription("three")
    for topic in "one", "two", "three":
        publish(topic, topic)
    made.agent.prints(b"two\nthree\n")
    made.reload(topic=["one", "three"])
    broker.log.await_subscription("one")
    until(lambda: broker.log.text().count("one (QoS") == 2, "once more")
    assert broker.log.text().count("three (QoS") == 1, "only what is new is asked for"
    for topic in "two", "one":
        publish(topic, topic)
    made.agent.prints(b"two\nthree\none\n")
    ours = [line for line in broker.log.text().splitlines() if " as reloading " in line]
    assert connections and len(ours) == 1, "all on the first connection"
    made.ends()


def test_what_needs_a_restart_is_named(configured, tmp_path, publish):
    made = configured()
    made.reload(spool=str(tmp_path / "spool"), topic=["two"])
    made.agent.says("spool has changed, which needs a restart").says("was read again")
    assert not (tmp_path / "spool").exists()
    publish("two", "2")
    made.agent.prints(b"2\n")
    made.ends()


def test_secrets_need_a_restart(configured):
    made = configured()
    made.reload(url=f"mqtt://127.0.0.1:1", host=None, port=None)
    made.agent.says("secrets or pins have changed, which needs a restart")
    made.ends()


@pytest.fixture
def private(tmp_path, mosquitto):
    passwords = tmp_path / "passwords"
    os.system(f"mosquitto_passwd -b -c {passwords} me secret")
    passwords.chmod(0o644)
    return mosquitto("allow_anonymous false", f"password_file {passwords}").start()


def test_secrets_of_the_command_line_stay(thimble, tmp_path, private):
    made = Configured(thimble, tmp_path / "agent.json", {
        "host": "127.0.0.1", "port": private.port, "no_tls": True, "sandbox": SANDBOX,
        "backoff": "0.05s..0.1s", "first_delay": 0, "topic": ["one"]})
    made.start("-u", "me", "-P", "secret")
    private.log.await_subscription("one")
    made.reload(keepalive=61).says("it counts now")
    made.ends()


def test_another_broker_is_tried_and_counts(configured, mosquitto, publish):
    other = mosquitto("allow_anonymous true").start()
    made = configured(sandbox="off")  # else the port cannot be asked for
    made.reload(port=other.port, topic=["one", "two"])
    made.agent.says("trying the new configuration").says("it counts now")
    other.log.await_subscription("two")
    publish("one", "there", other.port)
    made.agent.prints(b"there\n")
    made.reload(topic=["one"]).says("was read again")
    made.ends()


@pytest.mark.parametrize("sandbox", [SANDBOX, "off"])
def test_a_broker_that_is_not_there_is_refused(configured, broker, publish, sandbox):
    """Locked in, the port cannot even be asked for."""
    made = configured(sandbox=sandbox)
    made.reload(port=free_port(), topic=["two"])
    made.agent.says("the configuration was refused").says("the one before goes on")
    until(lambda: broker.log.text().count(" as reloading ") == 2, "the connection before")
    publish("one", "back")
    made.agent.prints(b"back\n")
    made.reload(port=broker.port, keepalive=90).says("it counts now")
    broker.log.await_subscription("two")
    made.ends()


def test_a_new_keep_alive_is_tried(configured, broker):
    made = configured()
    made.reload(keepalive=99).says("it counts now")
    assert "k99" in broker.log.text()
    made.ends()


@pytest.fixture
def secured(lab, mosquitto):
    port = free_port()
    made = mosquitto(f"listener {port} 127.0.0.1", f"cafile {lab.path('ec', 'root.pem')}",
                     f"certfile {lab.path('ec', 'server.pem')}",
                     f"keyfile {lab.path('ec', 'server.key')}", "require_certificate true",
                     "allow_anonymous true").start()
    made.tls_port = port
    return made


@pytest.fixture
def pair(tmp_path, lab):
    """Files of our own, which can be replaced."""
    def put(name="client"):
        for kind in "pem", "key":
            new = tmp_path / f"new.{kind}"
            new.write_bytes(lab.path("ec", f"{name}.{kind}").read_bytes())
            new.chmod(0o600)
            new.rename(tmp_path / f"our.{kind}")
        return {"cert": f"{tmp_path}/our.pem", "key": f"{tmp_path}/our.key"}
    return put


def over_tls(secured, pair, lab):
    return {"host": "localhost", "port": secured.tls_port, "no_tls": None,
            "cafile": str(lab.path("ec", "root.pem"))} | pair()


def test_certificates_that_were_replaced_are_tried(configured, secured, pair, lab, broker):
    made = configured(**over_tls(secured, pair, lab), topic=["tls"])
    secured.log.await_subscription("tls")
    made.reload().says("was read again")
    assert "trying" not in made.agent.err, "the files are the same"
    our = (made.path.parent / "our.pem")
    our.write_bytes(our.read_bytes() + b"\n")
    made.reload().says("trying the new configuration").says("it counts now")
    our.write_bytes(b"nonsense\n")
    made.reload().says("the configuration was refused")
    assert secured.log.text().count(" as reloading ") == 2, "nobody was disconnected for that"
    pair()
    made.reload()
    until(lambda: made.agent.err.count("it counts now") == 2, "those of the first time")
    made.ends()


def test_a_pipe_holds_nobody_up_but_at_the_start(configured, private, tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe, 0o600)
    made = configured(port=private.port, topic=["one"], username="me", password_file=str(pipe))
    pipe.write_text("secret\n")
    private.log.await_subscription("one")
    made.reload(keepalive=61).says("refused: ").says("pipe has no password in its first line")
    writer = os.open(pipe, os.O_RDWR)  # who writes nothing
    made.reload().says(": Resource temporarily unavailable; the one before goes on")
    os.close(writer)
    pipe.unlink()
    pipe.write_text("secret\n")
    made.reload().says("it counts now")
    made.ends()


@pytest.mark.parametrize("file", ["cert", "key", "cafile"])
def test_pipes_for_certificates_hold_nobody_up(configured, secured, pair, lab, tmp_path, file):
    settings = over_tls(secured, pair, lab)
    roots = tmp_path / "roots.pem"
    roots.write_bytes(lab.path("ec", "root.pem").read_bytes())
    settings["cafile"] = str(roots)
    made = configured(**settings, topic=["tls"])
    secured.log.await_subscription("tls")
    os.unlink(settings[file])
    os.mkfifo(settings[file], 0o600)
    made.reload().says("the configuration was refused")
    made.ends()


def test_roots_that_do_not_fit_are_rolled_back(configured, secured, pair, lab, tmp_path, forge):
    roots = tmp_path / "roots.pem"
    roots.write_bytes(lab.path("ec", "root.pem").read_bytes())
    made = configured(**over_tls(secured, pair, lab) | {"cafile": str(roots)}, topic=["tls"])
    secured.log.await_subscription("tls")
    roots.write_bytes((forge.directory / "root.pem").read_bytes())
    made.reload().says("trying the new configuration").says("the configuration was refused")
    until(lambda: secured.log.text().count(" as reloading ") == 2, "the roots before")
    made.ends()


@pytest.fixture
def script(tmp_path):
    def write(text, name):
        path = tmp_path / name
        path.write_text(f"#!/bin/sh\n{text}\n")
        path.chmod(0o755)
        return str(path)
    return write


def test_handlers_are_others(configured, script, publish, broker, tmp_path):
    first = script(f"cat >>{tmp_path}/first", "a")
    second = script(f"cat >>{tmp_path}/second", "b")
    made = configured(handlers=[{"topic": "do/+", "run": [first]}])
    broker.log.await_subscription("do/+")
    publish("do/x", "1")
    until((tmp_path / "first").exists, "the first")
    made.reload(handlers=[{"topic": "other", "run": [first]}, {"topic": "do/+", "run": [second]}])
    broker.log.await_subscription("other")
    publish("do/x", "2")
    until(lambda: (tmp_path / "second").exists() and (tmp_path / "second").read_text() == "2", "b")
    made.reload(handlers=[{"topic": "do/+", "run": ["relative"]}]).says("begins with /")
    publish("do/x", "3")
    until(lambda: (tmp_path / "second").read_text() == "23", "b again")
    assert (tmp_path / "first").read_text() == "1"
    made.ends()


def test_a_handler_at_work_holds_up_only_the_one_after_the_next(configured, script, publish, broker,
                                                               tmp_path):
    slow = script(f"while [ ! -e {tmp_path}/go ]; do sleep 0.05; done; echo slow >>{tmp_path}/out",
                  "slow")
    fast = script(f"echo fast >>{tmp_path}/out", "fast")
    made = configured(handlers=[{"topic": "do", "run": [slow]}])
    broker.log.await_subscription("do")
    publish("do", "1")
    made.reload(handlers=[{"topic": "do", "run": [fast]}]).says("was read again")
    made.reload()
    publish("do", "2")
    until((tmp_path / "out").exists, "the new one")
    assert (tmp_path / "out").read_text() == "fast\n"
    (tmp_path / "go").touch()
    until(lambda: "slow" in (tmp_path / "out").read_text(), "the old one")
    until(lambda: made.agent.err.count("was read again") == 2, "the second time")
    made.ends()


@pytest.mark.parametrize("way", [{"append": "/nonexistent/log"}, {"run": ["/bin/false"]}])
def test_what_broke_off_holds_up_no_signal(configured, fake, way):
    """Half a message, and never the rest."""
    def breaks_off(peer):
        peer.greet().grant()
        peer.send(packets.publish("do", b"x" * 40_000)[:20_000])
        peer.finish()

    def goes_on(peer):
        peer.greet().drain()
    broker = fake(breaks_off, goes_on)
    made = configured(port=broker.port, topic=[], handlers=[{"topic": "do"} | way])
    made.agent.says("connected again")
    for times in 1, 2, 3:
        made.agent.signal(signal.SIGHUP)
        until(lambda: made.agent.err.count("was read again") == times, f"number {times}")
    assert "stay as they were" not in made.agent.err
    made.ends()


def test_events_and_systemd(configured, tmp_path, monkeypatch):
    path = tmp_path / "notify"
    manager = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    manager.bind(str(path))
    manager.settimeout(60)
    monkeypatch.setenv("NOTIFY_SOCKET", str(path))
    made = configured(log_format="json")
    made.path.write_text("{")
    made.agent.signal(signal.SIGHUP).says('"config-refused"')
    told = b""
    while b"RELOADING=1\nMONOTONIC_USEC=" not in told:
        told = manager.recv(4096)
    assert manager.recv(4096) == b"READY=1"
    events = [json.loads(line) for line in made.agent.err.splitlines() if line.startswith("{")]
    refused, = [event for event in events if event["event"] == "config-refused"]
    assert ":1:2: not JSON here" in refused["text"] and refused["level"] == "error"
    made.reload(log_format="text").says("the configuration was read again")
    made.ends()


def test_many_times(configured, publish, broker):
    """No file, no memory is used up by it."""
    made = configured()
    fds = len(os.listdir(f"/proc/{made.agent.pid}/fd"))
    for turn in range(20):
        made.reload(topic=[f"turn/{turn}"], keepalive=60 + turn % 3)
        broker.log.await_subscription(f"turn/{turn}")
    publish("turn/19", "x")
    made.agent.prints(b"x\n")
    assert len(os.listdir(f"/proc/{made.agent.pid}/fd")) == fds
    made.ends()
