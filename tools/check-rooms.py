#!/usr/bin/python3
"""Holds the sources against the map of the house, config/rooms.

    tools/check-rooms.py [--tree DIR] [--library build/libthimble.a]

Prints each violation as FILE:LINE: what is wrong, and fails if there is one: an include the room
may not use, a call of a function that belongs to another room, a preprocessor condition inside a
function, a file in no room, a room without files, a line of more than 100 columns, a file of more
than 900 lines; with --library a global symbol that does not
begin with the prefix, one that a library must not define or refer to, or a function of a public
header that it lacks.
"""
import argparse
import configparser
import fnmatch
import os
import pathlib
import re
import subprocess
import sys

SOURCE_FOLDERS = ("include", "mem", "src")
COLUMNS, LINES = 100, 900


class Room:
    def __init__(self, name, section):
        self.name = name
        self.files = section["files"].split()
        self.rooms = section["rooms"].split()
        self.system = section["system"].split()


class Word:
    def __init__(self, name, section):
        self.name = name
        self.only = section["only"].split()
        self.why = section["why"]
        calls = section["calls"].split()
        names = "|".join(re.escape(call).replace(r"\*", r"\w+") for call in calls)
        self.call = re.compile(r"(?<![\w.>])(" + names + r")\s*\(")


class Map:
    def __init__(self, path):
        parser = configparser.ConfigParser(interpolation=None)
        parser.read_string(path.read_text())
        self.everybody = parser["everybody"]["system"].split()
        self.library = parser["library"]
        self.rooms = [Room(name[5:], parser[name]) for name in parser if name.startswith("room ")]
        self.words = [Word(name[5:], parser[name]) for name in parser if name.startswith("word ")]

    def room_of(self, path):
        """The room with the longest folder or file name that `path` (relative, text) lies in."""
        fitting = [(len(place), room) for room in self.rooms for place in room.files
                   if path == place or path.startswith(place + "/")]
        return max(fitting, key=lambda fit: fit[0])[1] if fitting else None


# ---- C as far as it is needed ----------------------------------------------------------------

TOKEN = re.compile(r"/\*.*?\*/|//[^\n]*|\"(?:\\.|[^\"\\\n])*\"|'(?:\\.|[^'\\\n])*'", re.S)


def keep_lines(match):
    """Comments and literals become blanks; the lines stay where they are."""
    text = match.group(0)
    return '""' if text[0] == '"' else " " + "\n" * text.count("\n")


def keep_literals(match):
    return match.group(0) if match.group(0)[0] in "\"'" else keep_lines(match)


def without_comments(text):
    return TOKEN.sub(keep_literals, text)


def bare(text):
    return TOKEN.sub(keep_lines, text)


def conditions_inside_functions(code):
    """Line numbers of #if, #ifdef, #ifndef, #elif and #else between a function's braces."""
    depth, in_function, last = 0, False, ""
    for number, line in enumerate(code.splitlines(), 1):
        if re.match(r"\s*#", line):
            if in_function and re.match(r"\s*#\s*(if|el)", line):
                yield number
            continue
        for char in line:
            if char == "{":
                in_function = in_function or (depth == 0 and last == ")")
                depth += 1
            elif char == "}":
                depth -= 1
                in_function = in_function and depth > 0
            if not char.isspace():
                last = char


# ---- the rules -------------------------------------------------------------------------------

INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*([<"])([^>"]+)[>"]', re.M)


def line_of(text, position):
    return text.count("\n", 0, position) + 1


def place_of_include(tree, including, name):
    """The path in the tree that an include means, or None if it is an outside header."""
    beside = including.parent / name
    for candidate in (beside, pathlib.Path("src") / name, pathlib.Path(name)):
        if (tree / candidate).is_file():
            return os.path.normpath(candidate)
    return None


def may_use_outside(house, room, name):
    return any(fnmatch.fnmatchcase(name, pattern) for pattern in house.everybody + room.system)


def check_includes(house, tree, path, room, text):
    for match in INCLUDE.finditer(without_comments(text)):
        name, line = match.group(2), line_of(text, match.start())
        inside = place_of_include(tree, path, name) if match.group(1) == '"' else None
        other = house.room_of(inside) if inside else None
        if other and other.name != "public":
            if other is not room and other.name not in room.rooms:
                yield line, f"room {room.name} may not include {name} of room {other.name}"
        elif not may_use_outside(house, room, name):
            yield line, f"room {room.name} may not include {name}"


def check_words(house, path, room, code):
    for word in house.words:
        if room.name in word.only:
            continue
        for match in word.call.finditer(code):
            complaint = f"{match.group(1)}() in room {room.name}: {word.why}"
            yield line_of(code, match.start()), complaint


def check_size(text):
    lines = text.splitlines()
    for number, line in enumerate(lines, 1):
        if len(line) > COLUMNS:
            yield number, f"{len(line)} columns; at most {COLUMNS}"
    if len(lines) > LINES:
        yield len(lines), f"{len(lines)} lines; at most {LINES}"


def check_file(house, tree, path):
    text = (tree / path).read_text()
    yield from check_size(text)
    room = house.room_of(path.as_posix())
    if room is None:
        yield 1, "belongs to no room of config/rooms"
        return
    code = bare(text)
    yield from check_includes(house, tree, path, room, text)
    if room.name != "public":
        yield from check_words(house, path, room, code)
    for line in conditions_inside_functions(code):
        yield line, "a preprocessor condition inside a function"


def sources(tree):
    for folder in SOURCE_FOLDERS:
        for path in sorted((tree / folder).rglob("*.[ch]")):
            yield path.relative_to(tree)


def check_tree(house, tree):
    inhabited = set()
    for path in sources(tree):
        inhabited.add(house.room_of(path.as_posix()))
        for line, complaint in check_file(house, tree, path):
            yield f"{path}:{line}: {complaint}"
    for room in house.rooms:
        if room not in inhabited:
            yield f"config/rooms: room {room.name} has no files"


def symbols(library):
    """(name, defined) for each global symbol."""
    listing = subprocess.run(["nm", "-g", "--format=posix", library], text=True,
                             stdout=subprocess.PIPE)
    for line in listing.stdout.splitlines():
        fields = line.split()
        if len(fields) >= 2 and len(fields[1]) == 1:
            yield fields[0], fields[1] not in "Uw"


def announced(tree, prefix):
    """(header, function) for each function that a public header declares."""
    for path in sorted((tree / "include").rglob("*.h")):
        text = re.sub(r"^\s*#.*$", "", bare(path.read_text()), flags=re.M)
        for match in re.finditer(r"\b(" + prefix + r"\w+)\s*\([^;{}]*\)[^;{}]*;", text):
            yield path.relative_to(tree), match.group(1)


def check_library(house, tree, library):
    prefix, never = house.library["prefix"], house.library["never"].split()
    found = list(symbols(library))
    if not any(defined for _, defined in found):
        yield f"{library}: defines nothing: is it there?"
    names = {name for name, defined in found if defined}
    for header, function in announced(tree, prefix):
        if function not in names:
            yield f"{library}: lacks {function}, which {header} announces"
    for name, defined in found:
        if defined and not name.startswith(prefix):
            yield f"{library}: defines {name}, which does not begin with {prefix}"
        if not defined and name.startswith(prefix):
            yield f"{library}: lacks {name}"
        if name in never:
            yield f"{library}: {'defines' if defined else 'refers to'} {name}"


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--tree", type=pathlib.Path, default=pathlib.Path(__file__).parent.parent)
    parser.add_argument("--map", type=pathlib.Path, help="default: config/rooms of the tree")
    parser.add_argument("--library", help="an archive to check too")
    arguments = parser.parse_args()
    house = Map(arguments.map or arguments.tree / "config" / "rooms")
    complaints = list(check_tree(house, arguments.tree))
    if arguments.library:
        complaints += check_library(house, arguments.tree, arguments.library)
    for complaint in complaints:
        print(complaint)
    return 1 if complaints else 0


if __name__ == "__main__":
    sys.exit(main())
