#!/usr/bin/python3
"""An agent that lives with faults for an hour: nothing is lost, nothing grows. docs/audit.md.

    tools/soak-agent.py [--seconds 3600] [--pace 1] [--seed 1] [--json FILE]

A producer hands numbered messages of QoS 1 and 2 to the agent's inbox, which carries them over
mutual TLS through a road that we spoil, to mosquitto; a subscriber there keeps the ledger. Each
cycle meets every fault once, in another order: connections are reset, or cut off at any byte, the
road is a black hole, nobody listens, the broker restarts or stands still, the spool is full, SIGHUP
and SIGUSR1 come; in every third one the agent is killed (SIGKILL) and started again. Then the road
is good, the spool drains, and it is looked: every message that was accepted has arrived, none of
QoS 2 twice; and the process, at rest, has what it had before: live bytes of each heap, descriptors,
private dirty and resident memory.
"""
import argparse
import collections
import contextlib
import json
import os
import pathlib
import random
import re
import select
import shutil
import signal
import socket
import struct
import subprocess
import sys
import threading
import time

TOP = pathlib.Path(__file__).resolve().parents[1]
sys.dont_write_bytecode = True
sys.path.insert(0, str(TOP / "tests" / "integration"))

from budget import ENVIRONMENT, Trouble, resident  # noqa: E402
from lab import Mosquitto, free_port  # noqa: E402
from program import until  # noqa: E402

THIMBLE = pathlib.Path(os.environ.get("THIMBLE", "build/thimble"))
SPOOL_BYTES = 262144
PATIENCE_SECONDS = 120
# Pages are touched late, where a fault met something for the first time; what grows, grows on.
LATE_BYTES = {"private_dirty_bytes": 8192, "rss_bytes": 65536}


# ---- the road ------------------------------------------------------------------------------------

class Road:
    """Between agent and broker. `mode`: open, hole (nothing is passed on), or cut (after some
    bytes); or nobody listens."""

    def __init__(self, behind, chance):
        self.behind, self.chance, self.mode = behind, chance, "open"
        self.port, self.listener, self.pairs = free_port(), None, set()
        self.listen()

    def listen(self):
        self.listener = socket.create_server(("127.0.0.1", self.port), backlog=8)
        threading.Thread(target=self.accept, args=(self.listener,), daemon=True).start()

    def accept(self, listener):
        while True:
            try:
                front = listener.accept()[0]
            except OSError:
                return
            threading.Thread(target=self.carry, args=(front,), daemon=True).start()

    def carry(self, front):
        with contextlib.suppress(OSError), front:
            with socket.create_connection(("127.0.0.1", self.behind)) as back:
                self.pairs.add(front)
                self.pass_on(front, back)
        self.pairs.discard(front)

    def pass_on(self, front, back):
        other = {front: back, back: front}
        left = self.chance.randint(1, 9000)
        while True:
            for ready in select.select(list(other), [], [], 0.2)[0]:
                while self.mode == "hole":
                    time.sleep(0.01)
                data = ready.recv(65536)
                left -= len(data)
                if not data or (self.mode == "cut" and left <= 0):
                    return
                other[ready].sendall(data)

    def reset(self):
        for front in list(self.pairs):
            with contextlib.suppress(OSError):
                front.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                front.shutdown(socket.SHUT_RDWR)

    @contextlib.contextmanager
    def spoilt(self, mode):
        self.mode = mode
        yield
        self.mode = "open"

    @contextlib.contextmanager
    def away(self):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        self.reset()
        yield
        self.listen()


# ---- those around the agent ----------------------------------------------------------------------

class Broker(Mosquitto):
    """With sessions that outlive it, one port with mutual TLS, one plain for the ledger."""

    def __init__(self, directory, pki):
        self.tls_port = free_port()
        super().__init__(directory, "allow_anonymous true", "max_queued_messages 0",
                         "max_inflight_messages 0", "persistence true",
                         f"persistence_location {directory}/", f"listener {self.tls_port} 127.0.0.1",
                         f"cafile {pki}/ec/root.pem", f"certfile {pki}/ec/server.pem",
                         f"keyfile {pki}/ec/server.key", "require_certificate true")


