#!/usr/bin/python3
"""What the linked image consists of: every object of `build/thimble`, by section and owner.

    tools/static.py              owners, and the largest objects of each section
    tools/static.py --all        every object
    tools/static.py --json       the same as JSON

The linker's map (build/thimble.map) says where each function and variable lies, the compiled files
say whose it is: a room of src/, mem, wolfSSL, cJSON, libc, or the compiler's. What several files
call by the same name, variables of the same size, too, is counted for all of them together. Sums are those of `thimble mem static`,
to the byte: what lies between objects is "alignment".
"""
import argparse
import collections
import json
import pathlib
import re
import subprocess
import sys

TOP = pathlib.Path(__file__).resolve().parents[1]
BUILD = TOP / "build"
OUTPUT = re.compile(r"^(\.\S+|lane_shares)(?:\s+0x([0-9a-f]+)\s+0x([0-9a-f]+))?$")
INPUT = re.compile(r"^ (\.\S+|COMMON|lane_shares)(?:\s+0x([0-9a-f]+)\s+0x([0-9a-f]+) (\S.*))?$")
TEXTS = {".rodata": "texts", ".rodata.str": "texts"}
PLACE = re.compile(r"^ {16}0x([0-9a-f]+)\s+0x([0-9a-f]+)(?: (\S.*))?$")
SYMBOL = re.compile(r"^ {16}0x([0-9a-f]+) {16}(\S+)$")
FUNCTION = re.compile(r" \.gnu\.lto_([A-Za-z_][\w.]*)\.\d+\.[0-9a-f]+ ")
VARIABLE = re.compile(r"^variable\s+\S+\s+(\d+)\s+([A-Za-z_]\w*)", re.M)
LARGEST = 6


class Object:
    def __init__(self, section, name, address, size, file):
        self.section, self.name, self.size = section, name, size
        self.address, self.file, self.symbols = address, file, []

    @property
    def label(self):
        """The variable or function; of what has no section for itself, its file."""
        parts = self.name.split(".", 2)
        if len(parts) > 2 and not parts[2].startswith(("str", "cst")):
            return parts[2].removeprefix("startup.").split(".")[0]
        return self.symbols[0] if self.symbols else TEXTS.get(self.name[:11], "other")


def lines_of_map():
    text = (BUILD / "thimble.map").read_text()
    return text[text.index("Linker script and memory map"):].splitlines()


def read_map():
    """Sections with their sizes, and the objects in them."""
    sizes, objects, section, name = {}, [], None, None
    for line in lines_of_map():
        output, found, place = OUTPUT.match(line), INPUT.match(line), PLACE.match(line)
        if output:
            section, name = output.group(1), None
            if output.group(2):
                sizes[section] = int(output.group(3), 16)
        elif found:
            name = found.group(1)
            place = found if found.group(2) else None
        symbol = SYMBOL.match(line)
        if symbol and objects:
            objects[-1].symbols.append(symbol.group(2))
        elif place and not output:
            *_, address, size, file = place.groups()
            if name is None and file is None:
                sizes[section] = int(size, 16)
            elif name and int(address, 16):
                objects.append(Object(section, name, int(address, 16), int(size, 16), file or ""))
                name = None
    return sizes, objects


# ---- whose it is -----------------------------------------------------------------------------

def owner_of_file(path):
    """build/musl/src/tls/io.o is of the room tls."""
    parts = pathlib.PurePath(path.split("build/musl/")[-1]).parts
    if parts[0] == "src":
        return parts[1]
    return {"wolfssl": "wolfSSL", "config": "wolfSSL", "cjson": "cJSON"}.get(parts[0], parts[0])


def functions(objects):
    """(file, name): the optimizer keeps each function in a section of its own until it links."""
    listed = subprocess.run(["readelf", "-SW", *objects], cwd=TOP, check=True, text=True,
                            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL).stdout
    file = ""
    for line in listed.splitlines():
        if line.startswith("File: "):
            file = line[6:]
        found = FUNCTION.search(line)
        if found:
            yield file, found.group(1).split(".")[0]


