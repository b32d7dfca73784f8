#!/usr/bin/python3
"""Bounds the stack of the program that ships, from its own instructions.

    tools/stack.py               the bound of each phase, beside what was measured
    tools/stack.py --unmeasured  the same without running anything
    tools/stack.py --chain NAME  the deepest chain of calls of a phase
    tools/stack.py --sites       each call through a pointer, and what it may reach

It follows every instruction of the unstripped image, libc and assembler included, and makes sure
that the shipped binary is the same program (tools/frames.py, tools/callgraph.py). What instructions
cannot say is reviewed by people and stands in config/stack. This fails

  - if a call through a pointer, a cycle or an array is not accounted for, or an address is taken
    that no call is known to reach, or config/stack says what is not so any more;
  - if the compiler had another idea of a function's frame;
  - if the static stack has less room than the bound and what is reserved, or wastes room;
  - if a measured depth exceeds its bound, or the program went where the graph has no way.

Figures, chains included, go to stack.json beside the binary. How and why: docs/stack.md.
"""
import argparse
import json
import os
import pathlib
import sys

TOP = pathlib.Path(__file__).resolve().parents[1]
sys.dont_write_bytecode = True
sys.path.insert(0, str(TOP / "tools"))
from callgraph import Compiler, Depths, Graph, Sources, Table  # noqa: E402
from frames import WORD_BYTES, Image, Trouble, same_program, stem  # noqa: E402

TABLE = TOP / "config" / "stack"
GUARDS_BYTES = 3 * 4096  # beside the stack in stack_memory (mem/run.c)
WASTE_BYTES = 8192       # what may be left over


class Program:
    """A built profile: its image, its graph, its bounds."""

    def __init__(self, build, table=TABLE):
        self.build = TOP / build
        self.table = Table(pathlib.Path(table).read_text())
        self.is_default = self.build == TOP / "build"
        full, shipped = self.build / "thimble.full", self.build / "thimble"
        if not same_program(shipped, full):
            raise Trouble(f"{shipped} is not {full} without its names")
        arrays = {name: entry.bytes for name, entry in self.table["array"].items()}
        self.image = Image(full, arrays)
        self.compiler = Compiler("".join(path.read_text() for path in
                                         self.build.glob("thimble.full.*.ci")))
        is_pinned = "pinned" in (self.build / "gen" / "version.h").read_text()
        self.graph = Graph(self.image, self.table, Sources(TOP), self.compiler,
                           self.is_default and is_pinned)
        self.phases = {name: Phase(self.graph, entry)
                       for name, entry in self.table["phase"].items()}
        self.reserves = {name: self.graph.use("reserve", name).bytes
                         for name in self.table["reserve"]}
        self.graph.check_unused()

    @property
    def profile(self):
        return "default" if self.is_default else self.build.name

    @property
    def stack_bytes(self):
        """TH_STACK_BYTES, as the image has it."""
        size, = {size for name, _, size in self.image.elf.named((0x01, 0x11))
                 if stem(name) == "stack_memory"}
        return size - GUARDS_BYTES

    @property
    def need_bytes(self):
        """The return address of the first function, what it calls, and what is reserved."""
        return WORD_BYTES + self.phases["all"].bytes + sum(self.reserves.values())

    def problems(self):
        wrong, compared = self.compiler.disagreements(self.image)
        if not compared:
            wrong.append("the compiler's own frames are missing: thimble.full.*.ci")
        return self.graph.problems + wrong + sized(self.stack_bytes, self.need_bytes)


class Phase:
    def __init__(self, graph, entry):
        entry.used = True
        self.name, self.why, self.measured_as = entry.name, entry.why, entry.measured
        self.measured = None
        depths = Depths(graph, entry.without, entry.through)
        root = graph.one(entry.root, entry)
        found = depths.bound(root) if root is not None else None
        self.bytes, self.edges = found or (None, ())
        self.root = root
        for name in [*([entry.through] if not found and entry.through else []),
                     *sorted(set(entry.without) - depths.met)]:
            if graph.whole:
                graph.problem(f"{entry}: nothing calls {name}")

    def chain(self, image):
        """(function, bytes from its return address to that of the next, where it calls)."""
        node = self.root
        for edge in self.edges:
            within = " in ".join(line[0] for line in edge.call.lines)
            yield image.functions[node].name, edge.call.cost_bytes, within
            node = edge.target
        if node:
            yield image.functions[node].name, image.functions[node].own_bytes, ""


def sized(stack_bytes, need_bytes):
    if stack_bytes < need_bytes:
        return [f"TH_STACK_BYTES is {stack_bytes:,}, and {need_bytes:,} are needed"]
    if stack_bytes >= need_bytes + WASTE_BYTES:
        return [f"TH_STACK_BYTES is {stack_bytes:,}: {need_bytes:,} are needed, the rest is waste"]
    return []


# ---- what was measured -----------------------------------------------------------------------

