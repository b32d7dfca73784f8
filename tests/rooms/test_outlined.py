"""config/outline: what is made of an assembler source when the static binary is linked."""
import pathlib
import platform
import subprocess

import pytest

TOP = pathlib.Path(__file__).resolve().parents[2]
AWK = TOP / "config/outline/outline.awk"

pytestmark = pytest.mark.skipif(platform.machine() != "x86_64", reason="assembler of x86-64")


def run(*command, **more):
    return subprocess.run(list(map(str, command)), check=True, stdout=subprocess.PIPE, text=True,
                          **more).stdout


def function(name, *body, section=None):
    lines = "".join(f"{each}\n" if each.endswith(":") or each[0] in "#" else f"\t{each}\n"
                    for each in body)
    return (f'\t.section\t.text.{section or name},"ax",@progbits\n'
            f"\t.type\t{name}, @function\n{name}:\n{lines}\t.size\t{name}, .-{name}\n")


def outlined(tmp_path, *functions, whole="^$", apart=""):
    source, listing = tmp_path / "in.s", tmp_path / "listing"
    source.write_text("".join(functions))
    run("as", "--64", f"-aln={listing}", "--listing-lhs-width=4", "-o", "/dev/null", source)
    return run("awk", "-v", "round=1", "-v", f"whole={whole}", "-v", f"apart={apart}", "-f", AWK,
               listing, source)


def instructions(text, name):
    """Of one function, without what the assembler is told."""
    body = text.split(f"\n{name}:\n")[1].split("\t.size")[0]
    return [line.strip().replace("\t", " ") for line in body.splitlines()
            if not line.strip().startswith(".loc")]


LONG = ["movq\t%rax, 16(%rsp)", "movabsq\t$81985529216486895, %rcx", "addq\t%rcx, 24(%rdi)",
        "leaq\t(%rsp), %rsi", "movq\t%rsp, %rdx"]
FURTHER = ["movq %rax, 24(%rsp)", "movabsq $81985529216486895, %rcx", "addq %rcx, 24(%rdi)",
           "leaq 8(%rsp), %rsi", "leaq 8(%rsp), %rdx"]
FRAME, UNFRAME = "subq\t$40, %rsp", "addq\t$40, %rsp"


def test_what_calls_nobody_returns_and_finds_its_stack_further(tmp_path):
    text = outlined(tmp_path, function("one", FRAME, *LONG, "nop", UNFRAME, "ret"),
                    function("two", FRAME, *LONG, "cltd", UNFRAME, "ret"))
    assert instructions(text, "one") == ["subq $40, %rsp", "call outlined.1.1", "nop",
                                         "addq $40, %rsp", "ret"]
    assert instructions(text, "outlined.1.1") == [*FURTHER, "ret"]


def test_a_call_at_the_end_becomes_a_jump(tmp_path):
    text = outlined(tmp_path, function("one", FRAME, *LONG, "call\tputs", "nop", UNFRAME, "ret"),
                    function("two", FRAME, *LONG, "call\tputs", "cltd", UNFRAME, "ret"))
    assert "call outlined.1.1" in instructions(text, "two")
    assert instructions(text, "outlined.1.1") == [*FURTHER, "jmp puts"]


def test_ends_are_joined_in_a_function_that_is_needed(tmp_path):
    end = ["movl\t$12345, 4(%rdi)", "movl\t$54321, 8(%rdi)", UNFRAME, "popq\t%rbx", "ret"]
    start = ["pushq\t%rbx", FRAME]
    text = outlined(tmp_path, function("seldom", *start, "nop", *end),
                    function("needed", *start, "cltd", *end), apart="seldom other")
    assert instructions(text, "seldom")[-1] == "jmp .Ltail1.1"
    assert ".Ltail1.1:" in instructions(text, "needed")
    assert instructions(text, "needed")[-1] == "ret"


def test_what_only_seldom_functions_share_lies_with_them(tmp_path):
    both = [function(name, FRAME, *LONG, between, UNFRAME, "ret")
            for name, between in (("one", "nop"), ("two", "cltd"))]
    assert ".text.outlined_apart" in outlined(tmp_path, *both, apart="one two")
    assert ".text.outlined_apart" not in outlined(tmp_path, *both, apart="one")


