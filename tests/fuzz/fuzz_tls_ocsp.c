/* The reader of OCSP responses: any bytes, in the memory a connection has. */
#include "mem/payer.h"
#include "ocsp_subject.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static _Alignas(16) uint8_t heap[16 * 1024];
    struct th_payer payer;
    struct th_payer_config config = {.name = "fuzz", .heap = heap, .heap_bytes = sizeof heap};
    struct th_ocsp_subject subject = ocsp_subject();
    int64_t until_s = 0;
    th_payer_open(&payer, &config);
    struct th_payer *before = th_payer_enter(&payer);
    enum th_ocsp_verdict verdict = th_ocsp_judge(th_slice_of(data, size), &subject, OCSP_NOW_S,
                                                 &until_s);
    th_payer_leave(before);
    if (th_payer_close(&payer) != 0 || (verdict == TH_OCSP_GOOD && until_s < OCSP_NOW_S))
        abort();
    return 0;
}
