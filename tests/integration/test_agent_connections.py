"""An agent with several connections: each has its own broker, identity, queue, inbox and handlers, and says
what it says under its own name. What happens to one is nothing to the others."""
import json
import os
import pathlib
import re
import shlex
import shutil
import signal
import threading

import pytest

from lab import free_port
from program import SANDBOX, has_begun, patient, told_bytes, until
from test_agent import Manager
from test_agent_plain import plain  # noqa: F401: a fixture
from test_agent_status import Asked, metrics
from test_full_disk import disk  # noqa: F401: a fixture
from timeserver import Era

NAMES = "cloud", "plant"


class Two(Asked):
    """One agent, which two brokers know by certificates of two authorities."""
    program = None

    def __init__(self, thimble, lab, broker, directory):
        self.thimble, self.lab, self.directory = thimble, lab, directory
        self.brokers = {"cloud": broker, "plant": lab}
        self.socket, self.file = directory / "status", directory / "agent.json"
        self.common = {"host": "localhost", "sandbox": SANDBOX, "backoff": "0.05s..0.1s", "first-delay": 0,
                       "status-socket": str(self.socket)}
        self.of = {"cloud": self.own("cloud", "ec", broker.tls_port),
                   "plant": self.own("plant", "rsa", int(lab.ports["rsa_port"]))}

    def own(self, name, kind, port):
        self.spool(name).mkdir(mode=0o700)
        return {"name": name, "port": port, "id": name, "cafile": str(self.lab.path(kind, "root.pem")),
                "cert": str(self.lab.path(kind, "client.pem")), "key": str(self.lab.path(kind, "client.key")),
                "spool": str(self.spool(name)), "inbox": str(self.directory / f"{name}.in"),
                "prom-file": str(self.prom(name)),
                "handlers": [{"topic": f"to/{name}", "append": str(self.got(name)), "qos": 1}]}

    def spool(self, name):
        return self.directory / f"{name}.spool"

    def prom(self, name):
        return self.directory / f"{name}.prom"

    def got(self, name):
        return self.directory / f"{name}.got"

    def write(self):
        self.file.write_text(json.dumps({**self.common, "connections": list(self.of.values())}))

    def hangs_up(self, **changes):
        for name, values in changes.items():
            self.of[name].update(values)
        self.write()
        self.program.signal(signal.SIGHUP)

    def start(self, *words, **options):
        self.write()
        self.program = self.thimble.start("agent", "-c", self.file, *words, **options)
        return self

    @property
    def told(self):
        """Of each connection, by its name."""
        objects = [json.loads(line) for line in self.answer.splitlines()]
        assert [list(each)[:2] for each in objects] == [["name", "agent"]] * 2
        return {each["name"]: each for each in objects}

    def are_in(self, cloud, plant):
        """Who is connected has what it wants to hear, too."""
        wanted = {"cloud": cloud, "plant": plant}
        until(lambda: {name: told["agent"]["state"] for name, told in self.told.items()} == wanted,
              f"{wanted}\n{self.program.story()}")
        for name in [name for name, state in wanted.items() if state == "connected"]:
            for handler in self.of[name].get("handlers", []):
                self.brokers[name].log.await_subscription(handler["topic"])
        return self

    def put(self, name, *texts, qos=1):
        for text in texts:
            self.thimble("pub", "--agent", self.directory / f"{name}.in", "-t", f"from/{name}", "-q", qos, "-m",
                         text).ends(0)

    def listen(self, name):
        """Somebody else at its broker."""
        sub = self.thimble.start("sub", *self.brokers[name].plain, "-t", f"from/{name}", "-q", 2)
        self.brokers[name].log.await_subscription(f"from/{name}")
        return sub


@pytest.fixture
def two(thimble, lab, mosquitto, tmp_path):
    lab.restart()
    port = free_port()
    broker = mosquitto(f"listener {port} 127.0.0.1", f"cafile {lab.path('ec', 'root.pem')}",
                       f"certfile {lab.path('ec', 'server.pem')}", f"keyfile {lab.path('ec', 'server.key')}",
                       "require_certificate true", "allow_anonymous true")
    broker.tls_port = port
    made = Two(thimble, lab, broker.start(), tmp_path)
    yield made
    if made.program and made.program.is_running():
        made.program.signal(signal.SIGKILL).end()


