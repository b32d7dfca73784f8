/* Sessions from a file: any bytes, as they are and with the hash they should have, offered to a
 * server that listens and says nothing. */
#include "base/calendar.h"
#include "crypt/hash.h"
#include "mem/payer.h"
#include "tls/image.h"

#include <stdlib.h>
#include <string.h>

#define IMAGE_BYTES 8192
#define NOW_S 1795300000 /* the seeds are of this day */

static _Alignas(16) uint8_t shared_heap[48 * 1024], heap[64 * 1024], cell[16640];
static _Alignas(16) uint8_t image[IMAGE_BYTES];
static struct th_payer shared, own;
static struct th_tls_context context;
static const struct th_tls_endpoint endpoint = {"broker.test", 8883};

static int says_nothing(void *arg, uint8_t *buffer, size_t bytes)
{
    (void)arg, (void)buffer, (void)bytes;
    return TH_WANT_READ;
}

static int listens(void *arg, const uint8_t *data, size_t bytes)
{
    (void)arg, (void)data;
    return (int)bytes;
}

static void hold(bool rule)
{
    if (!rule)
        abort();
}

static void open_context(void)
{
    const struct th_payer_config of_context = {.name = "shared", .heap = shared_heap,
                                               .heap_bytes = sizeof shared_heap};
    const struct th_payer_config of_stream = {.name = "connection", .heap = heap,
                                              .heap_bytes = sizeof heap, .cell = cell,
                                              .cell_bytes = sizeof cell, .shared = &shared};
    const struct th_context_config config = {.insecure_no_verify = true};
    th_calendar_set(NOW_S);
    th_payer_open(&shared, &of_context);
    th_payer_open(&own, &of_stream);
    struct th_payer *before = th_payer_enter(&shared);
    hold(th_tls_context_open(&context, &config, NULL) == 0);
    th_payer_leave(before);
}

/* As src/tls/image.c does it. */
static void put_hash(size_t bytes)
{
    struct th_crypt_hash hash = context.binding;
    th_crypt_hash_add(&hash, endpoint.host, strlen(endpoint.host) + 1);
    th_crypt_hash_add(&hash, endpoint.host, strlen(endpoint.host) + 1);
    th_crypt_hash_add(&hash, &endpoint.port, sizeof endpoint.port);
    th_crypt_hash_add(&hash, image + TH_CRYPT_HASH_BYTES, bytes - TH_CRYPT_HASH_BYTES);
    hold(th_crypt_hash_value(&hash, image));
}

static void offer(size_t bytes)
{
    const struct th_tls_io io = {says_nothing, listens, NULL};
    struct th_tls_stream stream;
    struct th_fault fault = {0};
    struct th_payer *before = th_payer_enter(&own);
    hold(th_tls_stream_open(&stream, &context, endpoint.host, &io, &fault) == 0);
    th_tls_image_offer(&stream, &endpoint, (struct th_slice){image, bytes});
    int result = th_tls_stream_shake(&stream);
    hold(result < 0 && !stream.shaken && !stream.verified);
    th_tls_stream_close(&stream);
    th_payer_leave(before);
    hold(own.ledger.live_bytes == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    if (!context.open)
        open_context();
    bytes = bytes < IMAGE_BYTES ? bytes : IMAGE_BYTES;
    memcpy(image, data, bytes);
    offer(bytes);
    if (bytes < TH_CRYPT_HASH_BYTES)
        return 0;
    put_hash(bytes);
    offer(bytes);
    return 0;
}
