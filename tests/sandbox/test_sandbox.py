"""The shipped program in its sandbox: what it may do and say, what becomes of foreign calls."""
import json
import os
import pathlib
import platform
import shutil
import socket
import struct
import subprocess

import pytest

from program import SECONDS, THIMBLE, TOP, environment, status_of, until

INJECT, LACKING = (TOP / "build" / "sandbox" / name for name in ("inject", "lacking"))
PARTS = ["no_new_privs", "limits", "seccomp", "files", "ports", "scopes"]


def limits_of(pid):
    """Soft and hard, by name."""
    lines = pathlib.Path(f"/proc/{pid}/limits").read_text().splitlines()[1:]
    return {line[:26].strip(): tuple(line[26:].split()[:2]) for line in lines}


@pytest.fixture
def waiting(thimble, lab, topic):
    """Starts a subscriber and waits until it is one."""
    def start(*words, **options):
        sub = thimble.start("sub", *lab.tls(), "-t", topic, "-C", 1, *words, **options)
        lab.log.await_subscription(topic)
        return sub
    yield start


# ---- what holds ----------------------------------------------------------------------------------

def test_by_default(thimble, lab, topic, waiting):
    """Everything this kernel has, and nothing is said."""
    sub = waiting(report=True)
    assert status_of(sub.pid)["NoNewPrivs"] == "1" and status_of(sub.pid)["Seccomp"] == "2"
    thimble("pub", *lab.tls(), "-t", topic, "-m", "x").ends(0)
    told = sub.ends(0).report["sandbox"]
    assert told["mode"] == "auto" and told["seccomp"] and told["limits"] and told["no_new_privs"]
    assert sub.out == b"x\n" and sub.err == ""


def test_off(thimble, lab, topic, waiting):
    sub = waiting("--sandbox=off", report=True)
    assert status_of(sub.pid)["Seccomp"] == "0" and status_of(sub.pid)["NoNewPrivs"] == "0"
    thimble("pub", *lab.tls(), "-t", topic, "-m", "x").ends(0)
    told = sub.ends(0).report["sandbox"]
    assert told["mode"] == "off" and not any(told[part] for part in [*PARTS, "complete"])


def test_limits(waiting):
    """Nothing can grow; as many descriptors as it takes."""
    limits = limits_of(waiting().pid)
    for name in "address space", "data size", "stack size", "processes":
        assert limits[f"Max {name}"] == ("0", "0"), name
    assert int(limits["Max core file size"][1]) <= 1
    assert int(limits["Max open files"][0]) < 100


def test_many_inherited_descriptors(thimble, lab, topic):
    """The limit counts from the first that is free."""
    pipes = [os.pipe() for _ in range(100)]
    low = [end for pipe in pipes for end in pipe]
    done = subprocess.run([THIMBLE, "pub", *map(str, lab.tls()), "-t", topic, "-m", "x"],
                          pass_fds=low, env=environment({}), timeout=SECONDS)
    for end in low:
        os.close(end)
    assert done.returncode == 0


def test_the_report_for_people(thimble, lab, topic):
    pub = thimble("pub", *lab.tls(), "-t", topic, "-m", "x", "--mem-report").ends(0)
    assert "\nSandbox     no_new_privs, limits, seccomp, " in pub.err
    off = thimble("pub", *lab.tls(), "-t", topic, "-m", "x", "--mem-report",
                  "--sandbox=off").ends(0)
    assert "\nSandbox     off\n" in off.err


def test_each_command(thimble, lab, topic):
    """--sandbox=require: everything is there on this kernel, and everything works."""
    if not has_all():
        pytest.skip("this kernel's landlock has no ports")
    both = [*lab.tls(), "-t", topic, "--sandbox=require"]
    sub = thimble.start("sub", *both, "-C", 2)
    lab.log.await_subscription(topic)
    thimble("pub", *both, "-m", "x", "-q", 2).ends(0)
    thimble("pub", *both, "-l", "-q", 1, stdin=b"y\n").ends(0)
    assert sub.ends(0).out == b"x\ny\n"
    answer = thimble.start("rr", *both, "-e", topic + "/r", "-m", "z", "-W", SECONDS)
    lab.log.await_subscription(topic + "/r")
    thimble("pub", *lab.tls(), "-t", topic + "/r", "-m", "answer").ends(0)
    assert answer.ends(0).out == b"answer\n"


def has_all():
    done = subprocess.run([TOP / "build" / "sandbox" / "jail", "in", "own-port", "1", "1", "/"],
                          capture_output=True, text=True, timeout=SECONDS)
    return " lacks 0\n" in done.stdout


