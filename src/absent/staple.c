#include "absent/absent.h"
#include "tls/staple.h"

#include <wolfssl/wolfcrypt/settings.h>

#include <wolfssl/ssl.h>

int th_tls_staple_take(struct th_tls_context *context, const struct th_context_config *config,
                       struct th_fault *fault)
{
    (void)context;
    return config->stapling ? th_absent(fault, "OCSP stapling") : 0;
}

int th_tls_staple_ask(struct th_tls_stream *stream)
{
    (void)stream;
    return WOLFSSL_SUCCESS;
}

bool th_tls_staple_holds(struct th_tls_stream *stream, const struct WOLFSSL_X509_STORE_CTX *store)
{
    (void)stream, (void)store;
    return true;
}

bool th_tls_staple_came(struct th_tls_stream *stream)
{
    (void)stream;
    return true;
}

void th_tls_staple_forget(struct th_tls_stream *stream)
{
    (void)stream;
}