@pytest.mark.parametrize("first", ["movq\t%rax, -8(%rsp)", "leaq\t-24(%rsp), %rax"])
def test_a_function_that_keeps_data_below_its_stack_is_left_alone(tmp_path, first):
    text = outlined(tmp_path, function("one", first, *LONG, "nop"),
                    function("two", first, *LONG, "cltd"))
    assert "outlined" not in text


@pytest.mark.parametrize("parts", [["pushq\t%rbx"], [".L{}:"], ["jne\t.L{}", ".L{}:"],
                                   ["#APP", "cpuid", "#NO_APP"], ["movl\t%esp, %eax"],
                                   ["movq\t%rax, %rsp"], ["movq\t%rsp, 8(%rsp)"],
                                   ["call\t*%rax"], [".p2align 4"]])
def test_a_sequence_ends_there(tmp_path, parts):
    def body(number):
        return [*LONG[:3], *(each.format(number) for each in parts), *LONG[2:]]
    text = outlined(tmp_path, function("one", *body(1)), function("two", *body(2)))
    shared = [line for number in (1, 2) if f"\noutlined.1.{number}:" in text
              for line in instructions(text, f"outlined.1.{number}")]
    assert shared and not any(each.format(1).replace("\t", " ") in shared for each in parts)
    assert parts[0].format(1).replace("\t", " ") in instructions(text, "one") or parts[0][1] == "p"


def test_a_constant_may_pass_over_the_stack(tmp_path):
    """As gcc loads small ones."""
    body = [*LONG[:2], "pushq\t$5", "popq\t%rcx", *LONG[2:]]
    text = outlined(tmp_path, function("one", *body, "nop"), function("two", *body, "cltd"))
    assert instructions(text, "one") == ["call outlined.1.1", "nop"]


def test_functions_that_take_the_time_stay_whole(tmp_path):
    names = "sp_one", "sp_two"
    text = outlined(tmp_path, *(function(name, *LONG, "ret") for name in names), whole="^sp_")
    assert "outlined" not in text and ".Ltail" not in text


def rewritten(tmp_path, script, *functions, whole="^$"):
    source = tmp_path / "in.s"
    source.write_text("".join(functions))
    return run("awk", "-v", f"whole={whole}", "-f", TOP / "config/outline" / script, source)


LOADS = ["movq\t%rbx, %rdi", "movl\t$5000, %esi", "movq\t8(%rbp), %rdx"]


def test_loads_that_need_no_other_stand_in_one_order(tmp_path):
    text = rewritten(tmp_path, "arrange.awk", function("one", *LOADS, "call\tputs"),
                     function("two", *reversed(LOADS), "call\tputs"))
    assert instructions(text, "one") == instructions(text, "two")
    assert sorted(instructions(text, "one")) == sorted(
        each.replace("\t", " ") for each in [*LOADS, "call\tputs"])


@pytest.mark.parametrize("body", [
    ["movq\t%rdi, %rsi", "movq\t%rbx, %rdi"],          # one fills what another needs
    ["movq\t%rbx, %rdi", "movq\t(%rdi), %rsi"],
    ["movq\t%rbx, %rdi", "movl\t$1, %edi"],            # or what it fills
    ["movq\t%rbx, %rdi", "movzbl\t%al, %ebx"],
    ["movq\t%rbx, 8(%rdi)", "movq\t8(%rdi), %rax"],    # memory is written
    ["movl\t$0, %eax", "sete\t%al"],
    ["movq\t%fs:40, %rax", "movq\t%rax, %rdx"],
    ["movq\t%rsp, %rbp", "movq\t%rbp, %rsp"],
    ["movl\t$1, %eax", ".L1:", "movl\t$2, %edx"],
    ["movl\t$1, %eax", "#APP", "movl\t$2, %edx", "#NO_APP"]])
