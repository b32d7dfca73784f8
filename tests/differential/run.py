#!/usr/bin/python3
"""The differential table by hand:

  tests/differential/run.py [--theirs] [--show] [PATTERN]...

Runs the rows whose names match, and prints what differs. --theirs runs Debian's clients only and
prints what they did; --show prints what both did.
"""
import fnmatch
import json
import sys
import tempfile

sys.dont_write_bytecode = True

from arena import Brokers  # noqa: E402
from compare import (differences, make_links, read_intended, run_all, run_theirs,  # noqa: E402
                     unintended)
from program import THIMBLE  # noqa: E402
from rows import ROWS  # noqa: E402


def brief(value):
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if len(text) < 60 else f"{text[:50]}... ({len(text)} characters)"


def line(packet):
    fields = [f"{name}={brief(value)}" for name, value in packet.items()
              if name != "packet" and (name, value) != ("flags", 0)]
    return " ".join([packet["packet"], *fields])


def few(lines):
    """Not hundreds of packets of one kind."""
    return lines if len(lines) < 24 else [*lines[:8], f"... {len(lines)} in all", *lines[-4:]]


def show(title, outcome):
    print(f"   {title}: status {outcome.status}")
    for name in "stdout", "stderr":
        for each in few(getattr(outcome, name).splitlines(True)):
            print(f"      {name}: {brief(repr(each)) if len(each) > 300 else repr(each)}")
    for number, connection in enumerate(outcome.connections):
        for arrow, side in zip("><", connection):
            for each in few(list(map(line, side))):
                print(f"      {number} {arrow} {each}")


def tell(row, theirs, ours, options, intended):
    print(f"== {row.name}\n   {row.line}")
    if "--theirs" in options:
        show("theirs", theirs)
        return 0
    left = unintended(row, differences(row, theirs, ours), intended)
    for each in left:
        print(f"   {each}")
    if "--show" in options:
        show("theirs", theirs)
        show("ours", ours)
    return bool(left)


def main(arguments):
    options = [each for each in arguments if each.startswith("--")]
    patterns = [each for each in arguments if not each.startswith("--")] or ["*"]
    rows = [row for row in ROWS if any(fnmatch.fnmatchcase(row.name, each) for each in patterns)]
    run = run_theirs if "--theirs" in options else run_all
    make_links(THIMBLE)
    with tempfile.TemporaryDirectory() as directory:
        brokers = Brokers(directory)
        try:
            intended = read_intended()
            failed = sum(tell(*each, options, intended)
                         for each in run(brokers, rows, directory))
        finally:
            brokers.stop()
    print(f"{len(rows) - failed} of {len(rows)} rows agree")
    return failed > 0


sys.exit(main(sys.argv[1:]))
