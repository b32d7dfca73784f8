/* Every handshake is a full one. */
#include "tls/session.h"

#include <wolfssl/wolfcrypt/settings.h>

#include <wolfssl/ssl.h>

int th_tls_session_prepare(struct th_tls_context *context,
                           const struct th_context_config *config)
{
    (void)context, (void)config;
    return WOLFSSL_SUCCESS;
}

int th_tls_session_watch(struct th_tls_stream *stream)
{
    (void)stream;
    return WOLFSSL_SUCCESS;
}

void th_tls_session_keep(struct th_tls_session *session, const struct th_tls_stream *stream)
{
    (void)session, (void)stream;
}

void th_tls_session_offer(struct th_tls_session *session, struct th_tls_stream *stream)
{
    (void)session, (void)stream;
}

void th_tls_session_forget(struct th_tls_session *session)
{
    (void)session;
}

bool th_tls_session_is_worth_keeping(const struct th_tls_stream *stream)
{
    (void)stream;
    return false;
}
