"""Programs get messages: what they are given, what comes back, what is kept from them."""
import json
import os
import pathlib
import re
import signal
import sys

import pytest

from program import SANDBOX, SECONDS, has_begun, until

PYTHON = sys.executable


@pytest.fixture
def broker(mosquitto):
    return mosquitto("allow_anonymous true", "max_packet_size 4000000").start()


@pytest.fixture
def script(tmp_path):
    """An executable file of these lines of shell, or of Python."""
    def write(text, name="handler"):
        path = tmp_path / name
        path.write_text(text if text.startswith("#!") else f"#!/bin/sh\n{text}\n")
        path.chmod(0o755)
        return str(path)
    return write


@pytest.fixture
def start(thimble, tmp_path, broker):
    def begin(*handlers, **more):
        path = tmp_path / "agent.json"
        path.write_text(json.dumps({
            "host": "127.0.0.1", "port": broker.port, "no_tls": True, "id": "handling",
            "backoff": "0.05s..0.1s", "sandbox": SANDBOX, "device_id": "pump",
            "handlers": list(handlers)} | more))
        before = broker.log.text().count("(QoS")
        agent = thimble.start("agent", "-c", path)
        if handlers and all("topic" in each for each in handlers):
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


def lines(path):
    return path.read_text().splitlines() if path.exists() else []


def test_topic_and_payload_arrive_as_they_are(start, script, publish, tmp_path):
    """Whatever a shell would make of them."""
    program = script('printf "%s\\n" "$THIMBLE_TOPIC" "$#" "$1" >>seen; cat >>seen; echo >>seen'
                     .replace("seen", str(tmp_path / "seen")))
    agent = start({"topic": "c/#", "run": [program, "$(reboot) `id` ; x"]})
    topic, payload = "c/$(touch x);`id`|&'\"\\", b"a'; rm -rf / #\"$(id)`id`\\ \x01\xff"
    publish(topic, payload)
    seen = tmp_path / "seen"
    until(lambda: seen.exists() and seen.read_bytes().endswith(payload + b"\n"), "the message")
    assert seen.read_bytes() == f"{topic}\n1\n$(reboot) `id` ; x\n".encode() + payload + b"\n"
    agent.signal(signal.SIGTERM).ends(0)


def test_the_environment_is_what_was_configured(start, script, publish, tmp_path, monkeypatch):
    monkeypatch.setenv("SECRET_OF_THE_AGENT", "1")
    program = script(f"env >{tmp_path}/new; ls -l /proc/self/fd >>{tmp_path}/new; "
                     f"mv {tmp_path}/new {tmp_path}/seen")
    agent = start({"topic": "c", "run": [program], "env": {"MODE": "fast; id", "N": ""}})
    publish("c", b"x")
    until((tmp_path / "seen").exists, "the program")
    text = (tmp_path / "seen").read_text()
    variables = dict(line.split("=", 1) for line in text.splitlines() if re.match(r"\w+=", line))
    assert {name: variables[name] for name in ("THIMBLE_TOPIC", "MODE", "N")} == {
        "THIMBLE_TOPIC": "c", "MODE": "fast; id", "N": ""}
    assert set(variables) <= {"PATH", "THIMBLE_TOPIC", "MODE", "N", "PWD", "OLDPWD", "SHLVL", "_"}
    assert "socket:" not in text
    agent.signal(signal.SIGTERM).ends(0)


def test_a_long_topic_takes_no_variable_away(start, script, publish, tmp_path):
    """Of all that a configuration has room for."""
    program = script(f'printf "%s\\n" "$THIMBLE_TOPIC" "$A" "$B" "$LAST" >{tmp_path}/new; '
                     f"mv {tmp_path}/new {tmp_path}/seen")
    values = {"A": "a" * 8000, "B": "b" * 7800, "LAST": "last"}
    agent = start({"topic": "c/#", "run": [program], "env": values})
    topic = "c/" + "x" * 1021
    publish(topic, b"x")
    until((tmp_path / "seen").exists, "the program")
    assert (tmp_path / "seen").read_text().split() == [topic, *values.values()]
    agent.signal(signal.SIGTERM).ends(0)


def test_output_is_the_reply(start, script, publish, broker, thimble):
    program = script('tr a-z A-Z')
    listener = thimble.start("sub", *broker.plain, "-t", "answers/+")
    broker.log.await_subscription("answers/+")
    agent = start({"topic": "ask/${device_id}", "run": [program], "reply": "answers/${device_id}"})
    publish("ask/pump", b"loud")
    listener.prints(b"LOUD\n")
    agent.signal(signal.SIGTERM).ends(0)
    listener.signal(signal.SIGTERM).ends(0)


