# wolfSSL's RSA arithmetic for all lengths at once, out of sp_c64.c's for 4096 bits in its small form.
#
# wolfSSL has these functions six times: 17 and 34 digits of 61 bits for RSA 2048, 26 and 52 of 60,
# 35 and 70 of 59; between them only numbers differ. Digits of 57 bits serve all: 18 and 36, 27 and
# 54, 36 and 72. Then w digits are 512 * w / 9 bits, w / 9 less than they hold, and a number that
# wolfSSL has worked out becomes an expression of w. 17 KB less; a ninth
# more instructions for RSA 2048, with the functions that take the time compiled for speed.
#
# A digit that is smaller leaves more room above it. The bytes allocated grow by a twentieth.
#
# Fails if the file is not as expected.

BEGIN {
    hot = "__attribute__((optimize(\"O2\"))) "
    split("from_bin from_mp to_bin_70 norm_35 mont_setup sub_35 mont_norm_35 cmp_35 cond_sub_35 " \
          "mont_shift_35 mont_reduce_35 mul_35 mont_mul_35 sqr_35 mont_sqr_35 mul_d_35 " \
          "cond_add_35 add_35 rshift_35 div_word_35 word_div_word_35 div_35 mod_35 mod_exp_35 " \
          "to_mp", wanted, " ")
    for (i in wanted)
        missing["sp_4096_" wanted[i]]
    missing["sp_RsaPublic_4096"]
    missing["sp_RsaPrivate_4096"]
    missing["sp_ModExp_4096"]

    split("35 w 35U w 34 (w-1) 36 (w+1) 70 (2*w) 70U (2*w) 69 (2*w-1) 67 (2*w-3) " \
          "17 (w/9) 42 (57-w/9) 0x3ffffffffffL (((sp_digit)1<<(57-w/9))-1) " \
          "4096 (1024*w/9) 4103 (1024*w/9+7) 2048 (512*w/9) 512 (128*w/9) 512U (word32)(128*w/9) " \
          "59 57 59U 57U 58 56 57 55 118 114 51U 49U 0x7ffffffffffffffL 0x1ffffffffffffffL " \
          "28 26 56 52 25 21", pair, " ")
    for (i = 1; i in pair; i += 2)
        now[pair[i]] = pair[i + 1]

    print "static void sp_rsa_mul_add(int w, sp_digit* r, const sp_digit* a, sp_digit b);\n"
}

# sp_4096_mul_35( is sp_rsa_mul(w, and sp_4096_add_70( is sp_rsa_add((2*w), with a type when it is
# defined.
function called(name, open, defines,    digits) {
    digits = name ~ /_70$/ && name !~ /to_bin/ ? "(2*w)" : "w"
    sub(/^sp_4096_/, "sp_rsa_", name)
    sub(/^sp_RsaPublic_4096/, "rsa_public", name)
    sub(/^sp_RsaPrivate_4096/, "rsa_private", name)
    sub(/^sp_ModExp_4096/, "mod_exp", name)
    sub(/_(35|70)$/, "", name)
    return name open (defines ? "int " : "") digits ", "
}

function of_any_length(line, defines,    done, word, is_name) {
    while (match(line, /[0-9A-Za-z_]+/)) {
        word = substr(line, RSTART, RLENGTH)
        done = done substr(line, 1, RSTART - 1)
        line = substr(line, RSTART + RLENGTH)
        is_name = word ~ /^sp_(4096|RsaPublic|RsaPrivate|ModExp)_/ && line ~ /^\(/
        if (is_name)
            line = substr(line, 2)
        done = done (is_name ? called(word, "(", defines) : word in now ? now[word] : word)
    }
    return done line
}

/^(SP_NOINLINE )?(static )?(WC_INLINE )?(int|void|sp_digit) sp_[A-Za-z0-9_]+\(/ {
    match($0, /sp_[A-Za-z0-9_]+\(/)
    name = substr($0, RSTART, RLENGTH - 1)
    inside = name in missing
    delete missing[name]
    heading = 1
    text = ""
    if (inside && !/static/)
        printf "static "
    if (name ~ /^sp_4096_(mul|mul_d|sqr|mont_reduce)_35$/)
        printf "%s", hot
}

inside && !/^ \*|^\/\*/ {
    line = $0
    if (name ~ /div_word/)
        sub(/dv << 3/, "dv << 5", line)
    line = of_any_length(line, heading)
    text = text line "\n"
    heading = 0
}

# r += a * b is r = a * b with one addition more. wolfSSL unrolls it, for a length it knows.
function adding(body) {
    sub(/sp_rsa_mul_d/, "sp_rsa_mul_add", body)
    sums = sub(/t \+= tb \* a\[i\];/, "t += tb * a[i] + r[i];", body) + \
           sub(/r\[w\] = /, "r[w] += ", body)
    return body
}

/^}/ && inside {
    printf "%s\n", text
    if (name == "sp_4096_mul_d_35")
        printf "%s\n", adding(text)
    inside = 0
}

END {
    for (name in missing)
        sums = 0
    if (sums != 2) {
        print FILENAME ": not the RSA that is known here" >"/dev/stderr"
        exit 1
    }
}
