# Assembler of the whole x86-64 program, as link time optimization writes it, made shorter: a
# sequence of instructions that stands in several places stays in one.
#
#   tail    it ends with `ret`, or with a jump to a function: all places but one jump to that one
#   thunk   it ends with a call, its only one: it becomes `call outlined.N`, which ends with a jump
#           to the function. That finds the stack as it would have found it
#   plain   it calls nobody: `call outlined.N`, which ends with `ret`
#
# In the last two a return address more lies on the stack: what they say of %rsp is 8 bytes further,
# nothing in them moves it, and a function that keeps data below it is left alone. What stands
# between two labels, jumps or `asm` is a sequence. The one that saves most is taken first.
#
#   awk -v round=N -v whole='REGEX' -v apart='NAME ...' -f outline.awk LISTING SOURCE.s
#
# round     is part of the names it gives
# LISTING   of the assembler (-aln), says how many bytes each line is
# whole     functions that stay as they are: they take the time
# apart     functions that are seldom needed: what only they share has a section of its own
# show      if set: prints what is saved, and not the program

BEGIN {
    JUMP = 5        # bytes of a jump or a call to another section
    LONGEST = 32    # instructions
    names = split(apart, each, /[ \n]+/)
    for (i = 1; i <= names; i++)
        is_apart[each[i]]
}

# "  12 004c 48897C24 08 \tmovq ...", and maybe another line with only the number and more bytes.
FILENAME == ARGV[1] {
    sub(/\t.*/, "")
    hexadecimal = $0 ~ /^ *[0-9]+ [0-9a-f?]+ / ? $3 $4 $5 $6 : $2 $3 $4 $5
    if (hexadecimal ~ /^[0-9A-F]+$/)
        bytes_of[$1 + 0] += length(hexadecimal) / 2
    next
}

# ---- the program as a row of instructions ----

{ line[FNR] = $0 }

# What a sequence never goes across has no text.
function barrier() {
    if (count && text[count] != "")
        add("", "", 0)
}

function add(what, how, more) {
    text[++count] = what
    kind[count] = how
    place[count] = FNR
    owner[count] = function_name
    bytes[count] = bytes[count - 1] + (what == "" ? 0 : bytes_of[FNR])
    longer[count] = longer[count - 1] + more
    calls[count] = calls[count - 1] + (how == "call")
    moves[count] = moves[count - 1] + (how == "moves")
}

/^#APP/    { in_asm = 1; barrier() }
/^#NO_APP/ { in_asm = 0; barrier() }

/^[^ \t#:]+:/ {
    label = substr($0, 1, index($0, ":") - 1)
    if (label !~ /^\.L[A-Z]/)  # of debugging information
        barrier()
    if (label !~ /^\.L/ && in_text)
        function_name = label
    next
}

$1 ~ /^\./ {
    if ($1 ~ /^\.(section|text|data|bss)$/) {
        barrier()
        in_text = $0 ~ /\.text/
        function_name = ""
    }
    if ($1 ~ /^\.(p2|b)?align$/)
        barrier()
    next
}

/^\t[a-z]/ && in_text {
    if (in_asm || function_name == "" || function_name ~ whole)
        barrier()
    else
        instruction()
}

