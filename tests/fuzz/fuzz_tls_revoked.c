/* The reader of revocation lists: any bytes, in PEM or DER, in the memory a connection has. */
#include "base/slice.h"
#include "mem/payer.h"
#include "tls/revoked.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static _Alignas(16) uint8_t heap[16 * 1024];
    struct th_payer payer;
    struct th_payer_config config = {.name = "fuzz", .heap = heap, .heap_bytes = sizeof heap};
    struct th_source lists = {.bytes = th_slice_of(data, size)};
    struct th_fault fault = {0};
    th_payer_open(&payer, &config);
    struct th_payer *before = th_payer_enter(&payer);
    int result = th_tls_revoked_open(&lists, &fault);
    th_payer_leave(before);
    if (result != fault.code || th_payer_close(&payer) != 0)
        abort();
    return 0;
}