class Ledger:
    """What a subscriber of the broker got: numbers. Once the broker of mosquitto 2.0.11 has restarted,
    mosquitto_sub is no witness alone: the broker sends what the subscriber had released once more (as
    a duplicate: d1), which it prints; and numbers its messages anew, so that one of QoS 2 is taken
    for another, acknowledged to the end, and not printed. So what was sent to it, and how often, is
    read in the broker's log as well."""

    SENT = re.compile(rb"Sending PUBLISH to ledger \((d\d, q\d), r0, m\d+, 'soak/(\d+)/")

    def __init__(self, broker, path):
        self.path, self.out = path, path.open("wb")
        self.log, self.read_bytes, self.seen = broker.log.path, 0, set()
        self.sent = collections.Counter()
        self.process = subprocess.Popen(
            ["mosquitto_sub", "-p", str(broker.port), "-q", "2", "-t", "soak/#", "-F", "%p", "-i",
             "ledger", "-c"], stdout=self.out, stderr=subprocess.DEVNULL)

    def numbers(self):
        self.read_log()
        lines = self.path.read_bytes().splitlines(True)
        return self.seen | {int(line) for line in lines if line.endswith(b"\n")}

    def read_log(self):
        with open(self.log, "rb") as log:
            log.seek(self.read_bytes)
            for line in log:
                if not line.endswith(b"\n"):
                    break
                self.read_bytes += len(line)
                for how, number in self.SENT.findall(line):
                    self.seen.add(int(number))
                    self.sent[int(number)] += how == b"d0, q2"

    def sent_again(self):
        """Those of QoS 2 that the broker got more than once."""
        self.read_log()
        return [number for number, count in self.sent.items() if count > 1]

    def close(self):
        self.process.terminate()
        self.process.wait()
        self.out.close()


class Producer(threading.Thread):
    """Hands in one message after the other, each until it is accepted, under one id."""

    def __init__(self, path, chance):
        super().__init__(daemon=True)
        self.path, self.chance = str(path), chance
        self.accepted, self.refused, self.again = {}, 0, 0
        self.pause_seconds, self.padding, self.ended = 0.02, 0, False

    def run(self):
        number = 0
        while not self.ended:
            number += 1
            self.hand_in(number, self.chance.choice([1, 2]))
            time.sleep(self.pause_seconds)

    def hand_in(self, number, qos):
        while not self.ended:
            with contextlib.suppress(OSError, ValueError):
                if self.is_accepted(number, qos):
                    self.accepted[number] = qos
                    return
                self.refused += 1
            self.again += 1
            time.sleep(0.02)

    def is_accepted(self, number, qos):
        with socket.socket(socket.AF_UNIX) as door:
            door.settimeout(60)
            door.connect(self.path)
            door.sendall(json.dumps({"topic": f"soak/{number}/" + "x" * self.padding,
                                     "payload": str(number), "qos": qos,
                                     "id": f"message {number}"}).encode() + b"\n")
            answer = json.loads(door.makefile().readline())
        return "accepted" in answer or "known" in answer


class Agent:
    def __init__(self, directory, pki, port):
        self.directory, self.process, self.starts = directory, None, 0
        self.inbox, self.status, self.spool = (directory / name for name in ("in", "status", "spool"))
        subprocess.run([THIMBLE, "identity", "import", "soak", "--cert", pki / "ec/client.pem", "--key",
                        pki / "ec/client.key", "--identity-dir", directory / "identities"], check=True,
                       stdout=subprocess.DEVNULL, env=ENVIRONMENT)
        (directory / "agent.json").write_text(json.dumps({
            "host": "localhost", "port": port, "id": "agent", "topic": "commands/#",
            "cafile": str(pki / "ec/root.pem"), "identity": "soak",
            "identity-dir": str(directory / "identities"), "backoff": "0.05s..0.5s", "keepalive": 5,
            "timeout": 2, "sandbox": "require", "spool": str(self.spool), "inbox": str(self.inbox),
            "spool-bytes": SPOOL_BYTES, "spool-full": "refuse",
            "status-socket": str(self.status)}))

    def start(self):
        self.starts += 1
        with open(self.directory / "said", "ab") as said:
            self.process = subprocess.Popen([THIMBLE, "agent", "-c", self.directory / "agent.json"],
                                            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                            stderr=said, env=ENVIRONMENT)
        until(self.ask, "the agent's status")

    def ask(self):
        """The answer of its status socket; None while there is nobody."""
        if self.process.poll() is not None:
            raise Trouble(f"the agent ended with {self.process.returncode}: {self.directory}/said")
        with contextlib.suppress(OSError, ValueError), socket.socket(socket.AF_UNIX) as asking:
            asking.settimeout(60)
            asking.connect(str(self.status))
            return json.loads(b"".join(iter(lambda: asking.recv(65536), b"")))

    def is_at_rest(self):
        """What it tells then."""
        told = self.ask()
        return told and told["agent"]["state"] in ("connected", "degraded") and \
            told["agent"]["spool_messages"] == 0 and told

    def kill(self):
        self.process.kill()
        self.process.wait()

    def end(self):
        self.process.terminate()
        if self.process.wait(PATIENCE_SECONDS) != 0:
            raise Trouble(f"the agent ended with {self.process.returncode}")


