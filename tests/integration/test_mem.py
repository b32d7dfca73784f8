"""thimble mem: what it says is what others see."""
import contextlib
import csv
import fcntl
import json
import os
import re
import shutil
import signal
import socket
import stat
import subprocess
import sys
import tempfile

import pytest

from lab import free_port
from program import IMAGE, SECONDS, THIMBLE, TOP, until


def output(*words):
    return subprocess.run([str(word) for word in words], check=True, text=True,
                          stdout=subprocess.PIPE).stdout


# ---- static ----------------------------------------------------------------------------------

OWNED = {".connections": "client_blocks", ".context": "context_blocks",
         ".process_heap": "process_heap", ".stack": "stack_memory"}
TOTALS = "code", "constants", "variables", "between", "memory", "file"


@pytest.fixture
def static(thimble):
    return json.loads(thimble("mem", "static", "--json").ends(0).out)


def sections(static):
    return {name: row for name, row in static.items() if name not in TOTALS}


def test_static_has_the_sections_of_the_file(static):
    listed = output("readelf", "-SW", IMAGE)
    rows = re.findall(r"\] (\S+) +\S+ +[0-9a-f]+ [0-9a-f]+ ([0-9a-f]+) [0-9a-f]+ +(\w*)", listed)
    there = {name: int(size, 16) for name, size, flags in rows if "A" in flags}
    assert {name: row["bytes"] for name, row in sections(static).items()} == there
    assert len(there) > 10


def test_static_adds_up_to_the_segments(static):
    listed = output("readelf", "-lW", IMAGE)
    mapped = sum(int(size, 16) for size in re.findall(r"LOAD +(?:0x\w+ +){4}0x(\w+)", listed))
    totals = {name: row["bytes"] for name, row in static.items() if name not in sections(static)}
    assert totals["memory"] == mapped
    assert totals["file"] == IMAGE.stat().st_size
    parts = ("code", "constants", "variables", "between")
    assert sum(totals[name] for name in parts) == mapped
    for kind in parts[:3]:
        assert totals[kind] == sum(row["bytes"] for row in sections(static).values()
                                   if row["kind"] == kind)
    assert 0 < totals["between"] < 3 * 4096


def test_static_knows_whose_the_large_objects_are(static):
    """The file before it was stripped has their names."""
    symbols = output("nm", "-S", f"{IMAGE}.full")
    for section, name in OWNED.items():
        size = re.search(rf"^\w+ (\w+) [bB] {name}$", symbols, re.M).group(1)
        assert static[section]["bytes"] == int(size, 16), name


def test_static_for_people_says_the_same(thimble, static):
    out = thimble("mem", "static").ends(0).out.decode()
    assert {name: int(size) for name, size in re.findall(r"^(\S+) +(\d+) ", out, re.M)} == \
        {name: row["bytes"] for name, row in static.items()}


def test_every_object_adds_up():
    """tools/static.py goes down to each object of build/thimble, and comes to the same sums."""
    static = json.loads(output(TOP / "build" / "thimble", "mem", "static", "--json"))
    parts = json.loads(output(sys.executable, TOP / "tools" / "static.py", "--json"))
    assert {name: sum(row["bytes"] for row in rows) for name, rows in parts.items()} == \
        {name: row["bytes"] for name, row in sections(static).items()}
    rows = [row for rows in parts.values() for row in rows]
    assert all(row["bytes"] > 0 for row in rows) and len(rows) > 1000
    owned = sum(row["bytes"] for row in rows if row["owner"] not in ("several", "alignment"))
    assert owned > 0.9 * sum(row["bytes"] for row in rows)


@pytest.mark.parametrize("words", [["nothing"], ["static", "more"], ["--json"]])
def test_wrong_words(thimble, words):
    thimble("mem", *words).ends(64, "mem: ")


def test_mem_alone_lists_its_views(thimble):
    assert b"thimble mem static" in thimble("mem").ends(0).out


# ---- trace -----------------------------------------------------------------------------------

def read_trace(path):
    with open(path, newline="") as file:
        return list(csv.DictReader(file, delimiter="\t"))


