#!/usr/bin/python3
"""Writes what there is to know about the names in a configuration from the option table,
src/cli/table.c, and the other names, src/cli/configfile.c.

    tools/keys.py            write config/thimble.schema.json and docs/man/keys.roff
    tools/keys.py --check    fail if they are not what would be written
"""
import json
import pathlib
import re
import sys

from completion import TABLE, TOP, read_options, write_or_check

CONFIGFILE = TOP / "src" / "cli" / "configfile.c"
SCHEMA = TOP / "config" / "thimble.schema.json"
PAGE = TOP / "docs" / "man" / "keys.roff"
LEFT_OUT = {"config", "help", "version", "property"}  # and -o
SPEAKING = {"pub", "sub", "rr", "agent"}


def packed(name):
    """A list of texts of configfile.c that each end with a NUL."""
    body = re.search(rf"\b{name}\[\] = (.*?);", CONFIGFILE.read_text(), re.S)[1]
    return "".join(re.findall(r'"([^"]*)"', body)).split("\\0")[:-1]


def read_aliases():
    words = packed("aliases")
    return dict(zip(words[::2], words[1::2]))


def read_limits():
    source = TABLE.read_text()
    numbers = dict(re.findall(r"\[(\w+)\] = (\d+)", source))
    return {**numbers, "MOST_UINT16": 65535, "MOST_UINT32": 2**32 - 1, "MOST_INT32": 2**31 - 1,
            "MOST_SECONDS": (2**31 - 1) // 1000}


def read_kinds():
    """Of each row, in order: how it is read, the least and the most it takes, and whether it is common to
    all connections."""
    limits = read_limits()
    rows = TABLE.read_text()
    rows = rows[rows.index("th_cli_options[] = {"):]
    found = []
    for row in re.findall(r"\{TEXTS\(.*?\},\n", rows, re.S):
        kind = re.search(r"\.kind = TH_CLI_(\w+)|"
                         r"\b(FLAG|TEXT|JOINED|SECRET|LIST|NUMBER|WORD|SECONDS|BYTES)\((.*)\)", row, re.S)
        bounds = re.findall(r"[^,\s]+", kind[3] or "")[1:]
        low, high = (bounds + [None, None])[:2]
        found.append((kind[1] or kind[2], int(low) if low and low.isdigit() else None,
                      limits.get(high), "COMMON" in row))
    return found


def text(low, high):
    return {"type": "string", **({"minLength": low} if low else {}),
            **({"maxLength": int(high)} if high else {})}


def schema_of(option, kind, low, high):
    shapes = {
        "FLAG": {"type": "boolean"},
        "WORD": {"enum": option.words},
        "SECONDS": {"type": "number", "maximum": 86400},
        "MAYBE_SECONDS": {"type": "number", "maximum": 86400},
        "PERCENT": {"type": "number", "maximum": 100},
        "BYTES": {"type": "integer", "minimum": 1},
        "RANGE": {"type": "string"},
        "LIST": {"type": ["string", "array"], "items": text(low, high), "maxItems": 64},
        "JOINED": {"type": ["string", "array"], "items": text(1, high)},
    }
    if kind == "NUMBER":
        number = {"type": "integer", "minimum": low, **({"maximum": int(high)} if high else {})}
        return {"anyOf": [number, {"enum": option.words}]} if option.words else number
    return shapes.get(kind, text(low, high))


def read_keys():
    """Each name, its option, and its schema."""
    by_name, by_letter = {}, {}
    for option, (kind, low, high, _) in zip(read_options(), read_kinds()):
        if kind == "DECLINED" or option.name in LEFT_OUT or not SPEAKING & set(option.commands):
            continue
        shape = {"description": option.help, **schema_of(option, kind, low, high)}
        by_name[option.name], by_letter[option.letter] = (option, shape), (option, shape)
    keys = {name: found for name, found in by_name.items() if name}
    for alias, meant in read_aliases().items():
        option, shape = by_name[meant.lstrip("!-")] if "--" in meant else by_letter[meant[1:]]
        opposite = {**shape, "description": f"the opposite of {option.name}",
                    **({"enum": [True]} if option.name == "no-tls" else {})}
        keys[alias] = (option, opposite if meant[0] == "!" else shape)
    return dict(sorted(keys.items()))


def read_common():
    """Names of what stands at the top, where there are several connections."""
    options = [option for option, kind in zip(read_options(), read_kinds()) if kind[-1]]
    return {name for name, (option, _) in read_keys().items() if option in options}


def spellings(name):
    return sorted({name, name.replace("-", "_")})


def lines(members, indent):
    """A member each, however long."""
    pad = " " * indent
    return ",\n".join(f"{pad}{json.dumps(name)}: {json.dumps(shape, ensure_ascii=False)}"
                      for name, shape in members.items())


def closed(properties):
    return {"type": "object", "properties": properties, "additionalProperties": False}


def way(name, *others):
    """A handler of this kind, without what is for others."""
    return {"required": [name], "not": {"anyOf": [{"required": [other]} for other in others]}}


OF_RUN = ("timeout_s", "concurrency", "env", "reply")
TEXTS = {"type": "array", "items": {"type": "string"}, "minItems": 1, "maxItems": 16}
PATH = {"type": "string", "pattern": "^/"}
HANDLER = {**closed({
    "topic": {"description": "a filter", "type": "string", "minLength": 1},
    "qos": {"type": "integer", "minimum": 0, "maximum": 2},
    "run": {"description": "a path and its words; no shell", **TEXTS},
    "append": {"description": "a file each message is written to the end of", **PATH},
    "max_kb": {"description": "the size of that file; one before it is kept", "type": "integer",
               "minimum": 1, "maximum": 65535},
    "replace": {"description": "a file that holds the last message", **PATH},
    "socket": {"description": "a datagram socket each message is sent to", **PATH},
    "timeout_s": {"type": "integer", "minimum": 1, "maximum": 3600},
    "concurrency": {"type": "integer", "minimum": 1, "maximum": 8},
    "env": {"type": "object", "additionalProperties": {"type": "string"}, "maxProperties": 8},
    "reply": {"description": "where output goes", "type": "string", "minLength": 1}}),
    "required": ["topic"],
    "oneOf": [way("run", "max_kb"), way("append", *OF_RUN), way("replace", "max_kb", *OF_RUN),
              way("socket", "max_kb", *OF_RUN)]}
HANDLERS = {"description": "programs, files and sockets that get messages: thimble-agent(1)", "type": "array",
            "items": HANDLER, "maxItems": 16}


NAME = {"description": "what it is called wherever it is told of", "type": "string",
        "pattern": "^[!#-\\[\\]-~]{1,31}$"}


def refer(name):
    return {"$ref": f"#/definitions/{name}"}


def names_of(keys):
    """An object within may stand for the first part of names, as in "will": {"topic": ...}."""
    properties = {each: refer(name) for name in keys for each in spellings(name)}
    groups = {}
    for name in keys:
        first, _, rest = name.partition("-")
        if rest:
            groups.setdefault(first, {}).update({each: refer(name) for each in spellings(rest)})
    groups = {first: inside for first, inside in groups.items()
              if len({str(each) for each in inside.values()}) > 1}
    properties["handlers"] = refer("handlers")
    for first, inside in groups.items():
        group = closed(inside)
        properties[first] = {"anyOf": [refer(first), group]} if first in keys else group
    return properties, groups


def names_and_headings(keys, within):
    properties, groups = names_of(keys)
    headings = {name: closed({**properties, **groups[name]}) if name in groups else refer(within)
                for name in packed("headings")}
    return {**properties, **headings}


def schema(keys):
    common = read_common()
    shapes = {name: shape for name, (_, shape) in keys.items()} | {"handlers": HANDLERS}
    top = names_and_headings(keys, "=settings")
    one = names_and_headings({name: key for name, key in keys.items() if name not in common}, "=connection")
    connections = {"description": "of an agent that has several", "type": "array", "minItems": 1, "maxItems": 4,
                   "items": {"allOf": [refer("=connection")], "required": ["name"]}}
    top["connections"] = connections
    return f"""{{
"$schema": "http://json-schema.org/draft-07/schema#",
"title": "Configuration of thimble: thimble-config(5)",
"$comment": "Written by tools/keys.py from the option table: do not edit.",
"$ref": "#/definitions/=settings",
"definitions": {{
{lines(shapes, 2)},
  "=connection": {{"type": "object", "additionalProperties": false, "properties": {{
{lines({"name": NAME, **one}, 4)}
  }}}},
  "=settings": {{"type": "object", "additionalProperties": false, "properties": {{
{lines(top, 4)}
  }}}}
}}}}
"""


def escaped(words):
    return words.replace("\\", "\\e").replace("-", "\\-")


def kind_of(shape):
    if "anyOf" in shape:
        return " or ".join(kind_of(each) for each in shape["anyOf"])
    if "enum" in shape:
        return "true" if shape["enum"] == [True] else ", ".join(shape["enum"])
    if "items" in shape:
        return "text, or an array of texts"
    if shape["type"] == "integer" and "maximum" in shape:
        return f"{shape['minimum']} to {shape['maximum']}"
    return {"boolean": "true or false", "number": "number", "integer": "whole number",
            "string": "text"}[shape["type"]]


def page(keys):
    common = read_common()
    rows = [f".TP\n\\fB{escaped(name)}\\fR ({escaped(kind_of(shape))}{', common' if name in common else ''})\n"
            f"{escaped(shape['description'])}\n" for name, (_, shape) in keys.items()]
    return '.\\" Written by tools/keys.py from the option table: do not edit.\n' + "".join(rows)


def main(arguments):
    keys = read_keys()
    files = {SCHEMA: schema(keys), PAGE: page(keys)}
    return write_or_check(files, arguments, "tools/keys.py")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
