"""thimble mem: what it says is what others see."""
import csv
import fcntl
import json
import os
import re
import subprocess
import sys

import pytest

from program import IMAGE, TOP


def output(*words):
    return subprocess.run([str(word) for word in words], check=True, text=True,
                          stdout=subprocess.PIPE).stdout


# ---- static ----------------------------------------------------------------------------------

OWNED = {".connections": "client_blocks", ".context": "context_block",
         ".process_heap": "process_heap", ".stack": "stack_memory"}


@pytest.fixture
def static(thimble):
    return json.loads(thimble("mem", "static", "--json").ends(0).out)


def sections(static):
    return {name: row for name, row in static.items() if name.startswith(".")}


def test_static_has_the_sections_of_the_file(static):
    listed = output("readelf", "-SW", IMAGE)
    rows = re.findall(r"\] (\.\S+) +\S+ +[0-9a-f]+ [0-9a-f]+ ([0-9a-f]+) [0-9a-f]+ +(\w*)", listed)
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


def test_every_object_adds_up(static):
    """tools/static.py goes down to each object, and comes to the same sums."""
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


def test_a_trace_is_not_waited_for(thimble, lab, topic, tmp_path):
    """A pipe that nobody empties."""
    os.mkfifo(tmp_path / "pipe")
    end = os.open(tmp_path / "pipe", os.O_RDWR)
    fcntl.fcntl(end, fcntl.F_SETPIPE_SZ, 4096)
    done = traced(thimble, lab, topic, tmp_path / "pipe")
    os.close(end)
    assert "the memory trace ends here" in done.err
