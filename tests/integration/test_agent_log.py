"""Each form of the log, read by somebody else: Python's JSON, the grammar of logfmt, and logger(1),
which knows the priorities systemd knows. Foreign text in a line stays in that line."""
import json
import os
import re
import signal
import socket
import subprocess

import pytest

from program import SANDBOX, SECONDS, until

HOSTILE = 'na"me=\\ \n<0>forged \x1b[31m'
LEVELS = {"error": 3, "warning": 4, "notice": 5, "debug": 7}
PAIR = re.compile(r'([a-z_-]+)=("(?:[^"\\\x00-\x1f]|\\.)*"|[^\s"=]+)(?: |$)')


@pytest.fixture
def said(thimble, mosquitto, tmp_path):
    """What an agent says that waits for its broker, refuses a configuration, and connects."""
    def run(form):
        broker, path = mosquitto("allow_anonymous true"), tmp_path / "agent.json"
        settings = {"host": "127.0.0.1", "port": broker.port, "no_tls": True, "id": "teller",
                    "sandbox": SANDBOX, "backoff": "0.05s..0.1s", "log_format": form}
        path.write_text(json.dumps(settings))
        agent = thimble.start("agent", "-c", path).says("trying again")
        path.write_text(json.dumps({**settings, HOSTILE: 1}))
        agent.signal(signal.SIGHUP).says("no such name")
        broker.start()
        until(lambda: "as teller" in broker.log.text(), "the agent's connection")
        if form != "syslog":  # it has no events, only sentences
            agent.says("degraded")
        agent.signal(signal.SIGTERM).ends(0)
        return (agent.directory / "err").read_bytes()
    return run


def logfmt(line):
    """Name: value of a line that is nothing but pairs."""
    pairs, at = {}, 0
    while at < len(line):
        pair = PAIR.match(line, at)
        assert pair and pair[1] not in pairs, line[at:]
        pairs[pair[1]] = json.loads(pair[2]) if pair[2][0] == '"' else pair[2]
        at = pair.end()
    return pairs


@pytest.mark.parametrize("form, read", [("json", json.loads), ("logfmt", logfmt)])
def test_events(said, form, read):
    lines = said(form).decode().splitlines()
    events = [read(line) for line in lines]
    assert all({"t", "event", "level"} <= set(event) for event in events)
    assert {event["level"] for event in events} <= set(LEVELS)
    states = [event["state"] for event in events if event["event"] == "state"]
    assert states.index("backoff") < states.index("degraded") and states[-1] == "disconnected"
    refused, = [event for event in events if event["event"] == "config-refused"]
    assert (refused["level"], "forged" in refused["text"]) == ("error", True)
    assert re.search(r':1:\d+: na"me=\\ .*: no such name$', refused["text"])
    assert not any(line.startswith("<0>") or "\x1b" in line for line in lines)


@pytest.fixture
def syslog(tmp_path):
    """What /dev/log is, elsewhere."""
    reader = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    reader.bind(os.path.relpath(tmp_path / "log"))
    reader.settimeout(SECONDS)
    yield tmp_path / "log", reader
    reader.close()


def test_syslog_is_read_by_logger(said, syslog):
    """A priority for each line, and none is left in the text."""
    path, reader = syslog
    text = said("syslog")
    subprocess.run(["logger", "--prio-prefix", "--socket", os.path.relpath(path), "--tag", "pump"],
                   input=text, check=True)
    lines = text.decode().splitlines()
    for line in lines:
        priority, sentence = re.fullmatch(r"<([3457])>(thimble agent: .*)", line).groups()
        got = re.fullmatch(r"<(\d+)>.{15} pump: (.*)", reader.recv(4096).decode())
        assert (int(got[1]), got[2]) == (8 + int(priority), sentence)  # of the facility "user"
    refused, = [line for line in lines if "no such name" in line]
    assert refused.startswith("<4>thimble agent: the configuration was refused")
    assert {line[:3] for line in lines if "trying again" in line} == {"<4>"}
    assert {line[:3] for line in lines if "the first attempt is in" in line} <= {"<5>"}
    assert any("trying again" in line for line in lines) and b"\x1b" not in text
