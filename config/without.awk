# A table of the program without what a profile lacks. Rows of src/cli/commands.c and src/cli/exit.c
# are left out, and options that only commands have which are lacking, too; other rows of
# src/cli/table.c are options of no command: they have a name, a place, and no texts.
#
# lacking   names of options, "--name" or "-x", of commands or exits, with blanks between
# phrases   parts of help texts that go with them, "|" behind each
#
# Fails if a row or a phrase is not there.

BEGIN {
    rows = split(lacking, list, " ")
    for (i = 1; i <= rows; i++)
        unseen[list[i]] = 1
    parts = split(phrases, part, / *\| */)
}

function name_of(row) {
    if (match(row, /\{TEXTS\("[^"]+"/))
        return "--" substr(row, RSTART + 8, RLENGTH - 9)
    if (match(row, /'.', TH_CLI/))
        return "-" substr(row, RSTART + 1, 1)
    if (match(row, /\{ENTRY\("[^"]+"/))
        return substr(row, RSTART + 8, RLENGTH - 9)
    if (match(row, /^    \{"[a-z]+"/))
        return substr(row, 7, RLENGTH - 7)
    return ""
}

function without_phrases(row,    i, at) {
    for (i = 1; i < parts; i++)
        if (at = index(row, part[i])) {
            row = substr(row, 1, at - 1) substr(row, at + length(part[i]))
            found[i] = 1
        }
    return row
}

function of_no_command(row,    at) {
    if (row !~ /TEXTS/ || row !~ /TH_CLI_(ALL|ROADS|CLIENTS|PRINT|PUB|SUB|RR)/)
        return ""
    at = index(row, "\"),")
    match(row, /TEXTS\("[^"]*"/)
    row = substr(row, 1, RSTART + RLENGTH - 1) ", \"\", \"\", \"" substr(row, at)
    sub(/ TH_CLI_[A-Z |_]*,/, " 0,", row)
    return row
}

function finish(row,    name) {
    name = name_of(row)
    printf "%s", name in unseen ? of_no_command(row) : without_phrases(row)
    delete unseen[name]
}

/^    \{(TEXTS\(|ENTRY\(|"[a-z]+", (th_cli_|NULL))/ { inside = 1 }
inside { row = row $0 "\n" }
inside && /\},$/ { finish(row); inside = 0; row = ""; next }
!inside { print }

END {
    for (name in unseen)
        missing = missing " " name
    for (i = 1; i < parts; i++)
        if (!(i in found))
            missing = missing " \"" part[i] "\""
    if (missing) {
        print FILENAME ": not there:" missing >"/dev/stderr"
        exit 1
    }
}
