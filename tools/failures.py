#!/usr/bin/python3
"""Fails every allocation and every system call in turn.

    tools/failures.py memory [--stride N]    every allocation of the library, under sanitizers
    tools/failures.py calls [--stride N]     every system call of the static binary

What may be tolerated stands, with its reason, in tests/failures/tolerated, and what each system
call may lead to in tests/failures/expected; what is not listed there is a failure, and so is a line
that nothing needs any more.
"""
import argparse
import pathlib
import sys
import tempfile

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "tests" / "failures"))

from call_sweep import Calls  # noqa: E402
from memory_sweep import Memory  # noqa: E402
from scene import Brokers  # noqa: E402


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("part", choices=["memory", "calls"])
    parser.add_argument("--stride", type=int, default=1, help="every N-th only")
    parser.add_argument("--seen", help="a file for everything that was seen, to look at")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as directory, Brokers(directory) as brokers:
        if arguments.part == "memory":
            campaign = Memory(brokers, arguments.stride)
        else:
            campaign = Calls(brokers, directory, arguments.stride, arguments.seen)
        return 0 if campaign.run().told() else 1


if __name__ == "__main__":
    sys.exit(main())