@pytest.fixture
def alone(two):
    """There is no broker for either."""
    two.brokers["cloud"].stop()
    two.of["plant"]["port"] = free_port()
    return two


# ---- messages -----------------------------------------------------------------------------------

def test_each_has_messages_of_its_own(two):
    heard = {name: two.listen(name) for name in NAMES}
    two.start().are_in("connected", "connected")
    for name in NAMES:
        two.put(name, f"out of {name}")
        for other in NAMES:
            two.thimble("pub", *two.brokers[name].plain, "-t", f"to/{other}", "-q", 1, "-m",
                        f"{name} for {other}").ends(0)
    for name in NAMES:
        heard[name].prints(b"out of %s\n" % name.encode())
        until(lambda: two.got(name).exists() and two.got(name).read_text(), "what a handler appends")
        assert two.got(name).read_text() == f"{name} for {name}\n"
    two.ends()


def test_a_broker_that_goes_is_nothing_to_the_other(two):
    heard = two.listen("plant")
    two.start().are_in("connected", "connected")
    for i in range(3):
        two.brokers["cloud"].stop()
        two.are_in("backoff", "connected")
        two.put("plant", f"p{i}")
        two.put("cloud", f"c{i}")
        two.brokers["cloud"].start()
        two.are_in("connected", "connected")
    heard.prints(b"p0\np1\np2\n")
    until(lambda: two.told["cloud"]["agent"]["spool_messages"] == 0, "an empty queue")
    assert two.told["cloud"]["agent"]["reconnects"] == 3
    assert two.told["plant"]["agent"]["reconnects"] == 0 and "error" not in two.told["plant"]["agent"]
    assert "thimble agent plant" not in two.program.err
    two.ends()


def test_one_that_fails_for_good_leaves_the_other_alone(two):
    two.of["cloud"]["cafile"] = str(two.lab.path("other", "root.pem"))
    heard = two.listen("plant")
    two.start().are_in("error", "connected")
    assert two.told["cloud"]["agent"]["error"] == "certificate-error"
    two.put("plant", "goes on")
    two.put("cloud", "waits")
    heard.prints(b"goes on\n")
    assert two.told["cloud"]["agent"]["spool_messages"] == 1
    assert b"\nstate                           error\n" in two.ask().ends(2).out
    two.ask("--connection", "plant").ends(0)
    two.ask("--connection", "cloud").ends(2)
    assert two.program.err.count("thimble agent cloud: ") == 2
    assert "thimble agent cloud: this connection has ended; SIGHUP begins it again" in two.program.err
    two.ends()


def test_all_that_fail_for_good_end_the_agent(two):
    for name in NAMES:
        two.of[name]["cafile"] = str(two.lab.path("other", "root.pem"))
    two.start().program.ends(72)


def test_killed_again_and_again(two):
    """With one broker away: what was accepted arrives at both, once."""
    heard = {"plant": two.listen("plant")}
    two.brokers["cloud"].stop()
    count = 0
    for _ in range(4):
        two.start().are_in("backoff", "connected")
        for count in range(count, count + 4):
            two.put("cloud", f"c{count}", qos=2)
            two.put("plant", f"p{count}", qos=2)
        count += 1
        two.program.signal(signal.SIGKILL).end()
    two.brokers["cloud"].start()
    heard["cloud"] = two.listen("cloud")
    two.start()
    for name in NAMES:
        heard[name].prints(b"".join(b"%c%d\n" % (name[0].encode(), i) for i in range(count)))
    two.ends()