def traced(thimble, lab, topic, path, kind="ec", *words):
    return thimble("pub", *lab.tls(kind), "-t", topic, "-m", "x", "-q", "1", "--memory-trace",
                   path, *words, report=True).ends(0)


@pytest.mark.parametrize("kind", ["ec", "rsa"])
def test_trace_and_report_have_the_same_books(thimble, lab, topic, tmp_path, kind):
    report = traced(thimble, lab, topic, tmp_path / "trace", kind).report
    rows, live = read_trace(tmp_path / "trace"), 0
    for row in rows:
        live += int(row["bytes"])
        assert live == int(row["live"])
    assert max(int(row["live"]) for row in rows) == report["process"]["peak_bytes"]
    ours = [row for row in rows if row["heap"] == "TLS heap" and int(row["bytes"])]
    assert sum(int(row["bytes"]) > 0 for row in ours) == \
        report["allocations"]["taken_allocations"]
    assert sum(int(row["bytes"]) for row in ours) == 0
    assert live == 0, "what connections share was given back last"
    times = [int(row["us"]) for row in rows]
    assert times == sorted(times)


def test_trace_tells_the_phases(thimble, lab, topic, tmp_path):
    traced(thimble, lab, topic, tmp_path / "trace")
    phases = [row["phase"] for row in read_trace(tmp_path / "trace") if row["purpose"] == "phase"]
    assert phases[:6] == ["finding", "dialing", "shaking", "greeting", "up", "closing"]


def test_a_trace_that_cannot_be_written_ends(thimble, lab, topic, tmp_path):
    """Once, and the connection goes on."""
    done = traced(thimble, lab, topic, "/dev/full")
    assert done.err.count("the memory trace ends here: No space left on device") == 1
    refused = thimble("pub", *lab.tls(), "-t", topic, "-n", "--memory-trace", "/nonexistent/t")
    refused.ends_refused(66, "/nonexistent/t", "No such file")


def test_a_wrong_command_line_leaves_no_trace(thimble, lab, topic, tmp_path):
    """Whoever sees that it is wrong; and what was there stays. What fails otherwise is traced."""
    trace = tmp_path / "trace"
    words = ["pub", *lab.tls(), "-t", topic, "-n", "--memory-trace", trace]
    for wrong in ("--pin", "none"), ("--pin-ca", "none"), ("--ciphers", "none"), ("-q", "3"):
        thimble(*words, *wrong).ends(64)
        assert not trace.exists()
    trace.write_text("before")
    thimble(*words, "--pin", "none").ends(64)
    assert trace.read_text() == "before"
    thimble(*words, "--key", lab.path("ec", "server.key")).ends(71)
    assert read_trace(trace)


def test_a_trace_is_not_waited_for(thimble, lab, topic, tmp_path):
    """A pipe that nobody empties."""
    os.mkfifo(tmp_path / "pipe")
    end = os.open(tmp_path / "pipe", os.O_RDWR)
    fcntl.fcntl(end, fcntl.F_SETPIPE_SZ, 4096)
    done = traced(thimble, lab, topic, tmp_path / "pipe")
    os.close(end)
    assert "the memory trace ends here" in done.err


# ---- report of a running process -------------------------------------------------------------

NOBODY = ["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups"]


@pytest.fixture
def subscriber(thimble, lab, topic):
    """A subscriber that waits, with a status socket in a folder everybody may enter."""
    folder = tempfile.mkdtemp(prefix="th-", dir="/tmp")
    os.chmod(folder, 0o755)
    sockets = []

    def start(*words, path=None, name="status", **options):
        sockets.append(path or f"{folder}/{name}")
        run = thimble.start("sub", *lab.tls(), "-t", topic, "--status-socket", sockets[-1],
                            *words, **options)
        run.socket = sockets[-1]
        return run

    def up(*words, **options):
        run = start(*words, "--events", **options)
        until(lambda: b'"subscribed"' in run.out, "the subscription")
        return run
    up.start = start
    yield up
    thimble.stop()
    shutil.rmtree(folder)


