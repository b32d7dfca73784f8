#!/usr/bin/python3
"""The audit: valgrind bears witness to every byte of the shipped binary. docs/audit.md explains it.

    tools/audit.py [--only NAME]... [--binary build/thimble] [--json build/audit.json]

For each scenario the shipped binary runs under massif, and what massif counted at its peak must be
what the program's own report says, to the byte. Then the same scenario with the witness, in which
each block is a malloc of libc's and valgrind is told nothing; with memcheck; and with massif
counting pages. Last come programs that do wrong, and must be caught. Prints a table; leaves
build/audit.json, and in build/audit what valgrind wrote, beside what ms_print makes of it.
"""
import argparse
import concurrent.futures
import dataclasses
import hashlib
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import typing

TOP = pathlib.Path(__file__).resolve().parents[1]
sys.dont_write_bytecode = True
sys.path.insert(0, str(TOP / "tests" / "integration"))

from budget import ENVIRONMENT, Lab, Trouble, build_value  # noqa: E402
from fake import FakeBroker  # noqa: E402
from forge import CA, LOCALHOST, SERVER, Forge, server  # noqa: E402
from packets import publish  # noqa: E402

BUILD = pathlib.Path(os.environ.get("THIMBLE_BUILD", "build"))  # of another profile: build/NAME
WORK = BUILD / "audit"
SECONDS = 120
WORKERS = 2

# An ECDSA signature has 70 to 72 bytes, by chance: where the peak falls on one, the witness runs
# again until chance was the same; and after some runs the shipped binary does: its chance may have
# been a rare one.
WITNESS_RUNS, DRAWS = 8, 10

VALGRIND = ["valgrind", "--num-callers=30"]
MASSIF = ["--tool=massif", "--peak-inaccuracy=0.0", "--time-unit=B", "--heap-admin=0"]

# A stripped binary has nothing by which its stack could be unwound: who called is a guess.
NO_CALLERS = ["--depth=1"]

# valgrind's own malloc rounds blocks up to 16 bytes, and massif looks for the peak of the sum with
# what rounding adds. So all that can be kept is kept: the largest count of requested bytes is it.
REAL_MALLOC = ["--soname-synonyms=somalloc=NONE", "--max-snapshots=1000", "--depth=12"]
PAGES = ["--tool=massif", "--pages-as-heap=yes", "--time-unit=B", "--threshold=0", "--depth=2",
         "--detailed-freq=1", "--max-snapshots=1000"]
MEMCHECK = ["--tool=memcheck", "--leak-check=full", "--show-leak-kinds=all"]


# ---- the scenes --------------------------------------------------------------------------------

class Stage:
    """Brokers and certificates, for all scenarios."""

    def __init__(self, lab, forge):
        self.lab, self.forge = lab, forge
        self.directory = lab.folder

    def path(self, kind, name):
        return self.directory / kind / name

    def identity(self, kind="ec"):
        return [self.path(kind, name) for name in ("root.pem", "client.pem", "client.key")]

    def options(self, kind="ec"):
        return [word for pair in zip(("--cafile", "--cert", "--key"), self.identity(kind))
                for word in pair]

    def broker(self, kind, tls):
        """The options for mosquitto."""
        return ["-h", "localhost", "-p", self.lab.ports[f"{kind}_port"], "--tls-version", tls,
                *self.options(kind)]

    def server(self, tls, kind="ec", tickets=True):
        """The TLS side of a broker of our own, which wants our certificate."""
        context = server(self.path(kind, "server.pem"), self.path(kind, "server.key"), tls, tls,
                         clients=self.path(kind, "root.pem"))
        if not tickets:
            context.num_tickets = 0
            context.options |= 1 << 14  # SSL_OP_NO_TICKET
        return context

    def retain(self, topic, qos):
        subprocess.run(["mosquitto_pub", "-h", "localhost", "-p", self.lab.ports["plain_port"],
                        "-r", "-t", topic, "-m", "x" * 64, "-q", str(qos)], check=True)


@dataclasses.dataclass
class Scenario:
    """`words` makes the command line, given the stage and, if `scripts` has a fake broker play,
    that broker."""
    name: str
    what: str
    words: typing.Callable
    code: int = 0
    scripts: typing.Callable = None   # the scripts of a fake broker
    tls: typing.Callable = None       # and its TLS
    program: str = "thimble"
    witness: str = "witness"
    expects: typing.Callable = lambda reports: True


MESSAGE = ["-t", "audit", "-m", "x" * 64]


