/* What is asked of RSA keys. */
#ifndef TH_TLS_RSA_H
#define TH_TLS_RSA_H

#include <thimble.h>
#include <wolfssl/wolfcrypt/settings.h>

#include <wolfssl/ssl.h>

/* Of all keys the context will see. WOLFSSL_SUCCESS, or what wolfSSL failed with. */
int th_tls_rsa_set_minimum(WOLFSSL_CTX *ctx);

#endif