def test_what_needs_its_order_keeps_it(tmp_path, body):
    """However frequent the other order is elsewhere."""
    others = [function(f"other{i}", *reversed(body), "ret") for i in range(5)]
    text = rewritten(tmp_path, "arrange.awk", function("one", *body, "ret"), *others)
    assert instructions(text, "one") == [each.replace("\t", " ") for each in [*body, "ret"]]


def test_registers_go_by_way_of_the_stack(tmp_path):
    text = rewritten(tmp_path, "terse.awk", function(
        "one", "movq\t%rbx, %rdi", "movq\t%rsp, %rsi", "movq\t%r12, %rdx", "movl\t%ebx, %ecx",
        "movq\t%rsp, %rbp", "movq\t%rbp, %rsp",
        "subq\t$16, %rsp", "subq\t$24, %rsp", "subq\t$32, %rsp"))
    assert instructions(text, "one") == [
        "pushq %rbx", "popq %rdi", "pushq %rsp", "popq %rsi", "movq %r12, %rdx", "movl %ebx, %ecx",
        "movq %rsp, %rbp", "movq %rbp, %rsp", *["pushq %rax"] * 5, "subq $32, %rsp"]


@pytest.mark.parametrize("name, before, behind", [
    ("one", ["#APP"], ["#NO_APP"]), ("sp_one", [], []), ("one", ["movq\t%rax, -8(%rsp)"], []),
    ("one", [], ["movq\t%rax, -8(%rsp,%rcx)"])])
def test_some_registers_do_not(tmp_path, name, before, behind):
    text = rewritten(tmp_path, "terse.awk", function(name, *before, "movq\t%rbx, %rdi", *behind),
                     whole="^sp_")
    assert "movq %rbx, %rdi" in instructions(text, name)


PROGRAM = """
#include <stdio.h>
#include <string.h>
struct thing { char name[24]; long sum; int many, few; };
static __attribute__((noipa)) int put(struct thing *t, const char *s, int n)
{ snprintf(t->name, sizeof t->name, "%s-%d", s, n); t->sum += n; return (int)strlen(t->name); }
""" + "".join(f"""
__attribute__((noipa)) long f{i}(struct thing *t, long a, long b)
{{
    char text[32]; struct thing mine = *t;
    if (put(&mine, "first", {i}) < 0) return -1;
    memcpy(text, mine.name, sizeof mine.name);
    t->many += (int)a; t->few -= (int)b; t->sum += strlen(text) * {i % 7 + 1};
    if (put(t, text, (int)(a * b)) > {i % 5 + 8}) {{ t->sum ^= a; put(&mine, t->name, 7); }}
    return t->sum + mine.sum + text[{i % 4}];
}}""" for i in range(60)) + """
int main(void)
{
    struct thing t = {"none", 1, 2, 3}; long sum = 0;
""" + "".join(f"    sum = sum * 31 + f{i}(&t, sum % 1000, {i});\n" for i in range(60)) + """
    printf("%ld %s %ld %d %d\\n", sum, t.name, t.sum, t.many, t.few);
    return 0;
}
"""


@pytest.mark.parametrize("flags", [["-Oz"], ["-Os", "-fstack-protector-all"], ["-O2", "-g"]],
                         ids=" ".join)
def test_a_program_does_the_same_and_is_smaller(tmp_path, flags):
    (tmp_path / "p.c").write_text(PROGRAM)
    said, size = [], []
    for name, more in ("plain", []), ("short", [f"-B{TOP}/config/outline/"]), \
                      ("again", [f"-B{TOP}/config/outline/"]):
        run("gcc", "-no-pie", "-w", *flags, *more, "-c", "-o", tmp_path / f"{name}.o", "p.c",
            cwd=tmp_path)
        run("gcc", "-no-pie", "-o", tmp_path / name, tmp_path / f"{name}.o")
        said.append(run(tmp_path / name))
        size.append(sum(int(line.split()[1]) for line in run("size", "-A", f"{tmp_path / name}.o")
                        .splitlines() if line.startswith(".text")))
    assert said[0] == said[1]
    assert size[1] < size[0] * 0.9
    assert (tmp_path / "short.o").read_bytes() == (tmp_path / "again.o").read_bytes()
