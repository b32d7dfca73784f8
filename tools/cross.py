#!/usr/bin/python3
"""Tries the binaries of `make cross` under qemu, and prints one table.

    tools/cross.py ARCHITECTURE...      unit tests, integration tests and the budget of each
    tools/cross.py --update ...         measure, and write the figures into the budget
    tools/cross.py --only unit armhf    one part: unit, integration or budget
    tools/cross.py --sample 4/4 riscv64 that share of the integration tests

Architectures are Debian's, and as many are tried at a time as there are processors. What is not run
there stands in tests/cross/not-here, with its reason, and is counted. Of the integration tests each
architecture runs a sample, all of them together the whole; the unit tests are run on one of 32 bits
and, nothing else, on s390x, for its byte order. THIMBLE_CHECK=all runs all of them on each. The
figures are those of tools/budget.py, without what only the processor itself can tell (instructions,
resident memory).
"""
import argparse
import concurrent.futures
import dataclasses
import fnmatch
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import time

import budget

TOP = budget.TOP
QEMU = {"armhf": "arm", "arm64": "aarch64", "mipsel": "mipsel", "riscv64": "riscv64",
        "s390x": "s390x"}
PARTS = ("unit", "integration", "budget")
UNIT_ONLY = ("s390x",)
UNIT_SAMPLE = ("armhf", *UNIT_ONLY)
WHOLE = os.environ.get("THIMBLE_CHECK") == "all"
RUNS = 5
UNIT_SECONDS = 900  # of the processor: others may want it, too
HANG_SECONDS = 1800
PATIENCE = 3  # how much slower than a processor its imitation may be


@dataclasses.dataclass
class Outcome:
    passed: int = 0
    failed: int = 0
    not_run: int = 0

    def add(self, passed, failed, not_run):
        self.passed += passed
        self.failed += failed
        self.not_run += not_run

    def __str__(self):
        text = f"{self.passed} passed"
        text += f", {self.failed} FAILED" if self.failed else ""
        return text + (f", {self.not_run} not run" if self.not_run else "")


def say(word, text):
    print(f"  {word:7} {text}", flush=True)


class Target:
    """One architecture: what was built for it, and how it is run here."""

    def __init__(self, name):
        self.name = name
        self.folder = TOP / "build" / name
        self.qemu = f"qemu-{QEMU[name]}-static"
        self.binary = self.folder / "thimble"
        self.program = self.folder / "qemu" / "thimble"

    def parts(self, wanted):
        """Those that are wanted; without a wish, those of the sample."""
        mine = [part for part in wanted or PARTS if part == "unit" or self.name not in UNIT_ONLY]
        if not wanted and not WHOLE and self.name not in UNIT_SAMPLE:
            mine.remove("unit")
        return mine

    def make_program(self):
        """What the tests start instead: it starts qemu."""
        self.program.parent.mkdir(exist_ok=True)
        subprocess.run(["cc", "-O1", f'-DQEMU="{self.qemu}"', f'-DPROGRAM="{self.binary}"', "-o",
                        self.program, TOP / "tests" / "cross" / "under_qemu.c"], check=True)

    def log(self, name):
        path = self.folder / "log" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        return path


# ---- what is not run -------------------------------------------------------------------------

def not_here(architecture):
    """(pattern, reason) of this architecture."""
    reason = None
    for line in (TOP / "tests" / "cross" / "not-here").read_text().splitlines():
        if line.startswith("because: "):
            reason = line.removeprefix("because: ")
        elif line and not line.startswith("#"):
            where, pattern = line.split()
            if where in ("*", architecture):
                yield pattern, reason


# ---- unit tests ------------------------------------------------------------------------------

def unit_names():
    return sorted(str(path.relative_to(TOP / "tests" / "unit").with_suffix(""))
                  for path in TOP.glob("tests/unit/*/test_*.c"))


def unit_names_left_out(target, program):
    patterns = [pattern.split("::") for pattern, _ in not_here(target.name)]
    return "".join(test + "," for name, test in patterns if fnmatch.fnmatchcase(program, name))


def counted(word, text):
    return sum(map(int, re.findall(rf"^\[  {word}  \] (\d+) test", text, re.M)))