def listen_and_read(path, seconds=SECONDS):
    with socket.socket(socket.AF_UNIX) as asker:
        asker.connect(path)
        asker.settimeout(seconds)
        return b"".join(iter(lambda: asker.recv(4096), b""))


def mode_of(path):
    return oct(stat.S_IMODE(os.lstat(path).st_mode))


def test_whoever_connects_gets_the_report(subscriber, thimble):
    run = subscriber("--sandbox", "auto", report=True)
    seen = json.loads(listen_and_read(run.socket))
    assert seen["format"]["name"] == "thimble memory report"
    assert seen["pools"]["tls_heap"]["live_bytes"] > 1000
    assert seen["process"]["rss_bytes"] > seen["process"]["private_dirty_bytes"] > 0
    run.signal(signal.SIGTERM).ends(0)
    for group in ("memory", "connection", "last_refusal", "sandbox"):
        assert seen[group] == run.report[group]
    assert seen.keys() == run.report.keys()
    assert not os.path.exists(run.socket), "it is gone with the process"


def test_a_signal_right_behind_an_answer(subscriber):
    """It may come while more to read is waited for, and is obeyed all the same."""
    for number in range(12):
        run = subscriber(name=str(number))
        for _ in range(number):
            listen_and_read(run.socket)
        run.signal(signal.SIGTERM).ends(0)


def test_mem_report_prints_what_mem_report_prints(subscriber, thimble):
    """Path or process, JSON or not; for people it is the report that is printed at the end."""
    run = subscriber("--mem-report")
    out = thimble("mem", "report", run.socket).ends(0).out.decode()
    assert thimble("mem", "report", run.pid).ends(0).out.decode()[:300] == out[:300]
    said = json.loads(thimble("mem", "report", run.pid, "--json").ends(0).out)
    assert said.keys() == json.loads(listen_and_read(run.socket)).keys()
    run.signal(signal.SIGTERM).ends(0)
    report = run.err[run.err.index("Memory of this connection"):]
    names = re.compile(r"^ *([A-Za-z][A-Za-z -]*[a-z])", re.M)
    assert names.findall(out)[:15] == names.findall(report)[:15]
    for name in ("static", "stack", "kernel"):
        line = re.compile(rf"^  {name} .*$", re.M)
        assert line.search(out).group() == line.search(report).group()


@pytest.mark.skipif(os.geteuid() != 0, reason="another user: NOT TESTED without root")
@pytest.mark.parametrize("mode, code", [("0600", 66), ("0660", 66), ("0666", 0)])
def test_who_may_ask(subscriber, thimble, mode, code):
    run = subscriber("--status-mode", mode)
    assert mode_of(run.socket) == "0o" + mode[1:]
    shutil.copy(THIMBLE, f"{os.path.dirname(run.socket)}/thimble")
    program = [*NOBODY, f"{os.path.dirname(run.socket)}/thimble", "mem", "report"]
    for what in (run.socket, str(run.pid)):
        done = subprocess.run([*program, what], capture_output=True, text=True)
        assert done.returncode == code, done.stderr
        assert ("Memory of this connection" in done.stdout) == (code == 0)
        assert ("--status-mode 0666: Permission denied" in done.stderr) == (code != 0)
    run.signal(signal.SIGTERM).ends(0)


def test_the_mode_is_not_the_umasks(subscriber):
    before = os.umask(0)
    try:
        run = subscriber()
    finally:
        os.umask(before)
    assert mode_of(run.socket) == "0o600"


def test_a_stale_socket_is_replaced(subscriber):
    run = subscriber()
    run.signal(signal.SIGKILL).end()
    assert os.path.exists(run.socket)
    again = subscriber(path=run.socket)
    assert json.loads(listen_and_read(again.socket))


def test_what_is_in_the_way_stays(subscriber, tmp_path):
    (tmp_path / "file").write_text("mine")
    subscriber.start(path=tmp_path / "file").ends_refused(66, "Address already in use")
    assert (tmp_path / "file").read_text() == "mine"
    first = subscriber()
    subscriber.start(path=first.socket).ends_refused(66, "Address already in use")
    assert json.loads(listen_and_read(first.socket))
    subscriber.start(path="/nonexistent/socket").ends_refused(66, "No such file")


