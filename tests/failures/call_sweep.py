"""Every system call of the static binary failed in turn, by the injector inject.c."""
import collections
import concurrent.futures
import contextlib
import errno
import fnmatch
import itertools
import json
import os
import pathlib
import shutil
import subprocess
import threading

from scene import SECRET, TABLES, TOP, WORK, Proxy, Table

INJECT = WORK / "inject"
THIMBLE = TOP / "build" / "thimble"
TIMEOUT_SECONDS = 10  # of each phase; one attempt and three more end before they are a hang
HANG_SECONDS = 90
FOR_EVER = 1 << 30

# What is tried on each call; EINTR where the kernel may give it. "after": the call is made, and only
# its result is a lie, where the kernel goes on by itself.
FILE = ["error:EINTR", "error:EIO"]
SOCKET = ["error:ENOBUFS", "error:ENOMEM"]
TRANSFER = ["error:EINTR", "error:EAGAIN", "error:ECONNRESET", "error:ENOBUFS", "error:ENOMEM",
            "short:1"]
WAIT = ["error:EINTR", "error:EAGAIN", "error:ENOMEM", "value:0"]
ACTIONS = {
    "read": [*FILE, "error:EAGAIN", "short:1"], "pread64": [*FILE, "short:1"],
    "write": [*FILE, "error:EAGAIN", "error:ENOSPC", "error:EPIPE", "short:1"],
    "open": [*FILE, "error:EMFILE", "error:ENFILE", "error:EACCES", "error:ENOMEM",
             "error:ENOSPC"],
    "close": ["after:EINTR", "after:EIO", "after:ENOSPC"],
    "rename": ["error:EIO", "error:ENOSPC"],
    "fsync": [*FILE, "error:ENOSPC"],
    "recvfrom": [*TRANSFER, "error:ETIMEDOUT", "value:0"],
    "sendto": [*TRANSFER, "error:EPIPE"],
    "socket": [*SOCKET, "error:EMFILE", "error:ENFILE", "error:EACCES", "error:EAFNOSUPPORT"],
    "connect": ["after:EINTR", "error:ECONNREFUSED", "error:ENETUNREACH", "error:EADDRNOTAVAIL",
                "error:EAGAIN", "error:ENOBUFS"],
    "poll": WAIT, "ppoll": WAIT,
    "shutdown": SOCKET, "getsockopt": SOCKET, "getsockname": SOCKET, "getpeername": SOCKET,
    "setsockopt": [*SOCKET, "error:ENOPROTOOPT"],
    "getrandom": ["error:EINTR", "error:EAGAIN", "error:ENOSYS", "short:1"],
    "signalfd4": ["error:EMFILE", "error:ENFILE", "error:ENOMEM"],
}
OTHERWISE = ["error:ENOMEM", "error:EPERM", "error:ENOSYS"]
NEVER_FAIL = {"exit_group", "rt_sigreturn", "getpid", "set_tid_address"}
# Not from the first time on: no kernel interrupts every call, lies about every wait, or has for
# ever nothing where it said that there is something.
ONCE_ONLY = ["*-error:EINTR", "*poll-value:0", "read-error:EAGAIN", "write-error:EAGAIN"]
# A failure of these costs a part of the sandbox.
LOCKS = {"landlock_create_ruleset", "landlock_restrict_self", "seccomp", "prctl"}
UNLOCKED = "78"
# How clients are called that go to a wrong broker: its log must not know them.
TO_STRANGERS = "betrayed"

# The report is written by hundreds of small writes: each in the first flow, elsewhere one of these.
MANY = 24


# Cut short, these dial again: TLS 1.3 and 1.2. The last bytes are PUBACK and close_notify, a record
# each, and a signature more or less.
CUT = {"pub-ec-1.3", "pub-ec-1.2"}
LAST_BYTES = 26 + 24 - 6


# ---- flows -----------------------------------------------------------------------------------

