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
import time

from budget import TOP, WAIT_SECONDS, Lab, Trouble

WORK = pathlib.Path("build/bench")
LINE = b"x" * 100 + b"\n"
GOALS = {("publish", 0): 0.25, ("publish", 1): 0.6, ("receive", 0): 1.0, ("receive", 1): 0.6}


def programs():
    return {
        "thimble": {"publish": [TOP / "build/thimble", "pub", "-l"],
                    "receive": [TOP / "build/thimble", "sub"]},
        "mosquitto": {"publish": ["mosquitto_pub", "-l"], "receive": ["mosquitto_sub"]},
    }


def messages(options, qos):
    return options.messages if qos == 0 else options.messages // 5


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


def await_subscription(lab, topic):
    """The broker writes nothing else down: a log of each packet would hold everybody up."""
    deadline = time.monotonic() + WAIT_SECONDS
    while f" {topic}\n" not in (TOP / lab.folder / "broker.log").read_text():
        if time.monotonic() > deadline:
            raise Trouble(f"the broker saw no subscription of {topic}")
        time.sleep(0.01)


def transfer(lab, publisher, subscriber, topic, qos):
    """From one to the other; what each used."""
    lines = TOP / WORK / f"lines-{qos}"
    with started(subscriber, stdout=subprocess.DEVNULL) as receiving:
        await_subscription(lab, topic)
        with open(lines, "rb") as source, started(publisher, stdin=source) as sending:
            return {"publish": cpu_seconds(sending), "receive": cpu_seconds(receiving)}


def other_end(lab, what, qos, topic):
    """Always the same one, without TLS, so that it does not hold up who is measured."""
    plain = ["-h", "localhost", "-p", lab.ports["plain_port"], "-t", topic]
    if what == "publish":
        return [*programs()["mosquitto"]["receive"], *plain, "-q", "0"]
    return [*programs()["mosquitto"]["publish"], *plain, "-q", str(qos)]


def measure(lab, options, what, qos, name, number):
    topic = f"bench/{what}/{qos}/{name}/{number}"
    measured = [*programs()[name][what], *arguments(lab, options, qos, topic)]
    ends = {"publish": measured, "receive": measured}
    ends["receive" if what == "publish" else "publish"] = other_end(lab, what, qos, topic)
    count = messages(options, qos)
    used = transfer(lab, ends["publish"], [*ends["receive"], "-C", str(count)], topic, qos)
    return used[what] / count * 1e6


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
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--messages", type=int, default=100000, help="at QoS 0; a fifth at QoS 1")
    parser.add_argument("--tls", default="tlsv1.3", choices=["tlsv1.2", "tlsv1.3"])
    parser.add_argument("--kind", default="ec", choices=["ec", "rsa"])
    return parser.parse_args()


def main():
    options = read_options()
    (TOP / WORK).mkdir(parents=True, exist_ok=True)
    for qos in (0, 1):
        (TOP / WORK / f"lines-{qos}").write_bytes(LINE * messages(options, qos))
    print(f"CPU time for each message of 100 bytes, {options.tls}, {options.kind}, {options.rounds} "
          f"rounds of {messages(options, 0)} at QoS 0 and {messages(options, 1)} at QoS 1\n"
          f"                    thimble    mosquitto")
    os.environ["LAB_LOG_TYPE"] = "subscribe"
    with Lab(WORK / "lab") as lab:
        for what, qos in GOALS:
            compare(lab, options, what, qos)
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except Trouble as trouble:
        sys.exit(f"bench: {trouble}")