def test_a_disk_that_is_full_is_nothing_to_the_other(two, disk):  # noqa: F811
    spool = disk.seen / "spool"
    spool.mkdir(0o700)
    two.of["cloud"]["spool"] = str(disk.place / "spool")
    two.brokers["cloud"].stop()
    heard = two.listen("plant")
    two.start(prefix=disk.prefix).are_in("backoff", "connected")
    disk.leave(0)
    hand_in = ["pub", "--agent", two.directory / "cloud.in", "-t", "from/cloud", "-q", 1, "-m", "x" * 5000]
    two.thimble(*hand_in).ends(56, "No space left on device")
    two.put("plant", "goes on")
    heard.prints(b"goes on\n")
    assert [two.told[name]["agent"]["alarms"]["spool"] for name in NAMES] == [True, False]
    disk.leave(30)
    two.thimble(*hand_in).ends(0)
    two.brokers["cloud"].start()
    two.are_in("connected", "connected")
    until(lambda: two.told["cloud"]["agent"]["spool_messages"] == 0, "an empty queue")
    two.ends()


def test_one_speaks_websocket(two, mosquitto):
    port = free_port()
    broker = mosquitto("allow_anonymous true", f"listener {port} 127.0.0.1", "protocol websockets",
                       f"cafile {two.lab.path('ec', 'root.pem')}", f"certfile {two.lab.path('ec', 'server.pem')}",
                       f"keyfile {two.lab.path('ec', 'server.key')}", "require_certificate true").start()
    two.brokers["cloud"] = broker
    two.of["cloud"].update({"port": port, "ws": True, "ws-path": "/mqtt"})
    two.start().are_in("connected", "connected")
    broker.stop()
    two.are_in("backoff", "connected")
    broker.start()
    two.are_in("connected", "connected")
    heard = {name: two.listen(name) for name in NAMES}
    for name in NAMES:
        two.put(name, name)
        heard[name].prints(name.encode() + b"\n")
        two.thimble("pub", *two.brokers[name].plain, "-t", f"to/{name}", "-q", 1, "-m", "on").ends(0)
        until(lambda: two.got(name).exists() and two.got(name).read_text() == "on\n", "a handler")
    two.ends()


@pytest.mark.parametrize("which", [["cloud"], ["plant"], ["cloud", "plant"]])
def test_a_plain_endpoint_for_any_of_them(two, plain, which):  # noqa: F811
    """Each has the messages of its own connection, and the other has none."""
    if told_bytes("connections") < 2 + len(which):
        pytest.skip("NOT TESTED: this profile has no such blocks")
    endpoints = {name: plain() for name in which}
    for name in which:
        two.of[name].update({"port": free_port(), "insecure_plain": f"127.0.0.1:{endpoints[name].port}",
                             "insecure_plain_topic": ["from/#"]})
    two.start().are_in(*("degraded" if name in which else "connected" for name in NAMES))
    for name in NAMES:
        two.put(name, name)
    for name in which:
        until(lambda: endpoints[name].topics(), f"a message of {name}")
        assert endpoints[name].topics() == [f"from/{name}"]
    two.ends()


def test_one_identity_for_both(two, thimble, tmp_path):
    """Under other names, at one broker."""
    thimble("identity", "import", "device", "--identity-dir", tmp_path / "ids", "--cafile", two.lab.path("ec", "root.pem"),
            "--cert", two.lab.path("ec", "client.pem"), "--key", two.lab.path("ec", "client.key")).ends(0)
    two.of["plant"]["port"] = two.of["cloud"]["port"]
    two.brokers["plant"] = two.brokers["cloud"]
    for name in NAMES:
        for key in "cafile", "cert", "key":
            del two.of[name][key]
        two.of[name].update({"identity": "device", "identity-dir": str(tmp_path / "ids")})
    two.start().are_in("connected", "connected")
    two.program.signal(signal.SIGHUP)
    for name in NAMES:
        two.program.says(f"thimble agent {name}: the identity has no newer generation")
    two.are_in("connected", "connected").ends()


