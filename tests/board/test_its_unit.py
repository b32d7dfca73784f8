"""systemd itself starts the agent of /etc/thimble/pump, keeps it, and ends it."""
import json
import time

import pytest

from program import until
from pump import HOME, INBOX, UNIT

SANDBOX = "no_new_privs, limits, seccomp, files"


def test_systemd_is_up(board):
    assert board.run("systemctl is-system-running --wait") == "running"
    print(f"{board.run('uname -r')}, {board.run('systemctl --version').splitlines()[0]}: "
          f"up after {board.seconds:.0f} s")


# ---- as it runs ----------------------------------------------------------------------------------

def test_it_says_when_it_is_ready_and_how_it_is(pump):
    """systemctl start has waited for READY=1, which only the main process may say."""
    assert (pump.shown("Type"), pump.shown("NotifyAccess")) == ("notify", "main")
    started, ready = (int(pump.shown(f"{name}TimestampMonotonic"))
                      for name in ("ExecMainStart", "ActiveEnter"))
    assert started < ready
    until(lambda: pump.shown("StatusText") == "connected", "its word")
    assert 'Status: "connected"' in pump.systemctl("status")
    print(f"ready {(ready - started) / 1e6:.2f} s after its start")


def test_start_waits_for_its_word(pump):
    """Whoever says nothing is not active, and is given up."""
    pump.alter("ExecStart=", "ExecStart=/bin/sleep 60", "TimeoutStartSec=3", "Restart=no")
    assert pump.board.try_to(f"systemctl restart {UNIT}")[0] != 0
    assert (pump.shown("ActiveState"), pump.shown("Result")) == ("failed", "timeout")


def test_credentials_come_to_a_user_of_its_own(pump):
    user, uid, mode = pump.board.run(f"stat -c '%U %u %a' /proc/{pump.pid}").split()
    assert 61184 <= int(uid) <= 65519
    where = f"/run/credentials/{UNIT}"
    assert pump.board.run(f"stat -c '%U %a' {where}/client.key") == f"{user} 400"
    assert f"--key {where}/client.key" in pump.systemctl("status")
    assert pump.board.run(f"stat -c '%U %a' {HOME}/client.key") == "root 600"
    assert pump.board.try_to(f"setpriv --reuid {uid} --clear-groups cat {HOME}/client.key")[0] != 0


def test_its_directories_hold_spool_and_sockets(pump):
    user = pump.board.run(f"stat -c %U /proc/{pump.pid}")
    assert pump.board.run("readlink -f /var/lib/thimble/pump") == "/var/lib/private/thimble/pump"
    assert pump.board.run("stat -c '%U %a' /var/lib/thimble/pump/spool") == f"{user} 700"
    assert pump.board.run("stat -c '%U %a %F' /run/thimble/pump/status") == f"{user} 600 socket"
    pump.hand_in("of/pump")
    until(lambda: pump.arrived("of/pump"), "the message")
    assert pump.board.run("ls /var/lib/thimble/pump/spool")


def test_root_is_told_how_it_is_and_nobody_else(pump):
    told = json.loads(pump.board.run("thimble status --json /run/thimble/pump/status"))
    assert told["agent"]["state"] == "connected"
    ask = "setpriv --reuid 1234 --clear-groups thimble status /run/thimble/pump/status"
    assert pump.board.try_to(ask)[0] != 0


def test_programs_of_other_users_hand_in_if_they_may(pump):
    words = f"setpriv --reuid 1234 --clear-groups thimble pub --agent {INBOX} -t of/else -q 1 -m x"
    assert pump.board.try_to(words)[0] != 0
    pump.configure(inbox_mode="0666")
    pump.systemctl("restart")
    pump.board.until(words)
    until(lambda: pump.arrived("of/else"), "the message")


# ---- locked in -----------------------------------------------------------------------------------

def test_its_sandbox_holds_within_the_units(pump):
    report = pump.board.run("thimble mem report /run/thimble/pump/status")
    assert f"Sandbox     {SANDBOX}" in report
    state = dict(line.split(":\t") for line in pump.board.run(
        f"grep -E '^(NoNewPrivs|Seccomp|CapBnd|VmLck)' /proc/{pump.pid}/status").splitlines()
        if ":\t" in line)
    assert (state["NoNewPrivs"], state["Seccomp"]) == ("1", "2")
    assert int(state["CapBnd"], 16) == 0
    print(f"sandbox {SANDBOX}; {state['Seccomp_filters']} filters, locked {state['VmLck'].strip()}")


def test_systemd_calls_it_locked_in(pump):
    last = pump.board.run(f"systemd-analyze security --no-pager {UNIT}").splitlines()[-1]
    assert float(last.split(": ")[1].split()[0]) <= 1.9
    print(last)


def test_systemd_understands_the_unit(pump):
    assert pump.board.try_to(f"systemd-analyze verify --man=no {UNIT}") == (0, "")


def test_what_this_kernel_lacks_is_told_if_it_is_required(pump):
    """Linux 6.1 knows no ports and no scopes: nobody starts it again."""
    pump.configure(sandbox="require")
    pump.board.try_to(f"systemctl restart {UNIT}")
    gives_up(pump, 78)


# ---- memory --------------------------------------------------------------------------------------

def of_cgroup(pump, name):
    return int(pump.board.run(f"cat /sys/fs/cgroup$(systemctl show --value -p ControlGroup {UNIT})/{name}"))