# ---- a kernel that lacks something ---------------------------------------------------------------

@pytest.mark.parametrize("part, lost", [
    ("landlock", ["files", "ports", "scopes"]), ("seccomp", ["seccomp"]), ("limits", ["limits"]),
    ("no_new_privs", ["no_new_privs"]),
])
def test_lacking(thimble, lab, topic, part, lost):
    """auto goes on, and names it with -d and in the report; require does not connect."""
    where = ["pub", *lab.tls(), "-t", topic, "-m", "x"]
    lacking = [LACKING, part, "--"]
    pub = thimble(*where, report=True, prefix=lacking).ends(0)
    assert pub.err == "" and not any(pub.report["sandbox"][each] for each in lost)
    assert not pub.report["sandbox"]["complete"]
    assert all(pub.report["sandbox"][each] for each in PARTS[:4] if each not in lost)
    named = ", ".join(each for each in lost if each != "scopes")
    assert f"sandbox incomplete: {named}\n" in thimble(*where, "-d", prefix=lacking).ends(0).err
    thimble(*where, "--sandbox=require", prefix=lacking).ends_refused(78, f"incomplete: {named}")


def test_require_sends_nothing(thimble, fake):
    broker = fake(lambda peer: peer.drain())
    thimble("pub", *broker.plain, "-t", "t", "-m", "x", "--sandbox=require",
            prefix=[LACKING, "landlock", "--"]).ends(78)
    assert broker.attempts == 0


def test_their_name_says_nothing(thimble, lab, topic):
    """A script that calls mosquitto_pub sees no word of it, with -d either."""
    theirs = [LACKING, "landlock", "seccomp", "--", "/bin/bash", "-c",
              'exec -a mosquitto_pub "$0" "$@"']
    pub = thimble(*lab.tls(), "-t", topic, "-m", "x", "-d", prefix=theirs).ends(0)
    assert b"sending CONNECT" in pub.out and b"sandbox" not in pub.out and pub.err == ""


def test_under_valgrind(thimble, lab, topic):
    """Its own calls would be killed: auto locks nothing and says why, require says no."""
    where = ["pub", *lab.tls(), "-t", topic, "-m", "x"]
    valgrind = ["valgrind", "-q"]
    pub = thimble(*where, report=True, prefix=valgrind).ends(0)
    assert "valgrind" in pub.report["sandbox"]["why_not"]
    assert not any(pub.report["sandbox"][part] for part in PARTS)
    thimble(*where, "--sandbox=require", prefix=valgrind).ends_refused(78, "valgrind")


# ---- what still works ----------------------------------------------------------------------------

def test_strace_from_outside(thimble, lab, topic, waiting, tmp_path):
    """Whoever may trace a process may still do so, and it goes on."""
    sub = waiting()
    tracer = subprocess.Popen(["strace", "-qq", "-o", tmp_path / "calls", "-p", str(sub.pid)])
    until(lambda: status_of(sub.pid)["TracerPid"] != "0", "the tracer")
    thimble("pub", *lab.tls(), "-t", topic, "-m", "x").ends(0)
    assert sub.ends(0).out == b"x\n"
    tracer.wait(SECONDS)
    assert "recvfrom(" in (tmp_path / "calls").read_text()


def test_errors_that_strace_injects(thimble, lab, topic):
    """The call is taken out, not killed: x32's numbers begin where "no call" ends."""
    thimble("pub", *lab.tls(), "-t", topic, "-m", "x", "-q", 1,
            prefix=["strace", "-f", "-qq", "-o", "/dev/null", "-e",
                    "inject=recvfrom:error=EINTR:when=3"]).ends(0)


@pytest.mark.parametrize("kind", ["new", "old", "link", "device", "descriptor"])
def test_where_a_report_may_go(thimble, lab, topic, tmp_path, kind):
    """Written at the end, into the directory of its file: a new one, in place of an old one,
    through a link to another directory, to a device, to what is open already."""
    (tmp_path / "a").mkdir(), (tmp_path / "b").mkdir()
    report = tmp_path / "a" / "report"
    if kind == "old":
        report.write_text("old")
    if kind == "link":
        (tmp_path / "b" / "target").write_text("old")
        report.symlink_to(tmp_path / "b" / "target")
    path = {"device": "/dev/null", "descriptor": "/dev/fd/1"}.get(kind, report)
    pub = thimble("pub", *lab.tls(), "-t", topic, "-m", "x", f"--mem-report=json:{path}").ends(0)
    if kind == "device":
        return
    text = pub.out.decode() if kind == "descriptor" else report.read_text()
    assert json.loads(text)["sandbox"]["files"]


