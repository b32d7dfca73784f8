/* SHA-256 (FIPS 180-4), by wolfCrypt: what was seen in pieces, remembered in 32 bytes. */
#ifndef TH_CRYPT_HASH_H
#define TH_CRYPT_HASH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TH_CRYPT_HASH_BYTES 32

/* May be copied. */
struct th_crypt_hash {
    _Alignas(16) uint8_t state[144];
    bool failed;
};

void th_crypt_hash_begin(struct th_crypt_hash *hash);
void th_crypt_hash_add(struct th_crypt_hash *hash, const void *data, size_t bytes);

/* True if both have seen the same bytes; each may go on. False also after a failure of
 * wolfCrypt. */
bool th_crypt_hash_equal(const struct th_crypt_hash *a, const struct th_crypt_hash *b);

/* The value of what was seen so far; false: wolfCrypt failed. */
bool th_crypt_hash_value(const struct th_crypt_hash *hash, uint8_t value[TH_CRYPT_HASH_BYTES]);

#endif
