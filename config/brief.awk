# A source that says less: which section of MQTT a packet breaks, not in words how; or that a broker
# says no, not the name of its reason code, which is told beside it.
#
# what   "sections" or "reasons"
#
# Fails if there is nothing to shorten.

function shortened(text) {
    sub(/.* \(/, "\"see MQTT ", text)
    sub(/\)"$/, "\"", text)
    return text
}

what == "sections" && match($0, /"[^"]* \([0-9][^()"]*\)"/) {
    before = substr($0, 1, RSTART - 1)
    text = substr($0, RSTART, RLENGTH)
    $0 = before shortened(text) substr($0, RSTART + RLENGTH)
    found = 1
}

what == "reasons" && /^(    _\(0x|      ")/ {
    found += sub(/"[^"]*"\)/, "\"no\")")
}

{ print }

END {
    if (!found) {
        print FILENAME ": nothing to shorten: " what >"/dev/stderr"
        exit 1
    }
}
