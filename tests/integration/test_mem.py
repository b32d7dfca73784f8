"""thimble mem: what it says is what others see."""
import json
import re
import subprocess
import sys

import pytest

from program import THIMBLE, TOP


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
    listed = output("readelf", "-SW", THIMBLE)
    rows = re.findall(r"\] (\.\S+) +\S+ +[0-9a-f]+ [0-9a-f]+ ([0-9a-f]+) [0-9a-f]+ +(\w*)", listed)
    there = {name: int(size, 16) for name, size, flags in rows if "A" in flags}
    assert {name: row["bytes"] for name, row in sections(static).items()} == there
    assert len(there) > 10


def test_static_adds_up_to_the_segments(static):
    listed = output("readelf", "-lW", THIMBLE)
    mapped = sum(int(size, 16) for size in re.findall(r"LOAD +(?:0x\w+ +){4}0x(\w+)", listed))
    totals = {name: row["bytes"] for name, row in static.items() if name not in sections(static)}
    assert totals["memory"] == mapped
    assert totals["file"] == THIMBLE.stat().st_size
    parts = ("code", "constants", "variables", "between")
    assert sum(totals[name] for name in parts) == mapped
    for kind in parts[:3]:
        assert totals[kind] == sum(row["bytes"] for row in sections(static).values()
                                   if row["kind"] == kind)
    assert 0 < totals["between"] < 3 * 4096


def test_static_knows_whose_the_large_objects_are(static):
    """The file before it was stripped has their names."""
    symbols = output("nm", "-S", f"{THIMBLE}.full")
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
