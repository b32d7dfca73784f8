/* The heap of the distribution's libwolfssl: one, for all connections and for what it keeps itself
 * (tables of curve points, for the whole process). libc's malloc is libc's own here. */
#include "mem/libc.h"

#include <wolfssl/wolfcrypt/settings.h>

#include <wolfssl/wolfcrypt/memory.h>

static _Alignas(64) uint8_t heap[TH_PROCESS_HEAP_BYTES];
static struct th_payer process;

static void *take(size_t bytes)
{
    return th_payer_take(&process, TH_PURPOSE_OTHER, bytes);
}

static void give(void *block)
{
    th_payer_give(&process, block);
}

static void *resize(void *block, size_t bytes)
{
    return th_payer_resize(&process, TH_PURPOSE_OTHER, block, bytes);
}

/* Before main(): libwolfssl must not have allocated anything. */
__attribute__((constructor)) static void provide(void)
{
    th_payer_open(&process, &(struct th_payer_config){.name = "libwolfssl heap",
                                                      .heap = heap,
                                                      .heap_bytes = sizeof heap});
    wolfSSL_SetAllocators(take, give, resize);
}

const struct th_payer *th_libc_payer(void)
{
    return &process;
}