@pytest.mark.skipif(not shutil.which("valgrind"), reason="NOT TESTED: valgrind is not here")
def test_memcheck_finds_nothing(two, tmp_path):
    heard = {name: two.listen(name) for name in NAMES}
    two.common["sandbox"] = "auto"
    two.start(prefix=["valgrind", "-q", "--leak-check=full", "--show-leak-kinds=all",
                      f"--log-file={tmp_path}/memcheck.%p"]).are_in("connected", "connected")
    for name in NAMES:
        two.put(name, name)
        two.thimble("pub", *two.brokers[name].plain, "-t", f"to/{name}", "-q", 1, "-m", "on").ends(0)
        heard[name].prints(name.encode() + b"\n")
    two.hangs_up(plant={"keepalive": 20})
    two.program.says("thimble agent plant: the configuration has proved itself")
    two.brokers["cloud"].stop()
    two.are_in("backoff", "connected").ends()
    logs = list(tmp_path.glob("memcheck.*"))
    assert len(logs) == 3 and [each.read_text() for each in logs] == [""] * 3


# ---- what it needs ------------------------------------------------------------------------------

def test_a_configuration_that_can_be_read_once(two):
    """From a pipe. At SIGHUP there is nothing in it, which is told."""
    two.write()
    pipe = two.directory / "pipe"
    os.mkfifo(pipe)
    writer = threading.Thread(target=pipe.write_bytes, args=[two.file.read_bytes()])
    writer.start()
    two.program = two.thimble.start("agent", "-c", pipe)
    writer.join()
    two.are_in("connected", "connected")
    two.program.signal(signal.SIGHUP)
    for name in NAMES:
        two.program.says(f"thimble agent {name}: the configuration was refused: ")
    assert two.program.err.count(":1:1: not JSON here") == 2
    two.ends()


def start_with_descriptors(two, count):
    return two.start(prefix=["sh", "-c", f'ulimit -n {count}; exec "$@"', "sh"])


def test_so_many_descriptors_as_it_waits_for(two):
    """With fewer the kernel would refuse to wait. It concerns all, and carries no name."""
    for count in 16, 28:
        start_with_descriptors(two, count).program.ends(14)
        needed = re.match(r"thimble agent: (\d+) open files needed", two.program.err)
        assert needed, two.program.err
    start_with_descriptors(two, int(needed[1]) - 1).program.ends(14)
    start_with_descriptors(two, needed[1]).are_in("connected", "connected")
    for name in NAMES:
        two.put(name, "1")
        two.thimble("pub", *two.brokers[name].plain, "-t", f"to/{name}", "-q", 1, "-m", "on").ends(0)
        until(lambda: two.got(name).exists() and two.got(name).read_text() == "on\n", "a handler")
    two.ends()


# ---- one that ended -----------------------------------------------------------------------------

def test_one_that_gave_up_keeps_what_it_is_given_and_comes_again_at_sighup(two):
    two.of["cloud"]["wait-broker"] = 1
    two.brokers["cloud"].stop()
    two.start().are_in("disconnected", "connected")
    two.put("cloud", "while it has ended")
    two.brokers["cloud"].start()
    heard = two.listen("cloud")
    two.program.signal(signal.SIGHUP)
    two.are_in("connected", "connected")
    heard.prints(b"while it has ended\n")
    two.ends()


def test_without_the_process_of_its_handlers_one_ends_until_a_restart(two):
    """Who goes on without would lose what they are to handle."""
    two.start().are_in("connected", "connected")
    runners = pathlib.Path(f"/proc/{two.program.pid}/task/{two.program.pid}/children").read_text().split()
    os.kill(int(runners[0]), signal.SIGKILL)
    two.are_in("disconnected", "connected")
    two.put("cloud", "waits")
    two.program.signal(signal.SIGHUP)
    two.program.says("plant: the configuration was read again")
    two.thimble("pub", *two.brokers["plant"].plain, "-t", "to/plant", "-q", 1, "-m", "on").ends(0)
    until(lambda: two.got("plant").exists() and two.got("plant").read_text() == "on\n", "a handler of the other")
    two.are_in("disconnected", "connected")
    assert two.told["cloud"]["agent"]["spool_messages"] == 1
    two.ends()


