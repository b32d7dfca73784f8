"""Who calls whom in a linked image, and how deep the stack may become: instructions say the most
(tools/frames.py), a reviewed table says the rest.
"""
import collections
import configparser
import fnmatch
import os
import pathlib
import re
import sys

from frames import Trouble

sys.setrecursionlimit(20000)


# ---- what people have reviewed ---------------------------------------------------------------

class Entry:
    def __init__(self, kind, name, section):
        self.kind, self.name = kind, name
        self.why = section["why"]
        self.reaches = section.get("reaches", "").split()
        self.without = section.get("without", "").split()
        self.root = section.get("root")
        self.through = section.get("through")
        self.measured = section.get("measured", "").split()
        self.profiles = section.get("profiles", "").split()
        self.bytes = section.getint("bytes", 0)
        self.times = section.getint("times", 0)
        self.used = False

    def __str__(self):
        return f"[{self.kind} {self.name}]"


class Table:
    KINDS = ("call", "taken", "outside", "array", "cycle", "never", "phase", "reserve")

    def __init__(self, text):
        parser = configparser.ConfigParser(interpolation=None, delimiters=("=",))
        parser.read_string(text)
        self.entries = {kind: {} for kind in self.KINDS}
        for title in parser.sections():
            kind, _, name = title.partition(" ")
            if kind not in self.KINDS or not parser[title].get("why"):
                raise Trouble(f"[{title}]: unknown, or without a why")
            self.entries[kind][name] = Entry(kind, name, parser[title])

    def __getitem__(self, kind):
        return self.entries[kind]

    def unused(self):
        """Of all entries that the default profile should need."""
        return [entry for kind in self.entries.values() for entry in kind.values()
                if not (entry.used or entry.profiles)]


# ---- sources ---------------------------------------------------------------------------------

class Sources:
    """Files by the names they have in config/stack, wherever they were compiled, and wherever
    wolfSSL and cJSON were unpacked."""

    def __init__(self, top):
        deps = top / os.environ.get("DEPS_DIR", "build/deps")
        self.places = [(pathlib.Path(os.environ.get("WOLFSSL_SRC") or deps / "wolfssl"), "wolfssl"),
                       (pathlib.Path(os.environ.get("CJSON_SRC") or deps / "cjson"), "cjson"),
                       (top, ".")]
        self.top = top
        self.lines = {}

    def name_of(self, path):
        """The compiler may have run elsewhere: what the end of the path leads to. A source whose
        texts were shortened for a profile goes by its own name: line by line it is the same."""
        parts = pathlib.Path(path).parts
        _, is_made, original = path.rpartition("/gen/src/")
        if is_made and (self.top / "src" / original).is_file():
            return f"src/{original}"
        ends = [pathlib.Path(*parts[start:]) for start in range(len(parts))]
        for end in ends:
            for place, short in self.places:
                here = self.top / end
                if ".." not in end.parts and here.is_file() and here.is_relative_to(place):
                    return str(pathlib.Path(short) / here.relative_to(place))
        return path

    def path_of(self, name):
        for place, short in self.places:
            if pathlib.Path(name).is_relative_to(short):
                return place / pathlib.Path(name).relative_to(short)
        return self.top / name

    def line(self, name, number):
        if name not in self.lines:
            path = self.path_of(name)
            self.lines[name] = path.read_text(errors="replace").splitlines() \
                if path.is_file() else []
        lines = self.lines[name]
        return lines[number - 1].strip() if 0 < number <= len(lines) else ""


# ---- who calls whom --------------------------------------------------------------------------

class Edge:
    """One thing a call may reach: a function of the image, or bytes outside of it."""

    def __init__(self, call, target, outside=None):
        self.call, self.target, self.outside = call, target, outside


# What runs before there is a C function: 8 + 15 bytes on the first stack.
OUTSIDE_OF_C = {"_start"}


