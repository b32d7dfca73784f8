#!/usr/bin/python3
"""CPU time for each message, beside mosquitto's clients, in the same run on this machine.

    tools/bench.py [--rounds N] [--messages N] [--tls tlsv1.2|tlsv1.3] [--kind ec|rsa]

Messages of 100 bytes over loopback with client certificates. A publisher sends the lines of its
standard input (-l), a subscriber prints what comes and ends after so many (-C); nothing counts that
did not arrive. The two programs take turns; each figure is the median of the rounds. Read the
ratios: the times depend on the machine and on what else it does.
"""
import argparse
import contextlib
import os
import pathlib
import statistics
import subprocess
import sys

from budget import TOP, Lab, Trouble

WORK = pathlib.Path("build/bench")
LINE = b"x" * 100 + b"\n"
GOALS = {("publish", 0): 0.25, ("publish", 1): 0.6, ("receive", 0): 1.0, ("receive", 1): 0.6}


def programs():
    return {
        "thimble": {"publish": [TOP / "build/thimble", "pub", "-l"],
                    "receive": [TOP / "build/thimble", "sub"]},
        "mosquitto": {"publish": ["mosquitto_pub", "-l"], "receive": ["mosquitto_sub"]},
    }


def arguments(lab, options, qos, topic):
    files = TOP / lab.folder / options.kind
    return ["-h", "localhost", "-p", lab.ports[options.kind + "_port"], "-q", str(qos), "-t", topic,
            "--tls-version", options.tls, "--cafile", files / "root.pem",
            "--cert", files / "client.pem", "--key", files / "client.key"]


def cpu_seconds(process):
    """Waits for its end; what it used, and nobody else."""
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        raise Trouble(f"{process.args[0]} ended with {process.returncode}")
    return used.ru_utime + used.ru_stime


@contextlib.contextmanager
def started(command, **streams):
    process = subprocess.Popen(list(map(str, command)), **streams)
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
            process.wait()


def transfer(lab, publisher, subscriber, topic):
    """From one to the other; what each used."""
    lines = TOP / WORK / "lines"
    with started(subscriber, stdout=subprocess.DEVNULL) as receiving:
        lab.await_subscription(topic)
        with open(lines, "rb") as source, started(publisher, stdin=source) as sending:
            return {"publish": cpu_seconds(sending), "receive": cpu_seconds(receiving)}


def measure(lab, options, what, qos, name, number):
    """The other end is always ours, and always the same."""
    topic = f"bench/{what}/{qos}/{name}/{number}"
    makers = {side: name if side == what else "thimble" for side in ("publish", "receive")}
    commands = {side: [*programs()[maker][side], *arguments(lab, options, qos, topic)]
                for side, maker in makers.items()}
    used = transfer(lab, commands["publish"],
                    [*commands["receive"], "-C", str(options.messages)], topic)
    return used[what] / options.messages * 1e6


def compare(lab, options, what, qos):
    figures = {name: [] for name in programs()}
    for number in range(options.rounds):
        for name, found in figures.items():
            found.append(measure(lab, options, what, qos, name, number))
    ours, theirs = (statistics.median(figures[name]) for name in ("thimble", "mosquitto"))
    print(f"  {what} QoS {qos}  {ours:6.2f} us  {theirs:6.2f} us  ratio {ours / theirs:5.2f}"
          f"  (goal {GOALS[what, qos]})", flush=True)


def read_options():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--messages", type=int, default=10000)
    parser.add_argument("--tls", default="tlsv1.3", choices=["tlsv1.2", "tlsv1.3"])
    parser.add_argument("--kind", default="ec", choices=["ec", "rsa"])
    return parser.parse_args()


def main():
    options = read_options()
    (TOP / WORK).mkdir(parents=True, exist_ok=True)
    (TOP / WORK / "lines").write_bytes(LINE * options.messages)
    print(f"CPU time for each message of 100 bytes, {options.tls}, {options.kind}, "
          f"{options.rounds} rounds of {options.messages}\n"
          f"                    thimble    mosquitto")
    with Lab(WORK / "lab") as lab:
        for what, qos in GOALS:
            compare(lab, options, what, qos)
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except Trouble as trouble:
        sys.exit(f"bench: {trouble}")
