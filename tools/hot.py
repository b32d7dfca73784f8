#!/usr/bin/python3
"""Which code a subscriber runs, which constants it reads and which variables it sets, from its
start until it waits.

The kernel maps clean pages in windows of 64 KB around those that are touched. What is needed lies
side by side in the binary, and the rest (help, errors, the other commands, algorithms a broker
did not choose) is then never mapped. Small variables that are set share pages with each other,
not with what is never used. This writes the list of names for the linker:

    tools/hot.py                 trace build/hot/thimble, write config/hot
    tools/hot.py --show          print what each part amounts to

First what a connection with EC keys needs, behind it what others need in addition. A name that
does not exist any more is ignored, one that is missing costs resident memory, which
tools/budget.py holds against its goal.
"""
import argparse
import bisect
import os
import pathlib
import re
import subprocess
import sys
import textwrap

TOP = pathlib.Path(__file__).resolve().parents[1]
LIST = TOP / "config" / "hot"
WORK = pathlib.Path("build/hot")
SECONDS = 60  # under valgrind a connection takes a while; then the subscriber waits
PARTS = (("ec", "any"), ("ec", "tlsv1.2"), ("rsa", "any"), ("rsa", "tlsv1.2"))
KINDS = (".text", ".rodata", ".bss")
SMALL_BYTES = 4096  # what is larger has pages of its own
UNSEEN = (".rodata.reset.str1.1",)  # paths: only the kernel reads them
COLUMNS = 100

sys.path.insert(0, str(TOP / "tools"))
from budget import ENVIRONMENT, Lab  # noqa: E402


# ---- the map the linker wrote ----------------------------------------------------------------

SECTION = re.compile(r" (\.(?:text|rodata|bss)\S*)(?:\s+0x([0-9a-f]+)\s+0x([0-9a-f]+) (\S+))?$")
CONTINUED = re.compile(r" {16}0x([0-9a-f]+)\s+0x([0-9a-f]+) (\S+)$")


def sections():
    """(address, bytes, name, file) of each input section, in the order of addresses."""
    found, name = [], None
    for line in (TOP / WORK / "thimble.map").read_text().splitlines():
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
    """The script has all of libc; variables that are only read share the kernel's zeros."""
    _, size, name, file = section
    if "libc.a(" in file:
        return False
    return not name.startswith(".bss") or how in "MS" and size < SMALL_BYTES


def needed(map_, lab, kind, version):
    """Sections that are touched."""
    found = set()
    for how, address in touched(lab, kind, version):
        section = map_.find(int(address, 16))
        if section and counts(section, how):
            found.add(section)
    return found


# ---- the list --------------------------------------------------------------------------------

def word(name):
    """".text.take.lto_priv.3" has another number tomorrow: "take". Texts: "take.str"."""
    stem = re.match(r"\.(?:text|rodata|bss)\.?((?:startup\.)?(?:(?!str1)[^.]*)?)", name).group(1)
    return (stem + ".str" if ".str1." in name else stem) or "."


def paragraph(found, kind):
    names = {each[2] for each in found}.union(UNSEEN)
    words = sorted({word(name) for name in names if name.startswith(kind)})
    return textwrap.fill(f"{kind}: {' '.join(words)}", COLUMNS, break_on_hyphens=False) + "\n"


def listing(parts):
    text = "# What a waiting subscriber has needed. Made by tools/hot.py.\n"
    return text + "".join(paragraph(found, kind) for found in parts for kind in KINDS
                          if any(each[2].startswith(kind) for each in found))


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--show", action="store_true", help="print, and write nothing")
    arguments = parser.parse_args()
    os.chdir(TOP)
    subprocess.run(["make", WORK / "thimble"], check=True, stdout=subprocess.DEVNULL)
    map_ = Map()
    with Lab(WORK / "lab") as lab:
        first, *others = (needed(map_, lab, *part) for part in PARTS)
    second = set.union(*others) - first
    for name, found in ("first", first), ("second", second):
        for kind in KINDS:
            total = sum(each[1] for each in found if each[2].startswith(kind))
            print(f"  {name:7} {kind:8} {total:8,} bytes")
    if not arguments.show:
        LIST.write_text(listing((first, second)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
