# A source of ours as it is compiled for the static binary: sentences are packed. A byte beyond ASCII
# in one stands for two others, each of which may stand for two: src/base/pairs.h. The formatter
# (src/base/format.c) writes what was meant; nothing else reads sentences.
#
# A sentence is a literal in which a word follows a word. Texts that are compared are none. Conversions
# of formats stay as they are, and so does what begins with a backslash.
#
#   LC_ALL=C awk -f config/pack.awk src/base/pairs.h SOURCE
#
# show   if set: prints what would be packed instead, a piece a line
#
# Fails if a literal has letters beyond ASCII of its own.

BEGIN {
    FIRST = 128
    for (i = 1; i < 256; i++)
        number[sprintf("%c", i)] = i
}

FILENAME == ARGV[1] {
    if (match($0, /\{[0-9]+, [0-9]+\}/)) {
        split(substr($0, RSTART + 1, RLENGTH - 2), letter, ", ")
        pair[pairs++] = sprintf("%c%c", letter[1], letter[2])
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

# Bytes beyond ASCII as C writes them.
function escaped(text,    i, c, done) {
    for (i = 1; i <= length(text); i++) {
        c = substr(text, i, 1)
        done = done (number[c] < FIRST ? c : sprintf("\\%o", number[c]))
    }
    return done
}

function packed(text,    i) {
    if (show && length(text) > 1)
        print text
    for (i = 0; i < pairs; i++)
        text = with_pair(text, pair[i], sprintf("%c", FIRST + i))
    return escaped(text)
}

function packed_sentence(text,    done) {
    while (match(text, /\\x[0-9a-fA-F]+|\\[0-7]+|\\.|%[-0-9.*]*[lz]*[a-zA-Z%]/)) {
        done = done packed(substr(text, 1, RSTART - 1)) substr(text, RSTART, RLENGTH)
        text = substr(text, RSTART + RLENGTH)
    }
    return done packed(text)
}

function packed_literal(text) {
    if (text ~ /[\200-\377]/) {
        print FILENAME ":" FNR ": not ASCII: " text >"/dev/stderr"
        failed = 1
    }
    if (text !~ /[a-z%)][,;.]? [a-z(%]/)
        return text
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
