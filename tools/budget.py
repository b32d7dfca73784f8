#!/usr/bin/python3
"""Measures thimble and holds it against the committed budget, config/budget.json.

    tools/budget.py              measure and compare; fails if a figure grew or misses its goal
    tools/budget.py --update     measure and write the figures into the budget, deliberately
    tools/budget.py --show       print the committed figures beside their goals
    tools/budget.py --readme     print the table of README.md from the committed figures

The file has entries keyed PROFILE/ARCHITECTURE/wolfSSL-VERSION. An entry holds the size of the
binary and, for each scenario (pub and sub, EC P-256 and RSA-2048, TLS 1.3 and 1.2, QoS 1), the
peak of each pool, of the stack and of the heaps together: the largest of 20 runs, because
signatures vary by a few bytes. A publisher that checks all there is (a whole bundle of roots, a
list of 3,000 revoked certificates, a stapled response) has its TLS heap and stack measured. A
subscriber that waits, and an agent with its spool and its sockets, have their private dirty and
resident memory measured, a publisher its instructions under callgrind. Goals are limits that were
promised, keyed
likewise. A wolfSSL version without an entry is reported, not judged.

A figure that shrank is announced: --update keeps the gain.
"""
import argparse
import json
import os
import pathlib
import re
import shutil
import signal
import struct
import subprocess
import sys
import time

TOP = pathlib.Path(__file__).resolve().parents[1]
sys.dont_write_bytecode = True
sys.path.insert(0, str(TOP / "tests" / "integration"))

from every_check import checked, checking  # noqa: E402
from fake import FakeBroker, nothing  # noqa: E402
from test_roots import takes  # noqa: E402

BUDGET = TOP / "config" / "budget.json"
WORK = pathlib.Path("build/budget")  # relative: the length of a path must not change a figure
KINDS = ("ec", "rsa")
VERSIONS = ("any", "tlsv1.3", "tlsv1.2")  # any: what is negotiated when both are offered
RUNS = 20
AGENT_RUNS = 2
WAIT_SECONDS = 60
ARCHITECTURES = {3: "i386", 8: "mips", 40: "arm", 62: "x86_64", 183: "aarch64", 243: "riscv64"}

# By how much a figure may exceed its entry. What is not listed: not at all.
ALLOWED_GROWTH = {
    "instructions": 0.03,  # retries in signatures, and the compiler's mood
    "rss_bytes": 0.10,     # how much is mapped around what was touched is the kernel's choice, up to
                           # the whole file; the goal holds even then
}
# Each laboratory has new certificates, and an ECDSA signature is 70 to 72 bytes long.
ALLOWED_BYTES = {
    "record_cell_peak_bytes": 8,
    "tls_heap_peak_bytes": 8,
    "shared_heap_peak_bytes": 8,
    "pool_peak_bytes": 16,
    "process_peak_bytes": 24,
    "tls_steady_bytes": 8,
    "tcp_cell_peak_bytes": 256,  # how much has arrived when it is read
    "private_dirty_bytes": 4096,  # a page: what lies at its edge decides whether it is touched
}

# The same for everybody: it lies on the stack.
ENVIRONMENT = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C"}


class Trouble(Exception):
    """The measurement itself failed."""


# ---- what is measured ------------------------------------------------------------------------

def architecture(binary):
    machine = struct.unpack_from("<H", binary.read_bytes()[:20], 18)[0]
    return ARCHITECTURES.get(machine, f"machine-{machine}")


def build_value(name, build="build"):
    text = (TOP / build / "gen" / "version.h").read_text()
    return re.search(rf'#define TH_BUILD_{name} "([^"]*)"', text).group(1)


def key_of(binary):
    """A profile's binary lies beside what its build has written down."""
    profile, wolfssl = (build_value(name, binary.parent) for name in ("PROFILE", "WOLFSSL"))
    return f"{profile}/{architecture(binary)}/{wolfssl}"


def lacks(binary):
    return build_value("LACKS", binary.parent).split()


def scenarios(binary):
    """What this build can do of KINDS and VERSIONS."""
    absent = lacks(binary)
    return [(kind, version) for version in VERSIONS for kind in KINDS
            if not (kind == "rsa" and "rsa" in absent)
            and not (version == "tlsv1.2" and "tls12" in absent)]


