/* Private keys in files: made, looked at, and used for certificate requests.
 *
 * Every function works in a block the caller lends for the call, aligned to 16 (TH_DESK_BYTES of
 * thimble/certificate.h); what was in it is wiped before it returns. Errors: FILE, whose reason is
 * one of enum th_validity, MEMORY, ENTROPY, ARGUMENT, or what `write` returned. */
#ifndef THIMBLE_KEY_H
#define THIMBLE_KEY_H

#include <thimble/certificate.h>

#ifdef __cplusplus
extern "C" {
#endif

/* PEM (RFC 7468) is handed over line by line. */
struct th_text_sink {
    int (*write)(void *arg, const char *text, size_t text_bytes); /* less than 0: the end */
    void *arg;
};

/* Hands `der` over as PEM, between BEGIN and END of `label`. What `write` returned. Pure. */
int th_armor(const struct th_text_sink *sink, const char *label, struct th_slice der);

/* Makes an EC key for P-256 or P-384 (curve_bits 256 or 384), as PKCS#8. */
int th_key_make(void *block, size_t block_bytes, unsigned curve_bits,
                const struct th_text_sink *sink, struct th_fault *fault);

/* A file with one private key: PKCS#8, SEC1 or PKCS#1, in PEM or DER. */
struct th_key_file {
    struct th_source source;
    struct th_passphrase passphrase;
};

struct th_key_facts {
    const char *key;   /* as in struct th_certificate */
    const char *curve;
    unsigned key_bits;
    bool is_encrypted;
    uint8_t pin[TH_DIGEST_BYTES]; /* of its public key: equal to that of its certificates */
};

int th_key_read(void *block, size_t block_bytes, const struct th_key_file *file,
                struct th_key_facts *facts, struct th_fault *fault);

/* Makes a certificate request (RFC 2986, signed with SHA-256). `subject` is "/CN=device-7/O=x",
 * with a backslash before "/" in values; `names`, or NULL, is "DNS:x,IP:192.0.2.1,email:y,URI:z".
 * Both are UTF-8. ARGUMENT: a part of these is not understood. */
int th_request_make(void *block, size_t block_bytes, const struct th_key_file *file,
                    const char *subject, const char *names, const struct th_text_sink *sink,
                    struct th_fault *fault);

#ifdef __cplusplus
}
#endif

#endif