def run_unit(target, program, outcome):
    environment = {**os.environ, "NOT_HERE": unit_names_left_out(target, program)}
    path = target.log(f"unit/{program.replace('/', '-')}.log")
    with open(path, "wb") as log:
        try:
            code = subprocess.run(["prlimit", f"--cpu={UNIT_SECONDS}", target.qemu,
                                   target.folder / "unit" / program], stdout=log,
                                  stderr=subprocess.STDOUT, env=environment,
                                  timeout=HANG_SECONDS).returncode
        except subprocess.TimeoutExpired:
            code = "timeout"
    text = path.read_text(errors="replace")
    passed, failed = counted("PASSED", text), counted("FAILED", text)
    if code != 0 or passed == 0 and "NOT RUN" not in text:
        failed = max(failed, 1)
        say("FAIL", f"{target.name}: unit {program} ({code}), see {path.relative_to(TOP)}")
    outcome.add(passed, failed, text.count("[ NOT RUN  ]"))


def unit(target, _):
    outcome = Outcome()
    for program in unit_names():
        run_unit(target, program, outcome)
    return outcome


# ---- integration tests -----------------------------------------------------------------------

def pytest_count(word, line):
    found = re.search(rf"(\d+) {word}", line)
    return int(found.group(1)) if found else 0


def pytest_environment(target, sample):
    left_out = target.folder / "not-here"
    left_out.write_text("".join(f"{pattern}\t{reason}\n"
                                for pattern, reason in not_here(target.name) if "/" not in pattern))
    return {**os.environ, "THIMBLE": str(target.program), "THIMBLE_IMAGE": str(target.binary),
            "THIMBLE_QEMU": target.qemu, "THIMBLE_NOT_HERE": str(left_out),
            "THIMBLE_SAMPLE": sample, "THIMBLE_PATIENCE": str(PATIENCE)}


def run_pytest(target, sample, folder, outcome):
    path = target.log(f"{folder}.log")
    with open(path, "wb") as log:
        subprocess.run([sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-n", "2", "-q",
                        "--tb=short", "-rfE", f"tests/{folder}"], cwd=TOP, stdout=log,
                       stderr=subprocess.STDOUT, env=pytest_environment(target, sample))
    text = path.read_text(errors="replace")
    last = ([line for line in text.splitlines() if re.search(r" in [\d.]+s", line)] or [""])[-1]
    passed = pytest_count("passed", last)
    failed = pytest_count("failed", last) + pytest_count("error", last)
    outcome.add(passed, failed if passed else max(failed, 1), pytest_count("skipped", last))
    for line in re.findall(r"^(?:FAILED|ERROR|NOT RUN|NOT HERE|SAMPLE) .*", text, re.M):
        say("", f"{target.name}: {line}")


def integration(target, sample):
    outcome = Outcome()
    for folder in ("integration", "cross"):
        run_pytest(target, sample, folder, outcome)
    return outcome


# ---- the budget ------------------------------------------------------------------------------

def text_bytes(binary):
    listed = subprocess.run(["size", binary], check=True, capture_output=True, text=True).stdout
    return int(listed.splitlines()[1].split()[0])


def wolfssl_version(target):
    header = (target.folder / "gen" / "version.h").read_text()
    return re.search(r'#define TH_BUILD_WOLFSSL "([^"]*)"', header).group(1)


def measure(target):
    figures = {"binary": {"file_bytes": target.binary.stat().st_size,
                          "text_bytes": text_bytes(target.binary)}}
    program = target.program
    with budget.Lab(budget.WORK / "lab") as lab:
        for version in budget.VERSIONS:
            for kind in budget.KINDS:
                figures[f"pub-{kind}-{version}"] = budget.largest(
                    [budget.publish(program, lab, kind, version) for _ in range(RUNS)])
                figures[f"sub-{kind}-{version}"] = budget.largest(
                    [budget.subscribe(program, lab, kind, version, number, look=lambda pid: {})
                     for number in range(RUNS)])
    return figures


