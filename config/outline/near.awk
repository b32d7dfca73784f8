# Assembler as outline.awk leaves it with far jumps made near: a jump of 5 or 6 bytes becomes one of 2,
# to a jump close by that leads to the same place. 4 KB less.
#
#   host     such a jump that is there already
#   island   one that is put where nobody comes by, behind a jump or `ret`, for two or more
#            conditional jumps
#
#   awk -v round=N -v whole='REGEX' -f near.awk LISTING SOURCE.s
#
# round     is part of the names it gives
# LISTING   of the assembler (-aln), says how many bytes each line is
# whole     functions that stay as they are: they take the time

BEGIN { REACH = 128 }   # bytes

FILENAME == ARGV[1] {
    sub(/\t.*/, "")
    hexadecimal = $0 ~ /^ *[0-9]+ [0-9a-f?]+ / ? $3 $4 $5 $6 : $2 $3 $4 $5
    if (hexadecimal ~ /^[0-9A-F]+$/)
        bytes_of[$1 + 0] += length(hexadecimal) / 2
    next
}

# ---- jumps by where they lead ----

{
    line[FNR] = $0
    place[FNR] = place[FNR - 1] + bytes_of[FNR]
}

/^#APP/    { in_asm = 1 }
/^#NO_APP/ { in_asm = 0 }

$1 ~ /^\.(section|text|data|bss)$/ {
    section++
    in_text = $0 ~ /\.text/
    function_name = ""
}

in_text && /^[^ \t#:.][^ \t#:]*:/ { function_name = substr($0, 1, index($0, ":") - 1) }

/^\t(j|ret)/ && in_text && !in_asm && function_name != "" && function_name !~ whole {
    if ($1 ~ /^(jmp|ret)/)
        gaps[section] = gaps[section] " " FNR
    if ($1 ~ /^j/ && $2 !~ /^\*/)
        note(section SUBSEP $2)
}

function note(where) {
    if (!(where in jumps))
        goal[++goals] = where
    jumps[where] = jumps[where] " " FNR
    if ($1 == "jmp")
        always[FNR]
    if (bytes_of[FNR] >= 5)
        far[FNR]
}

# ---- to hosts ----

function is_near(a, b) {
    return place[a] - place[b] < REACH && place[b] - place[a] < REACH
}

function lead(from, label) {
    sub(/[^\t ]+$/, label, line[from])
}

function lead_to_host(from, host) {
    if (!(host in label_before))
        label_before[host] = ".Lnear" round "." ++labels
    lead(from, label_before[host])
}

# Those that always jump lead to the one before; from there it may be one more.
function join(jump, n,    i, host) {
    for (i = 1; i <= n; i++)
        if (jump[i] in always) {
            if (host && jump[i] in far && is_near(jump[i], host))
                lead_to_host(jump[i], host)
            host = jump[i]
        }
}

function nearest_host(from, jump, n,    i, d, least, host) {
    least = REACH
    for (i = 1; i <= n; i++) {
        d = place[jump[i]] - place[from]
        d = d < 0 ? -d : d
        if (jump[i] in always && d < least) {
            least = d
            host = jump[i]
        }
    }
    return host
}

# ---- to islands ----

# The gap that most of them are near to.
function best_gap(jump, n, section,    gap, g, count, i, near, best) {
    count = split(gaps[section], gap, " ")
    most = 1
    for (g = 1; g <= count; g++) {
        near = 0
        for (i = 1; i <= n; i++)
            near += is_near(jump[i], gap[g])
        if (near > most) {
            most = near
            best = gap[g]
        }
    }
    return best
}

# Returns how many are left.
function lead_to_island(jump, n, gap, target,    label, i, left) {
    label = ".Lisland" round "." ++islands
    behind[gap] = behind[gap] label ":\n\tjmp\t" target "\n"
    for (i = 1; i <= n; i++)
        if (is_near(jump[i], gap))
            lead(jump[i], label)
        else
            jump[++left] = jump[i]
    return left + 0
}

function shorten(where,    jump, n, i, host, lonely, left, parts, gap) {
    n = split(jumps[where], jump, " ")
    join(jump, n)
    for (i = 1; i <= n; i++)
        if (jump[i] in far && !(jump[i] in always)) {
            host = nearest_host(jump[i], jump, n)
            if (host)
                lead_to_host(jump[i], host)
            else
                lonely[++left] = jump[i]
        }
    split(where, parts, SUBSEP)
    while (left > 1 && (gap = best_gap(lonely, left, parts[1])))
        left = lead_to_island(lonely, left, gap, parts[2])
}

END {
    for (g = 1; g <= goals; g++)
        shorten(goal[g])
    for (n = 1; n <= FNR; n++) {
        if (n in label_before)
            print label_before[n] ":"
        print line[n]
        printf "%s", behind[n]
    }
}
