"""The bound of the stack holds, and the tool that says so can say no."""
import collections
import os
import pathlib
import re
import subprocess
import sys

import pytest

TOP = pathlib.Path(__file__).resolve().parents[2]
sys.dont_write_bytecode = True
sys.path.insert(0, str(TOP / "tools"))
import stack as tool  # noqa: E402
from callgraph import Compiler, Depths, Graph, Sources, Table  # noqa: E402
from frames import Image, Trouble, same_program  # noqa: E402

ALL = os.environ.get("THIMBLE_CHECK") == "all"


def test_the_program_keeps_within_its_bound():
    done = subprocess.run([TOP / "tools" / "stack.py"], text=True, stdout=subprocess.PIPE)
    print(done.stdout)
    assert done.returncode == 0


# ---- small programs, whose depth is known ----------------------------------------------------

def functions(**bodies):
    """Assembler: the instructions of each function, apart by semicolons."""
    return ".text\n" + "".join(f".globl {name}\n.type {name}, @function\n{name}:\n"
                               f"{body.replace(';', chr(10))}\n" for name, body in bodies.items())


class Toy:
    def __init__(self, folder, source, table="", suffix="s", flags=(), arrays=()):
        path, program = folder / f"toy.{suffix}", folder / "toy"
        path.write_text(source)
        subprocess.run(["gcc", "-g1", "-O1", "-static", "-nostdlib", "-no-pie", "-fno-pie", "-e", "root",
                        "-fno-stack-protector", "-fcf-protection=none", "-fno-inline",
                        "-fno-optimize-sibling-calls", *flags, "-o", program, path], check=True,
                       cwd=folder)
        self.compiler = Compiler("".join(each.read_text() for each in folder.glob("*.ci")))
        self.table = Table(table)
        dynamic = {name: entry.bytes for name, entry in self.table["array"].items()}
        self.image = Image(program, dynamic)
        self.graph = Graph(self.image, self.table, Sources(folder), self.compiler)
        self.depths = Depths(self.graph)
        self.graph.check_unused()

    @property
    def bound(self):
        root, = (entry for entry in self.image.functions if "root" in self.image.names_of(entry))
        return self.depths.bound(root)[0]

    @property
    def problems(self):
        return "\n".join(self.graph.problems)


@pytest.fixture
def toy(tmp_path):
    return lambda *arguments, **options: Toy(tmp_path, *arguments, **options)


def test_a_chain_is_added_up(toy):
    """8 of the push, 32, a return address of 8; then 64, and 40 of the red zone below them."""
    made = toy(functions(root="push %rbx; sub $32,%rsp; call leaf; add $32,%rsp; pop %rbx; ret",
                         leaf="sub $64,%rsp; mov %rax,-40(%rsp); add $64,%rsp; ret"))
    assert made.bound == 8 + 32 + 8 + 64 + 40
    assert not made.problems


def test_the_depth_counts_where_the_call_is(toy):
    """The frame of 512 is given back before the deeper function is called."""
    made = toy(functions(root="sub $512,%rsp; add $512,%rsp; call deep; ret",
                         deep="sub $600,%rsp; add $600,%rsp; ret"))
    assert made.bound == 8 + 600


def test_a_jump_to_another_function_is_a_call_without_return_address(toy):
    made = toy(functions(root="sub $16,%rsp; add $16,%rsp; jmp deep",
                         deep="sub $100,%rsp; add $100,%rsp; ret"))
    assert made.bound == 100


def test_of_two_ways_the_deeper_counts(toy):
    made = toy(functions(root="test %rdi,%rdi; je 1f; call shallow; ret; 1: call deep; ret",
                         shallow="push %rbx; pop %rbx; ret",
                         deep="sub $80,%rsp; add $80,%rsp; ret"))
    assert made.bound == 8 + 80


@pytest.mark.parametrize("body, words", [
    ("1: push %rbx; jmp 1b", "reached with 0 and with 8"),
    ("mov %rdi,%rsp; ret", "not known"),
    ("xchg %rax,%rsp; ret", "an unknown way"),
    ("mov (%rdi),%rsp; ret", "not known"),
    ("push %rbx; ret", "returns with 8 bytes"),
    ("call 1f+1; 1: nop; nop; ret", "no function begins there"),
])
def test_what_is_not_understood_is_trouble(toy, body, words):
    with pytest.raises(Trouble, match=words):
        toy(functions(root=body))


# ---- what only people know -------------------------------------------------------------------

POINTER = """
static int near(int a) { return a + 1; }
static int far(int a) { volatile char room[300]; room[a] = 1; return room[0]; }
struct door { int (*open)(int); };
struct door here = {near}, there = {far};
int root(int a) { struct door *door = a ? &here : &there; return door->open(a) + 1; }
"""


