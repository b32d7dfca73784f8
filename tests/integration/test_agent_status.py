"""At any moment the agent says how it is: its states, `thimble status`, its log, and two signals."""
import contextlib
import json
import os
import re
import shlex
import shutil
import signal
import socket
import time

import pytest

from fake import FakeBroker
from forge import CLIENT, LOCALHOST, NOT_CA, SERVER
from lab import free_port
from packets import DISCONNECT, V5, connack, packet
from program import SANDBOX, until
from timeserver import Era

STATES = {"disconnected", "waiting-for-network", "waiting-for-clock", "connecting", "connected",
          "degraded", "backoff", "error"}


class Asked:
    """What has a status socket."""

    def ask(self, *words):
        return self.thimble("status", *words, self.socket)

    @property
    def answer(self):
        """A socket is there a moment before anybody listens."""
        answer = until(lambda: self.ask("--json").out or not self.program.is_running(), "an answer")
        assert self.program.is_running(), self.program.story()
        return answer

    def ends(self, code=0):
        self.program.signal(signal.SIGTERM).ends(code)


class Agent(Asked):
    """One, with the same configuration each time it is started, and how it is."""

    def __init__(self, thimble, directory, **settings):
        self.thimble, self.directory = thimble, directory
        directory.mkdir(exist_ok=True)
        self.socket, self.prom = directory / "status", directory / "agent.prom"
        self.file = directory / "agent.json"
        self.settings = {"host": "127.0.0.1", "no_tls": True, "id": "agent", "sandbox": SANDBOX,
                         "backoff": "0.05s..0.1s", "status-socket": str(self.socket),
                         "prom-file": str(self.prom), **settings}

    def start(self, *words, **options):
        self.file.write_text(json.dumps({name: value if isinstance(value, (int, bool)) else str(value)
                                         for name, value in self.settings.items()}))
        self.program = self.thimble.start("agent", "-c", self.file, *words, **options)
        until(lambda: self.socket.exists() or not self.program.is_running(), "its socket")
        return self

    @property
    def told(self):
        return json.loads(self.answer)["agent"]

    def is_in(self, state):
        until(lambda: self.told.get("state") == state, f"{state}; it is {self.told}\n{self.program.story()}")
        return self.told


@pytest.fixture
def agent(thimble, tmp_path):
    def make(name="agent", **settings):
        return Agent(thimble, tmp_path / name, **settings)
    return make


@pytest.fixture
def broker(mosquitto):
    return mosquitto("allow_anonymous true")


@pytest.fixture
def secure(lab):
    """Settings for the broker of the laboratory."""
    return {"host": "localhost", "port": int(lab.ports["ec_port"]), "no_tls": False,
            "cafile": lab.path("ec", "root.pem"), "cert": lab.path("ec", "client.pem"),
            "key": lab.path("ec", "client.key")}


# ---- the text format 0.0.4 ----------------------------------------------------------------------

SAMPLE = re.compile(r'(thimble_[a-z0-9_]+)(?:\{([a-z]+)="([^"\\\n]*)"\})? ([0-9]+(?:\.[0-9]+)?)')


def metrics(text):
    """What promtool would check: each metric once, its lines together, HELP and TYPE before them."""
    found, kinds, helped, last = {}, {}, set(), None
    assert text.endswith("\n") and "\n\n" not in text
    for line in text.splitlines():
        if line.startswith("# HELP "):
            name, help_text = line[7:].split(" ", 1)
            assert name not in helped and help_text.strip()
            helped.add(name)
        elif line.startswith("# TYPE "):
            name, kind = line[7:].split(" ")
            assert name in helped and name not in kinds and kind in ("counter", "gauge")
            assert (kind == "counter") == name.endswith("_total")
            kinds[name], last = kind, name
        else:
            match = SAMPLE.fullmatch(line)
            assert match, line
            assert match[1] == last, f"{line}: not below its TYPE"
            assert (match[1], match[3]) not in found
            found[match[1], match[3]] = float(match[4])
    return found


def test_the_check_of_the_format_can_fail():
    good = "# HELP thimble_x_total x\n# TYPE thimble_x_total counter\nthimble_x_total 1\n"
    assert metrics(good) == {("thimble_x_total", None): 1}
    for bad in [good[:-1], good + "thimble_x_total 2\n", good.replace("counter", "gauge"),
                good.replace("# TYPE thimble_x_total counter\n", ""), good + good,
                good.replace(" 1\n", " one\n"), good + "thimble_y 1\n"]:
        with pytest.raises(AssertionError):
            metrics(bad)


# ---- states -------------------------------------------------------------------------------------