class Flow:
    """A command line, what it ends with, and how to see that it did what it says."""

    def __init__(self, name, words, regular=0, stdin=b"", out=None, messages=1, behind=None):
        self.name, self.words, self.regular = name, [str(word) for word in words], regular
        self.stdin, self.out, self.messages = stdin, out, messages
        self.behind = behind  # the port behind a proxy that cuts the first connection

    @property
    def port(self):
        return self.words[self.words.index("-p") + 1]

    @contextlib.contextmanager
    def road(self):
        """The options that lead to the broker."""
        if not self.behind:
            yield ["--retry", "0"]
            return
        proxy = CuttingProxy(*self.behind)
        yield ["--retry", "3", "--backoff", "0.01s..0.02s", "-p", str(proxy.port)]
        proxy.closing = True


class CuttingProxy(Proxy):
    """The first connection ends after so many bytes from the broker, the others do not."""

    def __init__(self, port, cut_bytes):
        super().__init__(port, cut_bytes)

    def _pass_on(self, peer):
        super()._pass_on(peer)
        self.limit = FOR_EVER


def all_flows(brokers, payload):
    """Those of the promise, and what else is cheap."""
    def tls(kind, version, broker="good", listener="connect"):
        files = brokers.identity(kind)
        return ["-h", "localhost", "-p", brokers.port(listener, broker, kind),
                "--cafile", files["ca"], "--cert", files["cert"], "--key", files["key"],
                "--tls-version", version]

    pub = ["-t", "failures/pub", "-m", "message", "-q", "1"]
    ec = tls("ec", "1.3")
    for version in "1.3", "1.2":
        for kind in "ec", "rsa":
            yield Flow(f"pub-{kind}-{version}", ["pub", *tls(kind, version), *pub])
        for broker, status in ("name", 73), ("authority", 72):
            yield Flow(f"{broker}-{version}", ["pub", *tls("ec", version, broker), *pub],
                       regular=status)
    yield Flow("require", ["pub", *ec, *pub, "--sandbox=require"])
    yield Flow("qos2", ["pub", *ec, "-t", "failures/qos2", "-f", payload, "-q", "2"])
    yield Flow("lines", ["pub", *ec, "-t", "failures/lines", "-l", "-q", "1"],
               stdin=b"one\ntwo\n", messages=2)
    yield Flow("sub", ["sub", *ec, "-t", "failures/kept", "-C", "1", "-q", "1", "--events=events"],
               out=b"kept\n", messages=0)
    yield Flow("rr", ["rr", *ec, "-t", "failures/rr", "-e", "failures/rr", "-m", "echo", "-q", "1"],
               out=b"echo\n")
    yield Flow("websocket", ["pub", *tls("ec", "1.3", listener="websocket"), "--ws", *pub])
    yield Flow("psk", ["pub", "-h", "localhost", "-p", brokers.ports["psk"], "--psk",
                       SECRET.encode().hex(), "--psk-identity", "device", "--tls-keylog", "keylog",
                       *pub])
    yield Flow("plain", ["pub", "-h", "localhost", "-p", brokers.started[0].port, "--no-tls", *pub])
    yield Flow("unix", ["pub", "--unix", brokers.unix_path, "--no-tls", *pub])
    yield Flow("socks", ["pub", *ec, "--proxy", f"socks5h://127.0.0.1:{brokers.socks.port}", *pub])


# ---- one point -------------------------------------------------------------------------------

def numbered(action):
    """"error:EIO" as the injector wants it."""
    how, _, value = action.partition(":")
    return f"{how}:{getattr(errno, value) if value.startswith('E') else value}"


