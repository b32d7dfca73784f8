/* OCSP stapling (RFC 6066 section 8): the server sends, beside its certificate, what its issuer
 * says about it now. Of its own certificate only; nobody is asked for those above it.
 *
 * In TLS 1.3 the response stands in the certificate's entry, and is judged with it. In TLS 1.2 it
 * is a message of its own, which may come later, or never: what it must be about is kept until
 * then. */
#ifndef TH_TLS_STAPLE_H
#define TH_TLS_STAPLE_H

#include <thimble.h>

struct WOLFSSL;
struct WOLFSSL_X509_STORE_CTX;
struct th_tls_context;
struct th_tls_stream;

/* ARGUMENT: this build has none. */
int th_tls_staple_take(struct th_tls_context *context, const struct th_context_config *config,
                       struct th_fault *fault);

/* Before the handshake. WOLFSSL_SUCCESS, or what wolfSSL would fail with. */
int th_tls_staple_ask(struct th_tls_stream *stream);

/* In the verify callback, for the server's own certificate, when all else is verified. False: it is
 * refused, and the fault says why. */
bool th_tls_staple_holds(struct th_tls_stream *stream, const struct WOLFSSL_X509_STORE_CTX *store);

/* When the handshake is complete. False: what had to come did not. */
bool th_tls_staple_came(struct th_tls_stream *stream);

/* Forgets what was waited for. */
void th_tls_staple_forget(struct th_tls_stream *stream);

/* These two are called by wolfSSL: config/staple.awk. The extension's content, its length; and the
 * message of TLS 1.2 at input[*at], in place of wolfSSL's own function. */
int th_tls_staple_write(uint8_t *out);
int th_tls_staple_read(struct WOLFSSL *ssl, const uint8_t *input, uint32_t *at, uint32_t bytes);

#endif
