#include "tls/image.h"

#include "base/calendar.h"
#include "base/clock.h"
#include "base/der.h"
#include "base/slice.h"
#include "gen/version.h"
#include "tls/session.h"

#include <string.h>
#include <thimble/certificate.h>
#include <wolfssl/wolfcrypt/settings.h>

#include <wolfssl/internal.h> /* the public functions need HAVE_EXT_CACHE, 600 bytes beside them */

/* In this order; what wolfSSL keeps of a session, without its references, and then the ticket. */
struct image {
    uint8_t hash[TH_CRYPT_HASH_BYTES]; /* of the binding and all that follows */
    int64_t verified_s;                /* when the server's certificate was verified */
    int64_t end_s;                     /* of the first certificate that ends */
    uint8_t session[sizeof(struct WOLFSSL_SESSION) - offsetof(struct WOLFSSL_SESSION, side)];
    uint8_t ticket[];
};

/* ---- what it is bound to --------------------------------------------------------------------- */

static void bind_text(struct th_crypt_hash *hash, const char *text)
{
    th_crypt_hash_add(hash, text ? text : "", text ? strlen(text) + 1 : 1);
}

void th_tls_image_bind_der(struct th_tls_context *context, struct th_slice der)
{
    th_crypt_hash_add(&context->binding, der.data, der.len_bytes);
}

void th_tls_image_bind(struct th_tls_context *context, const struct th_context_config *config)
{
    const int numbers[] = {config->tls_min, config->tls_max, config->insecure_no_name_check,
                           config->insecure_no_verify, LIBWOLFSSL_VERSION_HEX,
                           sizeof(struct image), config->stapling};
    context->end_s = INT64_MAX;
    th_crypt_hash_begin(&context->binding);
    th_crypt_hash_add(&context->binding, numbers, sizeof numbers);
    th_crypt_hash_add(&context->binding, &context->suites, sizeof context->suites);
    bind_text(&context->binding, TH_BUILD_COMMIT);
    bind_text(&context->binding, config->alpn);
    bind_text(&context->binding, config->pins);
    bind_text(&context->binding, config->ca_pins);
}

static bool hash_of(const struct th_tls_stream *stream, const struct th_tls_endpoint *endpoint,
                    struct th_slice image, uint8_t hash[TH_CRYPT_HASH_BYTES])
{
    struct th_crypt_hash all = stream->context->binding;
    bind_text(&all, stream->host.name);
    bind_text(&all, endpoint->host);
    th_crypt_hash_add(&all, &endpoint->port, sizeof endpoint->port);
    th_crypt_hash_add(&all, image.data + TH_CRYPT_HASH_BYTES,
                      image.len_bytes - TH_CRYPT_HASH_BYTES);
    return th_crypt_hash_value(&all, hash);
}

/* ---- how long it holds ----------------------------------------------------------------------- */

static int64_t earlier_end(int64_t end_s, struct th_slice der)
{
    struct th_certificate read;
    if (th_certificate_read(&read, der) < 0)
        return 0;
    return read.not_after_s < end_s ? read.not_after_s : end_s;
}

void th_tls_image_bind_chain(struct th_tls_context *context, struct th_slice ders)
{
    th_tls_image_bind_der(context, ders);
    while (ders.len_bytes > 0) {
        size_t bytes = th_der_sequence_bytes(ders);
        struct th_slice one = th_slice_of(ders.data, bytes ? bytes : ders.len_bytes);
        context->end_s = earlier_end(context->end_s, one);
        ders = th_slice_after(ders, one.len_bytes);
    }
}

void th_tls_image_note_end(struct th_tls_stream *stream, const WOLFSSL_X509_STORE_CTX *store)
{
    stream->end_s = stream->context->end_s;
    for (int i = 0; i < store->totalCerts; i++)
        stream->end_s = earlier_end(stream->end_s, th_slice_of(store->certs[i].buffer,
                                                               store->certs[i].length));
}

bool th_tls_image_has_ended(int64_t end_s)
{
    return th_calendar_s() >= end_s;
}

static bool is_fresh(const struct image *image, int64_t now_s)
{
    int64_t oldest_s = now_s - (int64_t)(TH_TLS_SESSION_AGE_MAX_MS / 1000);
    return image->verified_s <= now_s && image->verified_s > oldest_s && now_s < image->end_s;
}

/* ---- out ------------------------------------------------------------------------------------- */

static size_t fill(const struct th_tls_stream *stream, const struct th_tls_endpoint *endpoint,
                   const WOLFSSL_SESSION *session, struct image *image)
{
    size_t bytes = sizeof *image + session->ticketLen;
    int64_t age_s = (int64_t)(th_clock_ms() - stream->verified_ms) / 1000;
    image->verified_s = th_calendar_s() - age_s;
    image->end_s = stream->end_s;
    memcpy(image->session, &session->side, sizeof image->session);
    memcpy(image->ticket, session->ticket, session->ticketLen);
    bool hashed = hash_of(stream, endpoint, th_slice_of(image, bytes), image->hash);
    return hashed ? bytes : 0;
}

size_t th_tls_image_write(const struct th_tls_stream *stream,
                          const struct th_tls_endpoint *endpoint, uint8_t *room, size_t room_bytes)
{
    const WOLFSSL_SESSION *session = stream->ssl->session;
    if (!session->ticketLen || room_bytes < sizeof(struct image) + session->ticketLen)
        return 0;
    return fill(stream, endpoint, session, (struct image *)room);
}

/* ---- in -------------------------------------------------------------------------------------- */

/* What the hash vouches for was written here; still nothing is copied beyond its place. */
static bool restore(struct th_tls_stream *stream, WOLFSSL_SESSION *session,
                    const struct image *image, size_t ticket_bytes)
{
    memcpy(&session->side, image->session, sizeof image->session);
    session->ticket = session->staticTicket;
    session->ticketLen = session->ticketLenAlloc = 0;
    if (session->sessionIDSz > ID_LEN || session->ticketNonce.len > MAX_TICKET_NONCE_STATIC_SZ)
        return false;
    return wolfSSL_set_session(stream->ssl, session) == WOLFSSL_SUCCESS &&
           wolfSSL_set_SessionTicket(stream->ssl, image->ticket, (word32)ticket_bytes) ==
               WOLFSSL_SUCCESS;
}

static bool is_ours(const struct th_tls_stream *stream, const struct th_tls_endpoint *endpoint,
                    struct th_slice bytes)
{
    uint8_t hash[TH_CRYPT_HASH_BYTES];
    return bytes.len_bytes > sizeof(struct image) && hash_of(stream, endpoint, bytes, hash) &&
           !memcmp(hash, bytes.data, sizeof hash);
}

static void take_over(struct th_tls_stream *stream, const struct image *image, int64_t now_s)
{
    stream->offered = true;
    stream->verified_ms = th_clock_ms() - (uint64_t)(now_s - image->verified_s) * 1000;
    stream->end_s = image->end_s;
}

bool th_tls_image_offer(struct th_tls_stream *stream, const struct th_tls_endpoint *endpoint,
                        struct th_slice bytes)
{
    const struct image *image = (const struct image *)bytes.data;
    int64_t now_s = th_calendar_s();
    bool asks_lists = th_source_given(&stream->context->crl);
    if (asks_lists || !is_ours(stream, endpoint, bytes) || !is_fresh(image, now_s))
        return false;
    WOLFSSL_SESSION *session = wolfSSL_SESSION_new();
    if (session && restore(stream, session, image, bytes.len_bytes - sizeof *image))
        take_over(stream, image, now_s);
    wolfSSL_SESSION_free(session);
    return stream->offered;
}
