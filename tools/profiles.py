#!/usr/bin/python3
"""Measures every profile, prints one table, holds it against the budget and runs the tests.

    tools/profiles.py PROFILE...            all of it
    tools/profiles.py --update PROFILE...   writes the figures into config/budget.json, but not
                                            those of default
    tools/profiles.py --table PROFILE...    the table alone, from what is written down
    tools/profiles.py --runs N --untested   fewer runs, no integration tests
    tools/profiles.py --listed PROFILE...   tries what tests/profiles/not-here lists, and nothing
                                            else: a test that passes is listed wrongly

The binaries are those of `make profile-programs`: build/PROFILE/thimble, build/thimble. A test of
something a profile lacks is not run, and is counted with the reason. Which these are is read from
config/features.mk (options and commands), and from that list.
"""
import argparse
import collections
import concurrent.futures
import json
import os
import pathlib
import re
import subprocess
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import budget  # noqa: E402

TOP = budget.TOP
RUNS = 5
COLUMNS = ("file", "text", "block", "heap + stack, EC", "heap + stack, RSA", "stack bound",
           "RSS", "dirty", "instructions, EC", "RSA")


def binary_of(profile):
    return pathlib.Path("build", *([] if profile == "default" else [profile]), "thimble")


# ---- the table -------------------------------------------------------------------------------

def text_bytes(binary):
    sizes = subprocess.run(["size", "-A", f"{binary}.full"], text=True, stdout=subprocess.PIPE,
                           check=True).stdout
    return sum(int(size) for name, size in re.findall(r"^(\.\w+)\s+(\d+)", sizes, re.M)
               if name in (".cold", ".agent", ".text", ".rodata"))


def told(binary, name):
    words = subprocess.run([binary, "version"], text=True, stdout=subprocess.PIPE, check=True).stdout
    return re.search(rf"^{name} +(\d+)", words, re.M)[1]


