/* Secrets of a connection in the format of NSS key logs, for those who must read its records. */
#ifndef TH_TLS_KEYLOG_H
#define TH_TLS_KEYLOG_H

#include "tls/stream.h"

/* If the context has somebody who wants them. WOLFSSL_SUCCESS, or what wolfSSL failed with. */
int th_tls_keylog_begin(struct th_tls_stream *stream);

#endif
