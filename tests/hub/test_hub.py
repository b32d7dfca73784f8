"""Many connections in one process, in the profile hub: memory is flat, nobody waits for ever."""
import contextlib
import json
import pathlib
import platform
import re
import select
import socket
import subprocess

import pytest

from conftest import restart_broker
from fake import FakeBroker
from program import ALL

TOP = pathlib.Path(__file__).resolve().parents[2]
BUILD = TOP / "build" / "hub"
IDLE_MOST_BYTES = 20480  # private dirty, for each connection
SHARE_MOST_BYTES = 180000  # the program's own, TLS context included
COUNTS = [1, 10, 100, 1000] if ALL else [1, 10, 100]
RESTARTED = ["ec", "rsa"] if ALL else ["ec"]
HELD_MOST = 4  # TH_LEASES
LEASE_SECONDS = 10  # TH_LEASE_MS
ACK_SECONDS = 30  # TH_SESSION_ACK_DEFAULT_MS: the next deadline that would end it
LEASES = ("handshake_heaps", "record_cells")


def assert_leases_kept(figures):
    for name in LEASES:
        assert 0 < figures[name]["held_peak"] <= figures[name]["count"] == HELD_MOST, figures
        assert figures[name]["held"] == figures[name]["waiting"] == 0, figures


def quotients(figures):
    """What each connection costs, between two measurements."""
    pairs = zip(figures, figures[1:])
    return [(more["private_dirty_bytes"] - less["private_dirty_bytes"]) /
            (more["opened"] - less["opened"]) for less, more in pairs]


def budget(kind):
    """What is written down for this wolfSSL and processor; None: figures are told, not judged."""
    version = re.search(r'TH_BUILD_WOLFSSL "([^"]*)"', (BUILD / "gen" / "version.h").read_text())
    entries = json.loads((TOP / "config" / "budget.json").read_text())["entries"]
    return entries.get(f"hub-many/{platform.machine()}/{version.group(1)}", {}).get(f"idle-{kind}")


def assert_within_budget(kind, measured):
    wanted = budget(kind) or measured
    assert measured["block_bytes"] <= wanted["block_bytes"]
    assert measured["context_bytes"] <= wanted["context_bytes"]
    assert measured["private_dirty_each_bytes"] <= wanted["private_dirty_each_bytes"] * 1.03


# ---- units ----------------------------------------------------------------------------------------

UNITS = [BUILD / "test_annex",
         *(TOP / path for path in ((BUILD / "units").read_text().split() if ALL else []))]


@pytest.mark.parametrize("program", UNITS, ids=lambda path: path.name)
def test_units(program):
    """Under ASan and UBSan; with THIMBLE_CHECK=all those of mem and client, built with leases."""
    done = subprocess.run([program], capture_output=True, text=True, timeout=300, check=False)
    text = done.stdout + done.stderr
    assert done.returncode == 0 and "[  PASSED  ]" in text, text[-3000:]


# ---- memory ---------------------------------------------------------------------------------------

def open_up_to(hub, count):
    """The first ten one by one: of what several at once have leased the pages stay touched, which is
    no connection's own, and three pages count when nine share them."""
    for number in range(1, min(count, 10) + 1):
        hub.do("open", number)
    assert hub.do("open", count)["up"] == count


@pytest.mark.parametrize("kind", ["ec", "rsa"])
def test_idle_memory_is_flat(many, kind, record_property):
    hub = many(kind=kind)
    figures = []
    for count in COUNTS:
        open_up_to(hub, count)
        figures.append(hub.idle())
    each = quotients(figures)
    record_property(f"hub {kind}", f"{figures[0]['private_dirty_bytes']} B for the first, then "
                    + ", ".join(f"{bytes:.0f}" for bytes in each) + " B each, up to "
                    + f"{COUNTS[-1]}; handshakes {figures[-1]['handshake_heaps']}")
    assert all(bytes <= IDLE_MOST_BYTES for bytes in each), each
    assert figures[0]["private_dirty_bytes"] <= SHARE_MOST_BYTES + IDLE_MOST_BYTES
    assert max(each) - min(each) <= 0.06 * max(each), each
    assert_within_budget(kind, {"private_dirty_each_bytes": max(each),
                                "block_bytes": figures[-1]["block_bytes"],
                                "context_bytes": figures[-1]["context_bytes"]})
    assert figures[-1]["lost"] == 0
    assert figures[-1]["handshake_heaps"]["waits"] > 0
    assert_leases_kept(figures[-1])
    hub.end()


def test_without_leases_it_costs_twice_as_much(many, record_property):
    """The same program with the library as it is in default: the measurement can fail."""
    other = many(program=TOP / "build" / "many")
    figures = []
    for count in 1, 10:
        other.do("open", count)
        figures.append(other.idle())
    each, = quotients(figures)
    record_property("default", f"{each:.0f} B each")
    assert each > 1.5 * IDLE_MOST_BYTES
    other.end()