def exceeded(phases):
    return [f"{phase.name}: {phase.measured:,} bytes of stack were measured, {phase.bytes:,} are "
            "its bound" for phase in phases if phase.measured and phase.measured > phase.bytes]


def compare(program, peaks):
    """`peaks`: (kind of certificate, phase of the report) -> deepest use."""
    for phase in program.phases.values():
        kind, name = phase.measured_as or (None, None)
        found = [depth for (of, at), depth in peaks.items()
                 if kind in (of, "any") and name in (at, "all")]
        phase.measured = max(found, default=None)


def outside(name, measured_bytes, table):
    bound = table["outside"][name].bytes
    return [] if measured_bytes <= bound else [
        f"[outside {name}] allows {bound} bytes of stack; here it takes {measured_bytes}"]


def strangers(graph, observed):
    """Calls that were made, and that the graph does not have."""
    known = {}
    for function in graph.image.functions.values():
        for call in function.calls:
            known[call.address] = set()
        for edge in graph.edges[function.entry]:
            known[edge.call.address].add(edge.target)
    for site, target in sorted(observed):
        if site in known and target in graph.image.entries and target not in known[site]:
            names = " ".join(sorted(graph.image.names_of(target)))
            yield f"{site:#x} called {names}, which the graph does not have"


# ---- what is printed -------------------------------------------------------------------------

def shown(number):
    return "-" if number is None else f"{number:,}"


def print_phases(program):
    print(f"  {'stack of ' + program.profile:44} {'bound':>9} {'measured':>9}")
    for phase in program.phases.values():
        if phase.bytes is not None:
            print(f"  {phase.name:44} {shown(phase.bytes):>9} {shown(phase.measured):>9}")
    for name, size in program.reserves.items():
        print(f"  {'reserved: ' + name:44} {size:>9,}")
    print(f"  {'needed':44} {program.need_bytes:>9,}")
    print(f"  {'TH_STACK_BYTES':44} {program.stack_bytes:>9,}")


def print_chain(program, name):
    phase, depth = program.phases[name], 0
    print(f"  {phase.name}: {shown(phase.bytes)} bytes\n  {'bytes':>7} {'below':>7}")
    for function, size, within in phase.chain(program.image):
        depth += size
        print(f"  {size:7,} {depth:7,}  {function}{' <- ' + within if within else ''}")


def print_sites(program):
    graph = program.graph
    for function, call, how, targets in graph.sites:
        names = " ".join(graph.image.functions[each].name for each in targets if each)
        print(f"  {graph.told(call)}\n      {how}: {names or 'nothing'}")


def print_summary(program, observed):
    functions = program.image.functions.values()
    _, compared = program.compiler.disagreements(program.image)
    calls = sum(len(function.calls) for function in functions)
    print(f"  {len(functions):,} functions, {calls:,} calls, {len(program.graph.sites)} through "
          f"pointers, {len(program.table['cycle'])} cycles, "
          f"{sum(bool(function.dynamic) for function in functions)} with arrays; "
          f"{compared:,} frames agree with the compiler; {observed:,} calls were seen being made")


def as_json(program, observed):
    return {
        "profile": program.profile, "stack_bytes": program.stack_bytes,
        "need_bytes": program.need_bytes, "reserved_bytes": program.reserves,
        "functions": len(program.image.functions), "pointer_calls": len(program.graph.sites),
        "calls_seen": observed,
        "phases": {phase.name: {
            "bound_bytes": phase.bytes, "measured_bytes": phase.measured, "why": phase.why,
            "chain": [{"function": function, "bytes": size, "within": within}
                      for function, size, within in phase.chain(program.image)]}
            for phase in program.phases.values() if phase.bytes is not None}}


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--build", default="build", help="where the profile was built")
    parser.add_argument("--unmeasured", action="store_true", help="run nothing")
    parser.add_argument("--chain", metavar="NAME", help="print the deepest chain of a phase")
    parser.add_argument("--sites", action="store_true", help="print calls through pointers")
    arguments = parser.parse_args()
    os.chdir(TOP)
    try:
        program = Program(arguments.build)
        problems, observed = program.problems(), set()
        if not (arguments.unmeasured or arguments.chain or arguments.sites):
            from stackrun import measure
            peaks, observed, vdso_bytes = measure(program)
            compare(program, peaks)
            problems += [*exceeded(program.phases.values()), *strangers(program.graph, observed),
                         *outside("vdso", vdso_bytes, program.table)]
    except Trouble as trouble:
        print(f"  FAILED  {trouble}")
        return 1
    if arguments.sites:
        print_sites(program)
    elif arguments.chain:
        print_chain(program, arguments.chain)
    else:
        print_phases(program)
        print_summary(program, len(observed))
        (program.build / "stack.json").write_text(
            json.dumps(as_json(program, len(observed)), indent=1) + "\n")
    for problem in problems:
        print(f"  FAILED  {problem}")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