def keep(target, update):
    """The figures, and whether they are within the budget."""
    key = f"default/{target.name}/{wolfssl_version(target)}"
    known = json.loads(budget.BUDGET.read_text())
    figures = measure(target)
    if update:
        return figures, budget.update(key, figures, known, budget.BUDGET) == 0
    entry, goals = known["entries"].get(key, {}), known["goals"].get(key, {})
    if not entry:
        say("NEW", f"{key} has no entry yet: tools/cross.py --update {target.name}")
        return figures, False
    rows = [row for row in budget.judge(figures, entry, goals) if row[0] in budget.FAILURES]
    if rows:
        print(f"  {key}")
        budget.print_table(rows)
    return figures, not rows


# ---- the table -------------------------------------------------------------------------------

COLUMNS = (("file", "binary", "file_bytes"), ("text", "binary", "text_bytes"),
           ("heaps EC", "sub-ec-tlsv1.3", "process_peak_bytes"),
           ("heaps RSA", "sub-rsa-tlsv1.2", "process_peak_bytes"),
           ("TLS idle", "sub-ec-tlsv1.3", "tls_steady_bytes"),
           ("stack EC", "sub-ec-tlsv1.3", "stack_peak_bytes"),
           ("stack RSA", "sub-rsa-tlsv1.3", "stack_peak_bytes"),
           ("stack idle", "sub-ec-tlsv1.3", "stack_steady_bytes"))


def figure_cells(figures):
    return [f"{figures[scenario][name]:,}" if figures else "-" for _, scenario, name in COLUMNS]


def print_table(results):
    print("\n  bytes   " + "".join(f"{title:>11}" for title, _, _ in COLUMNS) + "   tests")
    for target, figures, outcomes, clock in results:
        cells = "".join(f"{cell:>11}" for cell in figure_cells(figures))
        tests = "; ".join(f"{part} {outcome}" for part, outcome in outcomes.items())
        print(f"  {target.name:8}{cells}   {tests}; {clock:.0f} s")


# ---------------------------------------------------------------------------------------------

TESTS = {"unit": unit, "integration": integration}


def try_target(target, parts, sample):
    """The outcome of each part, and what they took."""
    began, outcomes = time.monotonic(), {}
    target.make_program()
    for part in [part for part in target.parts(parts) if part in TESTS]:
        say("TRY", f"{target.name}: {part}")
        outcomes[part] = TESTS[part](target, sample)
        say("DONE", f"{target.name}: {part} {outcomes[part]}")
    return outcomes, time.monotonic() - began


def samples(targets, given):
    """What each runs of the integration tests, together the whole, unless it is given."""
    sharing = [target for target in targets if target.name not in UNIT_ONLY]
    shares = {target: f"{number}/{len(sharing)}" for number, target in enumerate(sharing, 1)}
    return [given or shares.get(target) for target in targets]


def try_all(targets, parts, shares):
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as at_once:
        return list(at_once.map(lambda target, share: try_target(target, parts, share), targets,
                                shares))


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("architectures", nargs="+", choices=QEMU)
    parser.add_argument("--only", choices=PARTS, action="append")
    parser.add_argument("--sample", help="of the integration tests, N/M")
    parser.add_argument("--update", action="store_true", help="write the figures down")
    arguments = parser.parse_args()
    os.chdir(TOP)
    signal.signal(signal.SIGINT, signal.default_int_handler)  # the tests send it to what they start
    budget.WORK = pathlib.Path("build/cross")
    shutil.os.makedirs(budget.WORK, exist_ok=True)
    targets, parts = [Target(name) for name in arguments.architectures], arguments.only
    if not parts and not WHOLE:
        say("SAMPLE", f"unit tests: {' and '.join(UNIT_SAMPLE)}; on each: THIMBLE_CHECK=all")
    tried = try_all(targets, parts, samples(targets, arguments.sample or (WHOLE and "1/1")))
    kept = [keep(target, arguments.update) if "budget" in target.parts(parts) else (None, True)
            for target in targets]
    print_table([(target, figures, outcomes, clock)
                 for target, (outcomes, clock), (figures, _) in zip(targets, tried, kept)])
    failed = any(outcome.failed for outcomes, _ in tried for outcome in outcomes.values())
    return 1 if failed or not all(within for _, within in kept) else 0


if __name__ == "__main__":
    sys.exit(main())
