#include "tls/alpn.h"

#include <wolfssl/wolfcrypt/settings.h>

#include <wolfssl/error-ssl.h>
#include <wolfssl/ssl.h>

int th_tls_alpn_announce(struct th_tls_stream *stream)
{
    return *stream->context->alpn ? NOT_COMPILED_IN : WOLFSSL_SUCCESS;
}

void th_tls_alpn_chosen(const struct th_tls_stream *stream, struct th_tls_facts *facts)
{
    (void)stream, (void)facts;
}
