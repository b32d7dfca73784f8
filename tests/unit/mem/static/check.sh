#!/bin/sh
# The malloc family and the guarded stack in a static musl program: no brk, mmap, mremap or munmap
# after execve, none linked, an overflow is caught, massif agrees with the ledger to the byte.
# Usage: check.sh BUILD_DIRECTORY   (MUSL_CC, default musl-gcc; PROFILE, default default)
set -eu
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../../../.." && pwd)
mkdir -p "$1"
out=$(cd "$1" && pwd)
cd "$root"

fail() { echo "mem static: $1" >&2; exit 1; }

sources="mem/purpose.c mem/pool.c mem/cell.c mem/ledger.c mem/payer.c mem/pages.c mem/stack.c mem/run.c mem/libc.c"
${MUSL_CC:-musl-gcc} -std=c11 -D_GNU_SOURCE -Wall -Wextra -Wshadow -Werror -Os -flto=auto \
    -ffunction-sections -fdata-sections -fstack-protector-strong -fno-pie -idirafter build/system \
    -Iinclude -Isrc -I. -include "config/profile/${PROFILE:-default}.h" \
    -static -no-pie -Wl,--gc-sections -o "$out/program.full" "$here/program.c" $sources
strip -s -o "$out/program" "$out/program.full"

code=0; "$out/program" >"$out/plain.txt" || code=$?
[ $code -eq 17 ] || { cat "$out/plain.txt" >&2; fail "ended with $code instead of 17"; }
grep -q 'live 0, .* strays 0$' "$out/plain.txt" || fail "not everything came back: $(tail -1 "$out/plain.txt")"

# pthread_create() refers to mmap for stacks it is not given: only the trace can clear that one.
nm "$out/program.full" | grep -wE 'brk|__brk|sbrk|mremap|__mremap|__libc_malloc_impl|__malloc_donate|__expand_heap' &&
    fail "libc's allocator is linked"

strace -f -o "$out/strace.txt" "$out/program" >/dev/null || true
grep -E '(brk|mmap|mmap2|mremap|munmap)\(' "$out/strace.txt" &&
    fail "memory was asked of the kernel"
grep -q 'exited with 17' "$out/strace.txt" || fail "strace did not see the end"

code=0; (ulimit -c 0; "$out/program" overflow) >/dev/null 2>&1 || code=$?
[ $code -eq 139 ] || fail "an overflow ended with $code instead of 139"

valgrind --tool=massif --peak-inaccuracy=0.0 --time-unit=B --heap-admin=0 \
    --massif-out-file="$out/massif.out" "$out/program" >"$out/massif.txt" 2>/dev/null || true
seen=$(sed -n 's/^mem_heap_B=//p' "$out/massif.out" | sort -n | tail -1)
told=$(sed -n 's/.*process-peak \([0-9]*\).*/\1/p' "$out/massif.txt")
[ "$seen" = "$told" ] || fail "massif saw $seen bytes, the ledger $told"

valgrind --error-exitcode=99 -q "$out/program" >/dev/null 2>"$out/memcheck.txt" || code=$?
[ "$code" -eq 17 ] || { cat "$out/memcheck.txt" >&2; fail "memcheck complains ($code)"; }

cat "$out/plain.txt"
echo "massif and ledger agree: $told bytes; no memory asked of the kernel"
