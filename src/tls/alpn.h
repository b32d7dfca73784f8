/* Application protocols (RFC 7301). */
#ifndef TH_TLS_ALPN_H
#define TH_TLS_ALPN_H

#include "tls/stream.h"

/* Those of the context, if there are any. WOLFSSL_SUCCESS, or what wolfSSL failed with. */
int th_tls_alpn_announce(struct th_tls_stream *stream);

/* facts->alpn: what the server chose. */
void th_tls_alpn_chosen(const struct th_tls_stream *stream, struct th_tls_facts *facts);

#endif
