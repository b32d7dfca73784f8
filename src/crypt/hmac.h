/* HMAC-SHA-256 (RFC 2104, FIPS 180-4) and what is made of it, by wolfCrypt. */
#ifndef TH_CRYPT_HMAC_H
#define TH_CRYPT_HMAC_H

#include <stdbool.h>
#include <thimble.h>

#define TH_CRYPT_HMAC_BYTES 32

/* All return false when wolfCrypt fails; the output then means nothing. */

/* Of the parts, one behind the other. */
bool th_crypt_hmac(struct th_slice key, const struct th_slice *parts, size_t count,
                   uint8_t out[TH_CRYPT_HMAC_BYTES]);

/* SHA-256. */
bool th_crypt_sha256(struct th_slice data, uint8_t out[TH_CRYPT_HMAC_BYTES]);

/* PBKDF2 (RFC 8018 section 5.2) with HMAC-SHA-256 and one block of output, which RFC 5802 calls Hi.
 * The first iteration is done by begin(), `count` more by each call of work(): the thread is never
 * held longer than the caller wants. `sum` is the key so far. A secret: wipe it. */
struct th_crypt_hi {
    uint8_t last[TH_CRYPT_HMAC_BYTES];
    uint8_t sum[TH_CRYPT_HMAC_BYTES];
};

bool th_crypt_hi_begin(struct th_crypt_hi *hi, struct th_slice password, struct th_slice salt);
bool th_crypt_hi_work(struct th_crypt_hi *hi, struct th_slice password, unsigned count);

#endif
