# Assembler with registers moved by way of the stack: `pushq %rbx`, `popq %rdi` are two bytes, and
# `movq %rbx, %rdi` three. Two or three words of stack are taken by as many pushes, a byte each, not
# four. No flag is touched, and no register that was not. 3.2 KB less.
#
# Registers of a later date take a byte more each, and stay as they are; so do functions that keep
# data below the stack pointer.
#
#   awk -v whole='REGEX' -f terse.awk SOURCE.s
#
# whole     functions that stay as they are: they take the time

{ line[FNR] = $0 }

/^#APP/    { in_asm = 1 }
/^#NO_APP/ { in_asm = 0 }

$1 ~ /^\.(section|text|data|bss)$/ {
    in_text = $0 ~ /\.text/
    function_name = ""
}

/^[^ \t#:.][^ \t#:]*:/ && in_text {
    function_name = substr($0, 1, index($0, ":") - 1)
    sub(/\.cold.*/, "", function_name)
}

/[^0-9]-[0-9]+\(%rsp/ { keeps_below[function_name] }

# Of the array that a function is given, only its place is asked; what keeps the stack's own place
# for later is %rbp or %rbx.
/^\tmovq[ \t]+%r([abcd]x|bp|[sd]i), ?%r([abcd]x|bp|[sd]i)$/ ||
/^\tmovq[ \t]+%rsp, ?%r([acd]x|[sd]i)$/ || /^\tsubq[ \t]+\$(16|24), ?%rsp$/ {
    if (!in_asm && function_name != "" && function_name !~ whole)
        owner[FNR] = function_name
}

# "%rbx, %rdi" as "%rbx" and "%rdi".
function pushed_and_popped(text,    each) {
    sub(/^\tmovq[ \t]+/, "", text)
    split(text, each, /, ?/)
    return "\tpushq\t" each[1] "\n\tpopq\t" each[2]
}

# What is pushed does not matter.
function pushed(text) {
    return "\tpushq\t%rax\n\tpushq\t%rax" (text ~ /24/ ? "\n\tpushq\t%rax" : "")
}

END {
    for (n = 1; n <= FNR; n++)
        if (n in owner && !(owner[n] in keeps_below))
            print line[n] ~ /subq/ ? pushed(line[n]) : pushed_and_popped(line[n])
        else
            print line[n]
}
