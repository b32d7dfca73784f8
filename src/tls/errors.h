/* wolfSSL's results become ours: one place, one sentence for each that says what to do. */
#ifndef TH_TLS_ERRORS_H
#define TH_TLS_ERRORS_H

#include "tls/stream.h"

/* The failure of a call on a stream: reads wolfSSL's code, the alerts and the refusals of the
 * ledger, fills the stream's fault and returns TH_WANT_* or TH_E_*. */
int th_tls_error(struct th_tls_stream *stream, int result);

/* The failure of a set-up call (no connection yet): `doing` completes "cannot ...". */
int th_tls_setup_error(int code, const char *doing, struct th_fault *fault);

/* "handshake_failure" for 40 (RFC 8446 section 6.2); "unknown" for what is not in the list. */
const char *th_tls_alert_name(int alert);

#endif