# ---- the faults ----------------------------------------------------------------------------------

class Soak:
    def __init__(self, directory, options):
        self.directory, self.pace = directory, options.pace
        self.chance = random.Random(options.seed)
        pki = directory / "pki"
        subprocess.run([TOP / "tools" / "lab.sh", "pki", pki], check=True, stdout=subprocess.DEVNULL,
                       stderr=subprocess.DEVNULL)
        (directory / "broker").mkdir()
        self.broker = Broker(directory / "broker", pki).start()
        self.road = Road(self.broker.tls_port, self.chance)
        self.ledger = Ledger(self.broker, directory / "ledger")
        self.agent = Agent(directory, pki, self.road.port)
        self.producer = Producer(self.agent.inbox, random.Random(options.seed + 1))
        self.met, self.looks = collections.Counter(), []

    def a_while(self, least=0.1, most=0.6):
        time.sleep(self.chance.uniform(least, most) * self.pace)

    def resets(self):
        for _ in range(3):
            self.road.reset()
            self.a_while()

    def cuts(self):
        with self.road.spoilt("cut"):
            self.a_while(0.5, 1.5)

    def black_hole(self):
        with self.road.spoilt("hole"):
            self.a_while(1, 4)

    def nobody_listens(self):
        with self.road.away():
            self.a_while(0.5, 1.5)

    def broker_restarts(self):
        self.broker.stop()
        self.a_while()
        self.broker.start()

    def broker_stands_still(self):
        self.broker.process.send_signal(signal.SIGSTOP)
        self.a_while(0.5, 3)
        self.broker.process.send_signal(signal.SIGCONT)

    def spool_is_full(self):
        refused = self.producer.refused
        with self.road.away():
            self.producer.pause_seconds, self.producer.padding = 0, 2000
            until(lambda: self.producer.refused > refused + 5, "a full spool", PATIENCE_SECONDS)
            self.producer.pause_seconds, self.producer.padding = 0.02, 0

    def signals(self):
        for number in signal.SIGHUP, signal.SIGUSR1:
            self.agent.process.send_signal(number)
            self.a_while()

    def killed(self):
        self.agent.kill()
        self.agent.start()

    FAULTS = (resets, cuts, black_hole, nobody_listens, broker_restarts, broker_stands_still,
              spool_is_full, signals)

    def cycle(self, number):
        faults = list(self.FAULTS) + [Soak.killed] * (number % 3 == 1)
        self.chance.shuffle(faults)
        for fault in faults:
            self.note(fault.__name__)
            fault(self)
            self.met[fault.__name__] += 1
            self.a_while()
        self.look(number)

    def note(self, fault):
        with open(self.directory / "faults", "a") as faults:
            faults.write(f"{time.time():.1f} {fault}\n")

    # ---- what is looked at ----

    def missing(self):
        """Accepted, and not there."""
        accepted = set(self.producer.accepted)
        return accepted - self.ledger.numbers()

    def look(self, cycle):
        self.producer.pause_seconds = 2  # at rest it still says something, now and then
        began = time.monotonic()
        until(self.agent.is_at_rest, "a spool that drains", PATIENCE_SECONDS)
        back_seconds = time.monotonic() - began
        until(lambda: not self.missing(), "every accepted message in the ledger", PATIENCE_SECONDS)
        if self.ledger.sent_again():
            raise Trouble(f"twice at QoS 2: {self.ledger.sent_again()}")
        for _ in range(2):
            self.reconnect()
        time.sleep(0.5)
        self.looks.append({"cycle": cycle, "process": self.agent.starts,
                           "back_seconds": round(back_seconds, 1), **self.figures()})
        print("  SOAK    " + json.dumps(self.looks[-1]), file=sys.stderr, flush=True)
        self.producer.pause_seconds = 0.02

    def reconnect(self):
        """The second time the session of TLS is resumed: it has other bytes than a full one."""
        before = self.agent.ask()["agent"]["reconnects"]
        self.road.reset()
        until(lambda: self.agent.ask()["agent"]["reconnects"] > before, "a connection again")

    def figures(self):
        pid = self.agent.process.pid
        told = until(self.agent.is_at_rest, "rest", PATIENCE_SECONDS)
        seen = resident(pid)
        return {"live_bytes": told["process"]["live_bytes"],
                **{f"{name}_bytes": pool["live_bytes"] for name, pool in told["pools"].items()
                   if name in ("tls_heap", "shared_heap")},
                "descriptors": len(os.listdir(f"/proc/{pid}/fd")),
                "private_dirty_bytes": seen["private_dirty_bytes"], "rss_bytes": seen["rss_bytes"]}

    def run(self, seconds):
        began, cycle = time.monotonic(), 0
        self.agent.start()
        self.producer.start()
        while time.monotonic() - began < seconds or cycle < 2:
            self.cycle(cycle)
            cycle += 1
        self.producer.ended = True
        self.producer.join(20)
        self.look(cycle)
        self.agent.end()

    def close(self):
        self.producer.ended = True
        if self.agent.process and self.agent.process.poll() is None:
            self.agent.kill()
        self.ledger.close()
        self.broker.stop(signal.SIGKILL)