function instruction() {
    what = $0
    gsub(/[ \t]+/, " ", what)
    sub(/^ /, "", what)
    if (what ~ /[^0-9]-[0-9]+\(%rsp/)
        keeps_below[function_name]
    how = kind_of(what)
    if (how == "barrier") {
        barrier()
        return
    }
    add(what, how, growth(what))
    if (how == "popped")
        kind[count - 1] = "pushed"
    if (how == "end")
        barrier()
}

function kind_of(what) {
    if (what ~ /^ret/ || what ~ /^jmp [^*.]/)
        return "end"
    if (what ~ /^call [^*]/)
        return "call"
    if (what ~ /^(j|call|hlt|ud2|leave|rep;)/)
        return "barrier"
    if (what ~ /^pop/ && text[count] ~ /^pushq \$/ && kind[count] == "moves") {
        moves[count]--
        return "popped"
    }
    if (what ~ /^(push|pop[^c])/ || what ~ /, ?%[re]sp$/)
        return "moves"
    if (what ~ /%(esp|spl?)([^a-z]|$)/ || what ~ /[ ,]%rsp/ && what !~ /^movq %rsp, %r/)
        return "barrier"
    return "plain"
}

# Bytes that the instruction grows by if the stack is 8 bytes further.
function growth(what,    offset) {
    if (what ~ /^movq %rsp, /)
        return 2
    if (what !~ /\(%rsp/)
        return 0
    match(what, /-?[0-9]*\(%rsp/)
    offset = substr(what, RSTART, RLENGTH - 5)
    return offset == "" ? 1 : offset < 128 && offset + 8 >= 128 ? 3 : 0
}

# ---- sequences that stand in several places ----

# All of one more instruction than before: `same[at]` is equal where they are equal.
function lengthen(steps,    i, at, key, n, kept, keys) {
    split("", number)
    split("", members)
    for (i = 1; i <= starts; i++) {
        at = start[i]
        if (text[at + steps - 1] == "")
            continue
        key = same[at] SUBSEP text[at + steps - 1]
        if (!(key in number))
            number[key] = ++keys
        n = number[key]
        members[n] = members[n] " " at
        same[at] = n
        start[++kept] = at
    }
    starts = 0
    for (i = 1; i <= kept; i++)
        if (members[same[start[i]]] ~ /^ [0-9]+ /)
            start[++starts] = start[i]
    for (n = 1; n <= keys; n++)
        if (members[n] ~ /^ [0-9]+ /)
            propose(members[n], steps)
}

function form_of(at, steps,    last) {
    last = at + steps - 1
    if (kind[at] == "popped" || kind[last] == "pushed")
        return ""
    if (kind[last] == "end")
        return "tail"
    if (moves[last] > moves[at - 1])
        return ""
    if (calls[last] == calls[at - 1])
        return "plain"
    return kind[last] == "call" && calls[last] == calls[at - 1] + 1 ? "thunk" : ""
}

function gain(at, steps, form, times,    length_bytes, body) {
    length_bytes = bytes[at + steps - 1] - bytes[at - 1]
    body = length_bytes + longer[at + steps - 1] - longer[at - 1] + (form == "plain")
    return times * (length_bytes - JUMP) - (form == "tail" ? length_bytes - JUMP : body)
}

function propose(where, steps,    at, form) {
    split(where, at, " ")
    form = form_of(at[1] + 0, steps)
    if (form != "") {
        places_of[++proposals] = where
        steps_of[proposals] = steps
        form_is[proposals] = form
        consider(proposals, at[1] + 0, split(where, at, " "))
    }
}

function consider(p, at, times,    saves) {
    saves = times > 1 ? gain(at, steps_of[p], form_is[p], times) : 0
    if (saves > 0) {
        waiting[saves] = waiting[saves] " " p
        if (saves > best)
            best = saves
    }
}

# Those places that overlap neither with another of them nor with what was taken.
function free_places(p,    n, i, k, at, behind, free) {
    n = split(places_of[p], each, " ")
    for (i = 1; i <= n; i++) {
        at = each[i] + 0
        if (at < behind || form_is[p] == "plain" && owner[at] in keeps_below)
            continue
        for (k = 0; k < steps_of[p] && !((at + k) in taken); k++)
            ;
        if (k == steps_of[p]) {
            free = free " " at
            behind = at + k
        }
    }
    return free
}

# From the highest saving downwards; one that saves less than it seemed waits for its turn.
function choose(    saves, i, n, queue, p, times, first) {
    for (saves = best; saves > 0; saves--) {
        n = split(waiting[saves], queue, " ")
        for (i = 1; i <= n; i++) {
            p = queue[i]
            places_of[p] = free_places(p)
            times = split(places_of[p], first, " ")
            if (times > 1 && gain(first[1] + 0, steps_of[p], form_is[p], times) == saves)
                take(p, times, saves)
            else if (times > 1)
                consider(p, first[1] + 0, times)
        }
    }
}

function take(p, times, saves,    at, i, k) {
    split(places_of[p], at, " ")
    for (i = 1; i <= times; i++)
        for (k = 0; k < steps_of[p]; k++)
            taken[at[i] + k]
    saved[form_is[p]] += saves
    if (form_is[p] == "tail")
        join(at, times, steps_of[p])
    else
        outline(at, times, steps_of[p], form_is[p])
}

# ---- the program without them ----

function is_seldom(at,    name) {
    name = owner[at]
    sub(/\..*/, "", name)
    return name == "outlined_apart" || name in is_apart
}

# `at` is the instruction that stands for the whole sequence.
function replace(at, steps, by,    k) {
    for (k = 0; k < steps; k++)
        gone[place[at + k]]
    instead[place[at + steps - 1]] = by
}

# In a function that is needed, if there is one.
function join(at, times, steps,    i, host) {
    for (host = 1; host < times && is_seldom(at[host] + 0); host++)
        ;
    label_before[place[at[host] + 0]] = ".Ltail" round "." ++labels ":\n"
    for (i = 1; i <= times; i++)
        if (i != host)
            replace(at[i] + 0, steps, "\tjmp\t.Ltail" round "." labels)
}

function further(what,    offset) {
    if (what ~ /^movq %rsp, /)
        return "leaq 8(%rsp)" substr(what, 10)
    if (!match(what, /[0-9]*\(%rsp/))
        return what
    offset = substr(what, RSTART, RLENGTH - 5)
    return substr(what, 1, RSTART - 1) (offset + 8) "(%rsp" substr(what, RSTART + RLENGTH)
}

function outline(at, times, steps, form,    i, k, name, body, seldom) {
    seldom = 1
    for (i = 1; i <= times; i++)
        seldom = seldom && is_seldom(at[i] + 0)
    name = "outlined" (seldom ? "_apart" : "") "." round "." ++outlines
    for (i = 1; i <= times; i++)
        replace(at[i] + 0, steps, "\tcall\t" name)
    for (k = 0; k < steps; k++)
        body = body "\t" further(text[at[1] + k]) "\n"
    if (form == "thunk")
        sub(/call [^\n]*\n$/, "jmp " substr(text[at[1] + steps - 1], 6) "\n", body)
    bodies = bodies "\t.section\t.text.outlined" (seldom ? "_apart" : "") ",\"ax\",@progbits\n" \
             "\t.type\t" name ", @function\n" name ":\n" body (form == "plain" ? "\tret\n" : "") \
             "\t.size\t" name ", .-" name "\n"
}

function print_program(    n) {
    for (n = 1; n <= FNR; n++) {
        if (n in label_before)
            printf "%s", label_before[n]
        if (n in instead)
            print instead[n]
        else if (!(n in gone))
            print line[n]
    }
    printf "%s", bodies
}

END {
    barrier()
    for (at = 1; at <= count; at++)
        start[++starts] = at
    for (steps = 1; starts && steps <= LONGEST; steps++)
        lengthen(steps)
    choose()
    if (show)
        printf "%d bytes: tails %d, thunks %d, plain %d\n",
            saved["tail"] + saved["thunk"] + saved["plain"], saved["tail"], saved["thunk"],
            saved["plain"]
    else
        print_program()
}
