/* AES-CBC for reading, which encrypted private keys ask for (RFC 8018) and nothing else here does.
 * The settings leave it out: no suite has it. It is wolfSSL's own code once more, with the tables
 * that are small; only this file and src/crypt/cbc.c know that it exists. */
#include <wolfssl/wolfcrypt/settings.h>

#undef NO_AES_CBC
#undef NO_AES_DECRYPT
#undef HAVE_AESGCM
#undef HAVE_AESGCM_DECRYPT
#undef WOLFSSL_AESNI
#define HAVE_AES_CBC
#define HAVE_AES_DECRYPT
#ifndef WOLFSSL_AES_SMALL_TABLES
#define WOLFSSL_AES_SMALL_TABLES
#endif

#define wc_AesSetKey th_aes_set_key
#define wc_AesSetIV th_aes_set_iv
#define wc_AesCbcEncrypt th_aes_cbc_encrypt
#define wc_AesCbcDecrypt th_aes_cbc_decrypt
#define wc_AesInit th_aes_init
#define wc_AesFree th_aes_free
#define wc_AesGetKeySize th_aes_get_key_size
#define wc_AesNew th_aes_new
#define wc_AesDelete th_aes_delete
#define wc_AesEncryptDirect th_aes_encrypt_direct

#include "aes.c"

int th_aes_cbc(const byte *key, word32 key_bytes, const byte *iv, byte *data, word32 bytes);

int th_aes_cbc(const byte *key, word32 key_bytes, const byte *iv, byte *data, word32 bytes)
{
    Aes aes;
    int code = wc_AesInit(&aes, NULL, INVALID_DEVID);
    if (code == 0)
        code = wc_AesSetKey(&aes, key, key_bytes, iv, AES_DECRYPTION);
    if (code == 0)
        code = wc_AesCbcDecrypt(&aes, data, data, bytes);
    wc_AesFree(&aes);
    ForceZero(&aes, sizeof aes);
    return code;
}
