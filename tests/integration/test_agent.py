"""The agent and its service manager: what it tells, and that it goes on telling."""
import json
import signal
import socket

import pytest

from program import SANDBOX, until


class Manager:
    """systemd's end of $NOTIFY_SOCKET."""

    def __init__(self, name):
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(name)
        self.socket.settimeout(0.01)
        self.told = []

    def heard(self, text):
        try:
            while True:
                self.told.append(self.socket.recv(4096).decode())
        except TimeoutError:
            return any(text in each for each in self.told)

    def awaits(self, text):
        until(lambda: self.heard(text), f"{text!r}; so far {self.told}")
        return self


@pytest.fixture(params=["path", "abstract"])
def manager(request, tmp_path):
    """How it is called, and itself."""
    path = str(tmp_path / "notify")
    name = path if request.param == "path" else "@" + path[-90:]
    made = Manager(name.replace("@", "\0", 1))
    yield name, made
    made.socket.close()


@pytest.fixture
def start(thimble, tmp_path):
    def begin(broker, **env):
        path = tmp_path / "agent.json"
        path.write_text(json.dumps({"host": "127.0.0.1", "port": broker.port, "no_tls": True,
                                    "backoff": "0.05s..0.1s", "id": "agent", "sandbox": SANDBOX}))
        return thimble.start("agent", "-c", path, env=env)
    return begin


def test_the_manager_is_told(start, mosquitto, manager):
    """Ready before there is a broker; then what happens, from within the sandbox."""
    name, told = manager
    broker = mosquitto("allow_anonymous true")
    agent = start(broker, NOTIFY_SOCKET=name)
    told.awaits("STATUS=").awaits("trying again")
    assert "READY=1" in told.told
    broker.start()
    told.awaits("STATUS=connected")
    broker.stop()
    told.told.clear()
    told.awaits("trying again")
    assert not any("WATCHDOG" in each for each in told.told)
    agent.signal(signal.SIGTERM).ends(0)
    assert told.told.count("READY=1") == 0


def test_the_watchdog_is_fed(start, mosquitto, manager):
    name, told = manager
    agent = start(mosquitto("allow_anonymous true").start(), NOTIFY_SOCKET=name,
                  WATCHDOG_USEC="200000")
    until(lambda: told.heard("") and told.told.count("WATCHDOG=1") > 3, "signs of life")
    agent.signal(signal.SIGTERM).ends(0)


def test_variables_of_another_process_do_not_count(start, mosquitto, manager):
    name, told = manager
    agent = start(mosquitto("allow_anonymous true").start(), NOTIFY_SOCKET=name,
                  WATCHDOG_USEC="20000", WATCHDOG_PID="1")
    told.awaits("STATUS=connected")
    told.heard("")
    assert "WATCHDOG=1" not in told.told
    agent.signal(signal.SIGTERM).ends(0)


def test_nobody_listens(start, mosquitto, tmp_path):
    broker = mosquitto("allow_anonymous true").start()
    agent = start(broker, NOTIFY_SOCKET=str(tmp_path / "none"), WATCHDOG_USEC="20000")
    until(lambda: "as agent" in broker.log.text(), "the agent's connection")
    agent.signal(signal.SIGTERM).ends(0)
