/* Private keys: made, and used to sign, by wolfCrypt. A few KB are taken from the current payer for
 * the time of a call. 0; TH_E_MEMORY; TH_E_ENTROPY; TH_E_ARGUMENT for a key wolfCrypt does not
 * take. */
#ifndef TH_CRYPT_KEY_H
#define TH_CRYPT_KEY_H

#include "crypt/hash.h"
#include <thimble.h>

/* An EC key of P-256 or P-384: the secret has curve_bits / 8 bytes, the point, uncompressed (SEC 1
 * section 2.3.3), twice as many and one. Wipe it. */
struct th_crypt_ec_key {
    uint8_t secret[48];
    uint8_t point[97];
};

int th_crypt_ec_make(unsigned curve_bits, struct th_crypt_ec_key *key);

/* Signs a SHA-256 digest: ECDSA in DER, or RSASSA-PKCS1-v1_5. `private_key` is PKCS#8, SEC1 or
 * PKCS#1 in DER. */
#define TH_CRYPT_SIGNATURE_MAX_BYTES 512 /* of RSA-4096 */
int th_crypt_sign(struct th_slice private_key, bool is_rsa,
                  const uint8_t digest[TH_CRYPT_HASH_BYTES],
                  uint8_t signature[TH_CRYPT_SIGNATURE_MAX_BYTES], size_t *bytes);

#endif
