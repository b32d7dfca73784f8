/* Encrypted private keys: PKCS#8 with PBES2 (RFC 5958 section 3, RFC 8018), PBKDF2 with
 * HMAC-SHA-256 and AES-128 or AES-256 in CBC mode, as OpenSSL writes them. */
#ifndef TH_IDENTITY_ENCRYPTED_H
#define TH_IDENTITY_ENCRYPTED_H

#include "identity/pem.h"
#include <thimble.h>

#define TH_ENCRYPTED_ITERATIONS_MAX 2000000 /* 2.3 s at 3 GHz, a minute on small processors */

/* What stands in a file as a key: decrypts it where it lies, in a buffer that may be written, once
 * the passphrase is told. 1: *der is the key inside; 0: it is not encrypted, nothing was done.
 * FILE: nobody can be asked, the passphrase is wrong, or it is encrypted in another way. */
int th_encrypted_open(enum th_pem_kind kind, struct th_slice *der,
                      const struct th_passphrase *passphrase, const struct th_pem_place *place,
                      struct th_fault *fault);

#endif
