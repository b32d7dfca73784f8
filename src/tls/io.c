#include "tls/io.h"

#include "tls/stream.h"

#include <wolfssl/wolfcrypt/settings.h>

#include <wolfssl/ssl.h>

static int translate(struct th_tls_stream *stream, int result)
{
    if (result > 0)
        return result;
    if (result == TH_WANT_READ)
        return WOLFSSL_CBIO_ERR_WANT_READ;
    if (result == TH_WANT_WRITE)
        return WOLFSSL_CBIO_ERR_WANT_WRITE;
    stream->io_error = result < 0 ? result : TH_E_CLOSED;
    return stream->io_error == TH_E_CLOSED ? WOLFSSL_CBIO_ERR_CONN_CLOSE
                                           : WOLFSSL_CBIO_ERR_GENERAL;
}

int th_tls_io_receive(WOLFSSL *ssl, char *buffer, int bytes, void *arg)
{
    struct th_tls_stream *stream = arg;
    (void)ssl;
    int got = stream->io.read(stream->io.arg, (uint8_t *)buffer, (size_t)bytes);
    if (got > 0 && !stream->first_byte)
        stream->first_byte = (uint8_t)*buffer;
    return translate(stream, got);
}

/* While an alert may still wait to be read, a failed write only looks like one that must wait: a
 * failure would keep wolfSSL from reading. th_tls_stream_ask_why() goes on from there. */
static int postpone(const struct th_tls_stream *stream, int result)
{
    bool failed = stream->io_error != 0 && result < 0;
    bool alert_may_wait = stream->shaken && !stream->heard;
    return failed && alert_may_wait ? WOLFSSL_CBIO_ERR_WANT_WRITE : result;
}

int th_tls_io_send(WOLFSSL *ssl, char *data, int bytes, void *arg)
{
    struct th_tls_stream *stream = arg;
    (void)ssl;
    int result = stream->io.write(stream->io.arg, (const uint8_t *)data, (size_t)bytes);
    return postpone(stream, translate(stream, result));
}
