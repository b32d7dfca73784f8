#include "tls/rsa.h"

#define MIN_BITS 2048

int th_tls_rsa_set_minimum(WOLFSSL_CTX *ctx)
{
    return wolfSSL_CTX_SetMinRsaKey_Sz(ctx, MIN_BITS);
}
