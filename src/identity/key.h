/* A private key that was read. Memory is the current payer's. */
#ifndef TH_IDENTITY_KEY_H
#define TH_IDENTITY_KEY_H

#include "base/der_write.h"
#include "crypt/point.h"
#include "identity/der.h"
#include <thimble/key.h>

struct th_key {
    struct th_der file;        /* what was kept of it */
    struct th_slice der;       /* the key itself, decrypted */
    bool is_rsa;
    bool is_encrypted;         /* in its file */
    struct th_slice modulus;   /* RSA: contents of the INTEGERs */
    struct th_slice exponent;
    uint8_t point[TH_CRYPT_POINT_MAX_BYTES]; /* EC */
    size_t point_bytes;
};

/* Close it also after an error. */
int th_key_open(struct th_key *key, const struct th_key_file *file, struct th_fault *fault);
void th_key_close(struct th_key *key);

/* Its SubjectPublicKeyInfo. */
void th_key_put_public(struct th_der_out *out, const struct th_key *key);

/* AlgorithmIdentifier of EC keys on the curve with points of so many bytes. */
void th_key_put_ec(struct th_der_out *out, size_t point_bytes);

#endif
