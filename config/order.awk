# wolfSSL's internal.h with the members of large structures in another order: those that most
# instructions speak of stand within the first 128 bytes, where one byte says which member is meant,
# not four. 3.4 KB less.
#
# A member is moved with its line and the #if it stands in; those another version lacks are passed over.
# Fails if it finds no member to move.

BEGIN {
    first["WOLFSSL"] = "heap arrays session extensions hsHashes ctx error version chVersion " \
        "msgsReceived specs namedGroup peerRsaKey options"
    last["Options"] = "client_psk_cb server_psk_cb client_psk_cs_cb client_psk_tls13_cb " \
        "server_psk_tls13_cb psk_ctx mask maxTicketTls13 ticketsSent"
    last["WOLFSSL_SESSION"] = "sessionID masterSecret staticTicket"
}

function is_one_of(name, list) {
    return index(" " list " ", " " name " ")
}

# All of a list, in its order.
function print_members(list,    name, n, i) {
    n = split(list, name, " ")
    for (i = 1; i <= n; i++)
        printf "%s", moved[name[i]]
}

function moved_line(    text, i) {
    for (i = 1; i <= depth; i++)
        text = text condition[i]
    text = text $0 "\n"
    for (i = 1; i <= depth; i++)
        text = text "#endif\n"
    return text
}

/^struct (WOLFSSL|Options|WOLFSSL_SESSION) \{/ {
    structure = $2
    heading = $0
    body = ""
    depth = 0
    split("", moved)
    next
}

structure && /^}/ {
    print heading
    print_members(first[structure])
    printf "%s", body
    print_members(last[structure])
    structure = ""
}

!structure { print; next }

continues { condition[depth] = condition[depth] $0 "\n" }
/^ *# *if/ { condition[++depth] = $0 "\n" }
{ continues = (continues || /^ *# *if/) && /\\$/ }
/^ *# *endif/ { depth-- }

match($0, /[A-Za-z0-9_]+(\[[A-Z_]+\])?;/) {
    name = substr($0, RSTART, RLENGTH - 1)
    sub(/\[.*/, "", name)
    if (!(name in moved) && is_one_of(name, first[structure] " " last[structure])) {
        comment = $0
        sub(/;.*/, ";")
        sub(/.*;/, "", comment)
        moved[name] = moved_line()
        $0 = comment
        found++
    }
}

{ body = body $0 "\n" }

END {
    if (!found) {
        print "config/order.awk: nothing to move in " FILENAME >"/dev/stderr"
        exit 1
    }
}