class Graph:
    """`edges[entry]` are the calls of a function. `problems` says what is wrong, in sentences.
    `whole`: everything in the table must be of use, which a smaller profile cannot promise."""

    def __init__(self, image, table, sources, compiler=None, whole=True):
        self.image, self.table, self.sources, self.whole = image, table, sources, whole
        self.problems = []
        self.edges = {}
        self.sites = []  # (function, call, what settles it, targets)
        for entry in image.sorted_entries:
            if image.symbol_of(entry) not in OUTSIDE_OF_C:
                image.function(entry)
        image.name_lines(sources.name_of)
        self._index()
        for entry, function in image.functions.items():
            merged = compiler.merged_calls(function, sources) if compiler else []
            self.edges[entry] = [edge for call in function.calls
                                 for edge in self._edges(function, call, merged)]
        self.never = {name: self.use("never", name).name.split() for name in table["never"]}
        self._check_arrays()
        self._check_taken()
        self._check_never()

    def problem(self, text):
        if text not in self.problems:
            self.problems.append(text)

    def use(self, kind, name):
        entry = self.table[kind][name]
        entry.used = True
        return entry

    # Names.

    def _index(self):
        self.by_name = collections.defaultdict(set)
        for entry, function in self.image.functions.items():
            for name in self.image.names_of(entry):
                self.by_name[name].add(entry)
                self.by_name[f"{function.file}:{name}"].add(entry)

    def one(self, name, entry):
        """The function of that name. A profile may have left it out."""
        found = self.by_name.get(name, set())
        if len(found) == 1:
            return next(iter(found))
        if found:
            files = " ".join(sorted(f"{self.image.functions[each].file}:{name}" for each in found))
            self.problem(f"{entry}: which {name}? {files}")
        elif self.whole:
            self.problem(f"{entry}: there is no {name}")
        return None

    # Calls.

    def _edges(self, function, call, merged):
        if call.target is not None:
            return [Edge(call, call.target)]
        constants = sorted(set(self.image.constant_targets(call)))
        if constants:
            self.sites.append((function, call, "constant table", constants))
            return [Edge(call, target) for target in constants]
        entries = self._entries_for(call.lines[0], self.told(call))
        for line in merged:
            entries += self._entries_for(line, f"{line[1]}:{line[2]}, one with {self.told(call)}")
        found = [edge for entry in entries for name in self._spelled_out(entry.reaches)
                 if (edge := self._edge_to(call, name, entry))]
        self.sites.append((function, call, " ".join(map(str, entries)),
                           [edge.target for edge in found]))
        return found

    def _spelled_out(self, names):
        """Names may be patterns: assembler has a function for each kind of processor."""
        for name in names:
            yield from fnmatch.filter(self.by_name, name) if "*" in name else [name]

    def _edge_to(self, call, name, entry):
        if name in self.table["outside"]:
            return Edge(call, None, self.use("outside", name))
        target = self.one(name, entry)
        return Edge(call, target) if target is not None else None

    def _entries_for(self, line, told):
        """By what the source line says; of libc, whose lines are not known, by the function."""
        name, file, number = line
        text = self.sources.line(file, number)
        found = [entry for entry in self.table["call"].values() if (
            says(text, entry.name.removeprefix(f"{file} ")) and entry.name.startswith(f"{file} ")
            if text else entry.name == f"libc {name}")]
        for entry in found:
            entry.used = True
        if not found:
            self.problem(f"a call through a pointer that no [call ...] resolves: {told}")
        return found

    def told(self, call):
        _, file, line = call.lines[0]
        within = " in ".join(each[0] for each in call.lines)
        return f"{file}:{line} ({within}): {self.sources.line(file, line) or call.text}"

    def banned_by(self, names):
        """What [never ...] says is not on the stack below one of these functions."""
        return frozenset(callee for caller, *callees in self.never.values() if caller in names
                         for callee in callees)

    # Checks.

    def _check_arrays(self):
        for function in self.image.functions.values():
            for name in function.dynamic.values():
                if name in self.table["array"]:
                    self.use("array", name)
                else:
                    self.problem(f"{function.symbol} takes what a register says of the stack: no "
                                 f"[array {name}] bounds it")

    def _check_taken(self):
        """Whoever sets a pointer takes an address: none may be missing from all tables."""
        reached = {target for *_, targets in self.sites for target in targets}
        for entry in self.image.taken() & self.image.functions.keys():
            names = self.image.names_of(entry) & self.table["taken"].keys()
            for name in names:
                self.use("taken", name)
            if entry not in reached and not names:
                function = self.image.functions[entry]
                self.problem(f"the address of {function.file}:{function.name} is taken, and no "
                             "[call ...] reaches it")

    def _check_never(self):
        names = {line[0] for function in self.image.functions.values() for call in function.calls
                 for line in call.lines} | self.by_name.keys()
        for name, parts in self.never.items():
            for part in parts:
                if part not in names and self.whole:
                    self.problem(f"[never {name}]: there is no {part}")

    def check_unused(self):
        """A table that says more than there is was not read again when the program changed."""
        if self.whole:
            for entry in self.table.unused():
                self.problem(f"{entry} is of no use any more")


