#include "crypt/cbc.h"

/* config/aes_cbc.c */
int th_aes_cbc(const uint8_t *key, unsigned key_bytes, const uint8_t *iv, uint8_t *data,
               unsigned bytes);

bool th_crypt_cbc_decrypt(const uint8_t *key, size_t key_bytes,
                          const uint8_t iv[TH_CRYPT_CBC_BLOCK_BYTES], uint8_t *data, size_t bytes)
{
    return th_aes_cbc(key, (unsigned)key_bytes, iv, data, (unsigned)bytes) == 0;
}