def test_a_report_without_a_directory(thimble, lab, topic, tmp_path):
    pub = thimble.start("sub", *lab.tls(), "-t", topic, "-W", 2,
                        f"--mem-report=json:{tmp_path}/none/report")
    pub.ends(27)
    assert "cannot be written" in pub.err


def another_etc(tmp_path, *hosts):
    """A directory to stand for /etc, and the prefix that makes it so."""
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc" / "hosts").write_text("".join(f"{line}\n" for line in hosts))
    return tmp_path / "etc", ["unshare", "-m", "sh", "-c", 'mount --bind "$0" /etc && exec "$@"',
                              tmp_path / "etc"]


needs_another_etc = pytest.mark.skipif(os.getuid() != 0 or not shutil.which("unshare"),
                                       reason="another /etc needs root and unshare")


@needs_another_etc
def test_a_hosts_file_that_is_replaced(thimble, mosquitto, topic, tmp_path):
    """By a new one, as editors do: the rule is for the directory, so that it is read again."""
    etc, prefix = another_etc(tmp_path, "127.0.0.2 broker.test")
    broker = mosquitto("allow_anonymous true")
    sub = thimble.start("sub", "-h", "broker.test", "-p", broker.port, "--no-tls", "-t", topic,
                        "-C", 1, "--wait-broker", "--backoff", "0.2", prefix=prefix)
    sub.says("trying again")
    assert status_of(sub.pid)["Seccomp"] == "2"
    (etc / "new").write_text("127.0.0.1 broker.test\n")
    (etc / "new").rename(etc / "hosts")
    broker.start()
    broker.log.await_subscription(topic)
    thimble("pub", *broker.plain, "-t", topic, "-m", "x").ends(0)
    assert sub.ends(0).out == b"x\n"


def test_a_host_on_an_interface(thimble):
    """Its index is asked for; if_nametoindex() would do so with a Unix socket, and be killed."""
    thimble("pub", "-h", "fe80::1%lo", "-p", 1, "--no-tls", "-t", "t", "-m", "x").ends(4)


@needs_another_etc
def test_a_name_server_on_an_interface(thimble, topic, tmp_path):
    """As routers announce them and resolv.conf then names them."""
    etc, prefix = another_etc(tmp_path)
    (etc / "resolv.conf").write_text("nameserver fe80::1%lo\n")
    thimble("pub", "-h", "broker.test", "--no-tls", "-t", topic, "-m", "x", "--timeout-lookup", 1,
            prefix=prefix).ends(20, "fe80::1%")


@needs_another_etc
def test_a_link_where_there_is_no_proc(thimble, mosquitto, topic, tmp_path):
    """What a link leads to cannot be asked for: the file has a rule of its own."""
    broker = mosquitto("allow_anonymous true").start()
    (tmp_path / "etc").mkdir(), (tmp_path / "run").mkdir()
    (tmp_path / "run" / "hosts").write_text("127.0.0.1 broker.test\n")
    (tmp_path / "etc" / "hosts").symlink_to("../run/hosts")
    shutil.copy(THIMBLE, tmp_path / "thimble")
    done = subprocess.run(["chroot", tmp_path, "/thimble", "pub", "-h", "broker.test", "-p",
                           str(broker.port), "--no-tls", "-t", topic, "-m", "x", "-d"],
                          capture_output=True, text=True, timeout=SECONDS)
    assert done.returncode == 0 and "incomplete: files" not in done.stderr, done.stderr


@needs_another_etc
def test_srv_has_no_rule_for_ports(thimble, topic, tmp_path):
    """Which port it will be is not known when the lock is closed; and that is said."""
    _, prefix = another_etc(tmp_path, "127.0.0.1 localhost")
    pub = thimble("pub", "-S", "-h", "example.test", "--no-tls", "-t", topic, "-m", "x", "-d",
                  "--timeout-lookup", 1, report=True, prefix=prefix)
    told = pub.report["sandbox"]
    assert told["any_port"] and not told["ports"]
    assert told["files"] and told["complete"] and "incomplete" not in pub.err


# ---- code that was smuggled in -------------------------------------------------------------------

