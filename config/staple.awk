# wolfSSL's tls.c and internal.c with the two seams that src/tls/staple.c needs: what the extension
# status_request says, and who reads the message CertificateStatus. wolfSSL's own OCSP, which stays
# off, is 9 KB more, keeps each response twice, and knows no SHA-1, by which issuers are told in
# responses.
#
#   awk -v seams=2 -f config/staple.awk src/tls.c
#
# seams   how many there must be; fails if there are more or fewer

# The compiler, and whoever reads its notes, call it what it was, line by line.
function here() {
    return "#line " FNR " \"" FILENAME "\"\n"
}

FNR == 1 { $0 = here() $0 }

/^#define CSR_GET_SIZE\(a, b\) +0$/ {
    $0 = "int th_tls_staple_write(unsigned char *out);\n" here() "#define CSR_GET_SIZE(a, b) 5"
    found++
}

/^#define CSR_WRITE\(a, b, c\) +0$/ {
    $0 = "#define CSR_WRITE(a, b, c) th_tls_staple_write(b)"
    found++
}

/^static int DoHandShakeMsgType\(.*,$/ || /^int DoHandShakeMsgType\(.*,$/ {
    $0 = "int th_tls_staple_read(WOLFSSL* ssl, const byte* input, word32* at, word32 bytes);\n" \
         here() $0
}

/^ +ret = DoCertificateStatus\(ssl, input, inOutIdx, size\);$/ {
    sub(/DoCertificateStatus/, "th_tls_staple_read")
    found++
}

{ print }

END {
    if (found != seams) {
        print "config/staple.awk: " found + 0 " seams found in " FILENAME ", not " seams >"/dev/stderr"
        exit 1
    }
}