def test_askers_who_do_not_read_hold_nothing_up(subscriber, thimble, lab, topic):
    run = subscriber()
    silent = [socket.socket(socket.AF_UNIX) for _ in range(30)]
    for each in silent:
        each.connect(run.socket)
    assert json.loads(listen_and_read(run.socket))
    thimble("pub", *lab.tls(), "-t", topic, "-m", "still here").ends(0)
    until(lambda: b"still here" in run.out, "the message")
    open_now = len(os.listdir(f"/proc/{run.pid}/fd"))
    for each in silent:
        each.close()
    assert json.loads(listen_and_read(run.socket))
    assert len(os.listdir(f"/proc/{run.pid}/fd")) == open_now < 12


def test_asking_costs_nothing_that_stays(subscriber):
    """A thousand reports: the books, the descriptors and the resident pages are as before."""
    run = subscriber()
    listen_and_read(run.socket)
    first = json.loads(listen_and_read(run.socket))
    for _ in range(1000):
        last = listen_and_read(run.socket)
    last = json.loads(last)
    for what in ("live_bytes", "private_dirty_bytes"):
        assert last["process"][what] == first["process"][what]
    assert last["pools"]["process_heap"] == first["pools"]["process_heap"]


def test_it_answers_before_there_is_a_connection(thimble, tmp_path, monkeypatch):
    """While it waits to dial again; and a socket is named from the folder of its process."""
    (tmp_path / "folder").mkdir()
    monkeypatch.chdir(tmp_path / "folder")
    run = thimble.start("sub", "-h", "127.0.0.1", "-p", free_port(), "--no-tls", "-t", "a",
                        "--wait-broker", "--status-socket=here")
    until(lambda: os.path.exists("here"), "the socket")
    seen = json.loads(listen_and_read("here"))
    assert seen["connection"]["tls_version"] == ""
    monkeypatch.chdir(tmp_path)
    assert b"TLS         none" in thimble("mem", "report", run.pid).ends(0).out
    run.signal(signal.SIGTERM).end()
    assert not os.path.exists("folder/here")


@pytest.mark.parametrize("what, code, text", [
    ("/nonexistent/socket", 4, "No such file"),
    ("999999999", 66, "/proc/999999999/cmdline"),
    ("this process", 64, "has no --status-socket"),
])
def test_nobody_to_ask(thimble, what, code, text):
    thimble("mem", "report", what.replace("this process", str(os.getpid()))).ends_refused(code, text)


@pytest.mark.parametrize("said", [b"", b"hello", b'{"memory": {"static_bytes": 1', b"x" * 100000])
def test_somebody_else_answers(thimble, tmp_path, said):
    path = str(tmp_path / "other")
    with socket.socket(socket.AF_UNIX) as other:
        other.bind(path)
        other.listen(1)
        run = thimble.start("mem", "report", path)
        asker, _ = other.accept()
        with contextlib.suppress(OSError):
            asker.sendall(said)
        asker.close()
        assert run.end() in (2, 27), run.story()
        assert run.out == b""


def test_mode_without_a_socket(thimble, lab, topic):
    thimble("sub", *lab.tls(), "-t", topic, "--status-mode", "0666").ends(64, "--status-socket")


def test_no_descriptor_for_an_asker(subscriber, thimble, lab, topic):
    """It is said, the socket goes, and the connection stays."""
    first = subscriber("--sandbox", "off")
    most = max(map(int, os.listdir(f"/proc/{first.pid}/fd"))) + 1
    run = subscriber("--sandbox", "off", name="scarce",
                     prefix=["prlimit", f"--nofile={most}:{most}"])
    with contextlib.suppress(OSError):
        listen_and_read(run.socket)
    run.says("no descriptor is left")
    until(lambda: not os.path.exists(run.socket), "the socket's end")
    thimble("pub", *lab.tls(), "-t", topic, "-m", "still here").ends(0)
    until(lambda: b"still here" in run.out, "the message")