class Run:
    """One run of a flow, with one failure, in a folder of its own."""

    def __init__(self, flow, folder, client, log, call="-", place="-", first=0, last=0,
                 action="none"):
        self.flow, self.folder, self.client, self.call = flow, folder, client, call
        began = log.stat().st_size
        with open(folder / "out", "wb") as out, open(folder / "err", "wb") as err, \
                flow.road() as road:
            words = [*flow.words, "-i", client, "--timeout", str(TIMEOUT_SECONDS), *road, "--mem-report=json:report"]
            subprocess.run([INJECT, "result", str(HANG_SECONDS), call, place, str(first), str(last),
                            numbered(action), THIMBLE, *words], cwd=folder, input=flow.stdin,
                           stdout=out, stderr=err,
                           env={"PATH": "/usr/bin:/bin", "XDG_CONFIG_HOME": "/nonexistent"})
        self.out = (folder / "out").read_bytes()
        self.err = (folder / "err").read_text(errors="replace")
        lines = (folder / "result").read_text().splitlines()
        self.sites = collections.Counter(tuple(line.split()[1:3]) for line in lines[:-2])
        self.injected = int(lines[-2].split()[1])
        self.status = lines[-1].removeprefix("exit ").replace(" ", ":")
        self.heard = self._heard(log, began)
        self.read_bytes = self._read_bytes()

    @staticmethod
    def _heard(log, began):
        with open(log, errors="replace") as text:
            text.seek(began)
            return text.read()

    def _read_bytes(self):
        with contextlib.suppress(OSError, ValueError):
            return json.loads((self.folder / "report").read_text())["socket"]["read_bytes"]
        return 0

    @property
    def outcome(self):
        """"ok", an exit code, "signal:11" or "hang"."""
        return "ok" if self.status == str(self.flow.regular) else self.status

    @property
    def sentence(self):
        said = [line for line in self.err.splitlines() if line.startswith("thimble")]
        return said[-1] if said else ""

    def complaints(self):
        """What is wrong whatever was expected."""
        if self.status == "0":
            yield from self._lies()
        left = [path.name for path in self.folder.iterdir() if path.suffix == ".tmp"]
        if left:
            yield f"left behind: {left}"
        yield from self._report()

    def _lies(self):
        if self.flow.regular:
            yield "the wrong broker was accepted"
        elif self.flow.out is not None and self.out != self.flow.out:
            yield f"exit 0, and it printed {self.out[:80]!r}"
        elif self.heard.count(f"Received PUBLISH from {self.client} ") < self.flow.messages:
            yield "exit 0, and the broker has no message"

    @property
    def report(self):
        """None: there is none. ValueError: there is half of one."""
        path = self.folder / "report"
        return json.loads(path.read_text()) if path.exists() else None

    def _report(self):
        try:
            report = self.report
        except ValueError:
            yield "half a report"
            return
        if report and report["pools"]["tls_heap"]["live_bytes"]:
            yield "bytes are held at the end"
        if report and self.call in LOCKS and self.injected:
            yield from self._gaps(report["sandbox"])

    def _gaps(self, sandbox):
        """What is missing is told: with "require" by the exit code, else by the report."""
        required = "--sandbox=require" in self.flow.words
        if sandbox["complete"] and self.call in LOCKS:
            yield "the sandbox is said to be complete"
        if required and not sandbox["complete"] and self.status != UNLOCKED:
            yield "it goes on without all of the sandbox"
        if not required and self.status == UNLOCKED:
            yield "it does not go on without all of the sandbox"


# ---- the campaign ----------------------------------------------------------------------------

class Expected(Table):
    """Lines CALL PLACE ACTION OUTCOME: patterns, and what may follow, with commas between. "?"
    behind an outcome: there may be no sentence about it."""

    def outcomes(self, call, place, action):
        row = self.find(call, place, action)
        return row[3].split(",") if row else []


