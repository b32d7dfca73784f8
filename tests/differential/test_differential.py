"""Debian's clients and ours, the same command line, the same broker: what is printed, the exit
status and the packets are the same, but for the lines of `differences`."""
import re
import shlex
import subprocess

import pytest

from arena import THEIRS, Brokers
from compare import differences, make_links, read_intended, run_all, unintended
from program import ALL, THIMBLE
from rows import ROWS

SAMPLE_OF = 1  # every n-th row

CHOSEN = ROWS if ALL else ROWS[::SAMPLE_OF]
INTENDED = read_intended()


@pytest.fixture(scope="session")
def outcomes(request, tmp_path_factory):
    """All chosen rows, several at a time."""
    wanted = {item.callspec.params["row"].name for item in request.session.items
              if "row" in getattr(getattr(item, "callspec", None), "params", {})}
    directory = tmp_path_factory.mktemp("differential")
    make_links(THIMBLE)
    brokers = Brokers(directory)
    try:
        rows = [row for row in CHOSEN if row.name in wanted]
        yield {row.name: (row, theirs, ours)
               for row, theirs, ours in run_all(brokers, rows, directory)}
    finally:
        brokers.stop()


@pytest.mark.deadline(900)  # the first one waits for all
@pytest.mark.parametrize("row", CHOSEN, ids=[row.name for row in CHOSEN])
def test_row(outcomes, row):
    found = differences(*outcomes[row.name])
    assert not unintended(row, found, INTENDED), row.line


def test_names_are_unique():
    names = [row.name for row in ROWS]
    assert len(set(names)) == len(names) >= 150


@pytest.mark.parametrize("command", ["pub", "sub", "rr"])
def test_every_option_of_theirs_has_a_row(command):
    """As far as their usage screen names it."""
    screen = subprocess.run([THEIRS[command], "--help"], capture_output=True, text=True).stdout
    named = set(re.findall(r"(?<![\w-])--?[a-zA-Z][\w-]*", screen.split("See http")[0]))
    used = {"--unix", "--proxy"}  # the places of arena.py
    for row in ROWS:
        if row.line.split()[0] == command:
            used.update(shlex.split(row.line))
    prose = {word for word in named if not re.search(rf"^[^:]*{word}\b", screen, re.M)}
    assert named - used - prose == set()


def test_every_difference_still_occurs(outcomes):
    """Of those rows that were run."""
    stale = [each for each in INTENDED if each.must_occur and not each.used and
             any(each.concerns(name) for name in outcomes)]
    assert not stale, "remove these lines of tests/differential/differences"