def test_the_process_of_its_handlers_has_no_sockets_of_the_others(two):
    """Its two: to the agent, and for what its children tell."""
    two.start().are_in("connected", "connected")
    pid = two.program.pid
    runners = pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    for runner in runners:
        until(lambda: has_begun(runner), "its beginning")
        held = [os.readlink(each) for each in pathlib.Path(f"/proc/{runner}/fd").iterdir() if int(each.name) > 2]
        assert sorted(re.sub(r"\d+", "N", each) for each in held) == ["anon_inode:[signalfd]", "socket:[N]"], held
    assert len(runners) == 2
    two.ends()


def test_one_that_was_asked_to_end_does_not_begin_again(two):
    """SIGHUP comes while the other still waits for its broker."""
    two.of["cloud"]["timeout-ack"] = 2
    two.start().are_in("connected", "connected")
    stalled = two.brokers["cloud"].process
    stalled.send_signal(signal.SIGSTOP)
    try:
        two.put("cloud", "unsent")
        two.program.signal(signal.SIGTERM)
        two.lab.log.await_line("Client plant disconnected")
        two.program.signal(signal.SIGHUP)
        assert two.program.end(patient(20)) == 0, two.program.story()
    finally:
        stalled.send_signal(signal.SIGCONT)
    assert "connected again" not in two.program.err


def test_one_without_certificates_awaits_no_date_and_the_other_does(two, tmp_path):
    """Though it is the first, which opens what they share."""
    era = Era(tmp_path)
    era.set(0)
    of_cloud = two.of["cloud"]
    for needless in "cafile", "cert", "key":
        del of_cloud[needless]
    of_cloud.update({"port": int(two.brokers["cloud"].port), "no_tls": True})
    two.start(prefix=era.prefix).are_in("degraded", "waiting-for-clock")
    era.set_offset(0)
    two.are_in("degraded", "connected")
    assert "thimble agent plant: the clock here says 1970-01-01" in two.program.err
    two.ends()


# ---- another configuration ----------------------------------------------------------------------

def test_one_that_ended_begins_again_with_another_configuration(two):
    root = two.directory / "root.pem"
    root.write_bytes(two.lab.path("other", "root.pem").read_bytes())
    two.of["cloud"]["cafile"] = str(root)
    two.start().are_in("error", "connected")
    two.put("cloud", "waits")
    root.write_bytes(two.lab.path("ec", "root.pem").read_bytes())
    two.hangs_up()
    two.program.says("thimble agent cloud: the configuration has proved itself")
    two.are_in("connected", "connected")
    until(lambda: two.told["cloud"]["agent"]["spool_messages"] == 0, "an empty queue")
    assert two.told["plant"]["connection"]["attempts"] == 1
    two.ends()


def test_only_the_connection_that_changed_is_made_again(two):
    two.start().are_in("connected", "connected")
    two.hangs_up(plant={"keepalive": 20})
    two.program.says("thimble agent plant: the configuration has proved itself")
    two.program.says("thimble agent cloud: the configuration was read again")
    assert [two.told[name]["connection"]["attempts"] for name in NAMES] == [1, 2]
    two.ends()


@pytest.mark.parametrize("changes, said", [
    ({"cafile": "/nowhere"}, "cannot"),
    ({"topic": ["x"]}, "several connections print nothing"),
    ({"name": "another"}, "connections come and go with a restart only"),
    ({"inbox": "{cloud}"}, "--inbox: connection cloud has the same"),
    ({"port": "{cloud}", "id": "cloud"}, "-i: connection cloud has the same"),
])
def test_what_is_refused_stays_as_it_was(two, changes, said):
    two.start().are_in("connected", "connected")
    two.hangs_up(plant={key: two.of["cloud"][key] if value == "{cloud}" else value for key, value in changes.items()})
    two.program.says("thimble agent plant: the configuration was refused")
    assert said in two.program.err
    two.are_in("connected", "degraded")
    two.put("plant", "goes on")
    until(lambda: two.told["plant"]["agent"]["spool_messages"] == 0, "an empty queue")
    two.ends()


def test_each_obeys_a_signal_once(two):
    two.start().are_in("connected", "connected")
    two.program.signal(signal.SIGUSR1)
    until(lambda: [two.told[name]["connection"]["attempts"] for name in NAMES] == [2, 2], "new connections")
    two.are_in("connected", "connected").ends()
    for name in NAMES:
        assert two.program.err.count(f"thimble agent {name}: connecting again, as asked for") == 1


