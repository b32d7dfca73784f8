#include "crypt/hash.h"

#include <string.h>
#include <wolfssl/wolfcrypt/settings.h>

#include <wolfssl/wolfcrypt/sha256.h>

_Static_assert(sizeof(wc_Sha256) <= sizeof((struct th_crypt_hash){0}.state), "room for the state");

void th_crypt_hash_begin(struct th_crypt_hash *hash)
{
    hash->failed = wc_InitSha256((wc_Sha256 *)hash->state) != 0;
}

void th_crypt_hash_add(struct th_crypt_hash *hash, const void *data, size_t bytes)
{
    hash->failed |= wc_Sha256Update((wc_Sha256 *)hash->state, data, (word32)bytes) != 0;
}

bool th_crypt_hash_value(const struct th_crypt_hash *hash, uint8_t value[TH_CRYPT_HASH_BYTES])
{
    struct th_crypt_hash end = *hash;
    return !end.failed && wc_Sha256Final((wc_Sha256 *)end.state, value) == 0;
}

bool th_crypt_hash_equal(const struct th_crypt_hash *a, const struct th_crypt_hash *b)
{
    uint8_t values[2][TH_CRYPT_HASH_BYTES];
    return th_crypt_hash_value(a, values[0]) && th_crypt_hash_value(b, values[1]) &&
           !memcmp(values[0], values[1], sizeof values[0]);
}
