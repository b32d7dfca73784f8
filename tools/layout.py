#!/usr/bin/python3
"""What a subscriber and the agent never need, from their start until they wait, and which variables
they set.

The kernel maps clean pages in windows around those that are touched. Help, errors, the other
commands, algorithms no broker chose lie apart from what is needed, and are then never mapped. What
only the agent needs lies in a third place. Small variables that are set share pages with each
other. This writes the list of names for the linker (config/layout.awk):

    tools/layout.py              trace build/thimble.full, write config/layout
    tools/layout.py --show       print what each part amounts to

It takes some minutes. Names that no longer exist do no harm; a function that is listed, and needed
now, costs up to 100 KB of resident memory, which tools/budget.py holds against its goal.
"""
import argparse
import bisect
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import textwrap
import threading
import time

TOP = pathlib.Path(__file__).resolve().parents[1]
LIST = TOP / "config" / "layout"
WORK = pathlib.Path("build/layout")
PATIENCE_SECONDS = 600  # under valgrind a connection takes a while
REST_SECONDS = 15       # then it waits, and is watched so long
PARTS = (("ec", "any"), ("ec", "tlsv1.2"), ("ec", "tlsv1.3"), ("rsa", "any"), ("rsa", "tlsv1.2"))
KINDS = (".text", ".rodata", ".bss")
SMALL_BYTES = 6144  # a variable that is larger has pages of its own
WORTH_BYTES = 24     # what is smaller stays where it is
COLUMNS = 100

sys.path.insert(0, str(TOP / "tools"))
from budget import ENVIRONMENT, Lab, agent  # noqa: E402


# ---- the map the linker wrote ----------------------------------------------------------------

SECTION = re.compile(r" (\.(?:text|rodata|bss)\S*)(?:\s+0x([0-9a-f]+)\s+0x([0-9a-f]+) (\S+))?$")
CONTINUED = re.compile(r" {16}0x([0-9a-f]+)\s+0x([0-9a-f]+) (\S+)$")


def sections():
    """(address, bytes, name, file) of each input section, in the order of addresses."""
    found, name = [], None
    for line in (TOP / WORK / "map").read_text().splitlines():
        match = SECTION.match(line)
        if match:
            name = match.group(1)
            place = match.groups()[1:]
        else:
            match = CONTINUED.match(line)
            place = match.groups() if match and name else (None,) * 3
        if place[0]:
            found.append((int(place[0], 16), int(place[1], 16), name, place[2]))
            name = None
    return sorted(each for each in found if each[0] and each[1])


class Map:
    def __init__(self):
        self.sections = sections()
        self.addresses = [each[0] for each in self.sections]

    def find(self, address):
        at = bisect.bisect_right(self.addresses, address) - 1
        section = self.sections[max(at, 0)]
        return section if 0 <= address - section[0] < section[1] else None


# ---- what is touched -------------------------------------------------------------------------

def subscriber(lab, kind, version, topic):
    return [WORK / "thimble", "sub", *lab.arguments(kind, version), "-t", topic,
            f"--mem-report=json:{WORK / 'report'}"]


def idle_agent(lab, kind, version, topic):
    return agent(WORK / "thimble", lab, kind, version, WORK, topic)


def busy_agent(lab, kind, version, topic):
    """It sends what it is handed, and prints what comes back."""
    return idle_agent(lab, kind, version, topic) + ["--stdin"]


def accesses(lines):
    for line in lines:
        if line[:3] in (b"I  ", b" L ", b" M ", b" S "):
            yield line[:3].strip().decode(), line[3:].split(b",", 1)[0]


