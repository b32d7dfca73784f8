#include "tls/keylog.h"

#include <wolfssl/wolfcrypt/settings.h>

#include <wolfssl/error-ssl.h>
#include <wolfssl/ssl.h>

int th_tls_keylog_begin(struct th_tls_stream *stream)
{
    return stream->context->on_keylog ? NOT_COMPILED_IN : WOLFSSL_SUCCESS;
}
