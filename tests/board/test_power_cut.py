"""The power of a board goes while programs hand in messages, and with it what its disk had not yet
flushed. What was accepted arrives all the same."""
import os
import random
import subprocess
import time

import pytest

from program import until
from pump import INBOX, UNIT
from writes import survive

CUTS = int(os.environ.get("BOARD_CUTS", "3"))
SEED = int(os.environ.get("BOARD_SEED", str(random.randrange(1 << 20))))
UNSYNCED = "/root/unsynced"

# Whoever was answered writes it down, outside.
PRODUCERS = f"""
exec >/dev/virtio-ports/ledger 2>/dev/null
for producer in 1 2 3; do
    (number=0
     while :; do
        topic=cut/%s/$producer/$((number += 1))
        thimble pub --agent {INBOX} -t $topic -q 1 -m x && echo $topic
     done) &
done
"""


class Ledger:
    def __init__(self, pump):
        self.pump, self.accepted, self.arrived = pump, [], []

    def note_arrivals(self):
        """Before the broker's log begins anew."""
        self.arrived += self.pump.arrived(r"cut/[\d/]+")

    def note_accepted(self):
        """A line that was cut off counts for nothing."""
        lines = (self.pump.board.directory / "ledger").read_text().split("\n")
        self.accepted += lines[:-1]

    def missing(self):
        return set(self.accepted) - set(self.arrived) - set(self.pump.arrived(r"cut/[\d/]+"))


def copied(disk, path):
    subprocess.run(["cp", "--sparse=always", disk, path], check=True)


def cut(pump, ledger, number, choice):
    """With the broker there at first, and then without. How many writes were lost."""
    board, before = pump.board, pump.board.directory / "before"
    writes = board.directory / "writes"
    copied(board.disk, before)
    board.boot(writes=writes)
    board.until(f"systemctl is-active {UNIT}")
    pump.lab.restart()
    pump.is_connected()
    board.run(PRODUCERS % number)
    time.sleep(choice.uniform(1, 4))
    pump.lab.stop()
    ledger.note_arrivals()
    time.sleep(choice.uniform(2, 6))
    board.run(f"echo never synced >{UNSYNCED}")
    time.sleep(choice.uniform(0, 0.3))
    board.cut_the_power()
    ledger.note_accepted()
    lost = survive(writes, before, SEED + number)
    os.replace(before, board.disk)
    return lost


def comes_back(pump, ledger):
    """By itself, with a file system that mends itself, and with all it had accepted."""
    board = pump.board.boot()
    board.run("dmesg | grep 'EXT4-fs (vda): recovery complete'")
    board.run(f"! dmesg | grep 'EXT4-fs error' && ! grep never {UNSYNCED}")
    board.until(f"systemctl is-active {UNIT}")
    pump.lab.restart()
    until(lambda: pump.shown("StatusText") == "connected", "the connection")
    try:
        until(lambda: not ledger.missing(), "what was accepted")
    except AssertionError:
        pytest.fail(f"missing: {sorted(ledger.missing())}")
    board.run(f"! journalctl -b -u {UNIT} | grep -i damage")
    ledger.note_arrivals()
    board.run(f"rm -f {UNSYNCED}")


@pytest.mark.parametrize("number", range(CUTS))
def test_what_was_accepted_arrives(pump, number):
    choice = random.Random(SEED + number)
    pump.board.run(f"systemctl enable {UNIT}")
    pump.board.switch_off()
    ledger = Ledger(pump)
    flushed, later, lost = cut(pump, ledger, number, choice)
    at_once = set(ledger.arrived)
    comes_back(pump, ledger)
    assert set(ledger.accepted) - at_once, "nothing was only in the spool"
    print(f"seed {SEED}: {len(ledger.accepted)} accepted, {len(at_once)} had arrived before the cut, "
          f"{len(set(ledger.arrived))} in the end, {len(ledger.arrived) - len(set(ledger.arrived))} "
          f"twice; {flushed} writes flushed, {lost} of {later} sectors after the last flush lost")
