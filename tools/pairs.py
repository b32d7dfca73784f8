#!/usr/bin/python3
"""The pairs of letters that shorten our sentences most: writes src/base/pairs.h.

Each step gives the pair that stands most often side by side a byte of its own, which may be part of
later pairs (byte pair encoding). config/pack.awk uses them when the static binary is compiled. Any
table is right for any text; make it anew when many sentences have changed:

    tools/pairs.py               write src/base/pairs.h
    tools/pairs.py --show        print what it makes of our sentences
"""
import argparse
import collections
import itertools
import os
import pathlib
import subprocess

TOP = pathlib.Path(__file__).resolve().parents[1]
TABLE = TOP / "src" / "base" / "pairs.h"
FIRST = 127              # what is behind the printable letters, and in front of them
MEANT = b"\0\t\n\r\033"   # mean what they are
BYTES = [byte for byte in (*range(FIRST, 256), *range(32)) if byte not in MEANT]
DEEPEST = 5    # pairs of pairs: so often a function calls itself, config/stack
LONGEST = 16   # letters: TH_UNPACKED_MAX

HEAD = """\
/* What each byte that is no printable ASCII stands for in packed sentences: two others. It begins
 * with 127; 0 follows 255. Made by tools/pairs.py; used by config/pack.awk and src/base/format.c. */
static const unsigned char th_pairs[][2] = {
"""


def sentences():
    """Every piece of a sentence of ours, as numbers."""
    sources = sorted(map(str, itertools.chain(TOP.glob("src/*/*.c"), TOP.glob("mem/*.c"))))
    pieces = []
    for source in sources:
        shown = subprocess.run(
            ["awk", "-v", "show=1", "-f", TOP / "config/pack.awk", "/dev/null", source],
            env={**os.environ, "LC_ALL": "C"}, check=True, stdout=subprocess.PIPE).stdout
        pieces += [list(line) for line in shown.splitlines()]
    return pieces


def pairs_of(piece):
    """Pairs side by side in it; "aaa" has but one."""
    before = None
    for pair in zip(piece, piece[1:]):
        before = None if pair == before and pair[0] == pair[1] else pair
        if before:
            yield pair


def joined(piece, pair, byte):
    """It with `byte` for each pair."""
    done, at = [], 0
    while at < len(piece):
        found = tuple(piece[at:at + 2]) == pair
        done.append(byte if found else piece[at])
        at += 1 + found
    return done


class Words:
    """What the bytes stand for so far."""

    def __init__(self):
        self.text = {byte: chr(byte) for byte in range(32, FIRST)}
        self.depth = dict.fromkeys(self.text, 0)
        self.pairs = {}

    def allows(self, pair):
        deep = max(self.depth[byte] for byte in pair) + 1
        return deep <= DEEPEST and len(self.text[pair[0]] + self.text[pair[1]]) <= LONGEST

    def add(self, byte, pair):
        self.pairs[byte] = pair
        self.text[byte] = self.text[pair[0]] + self.text[pair[1]]
        self.depth[byte] = max(self.depth[each] for each in pair) + 1


def learn(pieces):
    words = Words()
    for byte in BYTES:
        counts = collections.Counter(itertools.chain.from_iterable(map(pairs_of, pieces)))
        best = min((pair for pair in counts if words.allows(pair)),
                   key=lambda pair: (-counts[pair], pair))
        words.add(byte, best)
        pieces = [joined(piece, best, byte) for piece in pieces]
    return words, pieces


def row(words, byte):
    if byte in words.pairs:
        return '    {{{}, {}}}, /* {} "{}" */\n'.format(*words.pairs[byte], byte, words.text[byte])
    return f"    {{0, 0}}, /* {byte} */\n"


def table(words):
    return HEAD + "".join(row(words, byte) for byte in (*range(FIRST, 256), *range(32))) + "};\n"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--show", action="store_true")
    show = parser.parse_args().show
    pieces = sentences()
    words, packed = learn(pieces)
    if not show:
        TABLE.write_text(table(words))
    print(f"{sum(map(len, pieces))} bytes of sentences, packed {sum(map(len, packed))}")


if __name__ == "__main__":
    main()