def publishing(kind, tls):
    return Scenario(
        f"publish-{kind}-{tls}", f"connect, publish at QoS 1, leave; {kind.upper()}, TLS {tls}",
        lambda stage, _: ["pub", *stage.broker(kind, tls), *MESSAGE, "-q", "1"])


def to_fake(command, *more, kind="ec"):
    return lambda stage, broker: [command, *broker.where, *stage.options(kind), "-t", "audit",
                                  *more]


def delivers(payload):
    def script(peer):
        peer.greet().grant()
        peer.socket.sendall(publish("audit", payload))
        peer.drain()
    return script


def breaks(peer):
    """Everything that was promised is done, and then the line is cut."""
    peer.greet().grant()
    peer.reset()


def full_record(tls):
    head = len(publish("audit", b"x" * 16000)) - 16000
    return Scenario(
        f"record-{tls}", f"subscribe, receive a full record of 16,384 bytes; TLS {tls}",
        to_fake("sub", "-C", "1"), scripts=lambda _: [delivers(b"r" * (16384 - head))],
        tls=lambda stage: stage.server(tls),
        expects=lambda reports: reports[0]["pools"]["record_cell"]["peak_bytes"] > 16384)


def long_chain(tls):
    def words(stage, broker):
        return ["pub", *broker.where, *stage.forge.trust(), "-t", "audit", "-m", "x"]

    def script(peer):
        peer.greet()
        peer.drain()
    return Scenario(
        f"chain-{tls}", f"the broker's chain has more than 8,192 bytes; TLS {tls}", words,
        scripts=lambda _: [script],
        tls=lambda stage: stage.forge.server("chain", lowest=tls, highest=tls))


def again(tls, resumed):
    name, how = ("resumed", "resuming the session") if resumed else ("reconnect", "in full")
    return Scenario(
        f"{name}-{tls}", f"the line is cut, connect again {how}; TLS {tls}",
        to_fake("sub", "-C", "1", "-q", "1", "--retry", "5", "--backoff", "0.01..0.01"),
        scripts=lambda _: [breaks, delivers(b"back")],
        tls=lambda stage: stage.server(tls, tickets=resumed),
        expects=lambda reports: (reports[0]["connection"]["attempts"] == 2 and
                                 reports[0]["connection"]["resumed"] == resumed))


def refused(tls):
    def words(stage, _):
        options = stage.broker("ec", tls)
        options[options.index("--cafile") + 1] = stage.path("other", "root.pem")
        return ["pub", *options, "-t", "audit", "-m", "x"]
    return Scenario(f"refused-{tls}", f"the broker's certificate is refused; TLS {tls}", words,
                    code=72)


def qos_2_out(stage, _):
    return ["pub", *stage.broker("ec", "1.3"), *MESSAGE, "-q", "2"]


def qos_2_in(stage, _):
    stage.retain("audit/qos2", 2)
    return ["sub", *stage.broker("ec", "1.3"), "-t", "audit/qos2", "-q", "2", "-C", "1"]


def too_small(stage, _):
    return ["pub", *stage.broker("ec", "1.3"), "-t", "audit", "-m", "x", "--heap-budget", "7k"]


def two_at_once(stage, _):
    return ["localhost", stage.lab.ports["ec_port"], *stage.identity()]


SCENARIOS = [
    *(publishing(kind, tls) for kind in ("ec", "rsa") for tls in ("1.2", "1.3")),
    *map(full_record, ("1.2", "1.3")),
    *map(long_chain, ("1.2", "1.3")),
    *(again(tls, resumed=False) for tls in ("1.2", "1.3")),
    *(again(tls, resumed=True) for tls in ("1.2", "1.3")),
    Scenario("qos2-out", "publish at QoS 2", qos_2_out),
    Scenario("qos2-in", "receive at QoS 2", qos_2_in),
    *map(refused, ("1.2", "1.3")),
    Scenario("too-small", "the TLS heap is too small: refused, given back", too_small, code=84,
             expects=lambda reports: total(reports, "refused") > 0),
    Scenario("two", "two connections at once", two_at_once, program="audit/two",
             witness="two-witness"),
]


# ---- one run -------------------------------------------------------------------------------------

@dataclasses.dataclass
class Run:
    scenario: Scenario
    binary: pathlib.Path
    done: subprocess.CompletedProcess
    reports: list

    def must(self, condition, complaint):
        if not condition:
            command = " ".join(map(str, self.done.args))
            raise Trouble(f"{self.scenario.name}: {complaint}\n{command}\nended with "
                          f"{self.done.returncode}\n{self.done.stdout[-4000:]}")
        return self


def total(reports, what):
    return sum(report["allocations"][f"{what}_allocations"] for report in reports)


