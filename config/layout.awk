# Makes a linker script of config/layout. The functions and constants that are cold, and those of the
# agent, are segments of their own, with a gap on either side: some kernels map whatever lies in one.
# The variables named there lie together, behind the initialized ones, whose page is written anyway.
# New code is in no list, and lies with what is needed.
#
# With the file's own headers, which libc reads, lies what the program begins with, and nothing else.
#
# Large objects are output sections of their own: the section headers then tell whose the bytes are,
# in the stripped file, too.
#
# Instructions that only such functions share lie with them: config/outline.
#
# Each has a section, ".text.NAME", in which compilers may put something behind the name. Texts have
# none: functions share them.

function sections(name) {
    return kind "." name " " kind "." name (kind == ".rodata" ? ".[0-9l]*" : ".[0-9a-z]*")
}

function owned(section, object) {
    print "." section " :\n{\n*(.bss." object " .bss." object ".[0-9a-z]*)\n}"
    print "ASSERT(SIZEOF(." section ") > 0, \"config/layout.awk: there is no " object "\")"
}

/^#/ { next }

$2 ~ /:$/ {
    place = $1
    kind = substr($2, 1, length($2) - 1)
    $1 = $2 = ""
}

{
    for (i = 1; i <= NF; i++)
        if ($i != "")
            lists[place kind] = lists[place kind] "*(" sections($i) ")\n"
}

END {
    gap = ". = . + 2 * CONSTANT(MAXPAGESIZE);\n"
    print "SECTIONS\n{\n.start :\n{\n*crt1.o(.text .text.*)\n}"
    print gap ".cold :\n{\n*(.text.outlined_apart)\n" lists["cold.text"] lists["cold.rodata"] "}"
    print gap ".agent :\n{\n" lists["agent.text"] lists["agent.rodata"] "}"
    print gap "}\nINSERT AFTER .init;"
    print "SECTIONS\n{\n.together :\n{\n*libc.a:*(.bss .bss.* COMMON)"
    print lists["together.bss"] lists["agent.bss"] "}"
    owned("connections", "client_blocks")
    owned("context", "context_blocks")
    owned("process_heap", "process_heap")
    owned("stack", "stack_memory")
    print "}"
    print "INSERT BEFORE .bss;"
}
