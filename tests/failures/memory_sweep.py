"""Every allocation of the library failed in turn, by the driver memory.c."""
import concurrent.futures
import contextlib
import os
import subprocess
import threading

from scene import TABLES, TOP, WORK, Table

DRIVER = WORK / "memory"
THRIFTY = WORK / "memory-thrifty"  # wolfSSL with its large variables in the heap
FLOWS = {  # and the kinds of certificates it is lived with
    "connect": ("ec", "rsa"), "publish": ("ec", "rsa"), "subscribe": ("ec", "rsa"),
    "reconnect": ("ec", "rsa"), "resume": ("ec", "rsa"), "trust": ("ec", "rsa"), "built-in": ("ec",),
    "websocket": ("ec",), "psk": ("ec",), "scram": ("ec",), "stream": ("ec",),
}
ALLOCATORS = {"__interceptor_backtrace", "note_refusal", "refuse", "gate", "take", "XMALLOC",
              "XREALLOC", "th_payer_take", "th_payer_resize"}


def wrong_brokers(flow):
    return ("stranger",) if flow == "psk" else ("name", "authority")


def sweeps():
    """(flow, kind, TLS version, broker, mode) of each."""
    for flow, kinds in FLOWS.items():
        for kind in kinds:
            for version in ("13", "12"):
                for broker in ("good", *wrong_brokers(flow)):
                    for mode in ("once", "from"):
                        yield flow, kind, version, broker, mode


def site(callers):
    """Who asked for the memory, and the function of wolfSSL's interface that led there."""
    names = [name for name in callers if name not in ALLOCATORS] + ["nobody", "nobody"]
    interface = [name for name in names[1:-2] if name.startswith("wolf")]
    return names[0], interface[-1] if interface else names[1]


class Memory:
    """All sweeps of the driver, one process for each."""

    def __init__(self, brokers, stride=1, driver=DRIVER):
        self.brokers, self.stride, self.driver = brokers, stride, driver
        self.table = Table(TABLES / ("tolerated" if driver == DRIVER else "tolerated-small-stack"))
        self.bad, self.points, self.ended, self.tolerated = [], 0, 0, 0
        self.one_at_a_time = threading.Lock()

    def command(self, flow, kind, version, broker, mode, **more):
        words = {"flow": flow, "tls": version, "broker": broker, "mode": mode,
                 "port": self.brokers.port(flow, broker, kind),
                 "good_port": self.brokers.port(flow, "good", kind),
                 **self.brokers.identity(kind), **self.brokers.trust(flow, kind), "stride": self.stride,
                 "first": 1 + (self.stride // 2 if mode == "from" else 0), **more}
        return [self.driver, *(f"{name}={value}" for name, value in words.items())]

    def sweep(self, *what, **more):
        """The plugin behind SCRAM knows one client at a time."""
        with self.one_at_a_time if what[0] == "scram" else contextlib.nullcontext():
            done = subprocess.run(self.command(*what, **more), cwd=TOP, text=True, timeout=3600,
                                  stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        return what, done

    def run(self):
        with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
            for what, done in pool.map(lambda what: self.sweep(*what), sweeps()):
                self.read(what, done)
        return self

    def read(self, what, done):
        lines = [line.split("\t") for line in done.stdout.splitlines()]
        if not lines or lines[-1][0] != "end":
            self.bad.append(f"{' '.join(what)}: no end\n{done.stdout}{done.stderr}")
            return
        for word, number, *rest in lines[:-1]:
            self.read_line(what, word, number, *rest, done.stderr)
        points, ended, tolerated, _ = map(int, lines[-1][1:])
        self.points += points
        self.ended += ended
        self.tolerated += tolerated

    def read_line(self, what, word, number, wrong, purpose, callers, errors):
        where = (word + (f"-{wrong}" if word == "misnamed" else ""), purpose,
                 *site(callers.split()))
        if word == "failed":
            self.bad.append(f"{' '.join(what)} allocation {number} ({' '.join(where)}): {wrong}\n"
                            f"{callers}\n{errors[-2000:]}".rstrip())
        elif not self._is_listed(*where, flow=what[0]):
            self.bad.append(f"{' '.join(what)} allocation {number}: {word}, and not listed in "
                            f"{self.table.path.name}: {' '.join(where)}")

    def _is_listed(self, word, *where, flow):
        """For every flow, or for this one."""
        return self.table.find(word, *where) or self.table.find(f"{word}-in-{flow}", *where)

    def told(self):
        for bad in self.bad:
            print(f"  FAILED  {bad}")
        stale = self.table.stale() if self.stride == 1 else []
        for words in stale:
            print(f"  STALE   {words}: nothing tolerates it any more")
        whole = "every one" if self.stride == 1 else f"a sample: one of {self.stride}"
        print(f"  MEMORY  {self.points} allocations failed ({whole}): {self.ended} ended in the "
              f"documented error, {self.tolerated} were tolerated; {len(self.table.used)} reasons "
              f"are listed, {len(self.bad)} were wrong")
        return not self.bad and not stale and self.points > 0