def checked_scenarios(binary):
    """Those in which a bundle of roots, a list of revoked certificates and a stapled response can be."""
    if {"bundle", "revocation", "ocsp"} & set(lacks(binary)):
        return []
    return [(kind, version) for kind, version in scenarios(binary) if version != "any"]


class Lab:
    """A broker of our own; gives the arguments of a connection to it."""

    def __init__(self, folder):
        self.folder = folder
        self.ports = {}

    def __enter__(self):
        started = subprocess.run(["tools/lab.sh", "start", self.folder], cwd=TOP, text=True,
                                 stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        if started.returncode != 0:
            raise Trouble(f"tools/lab.sh start {self.folder}:\n{started.stdout}")
        for line in (TOP / self.folder / "ports").read_text().split():
            name, port = line.split("=")
            self.ports[name] = port
        return self

    def __exit__(self, *_):
        subprocess.run(["tools/lab.sh", "stop", self.folder], cwd=TOP, check=False,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def arguments(self, kind, version):
        files = self.folder / kind
        return ["-h", "localhost", "-p", self.ports[kind + "_port"], "-q", "1",
                *([] if version == "any" else ["--tls-version", version]),
                "--cafile", files / "root.pem", "--cert", files / "client.pem",
                "--key", files / "client.key"]

    def await_subscription(self, topic, seconds=WAIT_SECONDS):
        self.await_line(f"{topic} (QoS", seconds)

    def await_line(self, text, seconds=WAIT_SECONDS):
        deadline = time.monotonic() + seconds
        log = TOP / self.folder / "broker.log"
        while text not in log.read_text(errors="replace"):
            if time.monotonic() > deadline:
                raise Trouble(f"the broker has not written: {text}")
            time.sleep(0.01)


def run(command):
    done = subprocess.run(command, cwd=TOP, env=ENVIRONMENT, timeout=300, text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    if done.returncode != 0:
        words = " ".join(map(str, command))
        raise Trouble(f"{words}\nended with {done.returncode}:\n{done.stdout}")
    return done.stdout


def figures_of(report):
    figures = {f"{name}_peak_bytes": pool["peak_bytes"] for name, pool in report["pools"].items()}
    figures["pool_peak_bytes"] = report["memory"]["pool_peak_bytes"]
    figures["stack_peak_bytes"] = report["memory"]["stack_peak_bytes"]
    figures["stack_steady_bytes"] = report["phases"]["up"]["stack_peak_bytes"]
    figures["tls_steady_bytes"] = report["phases"]["up"]["peak_bytes"]
    figures["process_peak_bytes"] = report["process"]["peak_bytes"]
    figures["left_over_bytes"] = report["pools"]["tls_heap"]["live_bytes"]
    return figures


def read_report(path):
    return figures_of(json.loads((TOP / path).read_text()))


def publisher(binary, lab, kind, version, topic):
    return [binary, "pub", *lab.arguments(kind, version), "-t", topic, "-m", "x" * 64]


def publish(binary, lab, kind, version, topic="budget/pub"):
    path = WORK / "pub.json"
    run([*publisher(binary, lab, kind, version, topic), f"--mem-report=json:{path}"])
    return read_report(path)


CHECKED = ("tls_heap_peak_bytes", "stack_peak_bytes")


def publish_checked(binary, folder, kind, version):
    """With all there is to check of a server. Its root is one of many: the first handshake fails."""
    path = WORK / "checked.json"
    broker = FakeBroker(nothing, takes, tls=checked(WORK, folder, kind, version))
    try:
        run([binary, "pub", *map(str, broker.where), *checking(WORK, folder), "-q", "1", "-t", "t",
             "-m", "x" * 64, f"--mem-report=json:{path}"])
    finally:
        broker.close()
    broker.check()
    figures = read_report(path)
    return {name: figures[name] for name in CHECKED}


def resident(pid):
    """As th_report_process() does: code that is not on the disk yet is not this process's."""
    rollup = pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text()
    sizes = {name: int(size) * 1024 for name, size in re.findall(r"(\w+): +(\d+) kB", rollup)}
    return {"private_dirty_bytes": min(sizes["Private_Dirty"], sizes["Anonymous"]),
            "rss_bytes": sizes["Rss"]}


def rest_seconds(binary):
    """After which a look shows nothing new: some profiles give pages of idle buffers back late."""
    header = TOP / "config" / "profile" / f"{build_value('PROFILE', binary.parent)}.h"
    settle = re.search(r"define TH_SETTLE_MS (\d+)", header.read_text())
    return 0.1 + 3 * int(settle[1] if settle else 0) / 1000


def at_rest(look, pid, rest):
    """What is seen when it no longer changes."""
    before, seen = None, look(pid)
    while seen != before:
        time.sleep(rest)
        before, seen = seen, look(pid)
    return seen


def subscribe(binary, lab, kind, version, number, look=resident, rest=0.1):
    """Waits until it is subscribed, looks at it from outside, then sends it the one message."""
    topic, path = f"budget/sub/{kind}-{version}-{number:03}", WORK / "sub.json"
    command = [binary, "sub", *lab.arguments(kind, version), "-t", topic, "-C", "1",
               f"--mem-report=json:{path}"]
    subscriber = subprocess.Popen(command, cwd=TOP, env=ENVIRONMENT, stdout=subprocess.DEVNULL,
                                  stderr=subprocess.PIPE)
    try:
        lab.await_subscription(topic)
        seen = at_rest(look, subscriber.pid, rest)
        publish(binary, lab, kind, version, topic=topic)
        _, complaint = subscriber.communicate(timeout=WAIT_SECONDS)
    finally:
        if subscriber.poll() is None:
            subscriber.send_signal(signal.SIGKILL)
            subscriber.wait()
    if subscriber.returncode != 0:
        raise Trouble(f"thimble sub ended with {subscriber.returncode}: {complaint.decode()}")
    return {**read_report(path), **seen}


def agent(binary, lab, kind, version, folder, topic):
    """With a new spool, and sockets for programs and for who asks how it is."""
    configuration = TOP / folder / "agent.json"
    configuration.write_text(json.dumps({"topic": topic, "qos": 1}))
    shutil.rmtree(TOP / folder / "spool", ignore_errors=True)
    return [binary, "agent", "-c", configuration, *lab.arguments(kind, version), "-i", "agent",
            "--first-delay", "0", "--spool", folder / "spool", "--inbox", folder / "inbox",
            "--status-socket", folder / "status", "--status-topic", "budget/status"]


def agent_of_two(binary, lab, kind, version, folder, ids):
    """Two connections, each with what the agent above has, but for a subscription: what only a
    handler would get."""
    configuration, connections = TOP / folder / "agent-of-two.json", []
    for name in ids:
        shutil.rmtree(TOP / folder / f"spool-{name}", ignore_errors=True)
        connections.append({"name": name, "id": name, "spool": str(folder / f"spool-{name}"),
                            "inbox": str(folder / f"inbox-{name}"),
                            "status_topic": f"budget/status/{name}"})
    configuration.write_text(json.dumps({"connections": connections}))
    return [binary, "agent", "-c", configuration, *lab.arguments(kind, version), "--first-delay", "0",
            "--status-socket", folder / "status"]


def stay(binary, lab, kind, version, number, look=resident, rest=0.1):
    topic = f"budget/agent/{kind}-{version}-{number:03}"
    return look_at(agent(binary, lab, kind, version, WORK, topic), lab, [f"{topic} (QoS"], look,
                   rest)


def stay_both(binary, lab, kind, version, number, look=resident, rest=0.1):
    ids = [f"{name}-{kind}-{version}-{number:03}" for name in ("one", "two")]
    return look_at(agent_of_two(binary, lab, kind, version, WORK, ids), lab,
                   [f" as {each} (" for each in ids], look, rest)


def look_at(command, lab, lines, look, rest):
    """Waits until the broker has written this, looks at the agent from outside, and ends it."""
    process = subprocess.Popen(command, cwd=TOP, env=ENVIRONMENT, stdin=subprocess.DEVNULL,
                               stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        for line in lines:
            lab.await_line(line)
        return at_rest(look, process.pid, rest)
    finally:
        process.terminate()
        process.wait()


def instructions(binary, lab, kind, version):
    """Without a report: writing one is no part of what is measured."""
    out = TOP / WORK / "callgrind.out"
    run(["valgrind", "--tool=callgrind", f"--callgrind-out-file={out}",
         *publisher(binary, lab, kind, version, "budget/pub")])
    return {"instructions": int(re.search(r"^totals: (\d+)", out.read_text(), re.M).group(1))}


def largest(samples):
    return {name: max(sample[name] for sample in samples) for name in samples[0]}


def progress(text):
    print(f"  MEASURE {text}", file=sys.stderr, flush=True)


def size(binary):
    return {"file_bytes": binary.stat().st_size}


def measure(binary, runs):
    figures = {"binary": size(binary)}
    (TOP / WORK).mkdir(parents=True, exist_ok=True)
    rest = rest_seconds(binary)
    with Lab(WORK / "lab") as lab:
        for kind, version in scenarios(binary):
            progress(f"{kind} {version}: {runs} publishers, {runs} subscribers, callgrind")
            name = f"{kind}-{version}"
            figures[f"pub-{name}"] = {
                **largest([publish(binary, lab, kind, version) for _ in range(runs)]),
                **instructions(binary, lab, kind, version)}
            figures[f"sub-{name}"] = largest(
                [subscribe(binary, lab, kind, version, number, rest=rest)
                 for number in range(runs)])
            if version == "any" and "agent" not in lacks(binary):
                figures[f"agent-{name}"] = largest(
                    [stay(binary, lab, kind, version, number, rest=rest)
                     for number in range(AGENT_RUNS)])
                figures[f"agent-of-two-{name}"] = largest(
                    [stay_both(binary, lab, kind, version, number, rest=rest)
                     for number in range(AGENT_RUNS)])
        figures.update(measure_checked(binary, lab, runs))
    return figures


def measure_checked(binary, lab, runs):
    figures = {}
    for kind, version in checked_scenarios(binary):
        progress(f"{kind} {version}: {runs} publishers that check all there is")
        figures[f"checked-{kind}-{version}"] = largest(
            [publish_checked(binary, lab.folder / kind, kind, version.removeprefix("tlsv"))
             for _ in range(runs)])
    return figures


# ---- what it is held against -----------------------------------------------------------------

def flat(figures):
    return {f"{scenario}.{name}": value for scenario, names in figures.items()
            for name, value in names.items()}


def allowed(figure, entry):
    name = figure.rsplit(".", 1)[1]
    return int(entry * (1 + ALLOWED_GROWTH.get(name, 0))) + ALLOWED_BYTES.get(name, 0)


def judge(measured, entry, goals):
    """(verdict, figure, value, entry, goal) for each figure."""
    measured, entry, goals = flat(measured), flat(entry), flat(goals)
    for figure in sorted({*measured, *entry, *goals}):
        value, known, goal = measured.get(figure), entry.get(figure), goals.get(figure)
        if value is None:
            verdict = "LACKING"
        elif goal is not None and value > goal:
            verdict = "MISSED"
        elif known is None:
            verdict = "NEW"
        elif value > allowed(figure, known):
            verdict = "GREW"
        elif value < known:
            verdict = "SHRANK"
        else:
            verdict = "OK"
        yield verdict, figure, value, known, goal


FAILURES = {"GREW", "MISSED", "LACKING", "NEW"}


def shown(number):
    return "-" if number is None else f"{number:,}"


def print_table(rows):
    print(f"  {'':7} {'figure':42} {'measured':>12} {'budget':>12} {'goal':>12}")
    for verdict, figure, value, known, goal in rows:
        print(f"  {verdict:7} {figure:42} {shown(value):>12} {shown(known):>12} {shown(goal):>12}")


def report_only(key, measured, budget):
    """For another wolfSSL: beside the figures of the one that is budgeted, without a judgement."""
    platform = key.rsplit("/", 1)[0]
    likely = [other for other in budget["entries"] if other.rsplit("/", 1)[0] == platform]
    known = flat(budget["entries"][likely[0]]) if likely else {}
    beside = f", beside {likely[0]}" if likely else ""
    print(f"  {key} has no entry: reported, not judged{beside}")
    print_table(("", figure, value, known.get(figure), None)
                for figure, value in flat(measured).items())
    return 0


def compare(key, measured, budget):
    """Prints the comparison; the exit status."""
    entry, goals = budget["entries"].get(key), budget["goals"].get(key, {})
    if entry is None:
        return report_only(key, measured, budget)
    rows = list(judge(measured, entry, goals))
    print(f"  {key}")
    print_table(rows)
    failures = [row for row in rows if row[0] in FAILURES]
    gains = [row for row in rows if row[0] == "SHRANK"]
    if gains:
        print(f"  {len(gains)} figures are below their budget")
    if failures:
        print(f"  {len(failures)} figures exceed the budget or a goal, or have no entry. If it")
        print("  is meant: tools/budget.py --update, and say why in the commit.")
    return 1 if failures else 0


def update(key, measured, budget, path):
    budget["entries"][key] = measured
    temporary = path.with_suffix(".new")
    temporary.write_text(json.dumps(budget, indent=1, sort_keys=True) + "\n")
    os.replace(temporary, path)
    print(f"  the figures of {key} are written to {path}")
    rows = list(judge(measured, measured, budget["goals"].get(key, {})))
    print_table(rows)
    return 1 if any(row[0] in FAILURES for row in rows) else 0


# ---- what README.md says ---------------------------------------------------------------------

README_KEY = "default/x86_64/5.9.2"
README_ROWS = (
    ("TLS heap at its peak, in the handshake", "pub", ("tls_heap_peak_bytes",)),
    ("TLS heap while connected", "pub", ("tls_steady_bytes",)),
    ("TLS heap after close", "pub", ("left_over_bytes",)),
    ("what connections share (trust, certificate, key), at its peak", "pub",
     ("shared_heap_peak_bytes",)),
    ("all heaps of the process together, at their peak", "pub", ("process_peak_bytes",)),
    ("stack, in the handshake / while connected", "pub",
     ("stack_peak_bytes", "stack_steady_bytes")),
    ("subscribed and idle: private dirty memory", "sub", ("private_dirty_bytes",)),
    ("subscribed and idle: resident, code included", "sub", ("rss_bytes",)),
)


def readme_cells(entry, command, names):
    return [" / ".join(f"{entry[f'{command}-{kind}-tlsv1.3'][name]:,}" for name in names) + " B"
            for kind in KINDS]


def readme_table(budget):
    entry = budget["entries"][README_KEY]
    rows = [["", "EC P-256", "RSA-2048"], ["---", "---:", "---:"],
            ["the binary, static and stripped", f"{entry['binary']['file_bytes']:,} B",
             "the same"]]
    rows += [[text, *readme_cells(entry, command, names)] for text, command, names in README_ROWS]
    rows += [["instructions: connect, publish at QoS 1, leave",
              *(f"{entry[f'pub-{kind}-tlsv1.3']['instructions'] / 1e6:.1f} million"
                for kind in KINDS)]]
    return "".join("| " + " | ".join(row) + " |\n" for row in rows)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--binary", type=pathlib.Path, default=pathlib.Path("build/thimble"))
    parser.add_argument("--budget", type=pathlib.Path, default=BUDGET)
    parser.add_argument("--runs", type=int, default=RUNS)
    parser.add_argument("--update", action="store_true", help="write the figures down")
    parser.add_argument("--show", action="store_true", help="print what is written down")
    parser.add_argument("--readme", action="store_true", help="print the table of README.md")
    arguments = parser.parse_args()
    os.chdir(TOP)
    budget = json.loads(arguments.budget.read_text())
    if arguments.readme:
        print(readme_table(budget), end="")
        return 0
    key = key_of(arguments.binary)
    if arguments.show:
        entry = budget["entries"].get(key, {})
        print_table(judge(entry, entry, budget["goals"].get(key, {})))
        return 0
    try:
        measured = measure(arguments.binary, arguments.runs)
    except Trouble as trouble:
        print(f"  FAILED  the budget could not be measured: {trouble}")
        return 2
    if arguments.update:
        return update(key, measured, budget, arguments.budget)
    return compare(key, measured, budget)


if __name__ == "__main__":
    sys.exit(main())
