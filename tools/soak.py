#!/usr/bin/python3
"""Thousands of reconnects, most of which fail, in one process; nothing may grow. docs/audit.md.

    tools/soak.py [--attempts 10000] [--only thimble|stubborn|creep]

A broker of our own meets each attempt with the next trouble of its list. First the shipped binary:
`thimble sub`, which redials for ever. It ends where trying again cannot help, so a second program,
the same objects with another main(), is there for certificates and clients that are refused. What
each has after every trouble was met once with every kind of TLS, it must have after the last: live
bytes of each heap, descriptors, resident and private dirty memory. Prints both; build/soak.json.
"""
import argparse
import collections
import contextlib
import dataclasses
import json
import math
import os
import pathlib
import socket
import ssl
import struct
import subprocess
import sys
import time
import typing

TOP = pathlib.Path(__file__).resolve().parents[1]
sys.dont_write_bytecode = True
sys.path.insert(0, str(TOP / "tests" / "integration"))

from budget import ENVIRONMENT, Trouble, resident  # noqa: E402
from fake import Peer  # noqa: E402
from forge import server  # noqa: E402
from packets import PUBACK, packet, publish  # noqa: E402

WORK = pathlib.Path("build/soak")
DEADLINE_MS = 200
PATIENCE_SECONDS = 30
SETTLE_SECONDS = 0.1
MOST_LAPS = 3
LATE = {"private_dirty_bytes", "rss_bytes"}

# Round by round: the kind of the broker's certificate, and the version. And at how many places a
# handshake is cut. After so many rounds everything was met once.
TLS = (("ec", "1.3"), ("rsa", "1.2"), ("ec", "1.2"), ("rsa", "1.3"))
PLACES = 20
ALL_ONCE = math.lcm(len(TLS), PLACES)


# ---- the faults ----------------------------------------------------------------------------------

@dataclasses.dataclass
class Fault:
    """`play` meets a connection; None: nobody is there to meet it. `errors`: how the client may
    name what happened to it."""
    name: str
    play: typing.Callable
    errors: set
    passes: bool = True  # trying again can help: thimble sub does


def reset(connection):
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


def drain(connection):
    with contextlib.suppress(OSError):
        while connection.recv(65536):
            pass


def up_then_reset(storm, connection, round_):
    peer = storm.peer(connection, round_)
    peer.greet().grant()
    peer.reset()


def up_then_closed(storm, connection, round_):
    peer = storm.peer(connection, round_)
    peer.greet().grant()
    peer.send(publish("soak", b"m" * 3000, qos=1))
    peer.expect(PUBACK)
    peer.socket.close()


def reset_at_once(_, connection, __):
    reset(connection)


def handshake(tls):
    """True if it is done."""
    try:
        tls.do_handshake()
        return True
    except ssl.SSLWantReadError:
        return False


def reset_in_handshake(storm, connection, round_):
    """After so many bytes of ours; in each round at another place."""
    left, done = 1 + 95 * (round_ % PLACES), False
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    tls = storm.context(round_).wrap_bio(incoming, outgoing, server_side=True)
    while left > 0 and not done:
        incoming.write(connection.recv(65536))
        done = handshake(tls)
        ours = outgoing.read()[:left]
        connection.sendall(ours)
        left -= len(ours)
    reset(connection)


def no_tls(_, connection, __):
    connection.recv(4096)
    connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")
    drain(connection)


def closed_after_connect(storm, connection, round_):
    peer = storm.peer(connection, round_)
    peer.hear_connect()
    peer.socket.close()


def refuses(code):
    def play(storm, connection, round_):
        peer = storm.peer(connection, round_)
        peer.greet(code=code)
        peer.drain()
        peer.socket.close()
    return play


def silent(storm, connection, round_):
    """In turn: in the handshake, after CONNECT."""
    if round_ % 2:
        drain(connection)
        return
    peer = storm.peer(connection, round_)
    peer.hear_connect()
    peer.drain()
    peer.socket.close()


def shows(certificate, of=None):
    def play(storm, connection, round_):
        kind, version = TLS[round_ % len(TLS)]
        with contextlib.suppress(OSError):  # an SSLError is one: it was refused
            storm.tls(of or kind, version, certificate).wrap_socket(connection, server_side=True)
    return play


