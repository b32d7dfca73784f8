#!/bin/bash
# Runs the parts of the test suite that are named, and counts:
#
#   tools/check.sh unit|fuzz|rooms|integration|differential|audit|budget...
#
# Ends with the line "N passed, N failed" over all parts, and fails if anything failed or if
# nothing was run. A test program that ends without saying how it went counts as one failure.
# Another build is tried with BUILD=build/NAME and, for the parts of pytest, its THIMBLE.
set -u
cd "$(dirname "$0")/.."

PYTHON=${PYTHON:-/usr/bin/python3}
FUZZ_SECONDS=${FUZZ_SECONDS:-5}
BUILD=${BUILD:-build}
WORKERS=$((2 * $(nproc)))  # of pytest: most of their time they wait
LOGS=$BUILD/log
export FUZZ_SECONDS BUILD LOGS
passed=0
failed=0
failures=()

say() { printf '  %-7s %s\n' "$1" "$2"; }

count() {
    passed=$((passed + $1))
    failed=$((failed + $2))
}

note_failure() {
    failures+=("$1 (see $2)")
    say FAIL "$1"
    grep -E '^\[  (ERROR|FAILED)|ERROR: |runtime error|error:' "$2" |
        head -n 20 | sed 's/^/          /'
}

# ---- several at once -----------------------------------------------------------------------

# Calls the function with each line, for as many at a time as there are processors.
at_once() {
    export -f "${1?}"
    xargs -P "$(nproc)" -I{} bash -c "$1 {}"
}

# What a program ended with stands beside its log; one that was not run has failed.
keep_code() {
    rm -f "$1.code"
    "${@:2}" >"$1" 2>&1
    echo $? >"$1.code"
}
export -f keep_code

code_of() {
    cat "$1.code" 2>/dev/null || echo 127
}

# ---- cmocka --------------------------------------------------------------------------------

cmocka_count() {
    sed -n "s/^\[  $1  \] \([0-9]*\) test(s)[.,].*/\1/p" "$2" |
        awk '{ n += $1 } END { print n + 0 }'
}

run_unit_program() {
    local name=${1#"$BUILD"/unit/}
    local log=$LOGS/unit/$name.log
    mkdir -p "$(dirname "$log")"
    CMOCKA_MESSAGE_OUTPUT=stdout keep_code "$log" timeout 900 "$1"
}

judge_unit_program() {
    local name=${1#"$BUILD"/unit/}
    local log=$LOGS/unit/$name.log code ok bad
    code=$(code_of "$log")
    ok=$(cmocka_count PASSED "$log")
    bad=$(cmocka_count FAILED "$log")
    if [ "$code" -ne 0 ] && [ "$bad" -eq 0 ]; then bad=1; fi
    if [ "$code" -eq 0 ] && [ "$ok" -eq 0 ]; then bad=1; fi
    count "$ok" "$bad"
    if [ "$bad" -eq 0 ]; then say PASS "unit $name: $ok"; else note_failure "unit $name" "$log"; fi
    sed -n "s|^\[ NOT RUN  \] \(.*\)|  NOT RUN unit $name: \1|p" "$log"
}

unit_programs() {
    for source in tests/unit/*/test_*.c; do
        program=${source#tests/unit/}
        echo "$BUILD/unit/${program%.c}"
    done
}

run_unit() {
    unit_programs | at_once run_unit_program
    for program in $(unit_programs); do judge_unit_program "$program"; done
}

# ---- libFuzzer -----------------------------------------------------------------------------

run_fuzz_target() {
    local name=$1 log=$LOGS/fuzz/$1.log corpus=$BUILD/fuzz/corpus/$1 seeds=tests/fuzz/corpus/$1
    mkdir -p "$(dirname "$log")" "$corpus"
    [ -d "$seeds" ] || seeds=
    keep_code "$log" "$BUILD"/fuzz/"$name" -max_total_time="$FUZZ_SECONDS" -timeout=60 \
        -rss_limit_mb=1024 -artifact_prefix="$LOGS/fuzz/$name-" "$corpus" $seeds
}

judge_fuzz_target() {
    local name=$1 log=$LOGS/fuzz/$1.log
    if [ "$(code_of "$log")" -eq 0 ]; then
        count 1 0
        say PASS "fuzz $name: $(sed -n 's/^Done \([0-9]* runs\).*/\1/p' "$log")"
    else
        count 0 1
        note_failure "fuzz $name" "$log"
    fi
}

fuzz_targets() {
    basename -a -s .c tests/fuzz/fuzz_*.c
}

run_fuzz() {
    fuzz_targets | at_once run_fuzz_target
    for target in $(fuzz_targets); do judge_fuzz_target "$target"; done
}

# ---- pytest --------------------------------------------------------------------------------

pytest_count() { tail -n 1 "$2" | grep -oE "[0-9]+ $1" | grep -oE '[0-9]+' || echo 0; }

run_pytest() {
    local name=$1 log=$LOGS/$1.log shown=fE workers=0 ok bad broken code
    case $name in audit | budget | board) shown=PfE ;; integration) workers=$WORKERS ;; esac
    ls tests/"$name"/test_*.py >/dev/null 2>&1 || return 0
    "$PYTHON" -m pytest -p no:cacheprovider -n "$workers" -q --tb=short -r$shown \
        tests/"$name" 2>&1 | tee "$log"
    code=${PIPESTATUS[0]}
    ok=$(pytest_count passed "$log")
    bad=$(pytest_count failed "$log")
    broken=$(pytest_count error "$log")
    bad=$((bad + broken))
    if [ "$code" -ne 0 ] && [ "$bad" -eq 0 ]; then bad=1; fi
    count "$ok" "$bad"
    if [ "$bad" -eq 0 ]; then say PASS "$name: $ok"; else note_failure "$name" "$log"; fi
}

# ---- the whole -----------------------------------------------------------------------------

mkdir -p $LOGS
for part in "$@"; do
    case $part in
    unit | fuzz) run_$part ;;
    *)           run_pytest "$part" ;;
    esac
done

for failure in "${failures[@]}"; do say FAILED "$failure"; done
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