def test_a_request_is_answered_where_it_says(start, script, broker, thimble):
    """MQTT 5: response topic and correlation data of the message."""
    agent = start({"topic": "ask", "run": [script("rev")], "reply": "elsewhere"},
                  protocol_version="mqttv5")
    answer = thimble("rr", *broker.plain, "-V", "mqttv5", "-t", "ask", "-e", "mine", "-m", "olleh",
                     "-W", SECONDS).ends(0)
    assert answer.out == b"hello\n"
    agent.signal(signal.SIGTERM).ends(0)


def test_failures_are_told(start, script, publish):
    agent = start({"topic": "fail", "run": [script("echo first >&2; echo second >&2; exit 3")]},
                  {"topic": "none", "run": ["/nonexistent/program"]},
                  {"topic": "die", "run": [script("kill -9 $$", "die")]})
    for topic, word in (("fail", "exit code 3: first"), ("none", "127: cannot be started, errno 2"),
                        ("die", "ended by signal 9")):
        publish(topic, b"x")
        agent.says(word)
    assert "second" not in agent.err
    agent.signal(signal.SIGTERM).ends(0)


def test_what_takes_too_long_ends_with_its_children(start, script, publish, tmp_path):
    pids = tmp_path / "pids"
    program = script(f"trap '' TERM; sleep 600 & echo $$ $! >{pids}; wait; wait; sleep 600")
    agent = start({"topic": "slow", "run": [program], "timeout_s": 4})
    publish("slow", b"x")
    agent.says("not done in time")
    for pid in pids.read_text().split():
        until(lambda: not pathlib.Path(f"/proc/{pid}/stat").exists() or
              ") Z" in pathlib.Path(f"/proc/{pid}/stat").read_text(), f"the end of {pid}")
    agent.signal(signal.SIGTERM).ends(0)


def test_only_so_many_at_once_and_in_order(start, script, publish, tmp_path):
    seen = tmp_path / "seen"
    program = script(f'p=$(cat); echo "begin $p" >>{seen}; sleep 0.2; echo "end $p" >>{seen}')
    agent = start({"topic": "one", "run": [program]})
    for number in range(4):
        publish("one", b"%d" % number)
    until(lambda: len(lines(seen)) == 8, "all four")
    assert lines(seen) == [f"{what} {number}" for number in range(4) for what in ("begin", "end")]
    agent.signal(signal.SIGTERM).ends(0)


def test_too_many_are_dropped_and_told(start, script, thimble, broker, tmp_path):
    gate, seen = tmp_path / "gate", tmp_path / "seen"
    program = script(f"while [ ! -e {gate} ]; do sleep 0.05; done; cat >>{seen}")
    agent = start({"topic": "many", "run": [program], "concurrency": 4})
    thimble("pub", *broker.plain, "-t", "many", "-q", "1", "-l",
            stdin=b"".join(b"%02d\n" % number for number in range(20))).ends(0)
    agent.says("4 so far")
    gate.touch()
    until(lambda: seen.exists() and seen.stat().st_size == 32, "the other sixteen")
    assert "5 so far" not in agent.err
    agent.signal(signal.SIGTERM).ends(0)


@pytest.mark.parametrize("size, fits", [(0, True), (300_000, True), (1_048_576, True),
                                        (1_048_577, False)])
def test_messages_of_any_size(start, script, publish, thimble, broker, tmp_path, size, fits):
    """In pieces: the packet window is smaller."""
    seen = tmp_path / "seen"
    agent = start({"topic": "large", "run": [script(f"cat >{seen}.new; mv {seen}.new {seen}")]})
    payload = bytes(number * 7 % 251 for number in range(size))
    publish("large", payload) if size else thimble("pub", *broker.plain, "-t", "large", "-n").ends(0)
    if fits:
        until(seen.exists, "the message")
        assert seen.read_bytes() == payload
    else:
        agent.says("too large")
    agent.signal(signal.SIGTERM).ends(0)


def test_output_has_an_end(start, script, publish, broker, thimble):
    listener = thimble.start("sub", *broker.plain, "-t", "answer", "-F", "%l")
    broker.log.await_subscription("answer")
    program = script(f"#!{PYTHON}\nimport os\nwhile os.write(1, b'x' * 1024):\n    pass\n")
    agent = start({"topic": "talk", "run": [program], "reply": "answer"})
    publish("talk", b"x")
    until(lambda: listener.out, "the output")
    assert listener.out in (b"15360\n", b"7168\n")  # of the profile
    agent.says("exit code 1")
    agent.signal(signal.SIGTERM).ends(0)
    listener.signal(signal.SIGTERM).ends(0)


