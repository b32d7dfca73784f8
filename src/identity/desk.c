#include "identity/desk.h"

#include "base/err.h"

#define DESK_BYTES ((sizeof(struct th_desk) + 15) / 16 * 16)

struct th_desk *th_desk_open(void *block, size_t block_bytes, struct th_fault *fault)
{
    struct th_desk *desk = block;
    if (block_bytes < DESK_BYTES) {
        th_fault_set(fault, TH_E_MEMORY, "a block of %zu bytes is too small", block_bytes);
        return NULL;
    }
    th_payer_open(&desk->payer, &(struct th_payer_config){
        .name = "desk",
        .heap = (char *)block + DESK_BYTES,
        .heap_bytes = block_bytes - DESK_BYTES});
    desk->before = th_payer_enter(&desk->payer);
    return desk;
}

void th_desk_close(struct th_desk *desk)
{
    th_payer_leave(desk->before);
    th_payer_close(&desk->payer);
}
