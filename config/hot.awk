# Makes a linker script of config/hot: what is named there, and libc, lies side by side. Code and
# constants are a segment of their own, for kernels that map whatever lies in one; the variables
# follow the initialized ones, whose page is written anyway.
#
# A function or variable has one section, ".text.NAME", in which compilers may put something behind
# the name; the texts of a function are in ".rodata.NAME.str1.1"; "." is a section without a name.

function pattern(word) {
    if (word == ".")
        return kind
    if (sub(/\.str$/, "", word))
        return word == "" ? kind ".str1.*" : kind "." word ".str1.* " kind "." word ".*.str1.*"
    return kind "." word " " kind "." word ".[a-z0-9]*"
}

function put(text) {
    if (kind == ".bss")
        variables = variables text "\n"
    else
        constants = constants text "\n"
}

/^#/ { next }

/^\./ {
    kind = substr($1, 1, length($1) - 1)
    $1 = ""
}

{
    for (i = 1; i <= NF; i++)
        if ($i != "")
            put("*(" pattern($i) ")")
}

END {
    print "SECTIONS\n{\n.hot :\n{\n*libc.a:*(.text .text.* .rodata .rodata.*)\n" constants "}"
    print ". = . + 2 * CONSTANT(MAXPAGESIZE);\n}\nINSERT AFTER .init;"
    print "SECTIONS\n{\n.hot.bss :\n{\n*libc.a:*(.bss .bss.* COMMON)\n" variables "}\n}"
    print "INSERT AFTER .data;"
}