def check_object(told):
    """Its names and their kinds."""
    kinds = {"state": str, "state_ms": int, "alarms": dict, "error": str, "text": str,
             "error_ms": int, "next_attempt_ms": int, "reconnects": int, "tls_failures": dict,
             "certificate_not_after_s": int}
    missing = set(kinds) - set(told)
    assert missing <= {"error", "text", "error_ms"}
    for name in set(kinds) & set(told):
        assert type(told[name]) is kinds[name], name
    assert told["state"] in STATES
    assert set(told["alarms"]) == {"certificate", "plaintext", "spool", "config",
                                   "takeover"}
    assert all(type(each) is bool for each in told["alarms"].values())


def test_connected(agent, secure):
    made = agent(**secure).start()
    told = made.is_in("connected")
    check_object(told)
    assert not any(told["alarms"].values()) and "error" not in told
    assert told["certificate_not_after_s"] > time.time() + 7 * 86400
    done = made.ask().ends(0)
    assert done.out.startswith(b"state                           connected\n")
    assert b"\033" not in done.out
    found = metrics(made.ask("--prom").ends(0).out.decode())
    assert found["thimble_state", "connected"] == 1
    assert sum(value for (name, _), value in found.items() if name == "thimble_state") == 1
    assert 0 < found["thimble_tls_handshake_seconds", None] < 60
    assert found["thimble_received_bytes_total", None] > 500
    assert found["thimble_attempts_total", None] == 1
    until(lambda: 'thimble_state{state="connected"} 1' in made.prom.read_text(), "the file")
    assert metrics(made.prom.read_text()).keys() == found.keys()
    assert b"TLS         TLSv1.3" in made.thimble("mem", "report", made.socket).ends(0).out
    assert b"TLSv1.3" in made.thimble("mem", "report", made.socket, "--json").ends(0).out
    made.ends()
    assert metrics(made.prom.read_text())["thimble_state", "disconnected"] == 1
    assert not made.socket.exists() and not made.prom.with_name("agent.prom.tmp").exists()


def test_backoff_and_degraded(agent, broker):
    """A broker that is not there, is there, goes, and comes back; without encryption."""
    made = agent(port=broker.port, backoff="0.2s..0.4s", first_delay=0).start()
    until(lambda: "error" in made.told, "the first failure")
    told = made.is_in("backoff")
    check_object(told)
    assert told["error"] == "tcp-connection-failed" and str(broker.port) in told["text"]
    assert told["next_attempt_ms"] <= 400
    assert made.ask().ends(1).out.startswith(b"state                           backoff\n")
    broker.start()
    told = made.is_in("degraded")
    assert [name for name, on in told["alarms"].items() if on] == ["plaintext"]
    assert told["next_attempt_ms"] == 0 and told["reconnects"] == 0
    assert b"\nalarm                           plaintext\n" in made.ask().ends(1).out
    broker.stop()
    made.is_in("backoff")
    broker.start()
    until(lambda: made.told["reconnects"] == 1, "a second connection")
    made.ends()


def test_waiting_for_network(agent):
    if os.getuid() or not shutil.which("unshare"):
        pytest.skip("no network needs root and unshare")
    made = agent(port=1883).start(prefix=["unshare", "-n"])
    told = made.is_in("waiting-for-network")
    check_object(told)
    assert made.ask().ends(1) and told["error"] == "tcp-connection-failed"


def test_waiting_for_clock(agent, secure, tmp_path):
    era = Era(tmp_path)
    era.set(0)
    made = agent(**secure).start(prefix=era.prefix)
    check_object(made.is_in("waiting-for-clock"))
    assert made.ask().ends(1)
    era.set_offset(0)
    made.is_in("connected")
    made.ends()


def test_connecting(agent, fake):
    """Somebody is there and says nothing."""
    def silent_one(peer):
        peer.hear_connect()
        peer.expect_end()
    silent = fake(silent_one)
    made = agent(port=silent.port).start()
    check_object(made.is_in("connecting"))
    assert made.ask().ends(1)
    made.ends()


def test_a_certificate_that_is_refused(agent, secure, forge):
    """No other attempt can heal it: the agent ends, and its file and log say why."""
    made = agent(**{**secure, "cafile": forge.path("root.pem")}).start("--log-format=json")
    made.program.ends(72)
    found = metrics(made.prom.read_text())
    assert found["thimble_state", "error"] == 1
    assert found["thimble_tls_failures_total", "certificate-error"] == 1
    states = [line for line in map(json.loads, made.program.err.splitlines())
              if line["event"] == "state"]
    assert states[-1]["state"] == "error" and states[-1]["level"] == "error"
    assert states[-1]["error"] == "certificate-error" and states[-1]["text"]
    made.ask().ends(2)


