/* wolfSSL's results become ours: one place, one sentence for each that says what to do. */
#ifndef TH_TLS_ERRORS_H
#define TH_TLS_ERRORS_H

#include "tls/stream.h"

/* A point in the current payer's ledger: was memory refused since? wolfSSL does not always say. */
struct th_tls_mark {
    uint32_t refused;
};

struct th_tls_mark th_tls_mark(void);
bool th_tls_refused_since(struct th_tls_mark mark);

/* The failure of a call on a stream: reads wolfSSL's code, the alerts and the refusals of the
 * ledger, fills the stream's fault and returns TH_WANT_* or TH_E_*. */
int th_tls_error(struct th_tls_stream *stream, int result, struct th_tls_mark mark);

/* wolfSSL's code for what our own policy found (enum th_policy), so that one list of sentences
 * serves both. */
int th_tls_policy_code(int policy);

/* A certificate of the server's is refused for wolfSSL's code: certificate `at` of those it sent,
 * its own being 0, or the one of ours they lead to. Sets stream->refusal and the fault, unless
 * memory was refused, which comes
 * first, or nothing is known about the code. */
#define TH_TLS_ROOT (-1)
void th_tls_refuse_certificate(struct th_tls_stream *stream, int code, int at,
                               struct th_slice certificate);

/* The fatal alert the server sent, which replaces an earlier fault. 0 if it sent none. */
int th_tls_alert_error(struct th_tls_stream *stream);

/* The server said no to the ClientHello: it shares no suite with us, or no group. */
bool th_tls_shares_nothing(struct th_tls_stream *stream);

/* The bytes below ended or failed. */
int th_tls_transport_error(struct th_tls_stream *stream);

/* The failure of a set-up call: `doing` completes "cannot ...". MEMORY, ENTROPY or TLS. */
int th_tls_setup_error(int code, struct th_tls_mark mark, const char *doing,
                       struct th_fault *fault);

/* Of what a server has shown: it could not be judged. False, for whoever says whether it is
 * good. */
bool th_tls_refuse_for_memory(struct th_tls_stream *stream, struct th_tls_mark mark);

/* The failure to take a certificate or key of `what` from `place`. CERTIFICATE or FILE. */
int th_tls_file_error(int code, const char *what, const struct th_pem_place *place,
                      struct th_fault *fault);

/* The same, as an error of yours. */
int th_tls_chain_error(int error, int code, const char *what, const struct th_pem_place *place,
                       struct th_fault *fault);

#endif
