#include "tls/shown.h"

#include "base/slice.h"
#include "tls/stream.h"

#include <wolfssl/wolfcrypt/settings.h>

#include <wolfssl/ssl.h>

void th_tls_shown(const struct th_tls_stream *stream, const WOLFSSL_X509_STORE_CTX *store)
{
    const struct th_tls_context *context = stream->context;
    for (int i = 0; context->on_certificate && i < store->totalCerts; i++)
        context->on_certificate(context->on_certificate_arg, (unsigned)i,
                                th_slice_of(store->certs[i].buffer, store->certs[i].length));
}
