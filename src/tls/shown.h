/* What a server sent is shown to whoever asked for it: th_context_config.on_certificate. */
#ifndef TH_TLS_SHOWN_H
#define TH_TLS_SHOWN_H

struct WOLFSSL_X509_STORE_CTX;
struct th_tls_stream;

/* In the verify callback, whatever becomes of the certificates. */
void th_tls_shown(const struct th_tls_stream *stream, const struct WOLFSSL_X509_STORE_CTX *store);

#endif
