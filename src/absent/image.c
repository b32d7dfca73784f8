/* No session outlives its process. */
#include "tls/image.h"

void th_tls_image_bind(struct th_tls_context *context, const struct th_context_config *config)
{
    (void)context, (void)config;
}

void th_tls_image_bind_der(struct th_tls_context *context, struct th_slice der)
{
    (void)context, (void)der;
}

void th_tls_image_bind_chain(struct th_tls_context *context, struct th_slice ders)
{
    (void)context;
    (void)ders;
}

bool th_tls_image_has_ended(int64_t end_s)
{
    (void)end_s;
    return false;
}

void th_tls_image_note_end(struct th_tls_stream *stream,
                           const struct WOLFSSL_X509_STORE_CTX *store)
{
    (void)stream, (void)store;
}

size_t th_tls_image_write(const struct th_tls_stream *stream,
                          const struct th_tls_endpoint *endpoint, uint8_t *room, size_t room_bytes)
{
    (void)stream, (void)endpoint, (void)room, (void)room_bytes;
    return 0;
}

bool th_tls_image_offer(struct th_tls_stream *stream, const struct th_tls_endpoint *endpoint,
                        struct th_slice image)
{
    (void)stream, (void)endpoint, (void)image;
    return false;
}