def stack_bound(binary):
    """What tools/stack.py computes, if it can of this build."""
    subprocess.run([sys.executable, "tools/stack.py", "--build", str(binary.parent),
                    "--unmeasured"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                   check=False)
    try:
        return json.loads((binary.parent / "stack.json").read_text())["need_bytes"]
    except (OSError, KeyError, ValueError):
        return None


def number(value):
    return "-" if value is None else f"{int(value):,}"


def memory(entry, kind):
    pub = entry.get(f"pub-{kind}-tlsv1.3")
    if not pub:
        return "-"
    heap, stack = pub["process_peak_bytes"], pub["stack_peak_bytes"]
    return f"{heap:,} + {stack:,}"


def millions(entry, kind):
    pub = entry.get(f"pub-{kind}-tlsv1.3")
    return f"{pub['instructions'] / 1e6:.1f} M" if pub else "-"


def row(profile, entry):
    binary = binary_of(profile)
    sub = entry["sub-ec-tlsv1.3"]
    return [profile, number(entry["binary"]["file_bytes"]), number(text_bytes(binary)),
            number(told(binary, "connection_bytes")), memory(entry, "ec"), memory(entry, "rsa"),
            number(stack_bound(binary)), number(sub["rss_bytes"]),
            number(sub["private_dirty_bytes"]), millions(entry, "ec"), millions(entry, "rsa")]


def print_table(entries):
    rows = [["profile", *COLUMNS], ["---", *["---:"] * len(COLUMNS)],
            *(row(profile, entry) for profile, entry in entries.items())]
    print("\n".join("| " + " | ".join(cells) + " |" for cells in rows))
    for profile in entries:
        lacks = budget.lacks(binary_of(profile))
        if lacks:
            print(f"\n{profile} lacks {', '.join(lacks)}.")


# ---- tests -----------------------------------------------------------------------------------

def assignments(path):
    """Of a makefile: the words of each variable."""
    text = path.read_text().replace("\\\n", " ") if path.exists() else ""
    found = collections.defaultdict(list)
    for name, value in re.findall(r"^([\w.-]+) *[:+]= *(.*)$", text, re.M):
        found[name] += value.split()
    return found


def lacks(profile):
    return assignments(TOP / "config" / "profile" / f"{profile}.mk").get("lacks", [])


# What is told by other words of a command line than options and commands.
WORDS = {"tls12": ["tlsv1.2"], "rsa": ["*/rsa/*"]}


def short_names():
    """"--url": "-L" """
    table = (TOP / "src" / "cli" / "table.c").read_text()
    rows = re.findall(r'\{TEXTS\("([\w-]+)",(?:(?!TEXTS).)*?\),\s+\'(.)\', TH_CLI', table, re.S)
    return {f"--{name}": f"-{letter}" for name, letter in rows}


def lacking_words(profile):
    """(word of a command line, what the profile lacks)"""
    features, short = assignments(TOP / "config" / "features.mk"), short_names()
    for feature in lacks(profile):
        for option in features.get(f"{feature}.options", []):
            yield from ((name, option) for name in (option, f"{option}=*", short.get(option)) if name)
        for word in [*features.get(f"{feature}.commands", []), *WORDS.get(feature, [])]:
            yield word, feature


def listed_tests(profile):
    """(pattern, reason) from the list: of what the profile lacks, and of the profile itself."""
    reason, mine = None, {profile, *lacks(profile)}
    for line in (TOP / "tests" / "profiles" / "not-here").read_text().splitlines():
        if line.startswith("because: "):
            reason = line.removeprefix("because: ")
        elif line and not line.startswith("#"):
            what, pattern = line.split(None, 1)
            if mine & set(what.split(",")):
                yield pattern, reason


def not_here(profile):
    """The file that tells the tests."""
    path = TOP / binary_of(profile).parent / "not-here"
    lines = [*listed_tests(profile),
             *((word, f"{profile} has no {lack}") for word, lack in lacking_words(profile))]
    path.write_text("".join(f"{what}\t{why}\n" for what, why in lines))
    return path


def run_tests(profile, tests, **more):
    """Prints what they said when they have ended: those of several profiles run at once."""
    environment = {**os.environ, "THIMBLE": str(TOP / binary_of(profile)),
                   "THIMBLE_NOT_HERE": str(not_here(profile)), **more}
    log = TOP / binary_of(profile).parent / "tests.log"
    with open(log, "wb") as output:
        done = subprocess.run([sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-n", "2",
                               "-q", "--tb=short", *tests], env=environment, cwd=TOP, stdout=output,
                              stderr=output, check=False)
    print(f"\n  TEST    {profile}: {' '.join(map(str, tests))}\n{log.read_text()}", flush=True)
    return done.returncode


def test_all(profiles, **more):
    """As many at a time as there are processors, for tests wait most of the time."""
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        codes = pool.map(lambda profile: run_tests(profile, ["tests/integration"], **more), profiles)
        return max(codes, default=0)


# ---- the whole -------------------------------------------------------------------------------

def judged(profile, measured, book, update):
    key = budget.key_of(binary_of(profile))
    if update and profile != "default":
        return budget.update(key, measured, book, budget.BUDGET)
    return budget.compare(key, measured, book)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("profiles", nargs="+")
    parser.add_argument("--update", action="store_true")
    parser.add_argument("--table", action="store_true")
    parser.add_argument("--untested", action="store_true")
    parser.add_argument("--listed", action="store_true")
    parser.add_argument("--runs", type=int, default=RUNS)
    arguments = parser.parse_args()
    os.chdir(TOP)
    book = json.loads(budget.BUDGET.read_text())
    if arguments.table:
        print_table({profile: book["entries"][budget.key_of(binary_of(profile))]
                     for profile in arguments.profiles})
        return 0
    if arguments.listed:
        return test_all(arguments.profiles, THIMBLE_TRY_LISTED="1")
    measured = {profile: budget.measure(binary_of(profile), arguments.runs)
                for profile in arguments.profiles}
    worst = 0
    for profile, figures in measured.items():
        worst = max(worst, judged(profile, figures, book, arguments.update))
    print_table(measured)
    return max(worst, test_all([] if arguments.untested else arguments.profiles))


if __name__ == "__main__":
    try:
        sys.exit(main())
    except budget.Trouble as trouble:
        print(f"  FAILED  {trouble}")
        sys.exit(2)
