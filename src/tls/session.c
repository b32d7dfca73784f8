#include "tls/session.h"

#include "base/clock.h"
#include "tls/image.h"
#include "tls/version.h"

#include <wolfssl/wolfcrypt/settings.h>

#include <wolfssl/ssl.h>

/* Sessions are kept by their clients, never in what all share. RFC 5077: TLS 1.2 asks for a ticket;
 * servers keep no sessions themselves. */
int th_tls_session_prepare(struct th_tls_context *context,
                           const struct th_context_config *config)
{
    bool may_ask = th_tls_lowest(config) == TH_TLS_1_2 && !config->psk_identity;
    int code = (int)wolfSSL_CTX_set_session_cache_mode(context->ctx, WOLFSSL_SESS_CACHE_OFF);
    return may_ask && code == WOLFSSL_SUCCESS ? wolfSSL_CTX_UseSessionTicket(context->ctx) : code;
}

static int note_ticket(WOLFSSL *ssl, const unsigned char *ticket, int bytes, void *arg)
{
    (void)ssl;
    (void)ticket;
    (void)bytes;
    ((struct th_tls_stream *)arg)->ticketed = true;
    return 0;
}

int th_tls_session_watch(struct th_tls_stream *stream)
{
    return wolfSSL_set_SessionTicket_cb(stream->ssl, note_ticket, stream);
}

/* A ticket's secret is gone once it was used: only what this connection was given counts. In TLS
 * 1.2 a session may be taken up any number of times. */
static bool has_something_new(const struct th_tls_stream *stream)
{
    return stream->ticketed || wolfSSL_version(stream->ssl) != TLS1_3_VERSION;
}

bool th_tls_session_is_worth_keeping(const struct th_tls_stream *stream)
{
    bool is_proved = stream->verified && !stream->context->insecure_no_verify;
    return stream->ssl && is_proved && stream->heard && has_something_new(stream);
}

void th_tls_session_keep(struct th_tls_session *session, const struct th_tls_stream *stream)
{
    if (!th_tls_session_is_worth_keeping(stream))
        return;
    th_tls_session_forget(session);
    session->kept = wolfSSL_get1_session(stream->ssl);
    session->verified_ms = stream->verified_ms;
    session->end_s = stream->end_s;
    session->generation = stream->context->generation;
}

/* Where lists tell who was revoked, they are asked each time. */
static bool is_fresh(const struct th_tls_session *session, const struct th_tls_stream *stream)
{
    return th_clock_ms() - session->verified_ms < TH_TLS_SESSION_AGE_MAX_MS &&
           session->generation == stream->context->generation &&
           !th_tls_image_has_ended(session->end_s) &&
           !th_source_given(&stream->context->crl);
}

void th_tls_session_offer(struct th_tls_session *session, struct th_tls_stream *stream)
{
    if (!session->kept)
        return;
    stream->offered = is_fresh(session, stream) &&
                      wolfSSL_set_session(stream->ssl, session->kept) == WOLFSSL_SUCCESS;
    stream->verified_ms = session->verified_ms;
    stream->end_s = session->end_s;
    th_tls_session_forget(session);
}

void th_tls_session_forget(struct th_tls_session *session)
{
    wolfSSL_SESSION_free(session->kept);
    session->kept = NULL;
}
