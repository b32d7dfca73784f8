#include "tls/alpn.h"

#include <string.h>
#include <wolfssl/wolfcrypt/settings.h>

#include <wolfssl/ssl.h>

int th_tls_alpn_announce(struct th_tls_stream *stream)
{
    char list[sizeof stream->context->alpn];
    strcpy(list, stream->context->alpn);
    if (!*list)
        return WOLFSSL_SUCCESS;
    return wolfSSL_UseALPN(stream->ssl, list, (unsigned)strlen(list),
                           WOLFSSL_ALPN_CONTINUE_ON_MISMATCH);
}

void th_tls_alpn_chosen(const struct th_tls_stream *stream, struct th_tls_facts *facts)
{
    char *name = NULL;
    unsigned short bytes = 0;
    if (wolfSSL_ALPN_GetProtocol(stream->ssl, &name, &bytes) != WOLFSSL_SUCCESS ||
        bytes >= sizeof facts->alpn)
        return;
    memcpy(facts->alpn, name, bytes);
    facts->alpn[bytes] = '\0';
}
