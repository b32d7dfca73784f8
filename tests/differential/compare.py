"""Runs rows with both clients, and says what differs."""
import concurrent.futures
import difflib
import fnmatch
import itertools
import pathlib
from dataclasses import dataclass, field

from arena import TOP, Stage

DIFFERENCES = pathlib.Path(__file__).parent / "differences"
ABSENT = "absent"


@dataclass
class Outcome:
    status: object
    stdout: str
    stderr: str
    connections: list = field(default_factory=list)


def run_one(brokers, row, name, ours, directory, times=1):
    stage = Stage(brokers, row, name, ours, directory / ("ours" if ours else "theirs"), times)
    status = stage.run()
    return Outcome(status, stage.file("stdout"), stage.file("stderr"), stage.connections())


# ---- what differs -------------------------------------------------------------------------------

def status_differences(theirs, ours):
    if theirs.status != ours.status:
        yield f"status {theirs.status} -> {ours.status}"


def stdout_differences(theirs, ours):
    """Line by line: "stdout -line" is theirs, "stdout +line" is ours."""
    lines = difflib.ndiff(theirs.stdout.splitlines(True), ours.stdout.splitlines(True))
    for line in lines:
        if line[0] in "+-":
            yield f"stdout {line[0]}{line[2:]!r}"


def stderr_differences(theirs, ours):
    """Messages have their own words; but where theirs is silent, ours is."""
    if not theirs.stderr and theirs.status == ours.status:
        yield from (f"stderr +{line!r}" for line in ours.stderr.splitlines(True))


def in_order(packets, row):
    """Where the order depends on who is faster, each kind is looked at on its own."""
    if not row.any_order:
        return packets
    return sorted(packets, key=lambda each: (each["packet"], each.get("id", 0)))


# What the broker's side says is compared as far as it depends on the client.
THEIR_FIELDS = ("packet", "flags", "id", "code", "codes", "reason", "topic", "payload", "session")


def without_goodbye(packets):
    return [each for each in packets if each["packet"] != "DISCONNECT"]


def side_differences(side, theirs, ours):
    if without_goodbye(theirs) == theirs and without_goodbye(ours) != ours:
        yield f"{side} only ours says goodbye"
        ours = without_goodbye(ours)
    names = [[each["packet"] for each in packets] for packets in (theirs, ours)]
    if names[0] != names[1]:
        yield f"{side} {' '.join(names[0]) or 'nothing'} -> {' '.join(names[1]) or 'nothing'}"
        return
    for one, other in zip(theirs, ours):
        for name in sorted(one.keys() | other.keys(), key=str):
            a, b = one.get(name, ABSENT), other.get(name, ABSENT)
            if a != b:
                yield from field_differences(f"{side} {one['packet']}.{name}", a, b)


def field_differences(where, theirs, ours):
    if not where.endswith("properties") or ABSENT in (theirs, ours):
        yield f"{where} {theirs!r} -> {ours!r}"
        return
    gone = [each for each in theirs if each not in ours]
    new = [each for each in ours if each not in theirs]
    for name, value in gone:
        yield f"{where} -{name} {value!r}"
    for name, value in new:
        yield f"{where} +{name} {value!r}"
    if not gone and not new:
        yield f"{where} in another order {theirs!r} -> {ours!r}"


def wire_differences(row, theirs, ours):
    counts = len(theirs.connections), len(ours.connections)
    if counts[0] != counts[1]:
        yield f"connections {counts[0]} -> {counts[1]}"
        return
    for one, other in zip(theirs.connections, ours.connections):
        yield from side_differences("sent", in_order(one[0], row), in_order(other[0], row))
        yield from side_differences("received", *([
            {name: each[name] for name in THEIR_FIELDS if name in each}
            for each in in_order(side, row) if each["packet"] not in row.deaf]
            for side in (one[1], other[1])))


def differences(row, theirs, ours):
    found = itertools.chain(status_differences(theirs, ours), stdout_differences(theirs, ours),
                            stderr_differences(theirs, ours), wire_differences(row, theirs, ours))
    return list(dict.fromkeys(found))


# ---- intended differences -----------------------------------------------------------------------

@dataclass
class Intended:
    row: str
    what: str
    reason: str
    must_occur: bool = True
    used: bool = False

    def concerns(self, row):
        return fnmatch.fnmatchcase(row, self.row)

    def covers(self, row, difference):
        return self.concerns(row) and fnmatch.fnmatchcase(difference, self.what)


def intended_of(line):
    row, what, reason = (part.strip() for part in line.split(" | "))
    row, what = (part.replace("[", "[[]") for part in (row, what))
    return Intended(row.removeprefix("~"), what, reason, not row.startswith("~"))


def read_intended():
    """Lines "row | what | reason"; in row and what * and ? stand for anything."""
    return [intended_of(line) for line in DIFFERENCES.read_text().splitlines()
            if line and not line.startswith("#")]


def unintended(row, found, intended):
    left = []
    for difference in found:
        covering = [each for each in intended if each.covers(row.name, difference)]
        for each in covering:
            each.used = True
        if not covering:
            left.append(difference)
    return left


# ---- the table ----------------------------------------------------------------------------------

def make_links(binary):
    """build/differential/mosquitto_pub and its sisters."""
    folder = TOP / "build" / "differential"
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("pub", "sub", "rr"):
        link = folder / f"mosquitto_{name}"
        link.unlink(missing_ok=True)
        link.symlink_to(binary)


def run_both(brokers, row, name, directory):
    """(row, theirs, ours). On a busy machine a packet may come late: they have four tries, and more
    time from one to the next."""
    for attempt, times in zip("abcd", (1, 2, 4, 8)):
        home = pathlib.Path(directory) / f"row{name}{attempt}"
        outcomes = [run_one(brokers, row, name + attempt, ours, home, times)
                    for ours in (False, True)]
        if not unintended(row, differences(row, *outcomes), read_intended()):
            break
    return [row, *outcomes]


def run_all(brokers, rows, directory, workers=6):
    """Yields (row, theirs, ours) as they are done."""
    with concurrent.futures.ThreadPoolExecutor(workers) as pool:
        yield from pool.map(lambda numbered: run_both(brokers, numbered[1], f"{numbered[0]:03}",
                                                      directory), enumerate(rows))


def run_theirs(brokers, rows, directory, workers=6):
    def alone(numbered):
        number, row = numbered
        home = pathlib.Path(directory) / f"row{number:03}"
        return [row, run_one(brokers, row, f"{number:03}", False, home), None]
    with concurrent.futures.ThreadPoolExecutor(workers) as pool:
        yield from pool.map(alone, enumerate(rows))