def test_memory_of_messages_goes_back(many):
    """Payloads beyond the window, and records of the largest size, on all connections."""
    hub = many()
    hub.do("open", 100)
    before = hub.idle()["private_dirty_bytes"]
    for command, bytes in ("publish", 10), ("publish", 7000), ("broadcast", 40000):
        assert hub.do(command, bytes)["delivered"] == 100
        after = hub.idle()
        assert after["private_dirty_bytes"] <= before * 1.04, (command, bytes)
        assert after["private_dirty_bytes"] <= SHARE_MOST_BYTES + 100 * IDLE_MOST_BYTES
    assert after["lost"] == 0
    assert_leases_kept(after)
    hub.end()


def test_an_idle_connection_costs_no_time(many, record_property):
    """Nobody is stepped, and poll(2) is left when the rest is over; once more for its fractions."""
    hub = many()
    hub.do("open", 100)
    hub.idle()
    rested = hub.do("rest", 2000)
    record_property("100 idle for 2 s", f"{rested['cpu_us']} us of the processor")
    assert rested["steps"] == 0 and rested["turns"] <= 2, rested
    hub.end()


@pytest.mark.skipif(not ALL, reason="a sample: make hub, make check-all")
@pytest.mark.parametrize("kind", ["ec", "rsa"])
def test_the_program_measures_it_itself(lab, kind, record_property):
    """As test_idle_memory_is_flat, with thimble bench."""
    done = subprocess.run([BUILD / "thimble", "bench", *map(str, lab.tls(kind)), "--connections",
                           "1000", "--json"], stdout=subprocess.PIPE, timeout=600, check=True)
    rows = json.loads(done.stdout)
    each = [row["private_dirty_each_bytes"] for row in rows[1:]]
    record_property(f"bench {kind}", f"{each} B each, {rows[-1]['opened_per_s']} opened in a second")
    assert [row["connections"] for row in rows] == [1, 10, 100, 1000]
    assert all(bytes <= row["planned_each_bytes"] <= IDLE_MOST_BYTES
               for bytes, row in zip(each, rows[1:]))
    assert max(each) - min(each) <= 0.06 * max(each), each
    assert rows[-1]["cpu_each_us_per_s"] < 100


# ---- storms ---------------------------------------------------------------------------------------

@pytest.mark.parametrize("kind", RESTARTED)
def test_a_broker_that_restarts_gets_all_back(many, lab, kind):
    hub = many(kind=kind)
    hub.do("open", 100)
    before = hub.idle()
    restart_broker(lab)
    assert hub.do("lose", 100)["lost"] >= 100
    assert hub.do("await")["up"] == 100
    after = hub.idle()
    assert after["private_dirty_bytes"] <= before["private_dirty_bytes"] + 100 * 1024
    assert hub.do("publish", 5000)["delivered"] == 100
    assert_leases_kept(hub.idle())
    hub.end()


# ---- peers that stall -------------------------------------------------------------------------------

def relay(port, forward):
    """A script: passes on what the client says; what the broker says goes through forward()."""
    def pass_all(peer, behind):
        pieces = forward(peer)
        next(pieces)
        while True:
            ready = select.select([peer.socket, behind], [], [])[0]
            data = ready[0].recv(65536)
            if not data:
                return
            if ready[0] is behind:
                pieces.send(data)
            else:
                behind.sendall(data)

    def script(peer):
        with socket.create_connection(("127.0.0.1", port)) as behind:
            with contextlib.suppress(ConnectionResetError, BrokenPipeError):
                pass_all(peer, behind)
    return script


def pass_on(peer):
    while True:
        peer.send((yield))


def half_a_record(peer):
    """Everything, up to the middle of the first large record; from then on nothing."""
    waiting = b""
    while True:
        waiting += (yield)
        while len(waiting) >= 5:
            whole = 5 + int.from_bytes(waiting[3:5], "big")
            if whole > 4000:
                peer.send(waiting[:2000])
                while True:
                    yield
            if len(waiting) < whole:
                break
            peer.send(waiting[:whole])
            waiting = waiting[whole:]


def swallow(peer):
    peer.drain()


def test_half_records_and_dead_handshakes_starve_nobody(many, lab):
    """All leases are held by those who stall; the fifth gets its turn when their time is over.
    Both kinds of lease at once, in two processes."""
    port = int(lab.ports["ec_port"])
    records = FakeBroker(*[relay(port, half_a_record)] * HELD_MOST, relay(port, pass_on))
    handshakes = FakeBroker(*[swallow] * HELD_MOST, relay(port, pass_on))
    stalled = many(port=records.port)
    for count in range(HELD_MOST + 1):  # in this order
        stalled.do("open", count + 1)
    stalled.ask("publish", 6000, 1)  # the fifth may come first: then it waits the second time
    stalled.ask("rest", 500)
    stalled.ask("publish", 6000, 1)
    silent = many(port=handshakes.port)
    silent.ask("open", HELD_MOST + 1, 1)
    for answers in [stalled.answer() for _ in range(3)], [silent.answer()]:
        took_ms = sum(figures["took_ms"] for figures in answers)
        assert all(figures["done"] for figures in answers), answers
        assert answers[-1]["last_fault"] == "timeout" and answers[-1]["lost"] >= 1, answers
        assert LEASE_SECONDS * 900 < took_ms < ACK_SECONDS * 1000, answers
    for one in stalled, silent:
        one.stop()
    for broker in records, handshakes:
        broker.close()
        broker.check()