# ---- status -------------------------------------------------------------------------------------

SAMPLE = re.compile(r'^(\w+)\{connection="(\w+)"(?:,\w+="([^"]*)")?\}', re.M)


def metrics_of_both(text):
    """Each with its connection before the other label, in one."""
    text, labelled = SAMPLE.subn(lambda match: f'{match[1]}{{label="{match[2]} {match[3] or ""}"}}', text)
    found = metrics(text)
    assert labelled == len(found)
    return found


def test_status_for_people(two):
    two.start().are_in("connected", "connected")
    blocks = two.ask().ends(0).out.decode().split("\n\n")
    assert [block.splitlines()[:2] for block in blocks] == [
        [f"connection                      {name}", "state                           connected"]
        for name in NAMES]
    assert two.ask("--connection", "plant").ends(0).out.decode().startswith(blocks[1][:70])
    two.thimble("status", "--connection", "plant", "-c", two.file).ends(0)
    two.thimble("status", two.socket, "--connection", "plant").ends(0)
    assert "no connection of this agent has that name" in two.ask("--connection", "plan").ends(3).err
    two.ask("--connections", "plant").ends(3)
    report = two.thimble("mem", "report", two.socket).ends(0).out
    assert report.count(b"TLS         TLSv1.3") == 2
    assert re.findall(rb"^Connection  (.*)$", report, re.M) == [b"cloud", b"plant"]
    two.ends()


def test_status_in_json(two):
    two.start().are_in("connected", "connected")
    told = two.told
    for name in NAMES:
        one, = two.ask("--json", "--connection", name).ends(0).out.splitlines()
        assert json.loads(one).keys() == told[name].keys()
        assert json.loads(one)["name"] == name
        assert json.loads(one)["connection"]["tls_version"] == "TLSv1.3"
    records = [told[name]["pools"]["record_cell"]["peak_bytes"] for name in NAMES]
    assert len(set(records)) == 2  # certificates of another size
    two.ends()


def test_status_for_prometheus(two):
    two.brokers["cloud"].stop()
    two.start().are_in("backoff", "connected")
    found = metrics_of_both(two.ask("--prom").ends(1).out.decode())
    assert found["thimble_state", "cloud backoff"] == found["thimble_state", "plant connected"] == 1
    assert found["thimble_state", "cloud connected"] == found["thimble_state", "plant backoff"] == 0
    assert found["thimble_spool_messages", "cloud "] == 0
    assert found["thimble_attempts_total", "plant "] == 1 <= found["thimble_attempts_total", "cloud "]
    for name in NAMES:
        own = metrics_of_both(two.ask("--prom", "--connection", name).out.decode())
        assert own.keys() == {key for key in found if key[1].startswith(name)}
        until(lambda: f'thimble_state{{connection="{name}",state="disconnected"}} 0' in two.prom(name).read_text(),
              "its file")
        assert metrics_of_both(two.prom(name).read_text()).keys() == own.keys()
    two.ends()


def test_a_single_one_has_a_name_too(two):
    del two.of["plant"]
    two.start()
    until(lambda: two.ask().out.startswith(
        b"connection                      cloud\nstate                           connected\n"), "its state")
    assert [json.loads(line)["name"] for line in two.ask("--json").ends(0).out.splitlines()] == ["cloud"]
    two.ends()


def test_as_many_as_there_may_be(thimble, lab, tmp_path):
    """Their answers find room; the last one stands there whole."""
    names = [letter * 31 for letter in "abcd"]
    file, socket = tmp_path / "agent.json", tmp_path / "status"
    for name in names:
        (tmp_path / name).mkdir(mode=0o700)
    file.write_text(json.dumps({
        "host": "127.0.0.1", "port": int(lab.ports["plain_port"]), "no_tls": True, "sandbox": SANDBOX,
        "first-delay": 0, "status-socket": str(socket),
        "connections": [{"name": name, "id": name, "spool": str(tmp_path / name)} for name in names]}))
    agent = thimble.start("agent", "-c", file)
    until(lambda: thimble("status", socket).out.count(b"degraded\n") == 4, "four connections")
    answer = thimble("status", "--json", socket).ends(1).out
    assert [json.loads(line)["name"] for line in answer.splitlines()] == names and len(answer) > 15000
    told = thimble("status", "--prom", socket).ends(1).out.decode()
    assert {match[2] for match in SAMPLE.finditer(told)} == set(names) and metrics_of_both(told)
    agent.signal(signal.SIGTERM).ends(0)