def eats(pump):
    pump.configure(handlers=[
        {"topic": "to/eater", "run": ["/usr/bin/tail", "/dev/zero"], "reply": "of/eater"},
        {"topic": "to/echo", "run": ["/bin/cat"], "reply": "of/echo"}])
    pump.systemctl("restart")
    pump.lab.log.await_subscription("to/echo")


def test_memory_is_bounded(pump):
    assert int(pump.shown("MemoryMax")) == of_cgroup(pump, "memory.max") == 16 << 20
    alone = of_cgroup(pump, "memory.peak")
    eats(pump)
    pump.publish("to/echo")
    until(lambda: pump.arrived("of/echo"), "the answer")
    handled = of_cgroup(pump, "memory.peak")
    assert alone < handled < 16 << 20
    print(f"peak of all its memory, the kernel's included: {alone:,} B; with a handler that ran "
          f"{handled:,} B")


def test_a_handler_that_takes_too_much_ends_alone(pump):
    eats(pump)
    before = pump.pid
    pump.publish("to/eater")
    pump.board.until(f"journalctl -b -u {UNIT} | grep 'tail: ended by signal 9'")
    pump.publish("to/echo")
    until(lambda: pump.arrived("of/echo"), "the answer")
    assert (pump.pid, pump.shown("NRestarts")) == (before, "0")
    assert pump.has_state("active", "running")


# ---- reload --------------------------------------------------------------------------------------

def test_reload_takes_what_has_changed(pump):
    before = pump.pid
    pump.configure(topic=["to/pump", "to/pumps"])
    pump.systemctl("reload")
    pump.lab.log.await_subscription("to/pumps")
    assert pump.pid == before and pump.has_state("active", "running")
    assert len(pump.connections()) == 1


def test_reload_refuses_what_is_wrong(pump):
    before = pump.pid
    pump.configure(nonsense=1)
    pump.systemctl("reload")
    pump.board.until("thimble status --json /run/thimble/pump/status | grep '\"config\"'")
    assert pump.pid == before and pump.has_state("active", "running")


def test_a_renewed_certificate_comes_with_a_restart(pump):
    """Credentials are handed over at the start, not at a reload."""
    there = f"/run/credentials/{UNIT}/client.pem"
    pump.provide("rsa")
    pump.systemctl("reload")
    assert pump.board.try_to(f"cmp {there} {HOME}/client.pem")[0] == 1
    pump.systemctl("restart")
    until(lambda: pump.shown("StatusText") == "connected", "the connection")
    pump.board.run(f"cmp {there} {HOME}/client.pem")


# ---- started again -------------------------------------------------------------------------------

def kept_over(pump, act):
    """Twenty messages that the broker could not have yet; the agent is another one then."""
    topics = [f"kept/{number}" for number in range(20)]
    pump.lab.stop()
    pump.hand_in(*topics)
    before = pump.pid
    act(before)
    until(lambda: pump.pid not in ("0", before), "another process")
    pump.lab.restart()
    until(lambda: set(pump.arrived(r"kept/\d+")) == set(topics), "the messages")


def test_killed_it_starts_again_and_loses_nothing(pump):
    kept_over(pump, lambda pid: pump.board.run(f"kill -KILL {pid}"))
    assert pump.shown("NRestarts") == "1"


def test_the_watchdog_ends_what_does_not_move(pump):
    pump.alter("WatchdogSec=10")
    pump.systemctl("restart")
    time.sleep(15)
    assert pump.shown("NRestarts") == "0"
    kept_over(pump, lambda pid: pump.board.run(f"kill -STOP {pid}"))
    pump.board.run(f"journalctl -b -u {UNIT} | grep 'Watchdog timeout'")


def gives_up(pump, code):
    until(lambda: pump.has_state("failed", "failed"), "its end")
    assert pump.shown("ExecMainStatus") == str(code)
    time.sleep(8)  # RestartSec=5
    assert pump.has_state("failed", "failed") and pump.shown("NRestarts") == "0"


def test_what_needs_somebody_is_not_tried_again(pump):
    pump.trust("other")
    pump.board.try_to(f"systemctl restart {UNIT}")
    gives_up(pump, 72)


def test_without_a_key_it_does_not_start(pump):
    pump.board.run(f"rm {HOME}/client.key")
    assert pump.board.try_to(f"systemctl restart {UNIT}")[0] != 0


def test_a_broker_that_went_away_is_awaited(pump):
    before = pump.pid
    pump.lab.stop()
    until(lambda: pump.shown("StatusText") != "connected", "its word")
    print(f"without a broker: {pump.shown('StatusText')}")
    assert pump.has_state("active", "running")
    pump.lab.restart()
    until(lambda: pump.shown("StatusText") == "connected", "the connection")
    assert (pump.pid, pump.shown("NRestarts")) == (before, "0")


# ---- ended ---------------------------------------------------------------------------------------

def test_stop_hands_over_what_there_is(pump):
    topics = [f"last/{number}" for number in range(20)]
    pump.hand_in(*topics)
    pump.systemctl("stop")
    assert (pump.shown("Result"), pump.shown("ExecMainStatus")) == ("success", "0")
    assert pump.lab.log.has("Received DISCONNECT from pump")
    assert set(pump.arrived(r"last/\d+")) == set(topics)
    assert not pump.board.run("ls -A /run/thimble 2>/dev/null || true")