def extra_words(words, files):
    """Where the report goes, and patience."""
    if words[0] not in ("pub", "sub"):
        return files
    return ["--timeout", "100", f"--mem-report=json:{files[0]}"]


USUAL = ("thimble", "two", "witness", "two-witness")


def file_of(scenario, binary, tag):
    """Where valgrind writes; other binaries have their name in it."""
    other = [] if binary.name in USUAL else [binary.name]
    return WORK / ".".join([scenario.name, *other, tag])


def play(stage, scenario, binary, prefix=()):
    """One run of `binary`, under `prefix`, with a broker of its own if the scenario has one."""
    files = [WORK / f"{scenario.name}.report{number}.json" for number in (1, 2)]
    for file in files:
        file.unlink(missing_ok=True)
    broker = scenario.scripts and FakeBroker(*scenario.scripts(stage), tls=scenario.tls(stage))
    try:
        words = scenario.words(stage, broker)
        words = [*words, *extra_words(words, files)]
        done = subprocess.run(list(map(str, [*prefix, binary, *words])), env=ENVIRONMENT, text=True,
                              timeout=SECONDS, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, errors="replace")
    finally:
        if broker:
            broker.close()
    run = Run(scenario, binary, done, [])
    run.must(done.returncode == scenario.code, f"exit status {scenario.code} was expected")
    run.must(files[0].exists(), "there is no report")
    run.reports = [json.loads(file.read_text()) for file in files if file.exists()]
    for file in files:
        file.unlink(missing_ok=True)
    if broker:
        broker.check()
    return run.must(scenario.expects(run.reports), "it did not do what it is about")


# ---- what massif says ----------------------------------------------------------------------------

def massif_peak(path):
    return max(int(each) for each in re.findall(r"^mem_heap_B=(\d+)", path.read_text(), re.M))


def ms_print(path):
    shown = subprocess.run(["ms_print", path], stdout=subprocess.PIPE, check=True).stdout
    path.with_suffix(".txt").write_bytes(shown)


def under_massif(stage, scenario, binary, tag, *more):
    """massif's peak, and the run; its file stays."""
    path = file_of(scenario, binary, f"{tag}.out")
    run = play(stage, scenario, binary, [*VALGRIND, *MASSIF, *more, f"--massif-out-file={path}"])
    ms_print(path)
    return massif_peak(path), run


def own_peak(run):
    return run.reports[0]["process"]["peak_bytes"]


def shipped(stage, scenario, binary):
    peak, run = under_massif(stage, scenario, binary, "massif", *NO_CALLERS)
    run.must(peak == own_peak(run), f"massif counted {peak}, the report says {own_peak(run)}")
    books = [report["allocations"] for report in run.reports]
    run.must(all(book["taken_allocations"] == book["returned_allocations"] for book in books),
             "not all that was granted was given back")
    return peak, run


def witnessed(stage, scenario):
    peak, run = under_massif(stage, scenario, WORK / scenario.witness, "witness", *REAL_MALLOC)
    run.must(peak == own_peak(run), f"massif counted {peak}, the witness says {own_peak(run)}")
    return peak


def agreed(stage, scenario, binary):
    """(peak, the witness's, its runs, the shipped binary's run). The files are those of both."""
    runs = 0
    for _ in range(DRAWS):
        peak, run = shipped(stage, scenario, binary)
        for _ in range(WITNESS_RUNS):
            twin, runs = witnessed(stage, scenario), runs + 1
            if twin == peak:
                return peak, twin, runs, run
    return run.must(False, f"the witness's peak is {twin}, the shipped binary's {peak}")


# ---- what memcheck says --------------------------------------------------------------------------

def memchecked(stage, scenario, binary):
    """(errors, bytes still in use at the end)."""
    path = file_of(scenario, binary, "memcheck.txt")
    play(stage, scenario, binary, [*VALGRIND, *MEMCHECK, f"--log-file={path}"])
    text = path.read_text()
    errors = int(re.search(r"ERROR SUMMARY: ([\d,]+)", text).group(1).replace(",", ""))
    left = int(re.search(r"in use at exit: ([\d,]+) bytes", text).group(1).replace(",", ""))
    return errors, left


# ---- mappings ------------------------------------------------------------------------------------

def symbols(binary):
    """(address, name), ascending; the shipped binary has none, its unstripped twin has the same
    addresses."""
    twin = binary.with_name(binary.name + ".full")
    listing = subprocess.run(["nm", "-n", twin if twin.exists() else binary], text=True,
                             stdout=subprocess.PIPE, check=True).stdout
    found = [line.split() for line in listing.splitlines()]
    return [(int(fields[0], 16), fields[2]) for fields in found if len(fields) == 3]