def says(text, expression):
    """Whether this line calls that; `form(` is no `transform(`."""
    return re.search((r"(?<!\w)" if expression[0].isalpha() else "") +
                     re.escape(expression) + r"\(", text) is not None


# ---- what the compiler says ----------------------------------------------------------------------

class Compiler:
    """The graph that gcc writes of what it compiled (-fcallgraph-info=su)."""

    NODE = re.compile(r'node: \{ title: "(?:[^"]*:)?([^":]*)" '
                      r'label: "[^"]*?(\d+) bytes \(([\w,]+)\)')
    CALL = re.compile(r'edge: \{ sourcename: "(?:[^"]*:)?([^":]*)" targetname: "__indirect_call" '
                      r'label: "([^":]*):(\d+):')

    def __init__(self, text):
        self.frames = {name: (int(size), kind) for name, size, kind in self.NODE.findall(text)}
        self.calls = collections.defaultdict(collections.Counter)
        for name, file, line in self.CALL.findall(text):
            self.calls[name][file, int(line)] += 1

    def merged_calls(self, function, sources):
        """Calls through pointers that the compiler made one with others of this function: the image
        tells one source line for all."""
        found = collections.Counter({(sources.name_of(file), line): count for (file, line), count
                                     in self.calls[function.symbol].items()})
        found -= collections.Counter(call.lines[0][1:] for call in function.calls
                                     if call.target is None)
        return [(function.name, *place) for place in sorted(found)]

    # A constant that passes over the stack on its way to a register: gcc does not count it.
    PASSING_BYTES = 8

    def disagreements(self, image):
        """Sentences, and the number of functions that both have measured."""
        wrong, compared = [], 0
        for function in image.functions.values():
            if function.symbol not in self.frames:
                continue
            compared += 1
            theirs = self.frames[function.symbol][0]
            arrays = sum(image.dynamic_bytes.get(name, 0) for name in function.dynamic.values())
            ours = function.frame_bytes + 8
            more = self.PASSING_BYTES + arrays + function.aligning_bytes
            if not theirs <= ours <= theirs + more:
                wrong.append(f"{function.symbol} takes {ours} bytes of stack by its instructions, "
                             f"{theirs} by its compiler")
        return wrong, compared


# ---- the deepest way ---------------------------------------------------------------------------