# Calls of x86-64.
BRK, MMAP, MPROTECT, MUNMAP, MREMAP, MADVISE, MEMFD_CREATE = 12, 9, 10, 11, 25, 28, 319
CLONE, EXECVE, EXECVEAT, GETPID, KILL, UNSHARE = 56, 59, 322, 39, 62, 272
PROCESS_VM_READV, KEYCTL, PRCTL, SETRLIMIT, DUP, IOCTL = 310, 250, 157, 160, 32, 16
OPENAT, CHMOD, UNLINK, RENAME, MKDIR = 257, 90, 87, 82, 83
SOCKET, CONNECT, SENDTO, BIND, LISTEN, SOCKETPAIR = 41, 42, 44, 49, 50, 53
X32 = 0x40000000

HERE, NO_FILE = -100, -1  # AT_FDCWD
READ_WRITE, CODE, PRIVATE_ANONYMOUS = 3, 7, 0x22
SIGCHLD, NO_STACK = 17, 8
CODE_ADDRESS, PAGE = 0x400000, 4096
UNIX, INET, NETLINK, STREAM, RAW, MPTCP = 1, 2, 16, 1, 3, 262
FAST_OPEN, ZEROS = 0x20000000, "%" + "00" * 64

SIGSYS, EPERM, EACCES = "killed 31", "-1", "-13"


def address(port):
    return "%" + struct.pack("=HH4s8x", socket.AF_INET, socket.htons(port), b"\x7f\0\0\1").hex()