def name_at(table, address):
    names = [name for at, name in table if at <= address]
    return names[-1] if names else "?"


SITE = r"^ n\d+: (\d+) (0x[0-9A-F]+): (\S+)(?: \(in (.*)\))?"
BY_EXEC = "(the kernel, at exec)"


def name_of(table, address, file, binary):
    if not file:
        return BY_EXEC
    return name_at(table, address) if file == str(binary) else pathlib.Path(file).name


def sites(path, binary):
    """Who ever asked for pages: name -> bytes at the end. massif keeps a site that gave all back,
    so the last snapshot tells of everybody."""
    table = symbols(binary)
    found = {}
    last = path.read_text().rsplit("heap_tree=", 1)[1]
    for size, address, name, file in re.findall(SITE, last, re.M):
        if name == "???":
            name = name_of(table, int(address, 16), file, binary)
        found[name] = found.get(name, 0) + int(size)
    return found


# The pools' own blocks are counted on top of the pages they lie in. Before the first instruction
# valgrind borrows a page and returns it.
EXPECTED_SITES = re.compile(re.escape(BY_EXEC) + "|_start|th_watch_taken.*")


def mapped(stage, scenario, binary, tag="pages"):
    """(bytes mapped at the start, at the end, who else asked for pages)."""
    path = file_of(scenario, binary, f"{tag}.out")
    play(stage, scenario, binary, [*VALGRIND, *PAGES, f"--massif-out-file={path}"])
    ms_print(path)
    found = sites(path, TOP / binary)
    others = sorted(name for name in found if not EXPECTED_SITES.fullmatch(name))
    totals = [int(each) for each in re.findall(r"^mem_heap_B=(\d+)", path.read_text(), re.M)]
    return found[BY_EXEC], totals[-1], others


# ---- a scenario ----------------------------------------------------------------------------------

def audit(stage, scenario, binary):
    binary = binary if scenario.program == "thimble" else BUILD / scenario.program
    peak, twin, runs, run = agreed(stage, scenario, binary)
    errors, left = memchecked(stage, scenario, binary)
    run.must(errors == 0 and left == 0, f"memcheck: {errors} errors, {left} bytes not returned")
    first, last, others = mapped(stage, scenario, binary)
    run.must(first == last and not others,
             f"mapped: {first} bytes at the start, {last} at the end, asked for by {others}")
    reports = run.reports
    return {
        "scenario": scenario.name, "what": scenario.what, "program": str(binary),
        "static_bytes": reports[0]["process"]["static_bytes"],
        "pool_peak_bytes": own_peak(run), "massif_peak_bytes": peak, "witness_peak_bytes": twin,
        "witness_runs": runs, "memcheck_errors": errors, "kept_bytes": left,
        "stack_peak_bytes": max(report["memory"]["stack_peak_bytes"] for report in reports),
        "kernel_buffer_bytes": sum(report["memory"]["kernel_bytes"] for report in reports),
        "mapped_bytes": last,
        "allocations": total(reports, "taken"), "refusals": total(reports, "refused"),
        "tls_version": reports[0]["connection"]["tls_version"],
        "version": reports[0]["format"]["thimble"],
    }


# ---- controls: who does wrong is caught ----------------------------------------------------------

def control_leak(stage, scenario):
    """One byte of each heap that is never returned: in the books, and at memcheck."""
    _, run = under_massif(stage, scenario, WORK / "leak", "massif")
    books = run.reports[0]["allocations"]
    in_books = books["taken_allocations"] - books["returned_allocations"]
    errors, left = memchecked(stage, scenario, WORK / "leak")
    return in_books == 1 and left == 1 and errors > 0, (
        f"the books lack {in_books} return, memcheck finds {left} byte lost")


def control_uncounted(stage, scenario):
    """One byte that the books do not know: massif counts more than the report."""
    peak, run = under_massif(stage, scenario, WORK / "uncounted", "massif")
    return peak == own_peak(run) + 1, f"massif {peak:,}, the report {own_peak(run):,}"


def control_pages(stage, scenario):
    """A program that does ask for pages: the witness, whose libc has a real heap."""
    _, _, others = mapped(stage, scenario, WORK / "witness", "witness.pages")
    return bool(others), f"pages asked for by {', '.join(others) or 'nobody'}"


CONTROLS = {"one leaked byte": control_leak, "one uncounted allocation": control_uncounted,
            "pages after the start": control_pages}


