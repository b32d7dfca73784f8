# wolfSSL's sp_c64.c or sp_c32.c with 32 multiples of P-256's base point in its table, not 256.
#
# The table has all sums of 8 points, each 2^32 times the one before: a scalar takes 32 times a
# doubling, a row, an addition. The sums of the lower four points and those of the higher four do
# as well, with two additions for each doubling. All these rows are among the 256, and the function
# that uses them, sp_256_ecc_mulmod_stripe, is the same but for the numbers below. 18 KB less, and
# hardly slower: looking up a secret row means reading all of them, and now they are few.
#
# Fails if the file is not as expected.

function replace(from, to) { changes += gsub(from, to) }

/^static (int|void) sp_256_(ecc_mulmod_stripe|get_entry_256)_[0-9]+\(/ { inside = 1 }
/^}/ { inside = 0 }

# Before the loop the higher half of the last bits. In it each half, the higher one when i is odd.
inside {
    replace("i < 256;", "i < 16;")
    replace("j<8;", "j<4;")
    replace("x = 31;", "x = 31 + 128;")
    replace("\\(rt, table, y\\)", "(rt, table + 16, y)")
    replace("\\(rt->[xy], table\\[y\\]", "&@")
    replace("i=30;", "i=62;")
    replace("x = i;", "x = i / 2 + 128 * (i \\& 1);")
    replace("\\(p, table, y\\)", "(p, table + 16 * (i \\& 1), y)")
    replace("\\(p->[xy], table\\[y\\]", "&@@")
    replace("sp_256_proj_point_dbl_[0-9]+\\(rt, rt, t\\);", "if (i \\& 1) &")
    sub("\\[y\\]@@", "[16 * (i \\& 1) + y]")
    sub("\\[y\\]@", "[16 + y]")
}

/^static const sp_table_entry_256 p256_table\[256\]/ {
    replace("\\[256\\]", "[32]")
    table = 1
}
table && /\/\* [0-9]+ \*\// {
    row = $2
    kept = row < 16 || row % 16 == 0
    rows += kept
    if (row == 16)
        printf "%s", none
}
table && kept && row == 0 && /[{}]/ && !/p256_table/ { none = none $0 "\n" }
/^};/ { table = 0 }

!table || kept || /p256_table/ { print }

END {
    if (changes != 14 || rows != 31) {
        print FILENAME ": not the P-256 that is known here" >"/dev/stderr"
        exit 1
    }
}
