/* What a server recognises us by next time (RFC 8446 section 2.2, RFC 5077), kept from a connection
 * that broke to the next one with the same server, context and client.
 *
 * Memory is the connection's; what is kept stays in its TLS heap. */
#ifndef TH_TLS_SESSION_H
#define TH_TLS_SESSION_H

#include "tls/stream.h"

struct WOLFSSL_SESSION;

/* So long a certificate that was verified may vouch for who takes its session up again. */
#define TH_TLS_SESSION_AGE_MAX_MS (24ull * 3600 * 1000)

/* It came over a connection whose server was verified and has spoken since, and is new: a ticket of
 * TLS 1.3 serves once only. */
bool th_tls_session_is_worth_keeping(const struct th_tls_stream *stream);

/* All zero: nothing is kept. */
struct th_tls_session {
    struct WOLFSSL_SESSION *kept;
    int64_t end_s;        /* th_calendar_s() when the first certificate ends */
    uint32_t generation;  /* of the context it was made under */
    uint64_t verified_ms; /* th_clock_ms() when the server's certificate was last verified */
};

/* Asks servers of TLS 1.2 for tickets; notes those that come. WOLFSSL_SUCCESS, or what wolfSSL
 * failed with. */
int th_tls_session_prepare(struct th_tls_context *context,
                           const struct th_context_config *config);
int th_tls_session_watch(struct th_tls_stream *stream);

/* Before `stream` is closed. Kept is what is worth it; otherwise nothing changes. */
void th_tls_session_keep(struct th_tls_session *session, const struct th_tls_stream *stream);

/* Between th_tls_stream_open() and its first step. What was kept is used up. A server that does not
 * remember us, a session that has expired, or a day since its certificate was verified, means an
 * ordinary handshake. */
void th_tls_session_offer(struct th_tls_session *session, struct th_tls_stream *stream);

void th_tls_session_forget(struct th_tls_session *session);

#endif