def test_a_call_through_a_pointer_must_be_resolved(toy):
    made = toy(POINTER, suffix="c")
    assert "that no [call ...] resolves: toy.c:6 (root)" in made.problems


def test_a_resolved_one_reaches_the_deepest(toy):
    made = toy(POINTER, "[call toy.c door->open]\nreaches = near far\nwhy = both", "c")
    assert made.bound > 300
    assert not made.problems


def test_a_forgotten_target_is_found_by_its_address(toy):
    made = toy(POINTER, "[call toy.c door->open]\nreaches = near\nwhy = one", "c")
    assert "the address of toy.c:far is taken" in made.problems


@pytest.mark.parametrize("entry", [
    "[call toy.c door->shut]\nreaches = near\nwhy = gone", "[cycle near]\ntimes = 2\nwhy = gone",
    "[array near]\nbytes = 8\nwhy = gone", "[taken root]\nwhy = gone",
    "[outside kernel]\nbytes = 8\nwhy = gone"])
def test_what_is_of_no_use_is_stale(toy, entry):
    made = toy(POINTER, f"[call toy.c door->open]\nreaches = near far\nwhy = both\n{entry}", "c")
    assert f"{entry.splitlines()[0]} is of no use any more" in made.problems


def test_a_target_that_does_not_exist_is_told(toy):
    made = toy(POINTER, "[call toy.c door->open]\nreaches = near far farther\nwhy = all", "c")
    assert "there is no farther" in made.problems


def test_an_entry_needs_a_why(toy):
    with pytest.raises(Trouble, match="without a why"):
        toy(POINTER, "[call toy.c door->open]\nreaches = near far", "c")


def test_a_constant_table_speaks_for_itself(toy):
    made = toy(POINTER + "static int (*const doors[])(int) = {near, far};\n"
               "int other(int a) { return doors[a](a) + 1; }\n",
               "[call toy.c door->open]\nreaches = near\nwhy = the table says the rest", "c")
    assert [how for *_, how, targets in made.graph.sites if len(targets) == 2] == ["constant table"]
    assert not made.problems


CYCLE = functions(root="call even; ret", even="sub $24,%rsp; call odd; add $24,%rsp; ret",
                  odd="sub $40,%rsp; call even; add $40,%rsp; ret")


def test_a_cycle_must_be_named(toy):
    assert "a cycle that no [cycle ...] bounds: " in toy(CYCLE).problems


@pytest.mark.parametrize("times", [1, 3])
def test_a_named_cycle_turns_so_often(toy, times):
    """The other one may stand before each of them, and behind the last."""
    made = toy(CYCLE, f"[cycle odd]\ntimes = {times}\nwhy = counted")
    assert made.bound == 8 + times * (32 + 48) + 32
    assert not made.problems


def test_a_cycle_within_a_cycle_needs_a_name_of_its_own(toy):
    made = toy(CYCLE + functions(more="call even; call more; ret"),
               "[cycle odd]\ntimes = 1\nwhy = counted")
    assert "bounds: more -> more" in made.problems


ARRAY = functions(root="push %rbp; mov %rsp,%rbp; sub %rdi,%rsp; call leaf; leave; ret",
                  leaf="ret")


def test_an_array_must_be_bounded(toy):
    assert "no [array root] bounds it" in toy(ARRAY).problems


def test_a_bounded_array_is_added(toy):
    made = toy(ARRAY, "[array root]\nbytes = 200\nwhy = measured")
    assert made.bound == 8 + 200 + 8
    assert not made.problems


NEVER = functions(root="call careful; call leaf; ret",
                  careful="sub $8,%rsp; call common; add $8,%rsp; ret",
                  common="call leaf; ret", leaf="sub $400,%rsp; add $400,%rsp; ret")


def test_what_never_happens_is_no_way(toy):
    assert toy(NEVER).bound == 8 + 8 + 8 + 8 + 400
    assert toy(NEVER, "[never careful leaf]\nwhy = it is careful").bound == 8 + 400


def test_never_names_what_there_is(toy):
    assert "there is no lion" in toy(NEVER, "[never careful lion]\nwhy = it is gone").problems


# ---- the compiler ----------------------------------------------------------------------------

def test_the_compiler_agrees(toy):
    made = toy(POINTER, "[call toy.c door->open]\nreaches = near far\nwhy = both", "c",
               flags=["-fcallgraph-info=su"])
    assert made.compiler.disagreements(made.image) == ([], 3)


