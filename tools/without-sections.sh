#!/bin/sh
# Cuts the table of sections off the end of a stripped ELF program of 64 bits: nothing needs it that
# runs the program. 1,900 bytes less.
set -eu
file=$1
number() { od -An -v -t "u$2" -j "$1" -N "$2" "$file" | tr -d ' '; }

[ "$(number 4 1)" = 2 ] || exit 0
table=$(number 40 8)
if [ $((table + $(number 58 2) * $(number 60 2))) -ne "$(stat -c %s "$file")" ]; then
    echo "$file: the table of sections is not at its end" >&2
    exit 1
fi
truncate -s "$table" "$file"
head -c 8 /dev/zero | dd of="$file" bs=1 seek=40 conv=notrunc 2>/dev/null
head -c 6 /dev/zero | dd of="$file" bs=1 seek=58 conv=notrunc 2>/dev/null