def touched(lab, command, kind, version):
    """Addresses the program runs, reads or sets, behind a letter: I, L, M or S."""
    topic, lines = f"{command.__name__}/{kind}/{version}", set()
    print(f"  TRACE   {topic}", file=sys.stderr, flush=True)
    trace = subprocess.Popen(
        ["setpriv", "--pdeathsig", "TERM", "valgrind", "--tool=lackey", "--trace-mem=yes",
         "--log-fd=1", *map(str, command(lab, kind, version, topic)),
         "--timeout", str(PATIENCE_SECONDS)], cwd=TOP,
        env=ENVIRONMENT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    reader = threading.Thread(target=lines.update, args=(trace.stdout,))  # fast: the broker waits
    reader.start()
    trace.stdin.write(json.dumps({"topic": topic, "payload": "x" * 64}).encode() + b"\n")
    trace.stdin.flush()
    lab.await_subscription(topic, PATIENCE_SECONDS)
    time.sleep(REST_SECONDS)
    seen = lines.copy()
    trace.terminate()
    reader.join()
    return set(accesses(seen))


def counts(section, how):
    """A variable that is only read shares the kernel's page of zeros."""
    return not section[2].startswith(".bss") or how in "MS"


def needed(map_, lab, command, kind, version):
    """Sections that are touched."""
    found = set()
    for how, address in touched(lab, command, kind, version):
        section = map_.find(int(address, 16))
        if section and counts(section, how):
            found.add(section)
    return found


# ---- what valgrind does not see --------------------------------------------------------------

# Under valgrind the program does not lock itself in; every start outside does.
UNSEEN = ("src/sandbox/*.c", "src/cli/lock.c")


def unseen():
    """Names of functions and tables there, and of what they call."""
    sources = [path for pattern in UNSEEN for path in TOP.glob(pattern)]
    return {name for path in sources for name in re.findall(r"\b(\w+)[(\[]", path.read_text())}

# Variables that small and tiny set: no trace of default shows them.
OF_OTHERS = {"always_prefetch", "are_events_guarded", "completed", "events_fd", "fault",
             "lost_strays", "made_up", "printing", "text", "th_ledger_watch", "written"}


# ---- the list --------------------------------------------------------------------------------

def stem(section):
    """".text.take.lto_priv.3" has another number tomorrow: "take"."""
    return re.match(r"\.(?:text|rodata|bss)\.?((?:startup\.)?(?:(?!str1)[^.]*)?)", section[2])[1]


def of_kind(found, kind):
    return [each for each in found if each[2].startswith(kind)]


def is_listed(section):
    """libc is small and stays together; what has no name of its own cannot be named, and what is
    shared is sorted by its owners (config/outline)."""
    _, size, name, file = section
    shared = ".text.outlined" in name or ".str1." in name
    return "libc.a(" not in file and not shared and stem(section) and (
        size < SMALL_BYTES if name.startswith(".bss") else size >= WORTH_BYTES)


def stems(found, kind):
    return {stem(each) for each in of_kind(found, kind)}


def chosen(sections_, of_sub, of_agent):
    """Code and constants nobody needs, and what only the agent does; variables that are set."""
    lists = {}
    for kind in KINDS:
        listed = [each for each in of_kind(sections_, kind) if is_listed(each)]
        is_set = kind == ".bss"  # those are named that are needed; of the others, those that are not
        counted = set(listed) if is_set else set(sections_)  # a small one brings its namesakes along
        needed_ = stems(set(of_sub) & counted, kind) | (OF_OTHERS if is_set else unseen())
        others = [each for each in listed if stem(each) not in needed_]
        only = stems(set(of_agent) & counted, kind)
        lists["together " + kind if is_set else "cold " + kind] = [
            each for each in listed
            if (stem(each) in needed_ if is_set else stem(each) not in needed_ | only)]
        lists["agent " + kind] = [each for each in others if stem(each) in only]
    return lists


def order(section):
    """Of large variables only the beginning is set: they come last."""
    return (section[1] if section[2].startswith(".bss") else 0, stem(section))


def listing(lists):
    text = "# Which functions, constants and variables lie where. Made by tools/layout.py.\n"
    for place, found in lists.items():
        words = dict.fromkeys(sorted(OF_OTHERS if "together" in place else ()))
        words.update(dict.fromkeys(stem(each) for each in sorted(found, key=order)))
        text += textwrap.fill(f"{place}: {' '.join(words)}", COLUMNS,
                              break_on_hyphens=False) + "\n"
    return text


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--show", action="store_true", help="print, and write nothing")
    arguments = parser.parse_args()
    os.chdir(TOP)
    WORK.mkdir(parents=True, exist_ok=True)
    shutil.copy("build/thimble.full", WORK / "thimble")
    shutil.copy("build/thimble.map", WORK / "map")
    map_ = Map()
    with Lab(WORK / "lab") as lab:
        idle, busy = (needed(map_, lab, each, *PARTS[0]) for each in (idle_agent, busy_agent))
        of_agent = of_kind(idle, ".bss") + of_kind(busy, (".text", ".rodata"))
        of_sub = set.union(*(needed(map_, lab, subscriber, *part) for part in PARTS))
    lists = chosen(map_.sections, of_sub, of_agent)
    for place, each in lists.items():
        print(f"  {place:14} {sum(section[1] for section in each):8,} bytes")
    if not arguments.show:
        LIST.write_text(listing(lists))
    return 0


if __name__ == "__main__":
    sys.exit(main())
