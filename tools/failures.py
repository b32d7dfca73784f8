#!/usr/bin/python3
"""Fails every allocation and every system call in turn.

    tools/failures.py memory [--stride N]    every allocation of the library, under sanitizers
    tools/failures.py --help

What may be tolerated stands, with its reason, in tests/failures/tolerated; what is not listed there
is a failure, and so is a line that nothing needs any more.
"""
import argparse
import concurrent.futures
import contextlib
import os
import pathlib
import subprocess
import sys
import tempfile
import threading

TOP = pathlib.Path(__file__).resolve().parents[1]
sys.dont_write_bytecode = True
sys.path.insert(0, str(TOP / "tests" / "integration"))

from lab import Mosquitto, free_port  # noqa: E402

WORK = TOP / "build" / "failures"
TABLES = TOP / "tests" / "failures"
PSK = "device:" + b"0123456789abcdef".hex()


class Trouble(Exception):
    """The campaign itself failed."""


# ---- brokers ---------------------------------------------------------------------------------

class Brokers:
    """Mosquitto behind good and bad certificates; ports by name."""

    def __init__(self, directory):
        self.directory = pathlib.Path(directory)
        self.pki = WORK / "pki"
        subprocess.run([TOP / "tools" / "lab.sh", "pki", self.pki], check=True)
        self.ports = {}
        self.started = [self._start("main", self._listeners()), self._start("scram", self._scram())]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for broker in self.started:
            broker.stop()

    def _start(self, name, lines):
        (self.directory / name).mkdir()
        return Mosquitto(self.directory / name, "persistence false", *lines).start()

    def _tls(self, name, roots, certificate, key, *more):
        self.ports[name] = free_port()
        return [f"listener {self.ports[name]} 127.0.0.1", *more,
                f"cafile {self.pki / roots / 'root.pem'}",
                f"certfile {self.pki / certificate}.pem", f"keyfile {self.pki / key}.key",
                "require_certificate true", "tls_version tlsv1.2"]

    def _pair(self, kind):
        server = f"{kind}/server"
        return [*self._tls(f"good-{kind}", kind, server, server),
                *self._tls(f"name-{kind}", kind, f"{server}-wrongname", server),
                *self._tls(f"authority-{kind}", kind, "other/server", "other/server")]

    def _psk(self):
        keys = self.directory / "keys"
        keys.write_text(PSK + "\n")
        self.ports["psk"] = free_port()
        return [f"listener {self.ports['psk']} 127.0.0.1", "psk_hint hello", f"psk_file {keys}",
                "tls_version tlsv1.2"]

    def _listeners(self):
        return ["allow_anonymous true", *self._pair("ec"), *self._pair("rsa"), *self._psk(),
                *self._tls("websocket-ec", "ec", "ec/server", "ec/server", "protocol websockets")]

    def _scram(self):
        plugin = self.directory / "scram.so"
        subprocess.run(["gcc", "-shared", "-fPIC", "-o", plugin,
                        TOP / "tests" / "integration" / "scram_plugin.c", "-lcrypto"], check=True)
        return [f"plugin {plugin}", "plugin_opt_password pencil",
                *self._tls("scram-ec", "ec", "ec/server", "ec/server")]

    def port(self, flow, broker, kind):
        if flow == "psk":
            return self.ports["psk" if broker == "good" else "good-ec"]
        if broker == "good":
            return self.ports.get(f"{flow}-{kind}") or self.ports[f"good-{kind}"]
        return self.ports[f"{broker}-{kind}"]

    def identity(self, kind):
        return {"ca": self.pki / kind / "root.pem", "cert": self.pki / kind / "client.pem",
                "key": self.pki / kind / "client.key"}


# ---- tables ----------------------------------------------------------------------------------

class Table:
    """Lines of words, a colon, and the reason. Which of them were of use is remembered."""

    def __init__(self, path):
        self.path, self.rows, self.used = path, [], set()
        for line in path.read_text().splitlines():
            if line.strip() and not line.startswith("#"):
                words, reason = line.split(" : ")
                self.rows.append((tuple(words.split()), reason.strip()))

    def use(self, row):
        self.used.add(row)

    def stale(self):
        return [" ".join(words) for words, _ in self.rows if words not in self.used]


# ---- memory ----------------------------------------------------------------------------------

FLOWS = {  # and the kinds of certificates it is lived with
    "connect": ("ec", "rsa"), "publish": ("ec", "rsa"), "subscribe": ("ec", "rsa"),
    "reconnect": ("ec", "rsa"), "websocket": ("ec",), "psk": ("ec",), "scram": ("ec",),
    "stream": ("ec",),
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
    names = [name for name in callers if name not in ALLOCATORS]
    interface = [name for name in names[1:] if name.startswith("wolf")]
    return names[0], interface[-1] if interface else names[1]


class Memory:
    """All sweeps of the driver, one process for each."""

    def __init__(self, brokers, driver, stride=1):
        self.brokers, self.driver, self.stride = brokers, driver, stride
        self.table = Table(TABLES / "tolerated")
        self.bad, self.points, self.ended, self.tolerated = [], 0, 0, 0
        self.one_at_a_time = threading.Lock()

    def command(self, flow, kind, version, broker, mode, **more):
        words = {"flow": flow, "tls": version, "broker": broker, "mode": mode,
                 "port": self.brokers.port(flow, broker, kind),
                 "good_port": self.brokers.port(flow, "good", kind),
                 **self.brokers.identity(kind), "stride": self.stride,
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
        where = (purpose, *site(callers.split()))
        if word == "failed":
            self.bad.append(f"{' '.join(what)} allocation {number} ({' '.join(where)}): {wrong}\n"
                            f"{callers}\n{errors[-2000:]}".rstrip())
        elif where in dict(self.table.rows):
            self.table.use(where)
        else:
            self.bad.append(f"{' '.join(what)} allocation {number}: tolerated, and not listed in "
                            f"{self.table.path}: {' '.join(where)}")

    def told(self):
        for bad in self.bad:
            print(f"  FAILED  {bad}")
        stale = self.table.stale() if self.stride == 1 else []
        for words in stale:
            print(f"  STALE   {words}: nothing tolerates it any more")
        whole = "every one" if self.stride == 1 else f"a sample: one of {self.stride}"
        print(f"  MEMORY  {self.points} allocations failed ({whole}): {self.ended} ended in the "
              f"documented error, {self.tolerated} were tolerated for {len(self.table.used)} "
              f"listed reasons, {len(self.bad)} were wrong")
        return not self.bad and not stale and self.points > 0


def memory(arguments):
    with tempfile.TemporaryDirectory() as directory, Brokers(directory) as brokers:
        return Memory(brokers, WORK / "memory", arguments.stride).run().told()


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("part", choices=["memory"])
    parser.add_argument("--stride", type=int, default=1, help="every N-th only")
    arguments = parser.parse_args()
    return 0 if {"memory": memory}[arguments.part](arguments) else 1


if __name__ == "__main__":
    sys.exit(main())
