# Assembler of the whole program with instructions that stand side by side, and of which none needs
# another's result, in one order everywhere, so that outline.awk finds more of them equal.
#
# They fill a register each: from a register, a constant or memory. The order is by how often one
# stands before the instruction that follows them all: the most frequent comes last.
#
#   awk -v whole='REGEX' -f arrange.awk SOURCE.s
#
# whole     functions that stay as they are

BEGIN {
    split("ax bx cx dx si di bp", letters, " ")
    for (i in letters)
        name_of["r" letters[i]] = name_of["e" letters[i]] = letters[i]
    for (i = 8; i < 16; i++)
        name_of["r" i] = name_of["r" i "d"] = "r" i
    name_of["rsp"] = "sp"
    name_of["rip"] = "ip"
}

{ line[FNR] = $0 }

# ---- rows of instructions that do not need each other ----

function close_row(next_text,    i) {
    if (size > 1) {
        for (i = 1; i <= size; i++) {
            row[rows + 1, i] = at[i]
            before[text[at[i]], next_text]++
        }
        row_size[++rows] = size
        follows[rows] = next_text
    }
    size = 0
    written = used = " "
}

# Registers a text speaks of, " ax si "; "" if one of them is not known here.
function registers(text,    name, all) {
    all = " "
    while (match(text, /%[a-z0-9]+/)) {
        name = substr(text, RSTART + 1, RLENGTH - 1)
        if (!(name in name_of))
            return ""
        all = all name_of[name] " "
        text = substr(text, RSTART + RLENGTH)
    }
    return all
}

function share(these, those,    each, n, i) {
    n = split(these, each, " ")
    for (i = 1; i <= n; i++)
        if (index(those, " " each[i] " "))
            return 1
    return 0
}

# Sets `fills` and `needs`, the registers; false: not for a row.
function is_simple(what,    comma, from) {
    if (what !~ /^(mov[lq]|leaq|movz[bw]l|movslq|xorl) .*, ?%[a-z0-9]+$/)
        return 0
    match(what, /, ?%[a-z0-9]+$/)
    from = substr(what, 1, RSTART - 1)
    fills = registers(substr(what, RSTART))
    needs = registers(from)
    if (what ~ /^xorl/) {
        if (fills != needs)
            return 0
        needs = " "
    }
    return fills != "" && needs != "" && fills != " sp "
}

function instruction(    what) {
    what = $0
    gsub(/[ \t]+/, " ", what)
    sub(/^ /, "", what)
    if (!is_simple(what)) {
        close_row(what)
        return
    }
    if (share(fills, written used) || share(needs, written))
        close_row(what)
    at[++size] = FNR
    text[FNR] = what
    times[what]++
    written = written fills
    used = used needs
}

BEGIN { close_row("") }

/^#APP/    { in_asm = 1; close_row("") }
/^#NO_APP/ { in_asm = 0; close_row("") }

/^[^ \t#:]+:/ {
    if ($0 !~ /^\.L[A-Z]/)     # of debugging information
        close_row("")
    if ($0 !~ /^\.L/ && in_text)
        function_name = substr($0, 1, index($0, ":") - 1)
    next
}

$1 ~ /^\.(section|text|data|bss)$/ {
    close_row("")
    in_text = $0 ~ /\.text/
    function_name = ""
}

/^\t[a-z]/ && in_text {
    if (in_asm || function_name == "" || function_name ~ whole)
        close_row("")
    else
        instruction()
}

# ---- the rows in their order ----

function comes_first(a, b, next_text,    by) {
    by = before[a, next_text] - before[b, next_text]
    by = by ? by : times[a] - times[b]
    return by ? by < 0 : a < b
}

function arrange(r,    i, k, moved) {
    for (i = 1; i <= row_size[r]; i++)
        ordered[i] = text[row[r, i]]
    for (i = 2; i <= row_size[r]; i++) {
        moved = ordered[i]
        for (k = i - 1; k && comes_first(moved, ordered[k], follows[r]); k--)
            ordered[k + 1] = ordered[k]
        ordered[k + 1] = moved
    }
    for (i = 1; i <= row_size[r]; i++)
        line[row[r, i]] = "\t" ordered[i]
}

END {
    close_row("")
    for (r = 1; r <= rows; r++)
        arrange(r)
    for (n = 1; n <= FNR; n++)
        print line[n]
}