# ---- the whole -----------------------------------------------------------------------------------

COLUMNS = (("static", "static_bytes"), ("pools", "pool_peak_bytes"),
           ("massif", "massif_peak_bytes"), ("witness", "witness_peak_bytes"),
           ("stack", "stack_peak_bytes"),
           ("kernel", "kernel_buffer_bytes"), ("granted", "allocations"), ("refused", "refusals"))


def print_head():
    print(f"  {'scenario':16}" + "".join(f"{name:>9}" for name, _ in COLUMNS), flush=True)


def print_row(row):
    print(f"  {row['scenario']:16}" + "".join(f"{row[key]:>9,}" for _, key in COLUMNS), flush=True)


def forge_chain(forge):
    """chain.pem: six certificates, more than 8,192 bytes of DER."""
    padding = f"nsComment = {'8' * 1200}"
    issuer = "root"
    for number in range(1, 6):
        issuer = forge.issue(f"link{number}", CA, padding, issuer=issuer)
    forge.issue("chain", SERVER, LOCALHOST, padding, issuer=issuer)
    body = "".join(line for line in forge.chains["chain"].splitlines() if "-----" not in line)
    if len(body) * 3 // 4 <= 8192:
        raise Trouble("the long chain is not long enough")
    return forge


def fresh_stage(lab):
    folder = WORK / "forge"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    return Stage(lab, forge_chain(Forge(folder)))


def identity_of(binary):
    valgrind = subprocess.run(["valgrind", "--version"], text=True, stdout=subprocess.PIPE).stdout
    return {"binary": str(binary), "file_bytes": binary.stat().st_size,
            "sha256": hashlib.sha256(binary.read_bytes()).hexdigest(),
            "commit": build_value("COMMIT"), "profile": build_value("PROFILE"),
            "wolfssl": build_value("WOLFSSL"), "valgrind": valgrind.strip(),
            "machine": os.uname().machine}


def attempt(work, *arguments):
    """What came out, or the trouble."""
    try:
        return work(*arguments)
    except (Trouble, AssertionError, OSError, subprocess.SubprocessError) as trouble:
        return Trouble(str(trouble))


def audit_all(stage, scenarios, binary):
    rows, troubles = [], []
    print_head()
    with concurrent.futures.ThreadPoolExecutor(WORKERS) as pool:
        for row in pool.map(lambda scenario: attempt(audit, stage, scenario, binary), scenarios):
            if isinstance(row, Trouble):
                troubles.append(row)
                print(f"  FAILED  {row}", flush=True)
            else:
                rows.append(row)
                print_row(row)
    return rows, troubles


def run_controls(stage):
    """The first scenario, by programs that do wrong."""
    for name, control in CONTROLS.items():
        came = attempt(control, stage, publishing("ec", "1.3"))
        caught, seen = (False, str(came)) if isinstance(came, Trouble) else came
        print(f"  control: {name:26}{'caught' if caught else 'MISSED'}: {seen}", flush=True)
        yield {"control": name, "caught": caught, "seen": seen}


def read_options():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--binary", type=pathlib.Path, default=BUILD / "thimble")
    parser.add_argument("--json", type=pathlib.Path, default=BUILD / "audit.json")
    parser.add_argument("--only", action="append", metavar="NAME", help="this scenario; repeatable",
                        choices=[scenario.name for scenario in SCENARIOS])
    return parser.parse_args()


def main():
    options = read_options()
    os.chdir(TOP)
    WORK.mkdir(parents=True, exist_ok=True)
    chosen = [each for each in SCENARIOS if not options.only or each.name in options.only]
    about = identity_of(options.binary)
    print(f"  {about['binary']} {about['commit']}, {about['file_bytes']:,} B, wolfSSL "
          f"{about['wolfssl']}, {about['machine']}, {about['valgrind']}; bytes")
    with Lab(WORK / "lab") as lab:
        stage = fresh_stage(lab)
        rows, troubles = audit_all(stage, chosen, options.binary)
        controls = list(run_controls(stage))
    found = {**about, "scenarios": rows, "controls": controls}
    options.json.write_text(json.dumps(found, indent=1) + "\n")
    agreed = not troubles and all(control["caught"] for control in controls)
    print(f"  {len(rows)} of {len(chosen)} scenarios agree to the byte; memcheck: no error, "
          f"nothing kept; no page after the start\n"
          f"  {options.json}; massif's files and their ms_print texts: {WORK}")
    return 0 if agreed else 1


if __name__ == "__main__":
    try:
        sys.exit(main())
    except Trouble as trouble:
        sys.exit(f"audit: {trouble}")
