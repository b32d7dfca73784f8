/* Pre-shared keys (RFC 8446 section 4.2.11, RFC 5489, RFC 7905): a secret in place of certificates.
 *
 * Only suites that use it are offered, always with a fresh ECDHE: ECDHE-PSK-CHACHA20-POLY1305 in
 * TLS 1.2, psk_dhe_ke with a SHA-256 binder in TLS 1.3. */
#ifndef TH_TLS_PSK_H
#define TH_TLS_PSK_H

#include "tls/stream.h"

#define TH_TLS_PSK_MAX_BYTES 64
#define TH_TLS_PSK_IDENTITY_MAX_BYTES 128

/* 0, or TH_E_ARGUMENT: too long, one without the other, or beside certificates. */
int th_tls_psk_check(const struct th_context_config *config, struct th_fault *fault);

/* Has the context answer wolfSSL when it asks for the key. */
void th_tls_psk_offer(struct th_tls_context *context);

/* The handshake is complete: was it the key that proved the server? */
bool th_tls_psk_was_used(const struct th_tls_stream *stream);

#endif