def breaks_rules(storm, connection, round_):
    peer = storm.peer(connection, round_)
    peer.greet().grant()
    peer.send(packet(15))
    peer.drain()
    peer.socket.close()


LOST = {"connection-closed", "receive-error"}
NO_TLS = LOST | {"handshake-failed", "tls-error"}
UP = Fault("up, then reset", up_then_reset, LOST)
FAULTS = [
    UP,
    Fault("nobody listens", None, {"tcp-connection-failed"}),
    Fault("reset at once", reset_at_once, NO_TLS | {"tcp-connection-failed"}),
    Fault("reset in the handshake", reset_in_handshake, NO_TLS),
    Fault("up, a message, then closed", up_then_closed, LOST),
    Fault("no TLS there", no_tls, NO_TLS),
    Fault("silent, in the handshake or after CONNECT", silent, {"timeout"}),
    Fault("closed after CONNECT", closed_after_connect, LOST),
    Fault("refused: unavailable", refuses(3), {"refused"}),
    Fault("refused: not authorized", refuses(5), {"refused"}, passes=False),
    Fault("certificate: expired", shows("server-expired.pem"), {"certificate-error"}, passes=False),
    Fault("certificate: of another host", shows("server-wrongname.pem"), {"invalid-server-name"},
          passes=False),
    Fault("certificate: nobody's", shows("server.pem", of="other"), {"certificate-error"},
          passes=False),
    Fault("rules of MQTT broken", breaks_rules, {"protocol-error"}, passes=False),
]


# ---- the broker ----------------------------------------------------------------------------------

class Storm:
    """Listens on one port, and meets one connection at a time."""

    def __init__(self, pki):
        self.pki = pki
        self.port = 0
        self.made = {}
        self.listen()

    def listen(self):
        self.listener = socket.create_server(("127.0.0.1", self.port), backlog=8)
        self.listener.settimeout(PATIENCE_SECONDS)
        self.port = self.listener.getsockname()[1]

    def tls(self, kind, version, certificate="server.pem"):
        key = kind, version, certificate
        if key not in self.made:
            folder = self.pki / kind
            self.made[key] = server(folder / certificate, folder / "server.key", version, version,
                                    clients=self.pki / "roots.pem")
        return self.made[key]

    def context(self, round_):
        return self.tls(*TLS[round_ % len(TLS)])

    def peer(self, connection, round_):
        return Peer(self.context(round_).wrap_socket(connection, server_side=True))

    def accept(self):
        try:
            connection, _ = self.listener.accept()
        except TimeoutError:
            raise Trouble("nobody came any more") from None
        connection.settimeout(PATIENCE_SECONDS)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return connection

    def meet(self, play, round_):
        """True if all was done; on a machine under load a deadline may pass first."""
        with self.accept() as connection:
            try:
                play(self, connection, round_)
                return True
            except (OSError, AssertionError):
                return False

    @contextlib.contextmanager
    def away(self):
        """Nobody listens."""
        self.listener.close()
        yield
        self.listen()


    def close(self):
        self.listener.close()


def certificates():
    """Those of the laboratory; both kinds are trusted."""
    folder = WORK / "pki"
    subprocess.run(["tools/lab.sh", "pki", folder], check=True, stdout=subprocess.DEVNULL,
                   stderr=subprocess.DEVNULL)
    roots = [(folder / kind / "root.pem").read_text() for kind in ("ec", "rsa")]
    (folder / "roots.pem").write_text("".join(roots))
    return folder


# ---- what is compared ----------------------------------------------------------------------------

def descriptors(pid):
    return len(os.listdir(f"/proc/{pid}/fd"))


def outside(pid):
    """What the kernel says of the process."""
    seen = resident(pid)
    return {"descriptors": descriptors(pid), "private_dirty_bytes": seen["private_dirty_bytes"],
            "rss_bytes": seen["rss_bytes"]}


def changed(looks):
    """Between the last two."""
    return {name for name in looks[-1] if looks[-2][name] != looks[-1][name]}


