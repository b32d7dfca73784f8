"""What starts the agent when the machine starts: systemd, procd, BusyBox."""
import json
import os
import re
import shutil
import signal
import subprocess

import pytest

from conftest import TOP
from lab import Mosquitto
from program import SECONDS, until
from test_package import IN_AN_EMPTY_ROOT, run

DIST = TOP / "dist"
UNIT = "usr/lib/systemd/system/thimble-agent@.service"
INIT = "usr/share/thimble/init"


@pytest.fixture
def broker(tmp_path_factory):
    made = Mosquitto(tmp_path_factory.mktemp("broker"), "allow_anonymous true").start()
    yield made
    made.stop()


def configuration(path, broker, **more):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"host": "127.0.0.1", "port": broker.port, "no_tls": True,
                                "id": "serviced", "backoff": "0.05s..0.1s"} | more))
    return path


# ---- systemd -----------------------------------------------------------------------------------

@pytest.fixture
def unit(installed, tmp_path):
    """With the program where it is now."""
    text = (installed / UNIT).read_text()
    assert "ExecStart=/usr/bin/thimble agent" in text
    path = tmp_path / "thimble-agent@pump.service"
    path.write_text(text.replace("/usr/bin/thimble", str(installed / "usr/bin/thimble")))
    return path


def test_systemd_understands_the_unit(unit):
    said = subprocess.run(["systemd-analyze", "verify", "--man=no", unit], text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    assert (said.returncode, said.stdout) == (0, "")


def test_systemd_calls_it_locked_in(unit):
    """At most 1.9 of 10."""
    run("systemd-analyze", "security", "--offline=yes", "--threshold=19", "--no-pager", unit)


def final_exits(unit):
    """Those after which nobody starts it again."""
    final = re.search("^RestartPreventExitStatus=(.*)$", unit.read_text(), re.M)[1]
    return list(map(int, final.split()))


def exits():
    """All of them: of the program, and of the page about them."""
    enum = (TOP / "src/cli/exit.h").read_text().split("enum th_cli_status {")[1].split("}")[0]
    page = (TOP / "docs/exit-codes.md").read_text()
    return ([int(code) for code in re.findall(r"= (\d+),", enum)],
            [int(code) for code in re.findall(r"^\| (\d+) \|", page, re.M)], page)


def test_the_exits_that_need_somebody_are_final(unit):
    assert final_exits(unit) == list(range(64, 80))


def test_each_exit_is_in_one_range(unit):
    """The unit, the script of BusyBox and the page draw the same line, and no code is outside."""
    codes, on_page, page = exits()
    assert codes == on_page and len(codes) > 40
    first, last = re.search(r"ranges help.* (\d+) to (\d+): a human must", page).groups()
    script = (DIST / "busybox/S70thimble").read_text()
    assert re.search(r'-ge (\d+) \] && \[ "\$1" -le (\d+) ', script).groups() == (first, last)
    final = range(int(first), int(last) + 1)
    assert final_exits(unit) == list(final)
    passing = re.search(r"(\d+) to (\d+): the broker.* from (\d+) to (\d+) and from (\d+):", page,
                        re.S).groups()
    no, no_last, again, again_last, later = map(int, passing)
    again = {*range(no, no_last + 1), *range(again, again_last + 1), *range(later, 256)}
    assert again.isdisjoint(final)
    assert set(codes) - {0} <= again | set(final)


def calls_of(group):
    lines = run("systemd-analyze", "syscall-filter", group).splitlines()[1:]
    words = [line.strip() for line in lines if not line.strip().startswith("#")]
    return set().union(*(calls_of(word) if word[0] == "@" else {word} for word in words if word))


def passed_by(unit):
    passed = set()
    for words in re.findall("^SystemCallFilter=(.*)$", unit.read_text(), re.M):
        named = set().union(*(calls_of(word) if word[0] == "@" else {word}
                              for word in words.lstrip("~").split()))
        passed = passed - named if words[0] == "~" else passed | named
    return passed


def calls_in(trace):
    return set(re.findall(r"^(?:\d+ +)?(\w+)\(", trace.read_text(), re.M))


def test_its_filter_lets_the_sandbox_pass(unit, broker, tmp_path):
    """Nothing the agent does from its beginning to its end is a call the unit forbids."""
    config = configuration(tmp_path / "agent.json", broker, sandbox="require")
    agent = subprocess.Popen(["strace", "-f", "-qq", "-o", tmp_path / "trace", TOP / "build/thimble",
                              "agent", "-c", config])
    try:
        broker.log.await_line("as serviced")
    finally:
        children = run("ps", "-o", "pid=", "--ppid", agent.pid).split()
        for child in children:
            os.kill(int(child), signal.SIGTERM)
    assert agent.wait(SECONDS) == 0
    called = calls_in(tmp_path / "trace")
    assert {"connect", "landlock_restrict_self", "prctl"} <= called
    assert called - passed_by(unit) == set()


# ---- scripts -----------------------------------------------------------------------------------

def test_the_scripts_are_clean():
    run("shellcheck", "-s", "sh", DIST / "busybox/S70thimble", DIST / "openwrt/files/thimble.init",
        DIST / "desk/thimble-convert")


@pytest.mark.parametrize("shell", [["sh"], ["busybox", "ash"]])
@pytest.mark.parametrize("script", ["busybox/S70thimble", "openwrt/files/thimble.init",
                                    "desk/thimble-convert"])
def test_shells_read_the_scripts(shell, script):
    run(*shell, "-n", DIST / script)


PROCD = """
procd_open_instance() { echo "instance $*"; }
procd_set_param() { echo "$*"; }
procd_close_instance() { echo end; }
procd_add_reload_trigger() { :; }
PROGRAM=%s CONFIGURATIONS=%s
start_service
"""


def test_procd_gets_one_instance_for_each_configuration(installed, broker, tmp_path):
    """One that cannot work is none; procd itself is not here."""
    where = tmp_path / "configurations"
    good = configuration(where / "pump.json", broker)
    configuration(where / "broken.json", broker, nonsense=1)
    script = (installed / INIT / "thimble.procd").read_text()
    said = run("sh", "-c", script + PROCD % (TOP / "build" / "thimble", where)).splitlines()
    assert said[:2] == ["instance pump", f"command {TOP}/build/thimble agent -c {good}"]
    assert said[-1] == "end" and said.count("end") == 1 and "respawn 3600 5 0" in said


PROCD_THAT_RUNS = """
procd_open_instance() { instance=$1; }
procd_set_param() {
    what=$1
    shift
    case $what in
    command) command=$* ;;
    reload_signal) reload=$1 ;;
    esac
}
procd_close_instance() {
    $command >/dev/null 2>&1 &
    echo "$! $reload" >"$RUN/$instance"
}
procd_add_reload_trigger() { :; }
each() {
    for file in "$RUN"/*; do
        read -r pid reload <"$file"
        kill "-${1:-$reload}" "$pid"
    done
}
case $1 in
start) start_service ;;
reload) each '' ;;
stop) each TERM ;;
esac
"""


@pytest.fixture
def procd(installed, tmp_path):
    """What procd does with what the script tells it; itself it is not here. Where configurations
    are, and a function that starts, reloads or stops."""
    where, running = tmp_path / "configurations", tmp_path / "running"
    running.mkdir()
    script = (installed / INIT / "thimble.procd").read_text()
    begin = f"PROGRAM={TOP}/build/thimble CONFIGURATIONS={where} RUN={running}\n"

    def service(word):
        run("busybox", "ash", "-c", script + begin + PROCD_THAT_RUNS, "thimble", word)
    yield where, service
    if any(running.iterdir()):
        subprocess.run(["busybox", "ash", "-c", begin + PROCD_THAT_RUNS, "thimble", "stop"])


def follows_its_life(broker, path, init):
    """Started, it connects; reloaded, it subscribes to what is new; stopped, it says goodbye."""
    configuration(path, broker, topic=["one"])
    init("start")
    broker.log.await_subscription("one")
    configuration(path, broker, topic=["one", "two"])
    init("reload")
    broker.log.await_subscription("two")
    assert connections(broker) == 1
    init("stop")
    broker.log.await_line("Received DISCONNECT from serviced")


def test_procd_starts_reloads_and_stops_the_agent(procd, broker):
    where, service = procd
    follows_its_life(broker, where / "pump.json", service)


@pytest.fixture
def busybox(installed, broker):
    """A machine of BusyBox's and the package, nothing else."""
    for name in ("dev", "bin", "run", "etc/init.d"):
        (installed / name).mkdir(parents=True, exist_ok=True)
    os.mknod(installed / "dev/null", 0o20666, os.makedev(1, 3))
    shutil.copy(shutil.which("busybox"), installed / "bin/busybox")
    for name in ("sh", "cat", "rm", "sleep", "mkfifo", "logger", "start-stop-daemon"):
        (installed / "bin" / name).symlink_to("busybox")
    script = installed / "etc/init.d/S70thimble"
    text = (installed / INIT / "S70thimble").read_text()
    script.write_text(text.replace("/var/run", "/run").replace("PAUSE_S=5", "PAUSE_S=1"))
    script.chmod(0o755)
    init = lambda word: run("chroot", installed, "/etc/init.d/S70thimble", word)  # noqa: E731
    yield installed, init
    init("stop")


def connections(broker):
    return broker.log.text().count("as serviced")


@IN_AN_EMPTY_ROOT
def test_busybox_keeps_it_running(busybox, broker):
    root, init = busybox
    configuration(root / "etc/thimble/pump.json", broker)
    init("start")
    until(lambda: connections(broker) == 1, "the agent's connection")
    init("start")
    supervisor = (root / "run/thimble-pump.pid").read_text().strip()
    agent = next(pid for pid in run("ps", "-o", "pid=,comm=", "--ppid", supervisor).splitlines()
                 if "thimble" in pid).split()[0]
    os.kill(int(agent), signal.SIGKILL)
    until(lambda: connections(broker) == 2, "another one")
    init("stop")
    until(lambda: "Received DISCONNECT from serviced" in broker.log.text(), "its goodbye")
    until(lambda: not (root / "run/thimble-pump.pid").exists(), "the supervisor's end")
    assert connections(broker) == 2


@IN_AN_EMPTY_ROOT
def test_busybox_starts_reloads_and_stops_the_agent(busybox, broker):
    root, init = busybox
    follows_its_life(broker, root / "etc/thimble/pump.json", init)
    until(lambda: not (root / "run/thimble-pump.pid").exists(), "the supervisor's end")


@IN_AN_EMPTY_ROOT
def test_busybox_gives_up_where_somebody_must_act(busybox, broker):
    root, init = busybox
    configuration(root / "etc/thimble/pump.json", broker, nonsense=1)
    init("start")
    until(lambda: not (root / "run/thimble-pump.pid").exists(), "the supervisor's end")
    assert connections(broker) == 0


# ---- recipes -----------------------------------------------------------------------------------

@pytest.mark.parametrize("recipe", ["openwrt/Makefile", "buildroot/thimble.mk"])
def test_recipes_name_what_is_there(recipe):
    """The version, the knobs of the Makefile, the files; the build systems themselves are not
    here."""
    text = (DIST / recipe).read_text()
    version = re.search('TH_VERSION "(.*)"', (TOP / "include/thimble.h").read_text())[1]
    assert re.search(r"VERSION *:?= *(.*)", text)[1] == version
    knobs = set(re.findall(r"\b([A-Z_]+)=\"?\$", text.split("build/thimble", 1)[1]))
    described = (TOP / "Makefile").read_text().split("VERSION :=")[0]
    assert knobs and all(knob in described for knob in knobs)
    for path in re.findall(r"(?:\./|\(@D\)/)((?:files|dist)/\S+)", text):
        assert any(base.joinpath(path).exists() for base in (TOP, DIST / "openwrt")), path