def test_the_service_manager_hears_of_each(two, tmp_path):
    manager = Manager(str(tmp_path / "notify"))
    two.start(env={"NOTIFY_SOCKET": str(tmp_path / "notify"), "WATCHDOG_USEC": "200000"})
    manager.awaits("STATUS=cloud: connected").awaits("STATUS=plant: connected").awaits("WATCHDOG=1")
    two.brokers["cloud"].stop()
    until(lambda: manager.heard("") or any(re.match("STATUS=cloud: .*; trying again", each) for each in manager.told),
          "a failure")
    assert manager.told.count("READY=1") == 1
    two.ends()
    manager.socket.close()


# ---- logs ---------------------------------------------------------------------------------------

def lines_of(alone, *words):
    alone.of["plant"]["insecure"] = True
    alone.start(*words).are_in("backoff", "backoff")
    alone.ends()
    return alone.program.err.splitlines()


def test_log_for_people(alone):
    lines = lines_of(alone)
    assert any(re.match("thimble agent cloud: .*; trying again", line) for line in lines)
    assert any(re.match(r"thimble agent plant: \[insecure\] .*; trying again", line) for line in lines)
    assert all(re.match(r"thimble agent (cloud: [^[]|plant: \[insecure\] )", line) for line in lines), lines


def test_log_for_systemd(alone):
    assert all(re.match(r"<[3-5]>thimble agent (cloud: [^[]|plant: \[insecure\] )", line)
               for line in lines_of(alone, "--log-format=syslog"))


@pytest.mark.parametrize("form", ["json", "logfmt"])
def test_log_for_machines(alone, form):
    events = [json.loads(line) if form == "json" else dict(pair.split("=", 1) for pair in shlex.split(line))
              for line in lines_of(alone, f"--log-format={form}")]
    for name in NAMES:
        own = [each for each in events if each["connection"] == name]
        assert [each["state"] for each in own if each["event"] == "state"][-2:] == ["backoff", "disconnected"]
        texts = [each["text"] for each in own if each["event"] == "log"]
        assert texts and all(text.startswith("[insecure] ") == (name == "plant") for text in texts)
        assert not any("thimble agent" in text or f"{name}:" in text for text in texts)
    assert all(each["connection"] in NAMES for each in events)


def test_events(two, tmp_path):
    two.start(f"--events={tmp_path}/events").are_in("connected", "connected")
    until(lambda: (tmp_path / "events").read_text().count('"subscribed"') == 2, "both SUBACKs")
    two.ends()
    events = [json.loads(line) for line in (tmp_path / "events").read_text().splitlines()]
    for name in NAMES:
        own = [each["event"] for each in events if each["connection"] == name]
        assert own == ["connected", "subscribed", "disconnected"]


def test_what_is_wrong_before_all_begins(two):
    """The second one's inbox has no queue."""
    del two.of["plant"]["spool"]
    two.start()
    assert two.program.end() == 64 and "thimble agent plant: " in two.program.err, two.program.story()


def test_reports(two):
    two.start("--mem-report").are_in("connected", "connected")
    two.program.signal(signal.SIGUSR2)
    until(lambda: two.program.err.count("Whole process") == 2, "two reports")
    assert sorted(re.findall("^connection +(.*)$", two.program.err, re.M)) == ["cloud", "plant"]
    two.ends()
    assert two.program.err.count("Whole process") == 4
    for name in NAMES:
        assert f"thimble agent {name}: memory report\nMemory of this connection\n" in two.program.err