class Victim:
    """A subscriber that runs under the injector, and a place with nobody's files and ports."""

    def __init__(self, lab, topic, tmp_path):
        self.lab, self.name, self.runs = lab, topic, 0
        self.file = tmp_path / "file"
        self.file.write_text("nobody's business")

    def does(self, *calls, sandbox="auto"):
        """What each call came to, and then the program."""
        self.runs += 1
        self.topic = f"{self.name}/{self.runs}"
        calls = [",".join(map(str, call)) for call in calls]
        running = subprocess.Popen(
            [INJECT, *calls, "--", THIMBLE, "sub", *map(str, self.lab.tls()), "-t", self.topic,
             "-C", "1", f"--sandbox={sandbox}"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment({}))
        try:
            self.lab.log.await_subscription(self.topic)
            running.stdin.write("now\n")
            running.stdin.flush()
            results = self.results(running.stdout, len(calls))
            return results, running.stdout.read().strip()
        finally:
            running.kill()
            running.wait()

    def results(self, lines, count):
        """Of so many calls, or until it is killed; otherwise it gets what it waits for."""
        results = []
        while len(results) < count:
            results.append(lines.readline().strip())
            if results[-1].startswith("killed"):
                return results
        subprocess.run([THIMBLE, "pub", *map(str, self.lab.tls()), "-t", self.topic, "-m", "x"],
                       check=True, timeout=SECONDS, env=environment({}))
        return results


@pytest.fixture
def victim(lab, topic, tmp_path):
    if platform.machine() != "x86_64":
        pytest.skip("the injector knows x86-64 only")
    return Victim(lab, topic, tmp_path)


TCP = (SOCKET, INET, STREAM, 0)

# What is done, FILE and PORT standing for nobody's, and what the last call comes to.
ACTS = {
    "brk": ([(BRK, 0)], SIGSYS),
    "mmap": ([(MMAP, 0, PAGE, READ_WRITE, PRIVATE_ANONYMOUS, NO_FILE, 0)], SIGSYS),
    "mmap code": ([(MMAP, 0, PAGE, CODE, PRIVATE_ANONYMOUS, NO_FILE, 0)], SIGSYS),
    "mprotect": ([(MPROTECT, CODE_ADDRESS, PAGE, CODE)], SIGSYS),
    "munmap": ([(MUNMAP, PAGE * 16, PAGE)], SIGSYS),
    "mremap": ([(MREMAP, CODE_ADDRESS, PAGE, PAGE, 0)], SIGSYS),
    "memfd_create": ([(MEMFD_CREATE, "@x", 0)], SIGSYS),
    "execve": ([(EXECVE, "@/bin/true", 0, 0)], SIGSYS),
    "execveat": ([(EXECVEAT, HERE, "@/bin/true", 0, 0, 0)], SIGSYS),
    "clone": ([(CLONE, SIGCHLD, NO_STACK, 0, 0, 0)], SIGSYS),
    "process_vm_readv": ([(GETPID,), (PROCESS_VM_READV, "$", 0, 0, 0, 0, 0)], SIGSYS),
    "unshare": ([(UNSHARE, 0x200)], SIGSYS),
    "keyctl": ([(KEYCTL, 0, -3, 1)], SIGSYS),
    "netlink": ([(SOCKET, NETLINK, RAW, 0)], SIGSYS),
    "Unix socket": ([(SOCKET, UNIX, STREAM, 0)], SIGSYS),
    "MPTCP": ([(SOCKET, INET, STREAM, MPTCP)], SIGSYS),
    "fast open": ([TCP, (SENDTO, "$", 0, 0, FAST_OPEN, "PORT", 16)], SIGSYS),
    "another port": ([TCP, (CONNECT, "$", "PORT", 16)], EACCES),
    "bind": ([TCP, (BIND, "$", address(0), 16)], EPERM),
    "listen": ([TCP, (LISTEN, "$", 1)], EPERM),
    "socketpair": ([(SOCKETPAIR, UNIX, STREAM, 0, ZEROS)], EPERM),
    "ioctl": ([TCP, (IOCTL, "$", 0x541B, ZEROS)], EPERM),
    "read a file": ([(OPENAT, HERE, "@FILE", os.O_RDONLY)], EACCES),
    "write a file": ([(OPENAT, HERE, "@FILE", os.O_WRONLY)], EPERM),
    "create a file": ([(OPENAT, HERE, "@FILE.new", os.O_WRONLY | os.O_CREAT, 0o600)], EPERM),
    "unlink": ([(UNLINK, "@FILE")], EPERM),
    "rename": ([(RENAME, "@FILE", "@FILE.old")], EPERM),
    "mkdir": ([(MKDIR, "@FILE.d", 0o700)], EPERM),
    "chmod": ([(CHMOD, "@FILE", 0o600)], EPERM),
    "kill": ([(GETPID,), (KILL, "$", 0)], EPERM),
    "prctl": ([(PRCTL, 38, 1, 0, 0, 0)], EPERM),
    "setrlimit": ([(SETRLIMIT, 4, ZEROS)], EPERM),
    "dup": ([(DUP, 0)], EPERM),
}
REPLACES_THE_PROGRAM = {"execve", "execveat"}


def placed(calls, victim, port):
    """FILE and PORT replaced by those of this test."""
    return [tuple(address(port) if word == "PORT" else str(word).replace("FILE", str(victim.file))
                  for word in call) for call in calls]


@pytest.mark.parametrize("act", ACTS)
def test_injected(victim, act):
    """Outside the sandbox it succeeds; inside the program is killed, or goes on to do its work."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        calls, expected = placed(ACTS[act][0], victim, other.getsockname()[1]), ACTS[act][1]
        results, end = victim.does(*calls, sandbox="off")
        assert int(results[-1]) >= 0 and (end == "x\nended 0" or act in REPLACES_THE_PROGRAM)
        victim.file.write_text("there again")
        results, end = victim.does(*calls)
    assert results[-1] == expected
    assert end == ("" if expected == SIGSYS else "x\nended 0")


def test_foreign_numbers_are_killed(victim):
    assert victim.does((X32 + GETPID,))[0] == [SIGSYS]


def test_what_it_may_still_do(victim):
    """Read the directory of hosts, look names up, and connect to its broker."""
    port = int(victim.lab.ports["ec_port"])
    results, end = victim.does((OPENAT, HERE, "@/etc/hosts", os.O_RDONLY), TCP,
                               (CONNECT, "$", address(port), 16), (SOCKET, INET, 2, 0))
    assert all(int(result) >= 0 for result in results) and end == "x\nended 0"


@pytest.mark.parametrize("call", ["59,@/bin/true,0,0", "57", "56,17,0,0,0,0"],
                         ids=["execve", "fork", "clone"])
def test_the_agent_starts_nothing_itself(lab, topic, tmp_path, call):
    """Its runner does, and has just done so."""
    if platform.machine() != "x86_64":
        pytest.skip("the injector knows x86-64 only")
    program, config = tmp_path / "program", tmp_path / "agent.json"
    program.write_text(f"#!/bin/sh\n: >{tmp_path}/started\n")
    program.chmod(0o755)
    config.write_text(json.dumps({"first_delay": 0, "sandbox": "require",
                                  "handlers": [{"topic": topic, "run": [str(program)]}]}))
    running = subprocess.Popen([INJECT, call, "--", THIMBLE, "agent", "-c", config,
                                *map(str, lab.tls())], stdin=subprocess.PIPE,
                               stdout=subprocess.PIPE, text=True, env=environment({}))
    try:
        lab.log.await_subscription(topic)
        subprocess.run([THIMBLE, "pub", *map(str, lab.tls()), "-t", topic, "-m", "x"], check=True,
                       timeout=SECONDS, env=environment({}))
        until((tmp_path / "started").exists, "the handler")
        running.stdin.write("now\n")
        running.stdin.flush()
        assert running.stdout.readline().strip() == SIGSYS
    finally:
        running.kill()
        running.wait()
