/* What the distribution's libwolfssl lacks. */
#include <stdint.h>
#include <wolfssl/wolfcrypt/settings.h>

#include <wolfssl/ssl.h>
#include <wolfssl/wolfcrypt/aes.h>
#include <wolfssl/wolfcrypt/ecc.h>
#include <wolfssl/wolfcrypt/error-crypt.h>

/* It seeds itself, from the kernel's pool; whether that is ready has been asked before. */
int wc_SetSeed_Cb(int (*seed)(struct OS_Seed *os, unsigned char *out, unsigned int bytes))
{
    (void)seed;
    return 0;
}

/* No session is taken up, so none without a fresh key exchange. */
int wolfSSL_CTX_only_dhe_psk(WOLFSSL_CTX *ctx)
{
    (void)ctx;
    return 0;
}

/* Intermediates stay until the context goes: each was verified below a root that is trusted, and
 * their memory is the library's, not a connection's. What goes after each step is its tables of
 * curve points, nearly 1 MB for each key that was seen. */
int wolfSSL_CertManagerUnloadIntermediateCerts(WOLFSSL_CERT_MANAGER *manager)
{
    (void)manager;
    wc_ecc_fp_free();
    return WOLFSSL_SUCCESS;
}

/* What config/aes_cbc.c makes of the one that is linked statically. In place, as there. */
int th_aes_cbc(const uint8_t *key, unsigned key_bytes, const uint8_t *iv, uint8_t *data,
               unsigned bytes)
{
    Aes aes;
    int result = wc_AesInit(&aes, NULL, INVALID_DEVID);
    if (result != 0)
        return result;
    result = wc_AesSetKey(&aes, key, key_bytes, iv, AES_DECRYPTION);
    if (result == 0)
        result = wc_AesCbcDecrypt(&aes, data, data, bytes);
    wc_AesFree(&aes);
    return result;
}

#undef wolfSSL_CTX_set_groups

/* Of TLS 1.2, then of TLS 1.3 if that is spoken. */
int th_system_set_groups(WOLFSSL_CTX *ctx, int *groups, int count)
{
    int result = WOLFSSL_SUCCESS;
    for (int i = 0; result == WOLFSSL_SUCCESS && i < count; i++)
        result = wolfSSL_CTX_UseSupportedCurve(ctx, (unsigned short)groups[i]);
    if (result != WOLFSSL_SUCCESS)
        return result;
    result = wolfSSL_CTX_set_groups(ctx, groups, count);
    return result == BAD_FUNC_ARG ? WOLFSSL_SUCCESS : result;
}