def test_the_compiler_may_disagree(toy, tmp_path):
    made = toy(POINTER, "[call toy.c door->open]\nreaches = near far\nwhy = both", "c",
               flags=["-fcallgraph-info=su"])
    text = "".join(each.read_text() for each in tmp_path.glob("*.ci"))
    other = Compiler(re.sub(r"(\d+) bytes", lambda found: f"{int(found[1]) + 16} bytes", text))
    assert len(other.disagreements(made.image)[0]) == 3


def test_calls_made_one_by_the_compiler_are_resolved_together(toy, tmp_path):
    """As if a second call through a pointer, in line 3, had become one with that of line 6."""
    (tmp_path / "more.ci").write_text('edge: { sourcename: "root" targetname: "__indirect_call" '
                                      'label: "toy.c:3:1" }')
    made = toy(POINTER, "[call toy.c door->open]\nreaches = near far\nwhy = both", "c")
    assert "resolves: toy.c:3, one with toy.c:6" in made.problems


# ---- verdicts --------------------------------------------------------------------------------

def test_a_stack_that_is_too_small_fails():
    assert tool.sized(30000, 30000) == []
    assert "30,001 are needed" in tool.sized(30000, 30001)[0]


def test_a_stack_that_is_too_large_fails():
    assert tool.sized(30000 + tool.WASTE_BYTES - 1, 30000) == []
    assert "waste" in tool.sized(30000 + tool.WASTE_BYTES, 30000)[0]


def test_a_depth_beyond_the_bound_fails():
    phase = collections.namedtuple("Phase", "name bytes measured")
    assert tool.exceeded([phase("up", 100, 100), phase("down", 100, None)]) == []
    assert "101 bytes of stack were measured" in tool.exceeded([phase("up", 100, 101)])[0]


def test_a_call_that_the_graph_does_not_have_fails(toy):
    made = toy(POINTER, "[call toy.c door->open]\nreaches = near\nwhy = one", "c")
    (_, call, _, (near,)), = made.graph.sites
    far, = made.graph.by_name["far"]
    assert list(tool.strangers(made.graph, {(call.address, near)})) == []
    assert "called far" in list(tool.strangers(made.graph, {(call.address, far)}))[0]


def test_what_is_analysed_is_what_ships(tmp_path):
    full, shipped = TOP / "build" / "thimble.full", TOP / "build" / "thimble"
    assert same_program(shipped, full)
    data = bytearray(shipped.read_bytes())
    data[data.index(b"\xc3", 0x8000)] ^= 1
    (tmp_path / "other").write_bytes(data)
    assert not same_program(tmp_path / "other", full)


def test_a_source_goes_by_its_own_name():
    source = "src/mqtt/encode.c"
    names = {Sources(TOP).name_of(path) for path in (source, f"build/small/gen/{source}",
                                                     f"/elsewhere/build/gen/{source}")}
    assert names == {source}
    assert Sources(TOP).name_of("build/gen/src/mqtt/none.c") == "build/gen/src/mqtt/none.c"


# ---- the table of the program ----------------------------------------------------------------

@pytest.fixture(scope="module")
def program():
    return tool.Program("build")


def problems_with(program, text):
    graph = Graph(program.image, Table(text), Sources(TOP), program.compiler)
    Depths(graph)
    return "\n".join(graph.problems)


def entries(kind):
    return re.findall(rf"^\[{kind} [^\n]*\n(?:[^\n]+\n)*", tool.TABLE.read_text(), re.M)


def sample(items, step):
    return items if ALL else items[::step]


def test_the_table_as_it_stands_is_complete(program):
    assert problems_with(program, tool.TABLE.read_text()) == ""


@pytest.mark.parametrize("kind, words", [("call", "resolves"), ("cycle", "bounds"),
                                         ("array", "takes what a register says of the stack"),
                                         ("taken", "is taken")])
def test_no_entry_may_be_missing(program, kind, words):
    found = [entry for entry in entries(kind) if "\nprofiles = " not in entry]
    assert found
    for entry in sample(found, 12 if kind == "call" else 1):
        assert words in problems_with(program, tool.TABLE.read_text().replace(entry, "")), entry


def test_no_target_may_be_forgotten(program):
    """Of those that one entry alone reaches, and that no profile has without their caller."""
    text = tool.TABLE.read_text()
    targets = [name for entry in program.table["call"].values() if not entry.profiles
               for name in entry.reaches]
    alone = [name for name in targets if targets.count(name) == 1 and name != "vdso"
             and f"[taken {name}]" not in text]
    assert len(alone) > 40
    for name in sample(alone, 10):
        missing = re.sub(rf"(?<!\S){re.escape(name)}(?!\S)", "", text, count=1)
        assert missing != text
        assert f"{name.rsplit(':', 1)[-1]} is taken" in problems_with(program, missing), name
