/* A session as bytes, for a process to come. They hold its secret. They mean something to the same
 * build only, and only with the same broker, roots, certificate of ours and settings: a hash of all
 * of that and of the bytes themselves stands in front.
 *
 * Memory is the connection's. */
#ifndef TH_TLS_IMAGE_H
#define TH_TLS_IMAGE_H

#include "tls/stream.h"

/* Who the session is with, beside what the context and the stream know. */
struct th_tls_endpoint {
    const char *host;
    uint16_t port;
};

/* Begins context->binding, with what is configured; roots and our chain are added as they come. */
void th_tls_image_bind(struct th_tls_context *context, const struct th_context_config *config);
void th_tls_image_bind_der(struct th_tls_context *context, struct th_slice der);

/* Likewise with our chain; what is made with it ends with the first certificate of it. */
void th_tls_image_bind_chain(struct th_tls_context *context, struct th_slice ders);

/* When the first certificate ends, of the server's chain or ours. */
struct WOLFSSL_X509_STORE_CTX;
void th_tls_image_note_end(struct th_tls_stream *stream,
                           const struct WOLFSSL_X509_STORE_CTX *store);

bool th_tls_image_has_ended(int64_t end_s);

/* The bytes written to `room`; 0: there is no session worth it, or no room for it. */
size_t th_tls_image_write(const struct th_tls_stream *stream,
                          const struct th_tls_endpoint *endpoint, uint8_t *room, size_t room_bytes);

/* Between th_tls_stream_open() and its first step. False: it is damaged or another's, a day or a
 * certificate has ended since, or memory was refused; then an ordinary handshake follows. */
bool th_tls_image_offer(struct th_tls_stream *stream, const struct th_tls_endpoint *endpoint,
                        struct th_slice image);

#endif