def variables(objects):
    """(file, name, bytes) of those that the optimizer has not merged yet."""
    for each in objects:
        listed = subprocess.run(["lto-dump", "-list", "-defined-only", each], cwd=TOP, text=True,
                                stdout=subprocess.PIPE, stderr=subprocess.DEVNULL).stdout
        for bits, name in VARIABLE.findall(listed):
            yield each, name, int(bits) // 8


def owners_by_symbol():
    """Those of each name, and of each name with its size."""
    objects = re.findall(r"^LOAD (build/musl/\S+\.o)$", (BUILD / "thimble.map").read_text(), re.M)
    owners = collections.defaultdict(set)
    for file, name in functions(objects):
        owners[name].add(owner_of_file(file))
    for file, name, size in variables(objects):
        owners[name].add(owner_of_file(file))
        owners[name, size].add(owner_of_file(file))
    return owners


def owner_of(found, owners):
    if "libc.a" in found.file or re.search(r"/S?crt[1in]\.o", found.file):
        return "libc"
    if "libgcc" in found.file or "/crt" in found.file:
        return "compiler"
    if "build/musl/" in found.file:
        return owner_of_file(found.file)
    if found.label == "texts":
        return "texts of all"
    able = owners.get((found.label, found.size)) or owners.get(found.label, {"compiler"})
    return able.copy().pop() if len(able) == 1 else "several"


# ---- the account -----------------------------------------------------------------------------

def image():
    """What the program says of itself: sections in their order, and totals."""
    said = subprocess.run([BUILD / "thimble", "mem", "static", "--json"], check=True,
                          stdout=subprocess.PIPE).stdout
    return json.loads(said)


def apart(objects):
    """Texts whose ends are the same lie over each other: what lies so counts for the last of them."""
    following = 1 << 64
    for each in sorted(objects, key=lambda each: (each.address, each.size), reverse=True):
        if each.size:
            each.size = min(each.size, max(following - each.address, 0))
            following = each.address
    return objects


def account():
    """{section: [(bytes, name, owner)]}, alignment included, for the sections of the image."""
    sizes, objects = read_map()
    owners = owners_by_symbol()
    parts = {name: [] for name in image() if name in sizes}
    for each in apart([each for each in objects if each.section in parts]):
        if each.size:
            parts[each.section].append((each.size, each.label, owner_of(each, owners)))
    for name, rows in parts.items():
        rest = sizes[name] - sum(row[0] for row in rows)
        if rest:
            rows.append((rest, "", "alignment"))
    return {name: sorted(rows, reverse=True) for name, rows in parts.items()}


def by_owner(parts):
    kinds = image()
    sums = collections.defaultdict(collections.Counter)
    for section, rows in parts.items():
        for size, _, owner in rows:
            sums[owner][kinds[section]["kind"]] += size
    return sums


def print_owners(sums):
    print(f"{'owner':24}{'code':>10}{'constants':>11}{'variables':>11}")
    for owner, sizes in sorted(sums.items(), key=lambda item: -sum(item[1].values())):
        print(f"{owner:24}{sizes['code']:10,}{sizes['constants']:11,}{sizes['variables']:11,}")
    total = sum(sums.values(), collections.Counter())
    print(f"{'together':24}{total['code']:10,}{total['constants']:11,}{total['variables']:11,}")


def print_objects(parts, count):
    for section, rows in parts.items():
        print(f"\n{section}: {sum(row[0] for row in rows):,} bytes in {len(rows)} objects")
        for size, name, owner in rows[:count]:
            print(f"{size:12,}  {name:32} {owner}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--all", action="store_true", help="every object")
    parser.add_argument("--json", action="store_true", help="every object, as JSON")
    options = parser.parse_args()
    parts = account()
    if options.json:
        json.dump({name: [{"bytes": size, "object": label, "owner": owner}
                          for size, label, owner in rows] for name, rows in parts.items()},
                  sys.stdout, indent=1)
        return
    print_owners(by_owner(parts))
    print_objects(parts, None if options.all else LARGEST)


if __name__ == "__main__":
    main()