def test_asked_to_end_it_lets_them_finish(start, script, publish, broker, thimble, tmp_path):
    listener = thimble.start("sub", *broker.plain, "-t", "answer")
    broker.log.await_subscription("answer")
    program = script(f"touch {tmp_path}/began; sleep 0.5; echo done")
    agent = start({"topic": "work", "run": [program], "reply": "answer"})
    publish("work", b"x")
    until((tmp_path / "began").exists, "its beginning")
    agent.signal(signal.SIGTERM).ends(0)
    listener.prints(b"done\n\n")
    listener.signal(signal.SIGTERM).ends(0)


def children(pid):
    return [int(each) for each in
            pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def is_gone(pid):
    stat = pathlib.Path(f"/proc/{pid}/stat")
    return not stat.exists() or ") Z" in stat.read_text()


def test_without_the_agent_nothing_goes_on(start, script, publish, tmp_path):
    agent = start({"topic": "work", "run": [script(f"echo $$ >{tmp_path}/pid; exec sleep 600")]})
    publish("work", b"x")
    until(lambda: lines(tmp_path / "pid"), "its beginning")
    runner, program = children(agent.pid)[0], int(lines(tmp_path / "pid")[0])
    agent.signal(signal.SIGKILL).ends(-signal.SIGKILL)
    until(lambda: is_gone(runner) and is_gone(program), "their end")


def test_without_the_runner_the_agent_ends(start, script):
    agent = start({"topic": "work", "run": [script("true")]})
    os.kill(until(lambda: children(agent.pid), "the runner")[0], signal.SIGKILL)
    agent.ends(14, "the process for handlers has ended")


def test_signals_of_a_terminal_are_the_agents(start, script, publish, tmp_path):
    agent = start({"topic": "work", "run": [script(f"touch {tmp_path}/ran")]})
    runner = until(lambda: children(agent.pid), "the runner")[0]
    until(lambda: has_begun(runner), "its beginning")
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        os.kill(runner, number)
    publish("work", b"x")
    until((tmp_path / "ran").exists, "the program")
    agent.signal(signal.SIGTERM).ends(0)


def test_no_privileges_are_gained(start, script, publish, tmp_path):
    agent = start({"topic": "work", "run": [script(
        f"grep NoNewPrivs /proc/self/status >{tmp_path}/new; mv {tmp_path}/new {tmp_path}/seen")]})
    publish("work", b"x")
    until((tmp_path / "seen").exists, "the program")
    assert lines(tmp_path / "seen") == ["NoNewPrivs:\t1"]
    agent.signal(signal.SIGTERM).ends(0)


@pytest.mark.parametrize("handler, words", [
    ({"topic": "t"}, "a handler has a topic, and run, append"),
    ({"run": ["/bin/true"]}, "a handler has a topic, and run, append"),
    ({"topic": "t", "run": ["true"]}, "a path that begins with /"),
    ({"topic": "t", "run": "/bin/true"}, "run: not in this form"),
    ({"topic": "t", "run": ["/bin/true"], "shell": "x"}, "shell: no such name; a handler has"),
    ({"topic": "t", "run": ["/bin/true"], "qos": 3}, "qos: no such number"),
    ({"topic": "t", "run": ["/bin/true"], "timeout_s": 0}, "timeout_s: no such number"),
    ({"topic": "t", "run": ["/bin/true"], "concurrency": 9}, "concurrency: no such number"),
    ({"topic": "t", "run": ["/bin/true"] * 17}, "run: at most 16 words"),
    ({"topic": "t", "run": ["/bin/true"], "env": {"A=B": "c"}}, "env: give names and texts"),
    ({"topic": "${x}", "run": ["/bin/true"]}, "topic: no such name in ${}"),
])
def test_mistakes_have_a_place(start, handler, words):
    assert re.search(r":1:\d+: ", start(handler).ends(67, words).err)


def test_filters_are_checked(start):
    start({"topic": "a/#/b", "run": ["/bin/true"]}).ends(64, "a/#/b is no topic filter")
    start({"topic": "a", "run": ["/bin/true"], "reply": "x/+"}).ends(64, "x/+ is no topic")
    start({"topic": "a\n", "run": ["/bin/true"]}).ends(64, "a? is no topic filter")
    start({"topic": "a", "run": ["/bin/true"], "reply": "\x7f"}).ends(64, "? is no topic")


def test_seventeen_are_too_many(start):
    start(*[{"topic": f"t{i}", "run": ["/bin/true"]} for i in range(17)]).ends(67, "at most 16")
