# A source of ours as it is compiled for the static binary: sentences are packed. A byte that is no
# printable ASCII stands for two others, each of which may stand for two: src/base/pairs.h. The
# formatter (src/base/format.c) writes what was meant; nothing else reads sentences.
#
# A sentence is a literal in which a word follows a word. Texts that are compared are none. Conversions
# of formats stay as they are, and so does what begins with a backslash.
#
#   LC_ALL=C awk -f config/pack.awk src/base/pairs.h SOURCE
#
# show   if set: prints what would be packed instead, a piece a line
#
# Fails if a literal has letters beyond ASCII of its own, or a sentence \x or such.

BEGIN {
    FIRST = 127
    pairs = 0
    for (i = 1; i < 256; i++)
        number[sprintf("%c", i)] = i
}

# Those of {0, 0} mean what they are.
FILENAME == ARGV[1] {
    if (match($0, /\{[0-9]+, [0-9]+\}/)) {
        split(substr($0, RSTART + 1, RLENGTH - 2), letter, ", ")
        if (letter[1] > 0) {
            pair[pairs] = sprintf("%c%c", letter[1], letter[2])
            byte[pairs++] = sprintf("%c", (FIRST + rows) % 256)
        }
        rows++
    }
    next
}

FNR == 1 && !show { print "#line 1 \"" FILENAME "\"" }

# ---- a sentence ----

function with_pair(text, two, one,    at, done) {
    while (at = index(text, two)) {
        done = done substr(text, 1, at - 1) one
        text = substr(text, at + 2)
    }
    return done text
}

# Bytes that stand for pairs as C writes them.
function escaped(text,    i, c, done) {
    for (i = 1; i <= length(text); i++) {
        c = substr(text, i, 1)
        done = done (c ~ /[ -~]/ ? c : sprintf("\\%03o", number[c]))
    }
    return done
}

function packed(text,    i) {
    if (show && length(text) > 1)
        print text
    for (i = 0; i < pairs; i++)
        text = with_pair(text, pair[i], byte[i])
    return escaped(text)
}

function packed_sentence(text,    done) {
    while (match(text, /\\.|%[-0-9.*]*[lz]*[a-zA-Z%]/)) {
        done = done packed(substr(text, 1, RSTART - 1)) substr(text, RSTART, RLENGTH)
        text = substr(text, RSTART + RLENGTH)
    }
    return done packed(text)
}

function refuse(text) {
    print FILENAME ":" FNR ": not to be packed: " text >"/dev/stderr"
    failed = 1
}

function packed_literal(text) {
    if (text ~ /[\200-\377]/)
        refuse(text)
    if (text !~ /[a-z%)][,;.]? [a-z(%]/)
        return text
    if (text ~ /\\([^0ntr"\\]|0[0-7])/)
        refuse(text)
    return "\"" packed_sentence(substr(text, 2, length(text) - 2)) "\""
}

# ---- the source ----

function copy(count) {
    done = done substr(rest, 1, count)
    rest = substr(rest, count + 1)
}

function copy_comment(    at) {
    at = index(rest, "*/")
    in_comment = !at
    copy(at ? at + 1 : length(rest))
}

# What stands before the next comment, literal or character, and that.
function copy_code(    text) {
    if (!match(rest, /\/\*|"([^"\\]|\\.)*"|'([^'\\]|\\.)+'/)) {
        copy(length(rest))
        return
    }
    text = substr(rest, RSTART, RLENGTH)
    copy(RSTART - 1)
    rest = substr(rest, length(text) + 1)
    in_comment = text == "/*"
    done = done (text ~ /^"/ ? packed_literal(text) : text)
}

{
    rest = $0
    done = ""
    while (rest != "")
        if (in_comment)
            copy_comment()
        else
            copy_code()
    if (!show)
        print done
}

END { exit failed }
