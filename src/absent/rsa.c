#include "tls/rsa.h"

int th_tls_rsa_set_minimum(WOLFSSL_CTX *ctx)
{
    (void)ctx;
    return WOLFSSL_SUCCESS;
}
