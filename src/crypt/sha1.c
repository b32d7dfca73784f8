#include "crypt/sha1.h"

#include <thimble.h>
#include <wolfssl/wolfcrypt/settings.h>

/* The settings hide it from everybody else: config/sha1.c. */
#undef NO_SHA
#include <wolfssl/wolfcrypt/sha.h>

int th_crypt_sha1(const void *data, size_t bytes, uint8_t hash[TH_CRYPT_SHA1_BYTES])
{
    wc_Sha sha;
    int failed = wc_InitSha(&sha);
    failed |= wc_ShaUpdate(&sha, data, (word32)bytes);
    failed |= wc_ShaFinal(&sha, hash);
    wc_ShaFree(&sha);
    return failed ? TH_E_ARGUMENT : 0;
}