@pytest.mark.parametrize("left_days, alarm", [(6.5, True), (8, False)])
def test_a_certificate_that_ends(agent, forge, mosquitto, left_days, alarm):
    def when(days):
        return time.strftime("%Y%m%d%H%M%SZ", time.gmtime(time.time() + 86400 * days))
    forge.issue("status-broker", f"{NOT_CA}\n{SERVER}\n{LOCALHOST}")
    forge.issue("ending", f"{NOT_CA}\n{CLIENT}", dates=(when(-9), when(left_days)))
    port = free_port()
    mosquitto(f"listener {port} 127.0.0.1", f"cafile {forge.path('root.pem')}",
              f"certfile {forge.path('status-broker.pem')}",
              f"keyfile {forge.path('status-broker.key')}", "require_certificate true",
              "allow_anonymous true").start()
    made = agent(host="localhost", port=port, no_tls=False, cafile=forge.path("root.pem"),
                 cert=forge.path("ending.pem"), key=forge.path("ending.key")).start()
    told = made.is_in("degraded" if alarm else "connected")
    assert told["alarms"]["certificate"] == alarm
    assert abs(told["certificate_not_after_s"] - time.time() - 86400 * left_days) < 600
    made.ends()


def test_the_spool(agent, broker, thimble, topic, tmp_path):
    """Nobody puts messages in here; what is in it is told, and that it is full."""
    broker.start()
    made = agent(port=broker.port, spool=tmp_path / "spool").start()
    told = made.is_in("degraded")
    assert told["spool_messages"] == 0 and not told["alarms"]["spool"]
    assert set(told["spool_dropped"].values()) == {0}
    found = metrics(made.ask("--prom").ends(1).out.decode())
    assert found["thimble_spool_messages", None] == 0
    assert found["thimble_spool_dropped_total", "full"] == 0
    made.ends()
    assert ("thimble_spool_disk_bytes", None) in metrics(made.prom.read_text())


# ---- two devices with one client id -------------------------------------------------------------

@pytest.mark.parametrize("version", ["311", "5"])
def test_takeover(agent, broker, version):
    """mosquitto 2.0 hangs up without a word, in MQTT 5 too."""
    broker.start()
    two = [agent(name, port=broker.port, backoff="0.05s..0.1s", **{"protocol-version": version}).start()
           for name in ("a", "b")]
    for each in two:
        until(lambda: each.told["alarms"]["takeover"], "the alarm")
        each.program.says("perhaps another device has the same client id")
    two[0].ends()
    told = two[1].is_in("degraded")
    assert told["alarms"]["takeover"]
    two[1].ends()


def test_a_takeover_that_is_told(agent, fake):
    """MQTT 5 has a reason code for it."""
    def takes_over(peer):
        peer.hear_connect()
        peer.send(connack(V5), packet(DISCONNECT, b"\x8e\0"))
        peer.drain()
    made = agent(port=fake(takes_over).port, **{"protocol-version": "5"}).start()
    made.program.ends(57)
    found = metrics(made.prom.read_text())
    assert found["thimble_alarm", "takeover"] == found["thimble_state", "error"] == 1


def test_a_broker_that_hangs_up(agent):
    """Once or twice is nothing."""
    def greets_and_goes(peer):
        peer.hear_connect()
        peer.send(connack())

    def stays(peer):
        peer.hear_connect()
        peer.send(connack())
        peer.drain()
    rude = FakeBroker(greets_and_goes, greets_and_goes, stays)
    with contextlib.closing(rude):
        made = agent(port=rude.port).start()
        until(lambda: made.told["reconnects"] == 2, "a third connection")
        assert not made.told["alarms"]["takeover"] and "perhaps" not in made.program.err
        made.ends()


# ---- asking -------------------------------------------------------------------------------------

def test_slow_askers_disturb_nobody(agent, broker, thimble, topic):
    """Forty of them connect and read nothing; messages pass."""
    broker.start()
    made = agent(port=broker.port, topic=topic).start()
    broker.log.await_subscription(topic)
    with contextlib.ExitStack() as stack:
        for _ in range(40):
            asker = stack.enter_context(socket.socket(socket.AF_UNIX))
            asker.setblocking(False)
            with contextlib.suppress(BlockingIOError):
                asker.connect(str(made.socket))
        for i in range(5):
            thimble("pub", *broker.plain, "-t", topic, "-m", str(i), "-q", 1).ends(0)
        made.program.prints(b"0\n1\n2\n3\n4\n")
    assert made.told["reconnects"] == 0
    made.ends()


