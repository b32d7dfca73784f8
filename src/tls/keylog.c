#include "tls/keylog.h"

#include "crypt/wipe.h"

#include <string.h>
#include <wolfssl/wolfcrypt/settings.h>

#include <wolfssl/ssl.h>

#define RANDOM_BYTES 32
#define SECRET_MAX_BYTES 48
#define LABEL_MAX_BYTES 31
#define LINE_BYTES (LABEL_MAX_BYTES + 1 + 2 * RANDOM_BYTES + 1 + 2 * SECRET_MAX_BYTES + 1)

static char *put_text(char *to, const char *text)
{
    size_t bytes = strlen(text);
    memcpy(to, text, bytes + 1);
    return to + bytes;
}

static char *put_hex(char *to, const uint8_t *data, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++) {
        *to++ = "0123456789abcdef"[data[i] >> 4];
        *to++ = "0123456789abcdef"[data[i] & 15];
    }
    *to = '\0';
    return to;
}

static int tell(const WOLFSSL *ssl, const struct th_tls_context *context, const char *label,
                const void *secret, int bytes)
{
    uint8_t random[RANDOM_BYTES];
    char line[LINE_BYTES];
    if (bytes > SECRET_MAX_BYTES || wolfSSL_get_client_random(ssl, random, sizeof random) == 0)
        return -1;
    char *end = put_text(put_hex(put_text(put_text(line, label), " "), random, sizeof random), " ");
    put_hex(end, secret, (size_t)bytes);
    context->on_keylog(context->on_keylog_arg, line);
    th_crypt_wipe(line, sizeof line);
    return 0;
}

static int tell_master(WOLFSSL *ssl, void *secret, int bytes, void *context)
{
    return tell(ssl, context, "CLIENT_RANDOM", secret, bytes);
}

static const char *label_of(int secret)
{
    switch (secret) {
    case CLIENT_HANDSHAKE_TRAFFIC_SECRET: return "CLIENT_HANDSHAKE_TRAFFIC_SECRET";
    case SERVER_HANDSHAKE_TRAFFIC_SECRET: return "SERVER_HANDSHAKE_TRAFFIC_SECRET";
    case CLIENT_TRAFFIC_SECRET: return "CLIENT_TRAFFIC_SECRET_0";
    case SERVER_TRAFFIC_SECRET: return "SERVER_TRAFFIC_SECRET_0";
    default: return NULL;
    }
}

static int tell_traffic(WOLFSSL *ssl, int id, const unsigned char *secret, int bytes, void *context)
{
    const char *label = label_of(id);
    return label ? tell(ssl, context, label, secret, bytes) : 0;
}

int th_tls_keylog_begin(struct th_tls_stream *stream)
{
    if (!stream->context->on_keylog)
        return WOLFSSL_SUCCESS;
    int result = wolfSSL_set_secret_cb(stream->ssl, tell_master, stream->context);
    if (result == WOLFSSL_SUCCESS)
        result = wolfSSL_set_tls13_secret_cb(stream->ssl, tell_traffic, stream->context);
    return result;
}