class Depths:
    """The deepest chain of calls from a function. `without`: functions that are not called;
    `through`: one that must be part of the chain."""

    def __init__(self, graph, without=(), through=None):
        self.graph = graph
        self.without = frozenset(without)
        self.through = through
        self.met = set()
        self.component, self.members = components(graph.edges, self.neighbours)
        self.limits = {root: self._limits(members) for root, members in self.members.items()
                       if self._is_cyclic(members)}
        self.memo = {}

    def names(self, edge):
        """Of all functions that this call makes active: inlined ones, and the one it reaches."""
        names = {line[0] for line in edge.call.lines}
        return names | self.graph.image.names_of(edge.target) if edge.target else names

    def edges(self, node, banned=frozenset()):
        for edge in self.graph.edges[node]:
            hit = self.names(edge) & (self.without | banned)
            self.met |= hit & self.without
            if not hit:
                yield edge

    def neighbours(self, node):
        return [edge.target for edge in self.edges(node) if edge.target]

    # Cycles.

    def _is_cyclic(self, members):
        return len(members) > 1 or any(member in self.neighbours(member) for member in members)

    def _limits(self, members):
        """How often the functions named in [cycle ...] may be entered; without them, it is none."""
        limits = {}
        for member in members:
            for name in self.graph.image.names_of(member) & self.graph.table["cycle"].keys():
                limits[member] = self.graph.use("cycle", name).times
        cycle = cycle_in(members - limits.keys(), self.neighbours)
        if cycle:
            names = " -> ".join(self.graph.image.functions[each].name for each in cycle)
            self.graph.problem(f"a cycle that no [cycle ...] bounds: {names}")
            limits = {member: 1 for member in members}
        return limits

    # Depths. A state: `left`, how often the functions of this cycle may still be entered; `banned`,
    # what may not be called any more, because of what is active; `sought`, the function that is
    # still missing.

    def bound(self, root):
        """(bytes below its return address, edges of the chain), or None."""
        sought = self.through
        if sought in self.graph.image.names_of(root):
            sought = None
        return self._enter(root, None, frozenset(), sought)

    def _enter(self, node, left, banned, sought):
        limits = self.limits.get(self.component[node], {})
        left = dict(limits if left is None else left)
        if node in limits:
            if not left[node]:
                return None
            left[node] -= 1
        return self._deepest(node, tuple(sorted(left.items())), banned, sought)

    def _deepest(self, node, left, banned, sought):
        key = node, left, banned, sought
        if key not in self.memo:
            best = None if sought else (self.graph.image.functions[node].own_bytes, ())
            for edge in self.edges(node, banned):
                below = self._below(node, edge, left, banned, sought)
                if below and (not best or below[0] > best[0]):
                    best = below
            self.memo[key] = best
        return self.memo[key]

    def _below(self, node, edge, left, banned, sought):
        names = self.names(edge)
        if sought in names:
            sought = None
        banned = banned | self.graph.banned_by(names)
        if names & banned:
            return None
        if not edge.target:
            return None if sought else (edge.call.cost_bytes + edge.outside.bytes, (edge,))
        same = self.component[edge.target] == self.component[node]
        found = self._enter(edge.target, left if same else None, banned, sought)
        return found and (edge.call.cost_bytes + found[0], (edge, *found[1]))


def components(nodes, neighbours):
    """Tarjan's: the root of each node's strongly connected component, and the members of each."""
    order, low, waiting, root_of, members = {}, {}, [], {}, {}

    def visit(node):
        order[node] = low[node] = len(order)
        waiting.append(node)
        for other in neighbours(node):
            if other not in order:
                visit(other)
            if other not in root_of:
                low[node] = min(low[node], low[other])
        if low[node] == order[node]:
            at = waiting.index(node)
            members[node] = set(waiting[at:])
            root_of.update(dict.fromkeys(waiting[at:], node))
            del waiting[at:]

    for node in nodes:
        if node not in order:
            visit(node)
    return root_of, members


def cycle_in(nodes, neighbours):
    """One cycle among `nodes`, or None."""
    done, path = set(), []

    def visit(node):
        if node in path:
            return [*path[path.index(node):], node]
        if node in done:
            return None
        path.append(node)
        found = next(filter(None, (visit(other) for other in neighbours(node) if other in nodes)),
                     None)
        path.pop()
        done.add(node)
        return found

    return next(filter(None, map(visit, sorted(nodes))), None)
