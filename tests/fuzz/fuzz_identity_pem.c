/* The reader of certificate files: any bytes, kept or dropped as their first byte says. */
#include "base/slice.h"
#include "identity/pem.h"
#include "mem/payer.h"

#include <stdlib.h>

static volatile uint8_t last_sum; /* so that every byte is read */

static int take(void *arg, enum th_pem_kind kind, struct th_slice der,
                const struct th_pem_place *place, struct th_fault *fault)
{
    uint8_t sum = 0;
    (void)place, (void)fault;
    for (size_t i = 0; i < der.len_bytes; i++)
        sum ^= der.data[i];
    last_sum = sum;
    if ((kind == TH_PEM_OTHER || kind == TH_PEM_ENCRYPTED_KEY) && der.len_bytes > 0)
        abort();
    return *(const int *)arg;
}

static void read_all(const uint8_t *data, size_t bytes, int verdict)
{
    struct th_fault fault = {0};
    struct th_der der = {0};
    struct th_source source = {.bytes = th_slice_of(data, bytes)};
    struct th_pem_sink sink = {.block = take, .arg = &verdict};
    int result = th_pem_read(&source, "fuzz", &sink, &der, &fault);
    if ((result < 0) != (fault.code < 0) || der.used_bytes > der.room_bytes)
        abort();
    th_der_close(&der);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static _Alignas(16) uint8_t heap[256 * 1024];
    struct th_payer payer;
    struct th_payer_config config = {.name = "fuzz", .heap = heap, .heap_bytes = sizeof heap};
    if (size == 0)
        return 0;
    th_payer_open(&payer, &config);
    struct th_payer *before = th_payer_enter(&payer);
    read_all(data + 1, size - 1, data[0] & 1 ? TH_PEM_KEEP : TH_PEM_DROP);
    th_payer_leave(before);
    if (th_payer_close(&payer) != 0)
        abort();
    return 0;
}
