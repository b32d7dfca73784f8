#!/usr/bin/python3
"""Fails every allocation and every system call in turn.

    tools/failures.py memory [--stride N]    every allocation of the library, under sanitizers
    tools/failures.py small-stack            the same for wolfSSL's small stack, one of 11
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
from memory_sweep import THRIFTY, Memory  # noqa: E402
from scene import Brokers  # noqa: E402


def campaign_of(arguments, brokers, directory):
    if arguments.part == "memory":
        return Memory(brokers, arguments.stride)
    if arguments.part == "small-stack":
        return Memory(brokers, max(arguments.stride, 11), THRIFTY)
    return Calls(brokers, directory, arguments.stride, arguments.seen)


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("part", choices=["memory", "small-stack", "calls"])
    parser.add_argument("--stride", type=int, default=1, help="every N-th only")
    parser.add_argument("--seen", help="a file for everything that was seen, to look at")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as directory, Brokers(directory) as brokers:
        campaign = campaign_of(arguments, brokers, directory)
        return 0 if campaign.run().told() else 1


if __name__ == "__main__":
    sys.exit(main())
