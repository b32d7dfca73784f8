#!/usr/bin/python3
"""What a subscriber never needs, from its start until it waits, and which variables it sets.

The kernel maps clean pages in windows around those that are touched. Help, errors, the other
commands, algorithms no broker chose lie apart from what is needed, and are then never mapped.
Small variables that are set share pages with each other. This writes the list of names for the
linker (config/layout.awk):

    tools/layout.py              trace build/thimble.full, write config/layout
    tools/layout.py --show       print what each part amounts to

It takes some minutes. Names that no longer exist do no harm; a function that is listed, and needed
now, costs up to 100 KB of resident memory, which tools/budget.py holds against its goal.
"""
import argparse
import bisect
import os
import pathlib
import re
import shutil
import subprocess
import sys
import textwrap

TOP = pathlib.Path(__file__).resolve().parents[1]
LIST = TOP / "config" / "layout"
WORK = pathlib.Path("build/layout")
SECONDS = 60  # under valgrind a connection takes a while; then the subscriber waits
PARTS = (("ec", "any"), ("ec", "tlsv1.2"), ("ec", "tlsv1.3"), ("rsa", "any"), ("rsa", "tlsv1.2"))
KINDS = (".text", ".rodata", ".bss")
SMALL_BYTES = 4096  # a variable that is larger has pages of its own
WORTH_BYTES = 24     # what is smaller stays where it is
COLUMNS = 100

sys.path.insert(0, str(TOP / "tools"))
from budget import ENVIRONMENT, Lab  # noqa: E402


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

def touched(lab, kind, version):
    """Addresses the program runs, reads or sets, behind a letter: I, L, M or S."""
    command = ["valgrind", "--tool=lackey", "--trace-mem=yes", "--log-fd=1",
               WORK / "thimble", "sub", *map(str, lab.arguments(kind, version)),
               "-t", "one/long/topic", "-W", str(SECONDS), f"--mem-report=json:{WORK / 'report'}"]
    print(f"  TRACE   {kind} {version}", file=sys.stderr, flush=True)
    trace = subprocess.Popen(["setpriv", "--pdeathsig", "TERM", *command], cwd=TOP, text=True,
                             env=ENVIRONMENT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    return {(line[:3].strip(), line[3:].split(",", 1)[0]) for line in trace.stdout
            if line[:3] in ("I  ", " L ", " M ", " S ")}


def counts(section, how):
    """A variable that is only read shares the kernel's page of zeros."""
    return not section[2].startswith(".bss") or how in "MS"


def needed(map_, lab, kind, version):
    """Sections that are touched."""
    found = set()
    for how, address in touched(lab, kind, version):
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
             "lost_strays", "made_up", "number", "printing", "text", "th_ledger_watch", "written"}


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


def chosen(sections_, found):
    """Per kind: code and constants that are not needed, variables that are."""
    lists = {}
    for kind in KINDS:
        wanted = kind == ".bss"
        used = {stem(each) for each in of_kind(found, kind)} | (set() if wanted else unseen())
        lists[kind] = [each for each in of_kind(sections_, kind)
                       if is_listed(each) and (stem(each) in used) == wanted]
    return lists


def listing(lists):
    text = "# Apart: .text, .rodata. Together: .bss. Made by tools/layout.py.\n"
    for kind, found in lists.items():
        words = sorted({stem(each) for each in found} | (OF_OTHERS if kind == ".bss" else set()))
        text += textwrap.fill(f"{kind}: {' '.join(words)}", COLUMNS, break_on_hyphens=False) + "\n"
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
        found = set.union(*(needed(map_, lab, *part) for part in PARTS))
    lists = chosen(map_.sections, found)
    for kind, each in lists.items():
        print(f"  {kind:8} {sum(section[1] for section in each):8,} bytes")
    if not arguments.show:
        LIST.write_text(listing(lists))
    return 0


if __name__ == "__main__":
    sys.exit(main())
