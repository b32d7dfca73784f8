#!/bin/bash
# Shows the whole of thimble once: against a broker of its own, over mutual TLS, it subscribes and
# publishes with TLS 1.3 and 1.2, EC and RSA, QoS 0, 1 and 2, and prints each memory report.
#
#   tools/demo.sh [DIR]        DIR is the laboratory (build/demo-lab), see tools/lab.sh
set -u
cd "$(dirname "$0")/.."

THIMBLE=${THIMBLE:-build/thimble}
LAB=${1:-build/demo-lab}
OUT=build/demo
done_well=0
failed=0

say() { printf '  %-7s %s\n' "$1" "$2"; }
rule() { printf '\n---- %s\n\n' "$1"; }

# Waits until the broker's log has the line, ten seconds at most.
await() {
    for _ in $(seq 200); do
        grep -q "$1" "$LAB/broker.log" && return 0
        sleep 0.05
    done
    return 1
}

# thimble_do COMMAND KIND VERSION QOS arguments...
thimble_do() {
    local command=$1 kind=$2 version=$3 qos=$4 port=$2_port
    shift 4
    "$THIMBLE" "$command" -h localhost -p "${!port}" --cafile "$LAB/$kind/root.pem" \
        --cert "$LAB/$kind/client.pem" --key "$LAB/$kind/client.key" --tls-version "$version" \
        -q "$qos" --mem-report "$@"
}

one_message() {
    local kind=$1 version=$2 qos=$3
    local name=$kind-$version-qos$qos
    local topic=demo/$name sent="hello over $version, $kind, QoS $qos" subscriber
    rule "$version, $kind, QoS $qos"
    thimble_do sub "$kind" "$version" "$qos" -t "$topic" -C 1 -W 20 \
        >"$OUT/$name.received" 2>"$OUT/$name.sub" &
    subscriber=$!
    await "$topic (QoS" || say FAILED "no subscription seen by the broker"
    thimble_do pub "$kind" "$version" "$qos" -t "$topic" -m "$sent" 2>"$OUT/$name.pub" ||
        say FAILED "thimble pub ended with $?"
    wait $subscriber || say FAILED "thimble sub ended with $?"
    judge "$name" "$sent"
}

judge() {
    say SENT "$2"
    say ARRIVED "$(cat "$OUT/$1.received")"
    printf '\nthimble pub reports\n'
    cat "$OUT/$1.pub"
    printf '\nthimble sub reports\n'
    cat "$OUT/$1.sub"
    if [ "$(cat "$OUT/$1.received")" = "$2" ]; then
        done_well=$((done_well + 1))
    else
        failed=$((failed + 1))
    fi
}

rm -rf "$OUT"
mkdir -p "$OUT"
tools/lab.sh stop "$LAB"
tools/lab.sh start "$LAB" >/dev/null || exit 1
trap 'tools/lab.sh stop "$LAB"' EXIT
. "$LAB/ports"
say BROKER "mosquitto on localhost, ports $ec_port (EC) and $rsa_port (RSA)"

for version in tlsv1.3 tlsv1.2; do
    for kind in ec rsa; do
        for qos in 0 1 2; do one_message $kind $version $qos; done
    done
done

rule "result"
echo "$done_well messages arrived, $failed did not"
[ $failed -eq 0 ]