def rounds_for(attempts, faults):
    """At least so many attempts, in whole rounds, each kind of TLS as often as the others; and once
    more than it takes to meet everything."""
    every = len(faults) * len(TLS)
    return max(-(-attempts // every) * len(TLS), ALL_ONCE + len(TLS))


def progress(client, wanted):
    if client.rounds % 40 == 0 or client.rounds == wanted:
        print(f"  SOAK    {client.name}: round {client.rounds} of {wanted}", file=sys.stderr,
              flush=True)


# ---- the shipped binary --------------------------------------------------------------------------

class Shipped:
    """thimble sub, which connects again and again by itself."""

    name = "thimble sub"
    faults = [fault for fault in FAULTS if fault.passes]

    def __init__(self, storm, binary):
        self.storm, self.rounds, self.met = storm, 0, collections.Counter()
        folder = storm.pki / "ec"
        self.said, self.socket = WORK / "said", WORK / "status"
        self.read_bytes = 0
        seconds = str(DEADLINE_MS / 1000)
        self.process = subprocess.Popen(list(map(str, [
            binary, "sub", "-h", "localhost", "-p", storm.port, "-t", "soak", "-q", "1", "-V",
            "mqttv311", "--cafile", storm.pki / "roots.pem", "--cert", folder / "client.pem",
            "--key", folder / "client.key", "--retry", "inf", "--backoff", "0.001..0.001",
            "--timeout-tls", seconds, "--timeout-connack", seconds,
            "--status-socket", self.socket])), env=ENVIRONMENT, stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL, stderr=open(self.said, "wb"))

    def new_words(self):
        with open(self.said, "rb") as said:
            said.seek(self.read_bytes)
            words = said.read().decode(errors="replace")
        self.read_bytes += len(words)
        return words

    def await_refusal(self):
        until = time.monotonic() + PATIENCE_SECONDS
        while "refused" not in self.new_words():
            if time.monotonic() > until or self.process.poll() is not None:
                raise Trouble(f"{self.name}: nothing was refused: {self.said}")
            time.sleep(0.002)

    def meet(self, fault, round_):
        """False: once more."""
        if fault.play:
            return self.storm.meet(fault.play, round_)
        with self.storm.away():
            self.new_words()
            self.await_refusal()
        return True

    def ledger(self):
        """Asked through its status socket."""
        with socket.socket(socket.AF_UNIX) as asking:
            asking.connect(str(self.socket))
            answer = b"".join(iter(lambda: asking.recv(65536), b""))
        report = json.loads(answer)
        return {"live_bytes": report["process"]["live_bytes"],
                **{f"{name}_bytes": pool["live_bytes"] for name, pool in report["pools"].items()
                   if name in ("tls_heap", "record_cell", "shared_heap")}}

    def look(self):
        """Connected, subscribed, after a message; then cut off. The answer is a page longer when
        all counts have more digits: pages are counted before it is asked for, but the first time
        after one."""
        seen = {}

        def play(storm, connection, round_):
            peer = storm.peer(connection, round_)
            peer.greet().grant()
            peer.send(publish("soak", b"m", qos=1))
            peer.expect(PUBACK)
            time.sleep(SETTLE_SECONDS)
            if self.rounds == ALL_ONCE:
                self.ledger()
            pages = outside(self.process.pid)
            seen.update(**self.ledger(), **pages)
            peer.reset()
        while not seen:
            self.storm.meet(play, 0)
        return seen

    def end(self):
        self.process.terminate()
        code = self.process.wait(PATIENCE_SECONDS)
        if code != 0:
            raise Trouble(f"{self.name} ended with {code}: {self.said}")


# ---- the same objects, another main() ------------------------------------------------------------

class Stubborn:
    """tests/audit/soak.c: one attempt for each line it gets, whatever became of the last."""

    name = "stubborn"
    faults = FAULTS

    def __init__(self, storm, binary):
        self.storm, self.rounds, self.met = storm, 0, collections.Counter()
        folder = storm.pki / "ec"
        self.books = {}
        self.process = subprocess.Popen(list(map(str, [
            binary, "localhost", storm.port, storm.pki / "roots.pem", folder / "client.pem",
            folder / "client.key", DEADLINE_MS])), env=ENVIRONMENT, stdin=subprocess.PIPE,
            stdout=subprocess.PIPE)

    def begin(self):
        self.process.stdin.write(b"\n")
        self.process.stdin.flush()

    def outcome(self):
        """The error's name; keeps the books."""
        line = self.process.stdout.readline().decode().split()
        if len(line) != 5:
            raise Trouble(f"{self.name} is gone")
        self.books = dict(zip(("live_bytes", "shared_heap_bytes", "lent_blocks"),
                              map(int, line[1:4])))
        if int(line[4]):
            raise Trouble(f"{self.name}: {line[4]} allocations were refused")
        return line[0]

    def meet(self, fault, round_):
        if fault.play is None:
            with self.storm.away():
                self.begin()
                done, error = True, self.outcome()
        else:
            self.begin()
            done = self.storm.meet(fault.play, round_)
            error = self.outcome()
        if error in fault.errors:
            return True
        if done and error != "timeout":
            raise Trouble(f"{self.name}: {fault.name}: {error}")
        return False

    def look(self):
        """At rest, after a connection that was up."""
        while not self.meet(UP, 0):
            pass
        return {**self.books, **outside(self.process.pid)}

    def end(self):
        self.process.stdin.close()
        code = self.process.wait(PATIENCE_SECONDS)
        if code != 0:
            raise Trouble(f"{self.name} ended with {code}")


# ---- the whole -----------------------------------------------------------------------------------

def meet_all(client, round_):
    for fault in client.faults:
        while not client.meet(fault, round_):
            client.met["met once more"] += 1
        client.met[fault.name] += 1


def weather(client, rounds, wanted):
    """What it has after so many rounds."""
    for _ in range(rounds):
        meet_all(client, client.rounds)
        client.rounds += 1
        progress(client, wanted)
    return client.look()


def soak(client, rounds):
    """What it had after everything was met once, and after all rounds. Where a deadline passes by
    chance a page may be touched late, which is no growth: what grows, grows again; so if nothing
    else differs, as many rounds follow once more."""
    looks = [weather(client, ALL_ONCE, rounds)]
    looks.append(weather(client, rounds - ALL_ONCE, rounds))
    while changed(looks) and changed(looks) <= LATE and len(looks) <= MOST_LAPS:
        looks.append(weather(client, rounds, client.rounds + rounds))
    return looks


def run(kind, binary, pki, attempts):
    storm = Storm(pki)
    client = kind(storm, binary)
    began = time.monotonic()
    try:
        looks = soak(client, rounds_for(attempts, kind.faults))
        client.end()
    finally:
        storm.close()
        if client.process.poll() is None:
            client.process.kill()
            client.process.wait()
    return {"program": str(binary), "attempts": sum(client.met.values()),
            "rounds": client.rounds, "met": dict(client.met),
            "seconds": round(time.monotonic() - began), "looks": looks}


def tell(found):
    print(f"  {found['program']}: {found['attempts']:,} attempts, {found['rounds']} rounds, "
          f"{found['seconds']} s")
    for name, count in found["met"].items():
        print(f"    {count:>7,}  {name}")
    heads = ["after all once", "at the end", *["and once more"] * (len(found["looks"]) - 2)]
    print(f"    {'':22}" + "".join(f"{head:>16}" for head in heads))
    for name in found["looks"][0]:
        print(f"    {name:22}" + "".join(f"{look[name]:>16,}" for look in found["looks"]))
    for name in sorted(changed(found["looks"])):
        print(f"  GREW    {name}")


CLIENTS = {"thimble": (Shipped, pathlib.Path("build/thimble")),
           "stubborn": (Stubborn, pathlib.Path("build/audit/soak")),
           "creep": (Stubborn, pathlib.Path("build/audit/creep"))}


def read_options():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--attempts", type=int, default=10000, help="of each program (10000)")
    parser.add_argument("--only", choices=CLIENTS, help="creep leaks, and must be caught")
    parser.add_argument("--json", type=pathlib.Path, default=pathlib.Path("build/soak.json"))
    return parser.parse_args()


def main():
    options = read_options()
    os.chdir(TOP)
    WORK.mkdir(parents=True, exist_ok=True)
    pki, results = certificates(), []
    for name in [options.only] if options.only else ["thimble", "stubborn"]:
        results.append(run(*CLIENTS[name], pki, options.attempts))
        tell(results[-1])
    options.json.write_text(json.dumps(results, indent=1) + "\n")
    return 1 if any(changed(each["looks"]) for each in results) else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except Trouble as trouble:
        sys.exit(f"soak: {trouble}")
