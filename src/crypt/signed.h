/* Whether bytes, seen in pieces, were signed with a key: RSA (PKCS#1 v1.5) or ECDSA, with SHA-256,
 * SHA-384 or SHA-512; by wolfCrypt. For lists that are too long to be held. */
#ifndef TH_CRYPT_SIGNED_H
#define TH_CRYPT_SIGNED_H

#include <thimble.h>

struct th_crypt_signed {
    _Alignas(16) uint8_t state[288];
    uint8_t kind; /* of the signature */
    bool failed;
};

/* `algorithm`: the object identifier in the AlgorithmIdentifier (RFC 4055, RFC 5758). False: it is
 * none of these. */
bool th_crypt_signed_begin(struct th_crypt_signed *seen, struct th_slice algorithm);

void th_crypt_signed_add(struct th_crypt_signed *seen, const void *data, size_t bytes);

/* Another key may be tried afterwards. The public key is a SubjectPublicKeyInfo, or an
 * RSAPublicKey. Needs memory of the current payer. 0: that key made it; TH_E_ARGUMENT: it did not;
 * TH_E_MEMORY. */
int th_crypt_signed_check(const struct th_crypt_signed *seen, struct th_slice public_key,
                          struct th_slice signature);

#endif