def test_exit_codes_of_the_question(agent, broker, thimble, tmp_path):
    broker.start()
    made = agent(port=broker.port).start()
    made.is_in("degraded")
    assert thimble("status", "-c", made.file).ends(1).out.startswith(b"state ")
    assert metrics(thimble("status", "--prom", "-c", made.file).ends(1).out.decode())
    thimble("status", "-c", tmp_path / "nothing").ends(3)
    thimble("status", made.socket, "--jsno").ends(3)
    thimble("status", "--help").ends(0)
    made.ends()
    thimble("status", made.socket).ends(2)
    sub = thimble.start("sub", *broker.plain, "-t", "x", "--status-socket", tmp_path / "sub")
    until((tmp_path / "sub").exists, "its socket")
    assert "does not speak of an agent" in thimble("status", tmp_path / "sub").ends(3).err
    sub.signal(signal.SIGTERM)


@pytest.mark.parametrize("env, coloured", [({}, True), ({"NO_COLOR": "1"}, False)])
def test_colour_is_for_terminals(agent, broker, env, coloured):
    made = agent(port=broker.port).start()
    made.is_in("backoff")
    terminal, ours = os.openpty()
    made.thimble("status", made.socket, stdout=ours, env=env).ends(1)
    os.close(ours)
    assert (b"\033[33mbackoff\033[0m" in os.read(terminal, 4096)) == coloured
    os.close(terminal)
    made.ends()


def test_a_file_that_cannot_be_written(agent, tmp_path):
    made = agent(port=1, **{"prom-file": tmp_path / "none" / "x.prom"}).start()
    made.program.ends(66, "--prom-file")


def test_the_file_is_never_half_written(agent, broker):
    made = agent(port=broker.port).start()
    until(made.prom.exists, "the file")
    for _ in range(20):
        if text := made.prom.read_text():
            assert ("thimble_resident_memory_bytes", None) in metrics(text)
        made.program.signal(signal.SIGUSR1)
    made.ends()


# ---- the log ------------------------------------------------------------------------------------

def lines_of(agent, broker, form):
    made = agent(port=broker.port).start(f"--log-format={form}")
    made.program.says("trying again")
    made.ends()
    return made.program.err.splitlines()


def check_events(events):
    for each in events:
        assert {"t", "event", "level"} <= set(each) and each["level"] in ("warning", "notice")
        assert abs(float(each["t"]) - time.time()) < 600
    assert {each["event"] for each in events} == {"log", "state"}
    logged = [each["text"] for each in events if each["event"] == "log"]
    assert all(not text.startswith("thimble") for text in logged)
    assert any("trying again" in text for text in logged)
    assert [each["state"] for each in events if each["event"] == "state"][-2:] == [
        "backoff", "disconnected"]


def test_log_in_json(agent, broker):
    check_events([json.loads(line) for line in lines_of(agent, broker, "json")])


def test_log_in_logfmt(agent, broker):
    check_events([dict(pair.split("=", 1) for pair in shlex.split(line))
                  for line in lines_of(agent, broker, "logfmt")])


def test_log_for_systemd(agent, broker):
    assert all(re.match(r"<[3-5]>thimble agent: .", line) for line in lines_of(agent, broker, "syslog"))


# ---- signals ------------------------------------------------------------------------------------

def test_usr1_cuts_the_wait_short(agent, broker):
    made = agent(port=broker.port, backoff="3600s..7200s").start()

    def has_drawn_a_long_wait():
        if made.is_in("backoff")["next_attempt_ms"] > 100000:
            return True
        made.program.signal(signal.SIGUSR1)  # another attempt, another draw
        return False
    until(has_drawn_a_long_wait, "a long wait")
    broker.start()
    made.program.signal(signal.SIGUSR1)
    made.is_in("degraded")
    made.ends()


def test_usr1_connects_anew(agent, broker, thimble, topic):
    """What comes meanwhile comes later; ten times, and each message once."""
    broker.start()
    made = agent(port=broker.port, topic=topic, qos=2).start()
    broker.log.await_subscription(topic)
    for i in range(10):
        thimble("pub", *broker.plain, "-t", topic, "-m", str(i), "-q", 2).ends(0)
        before = made.told["reconnects"]
        made.program.signal(signal.SIGUSR1)
        until(lambda: made.told["reconnects"] == before + 1, "another connection")
    made.program.prints(b"".join(b"%d\n" % i for i in range(10)))
    told = made.is_in("degraded")
    assert "error" not in told and not told["alarms"]["takeover"]
    made.ends()


def test_usr2_tells_all(agent, broker):
    made = agent(port=broker.port).start()
    until(lambda: "error" in made.told, "the first failure")
    made.is_in("backoff")
    made.program.signal(signal.SIGUSR2).says("Whole process")
    assert re.search("^state +backoff$", made.program.err, re.M)
    assert "connections begun" in made.program.err
    made.ends()