class Calls:
    """Every call of every flow, failed in each way: each time it is made, and from the first on."""

    def __init__(self, brokers, directory, stride=1, seen=None):
        self.brokers, self.stride, self.seen = brokers, stride, open(seen or os.devnull, "w")
        self.directory = pathlib.Path(directory)
        self.payload = self.directory / "payload"
        self.payload.write_bytes(b"0123456789abcdef" * 2000)
        self.table = Expected(TABLES / "expected")
        self.numbers, self.lock = itertools.count(), threading.Lock()
        self.bad, self.points, self.survived, self.places = [], 0, 0, set()
        self._keep_a_message()
        self.flows = list(all_flows(brokers, self.payload))
        self.flows += [self._cut(flow) for flow in self.flows[:] if flow.name in CUT]

    def _keep_a_message(self):
        subprocess.run([THIMBLE, "pub", "-h", "127.0.0.1", "-p", str(self.brokers.started[0].port),
                        "--no-tls", "-t", "failures/kept", "-m", "kept", "-r", "-q", "1"],
                       check=True, stderr=subprocess.DEVNULL)

    def _cut(self, flow):
        """The same, losing the first connection just before its last bytes: PUBACK."""
        run, _ = self.try_once(flow)
        cut_bytes = run.read_bytes - LAST_BYTES
        return Flow(f"cut-{flow.name}", flow.words, behind=(flow.port, cut_bytes))

    def try_once(self, flow, *what):
        folder = self.directory / f"point{next(self.numbers)}"
        folder.mkdir()
        try:
            log = self.brokers.started[0].log.path
            client = (TO_STRANGERS if flow.regular else "") + folder.name
            run = Run(flow, folder, client, log, *what)
            return run, list(run.complaints())
        finally:
            shutil.rmtree(folder)

    def plan(self):
        """(flow, call, place, how often, action): found by running each flow undisturbed."""
        number = 0
        for flow in self.flows:
            run, complaints = self.try_once(flow)
            if run.outcome != "ok" or complaints:
                self.bad.append(f"{flow.name}, undisturbed: {run.status} {complaints} {run.err}")
            for (call, place), times in run.sites.items():
                for action in () if call in NEVER_FAIL else ACTIONS.get(call, OTHERWISE):
                    number += 1
                    if number % self.stride == 0:
                        yield flow, call, place, times, action

    def run(self):
        with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
            for _ in pool.map(lambda what: self.sweep(*what), list(self.plan())):
                pass
        self.expect_strangers_unheard()
        return self

    def expect_strangers_unheard(self):
        """Whatever failed, no wrong broker was ever told anything."""
        self.bad += [f"a wrong broker was told: {line}"
                     for line in self.brokers.started[0].log.text().splitlines()
                     if f" as {TO_STRANGERS}" in line]

    def sweep(self, flow, call, place, times, action):
        step = MANY if times > 2 * MANY and flow is not self.flows[0] else 1
        for first in range(1, times + 3, step * self.stride):
            if not self.judge(flow, call, place, first, first, action):
                break
        if not any(fnmatch.fnmatch(f"{call}-{action}", pattern) for pattern in ONCE_ONLY):
            self.judge(flow, call, place, 1, FOR_EVER, action)

    def judge(self, flow, call, place, first, last, action):
        """False: nothing was failed, it was not made so often."""
        run, complaints = self.try_once(flow, call, place, first, last, action)
        if not run.injected:
            return False
        with self.lock:
            self.note(run, complaints, flow, call, place, first, last, action)
        return True

    def note(self, run, complaints, flow, call, place, first, last, action):
        mode = "once" if first == last else "from"
        expected = self.table.outcomes(call, place, f"{mode}-{action}")
        if flow.behind and mode == "once":
            expected = [*expected, "ok"]  # it dials again
        if run.outcome not in [outcome.rstrip("?") for outcome in expected]:
            complaints.append(f"ended with {run.status}; expected: {expected or 'nothing'}")
        if run.outcome != "ok" and f"{run.outcome}?" not in expected:
            complaints += self._silence(run)
        self.points += 1
        self.survived += run.outcome == "ok"
        self.places.add((call, place))
        print(flow.name, call, place, f"{mode}-{action}", first, run.status, run.sentence,
              complaints, sep="\t", file=self.seen, flush=True)
        if complaints:
            self.bad.append(f"{flow.name}: {call} {place} {mode}-{action}, time {first}: "
                            f"{'; '.join(complaints)}\n          {run.err.strip()[-400:]}")

    @staticmethod
    def _silence(run):
        return [] if run.sentence else ["no sentence tells why"]

    def told(self):
        for bad in self.bad:
            print(f"  FAILED  {bad}")
        stale = self.table.stale() if self.stride == 1 else []
        for words in stale:
            print(f"  STALE   {words}: nothing comes of it any more")
        whole = "every one" if self.stride == 1 else f"a sample: one of {self.stride}"
        print(f"  CALLS   {self.points} system calls failed ({whole}) at {len(self.places)} places "
              f"of {len(self.flows)} flows: {self.survived} were survived, "
              f"{self.points - self.survived} ended as expected, {len(self.bad)} were wrong")
        return not self.bad and not stale and self.points > 0