# ---- the whole -----------------------------------------------------------------------------------

def grown(looks):
    """Figures of the last look that are above what any look of the first half had."""
    early, last = looks[:(len(looks) + 1) // 2], looks[-1]
    return {name for name in last if name.endswith("_bytes") or name == "descriptors"
            if last[name] > max(look[name] for look in early) + LATE_BYTES.get(name, 0)}


def result(soak, seconds):
    return {"seconds": round(seconds), "cycles": len(soak.looks), "met": dict(soak.met),
            "agent_starts": soak.agent.starts, "accepted": len(soak.producer.accepted),
            "refused": soak.producer.refused, "arrived": len(soak.ledger.numbers()),
            "at_qos_2": len(+soak.ledger.sent), "qos_2_again": len(soak.ledger.sent_again()),
            "lost": len(soak.missing()),
            "looks": soak.looks, "grown": sorted(grown(soak.looks))}


def tell(found):
    print(f"  agent: {found['seconds']} s, {found['cycles']} cycles, {found['accepted']:,} messages "
          f"accepted ({found['at_qos_2']:,} of QoS 2), {found['refused']} refused; lost {found['lost']}, "
          f"of QoS 2 twice {found['qos_2_again']}")
    print("    " + ", ".join(f"{name.replace('_', ' ')} {count}" for name, count in found["met"].items()))
    for name in found["looks"][0]:
        figures = [look[name] for look in found["looks"]]
        print(f"    {name:22}{figures[0]:>12,}{min(figures):>12,}{max(figures):>12,}{figures[-1]:>12,}")
    for name in found["grown"]:
        print(f"  GREW    {name}")


def read_options():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=3600, help="at least so long (3600)")
    parser.add_argument("--pace", type=float, default=1, help="how long faults take (1)")
    parser.add_argument("--seed", type=int, default=1, help="another order of faults (1)")
    parser.add_argument("--json", type=pathlib.Path, default=pathlib.Path("build/soak-agent.json"))
    return parser.parse_args()


def main():
    options = read_options()
    os.chdir(TOP)
    work = options.json.resolve().with_suffix("")
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True)
    began, soak = time.monotonic(), Soak(work, options)
    try:
        soak.run(options.seconds)
        found = result(soak, time.monotonic() - began)
    finally:
        soak.close()
    tell(found)
    options.json.write_text(json.dumps(found, indent=1) + "\n")
    return 1 if found["grown"] or found["lost"] or found["qos_2_again"] else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except (Trouble, AssertionError) as trouble:
        sys.exit(f"soak: {trouble}")
