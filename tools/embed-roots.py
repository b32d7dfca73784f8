#!/usr/bin/python3
"""Writes the header of the roots that are built in: make EMBED_ROOTS=NAME or FILE.

    tools/embed-roots.py            of none
    tools/embed-roots.py NAME       of the set config/roots/NAME, from Debian's ca-certificates
    tools/embed-roots.py FILE       of the certificates in a PEM file

A set bears the date of the package, a file its own. $CA_CERTIFICATES is where the package has them.
"""
import datetime
import os
import pathlib
import re
import subprocess
import sys

TOP = pathlib.Path(__file__).resolve().parents[1]
DEBIAN = pathlib.Path(os.environ.get("CA_CERTIFICATES", "/usr/share/ca-certificates/mozilla"))
BLOCK = re.compile(r"-----BEGIN CERTIFICATE-----\n[A-Za-z0-9+/=\n]+-----END CERTIFICATE-----\n")


def fail(what):
    sys.exit(f"EMBED_ROOTS: {what}")


def blocks(path):
    try:
        found = BLOCK.findall(path.read_text().replace("\r\n", "\n"))
    except (OSError, UnicodeDecodeError) as problem:
        fail(f"{path}: {problem}")
    return found or fail(f"{path}: no certificate in PEM")


def of_set(path):
    names = [line for line in path.read_text().split("\n") if line and line[0] != "#"]
    version = subprocess.run(["dpkg-query", "-W", "-f", "${Version}", "ca-certificates"],
                             capture_output=True, text=True).stdout
    date = re.match(r"(\d{4})(\d\d)(\d\d)", version) or fail("ca-certificates is not installed")
    return [block for name in names for block in blocks(DEBIAN / f"{name}.crt")], "-".join(
        date.groups())


def of_file(path):
    changed = datetime.datetime.fromtimestamp(path.stat().st_mtime, datetime.timezone.utc)
    return blocks(path), changed.strftime("%Y-%m-%d")


def header(name):
    text, kept = "", []
    if name:
        listed, path = TOP / "config" / "roots" / name, pathlib.Path(name)
        if "/" not in name and listed.exists():
            kept, date = of_set(listed)
        elif path.exists():
            kept, date = of_file(path)
        else:
            fail(f"{name}: no file, and no set of config/roots")
        told = re.sub(r"[^A-Za-z0-9._-]", "_", path.name)
        text = f"{told} of {date}: {len(kept)} certificates"
    numbers = [str(byte) for byte in "".join(kept).encode()] or ["0"]
    lines = [",".join(numbers[at:at + 24]) for at in range(0, len(numbers), 24)]
    return ("/* Made by tools/embed-roots.py. */\n"
            f'#define TH_ROOTS_COUNT {len(kept)}\n#define TH_ROOTS_TEXT "{text}"\n'
            "#define TH_ROOTS_PEM \\\n" + ", \\\n".join(lines) + "\n")


if __name__ == "__main__":
    sys.stdout.write(header(sys.argv[1] if len(sys.argv) > 1 else ""))
