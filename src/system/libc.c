/* The heap of the distribution's libwolfssl: one, for all connections and for what it keeps itself
 * (tables of curve points, for the whole process). libc's malloc is libc's own here. */
#include "mem/libc.h"

#include <string.h>
#include <wolfssl/wolfcrypt/settings.h>

#include <wolfssl/wolfcrypt/memory.h>

static _Alignas(64) uint8_t memory[TH_SYSTEM_HEAPS][TH_POOL_MOST_BYTES];
static struct th_payer heaps[TH_SYSTEM_HEAPS];

/* The first that has room. */
static void *take(size_t bytes)
{
    void *block = NULL;
    for (size_t i = 0; !block && i < TH_SYSTEM_HEAPS; i++)
        block = th_payer_take(&heaps[i], TH_PURPOSE_OTHER, bytes);
    return block;
}

static struct th_payer *owner_of(const void *block)
{
    size_t i = 0;
    while (i < TH_SYSTEM_HEAPS - 1 && !th_pool_owns(&heaps[i].heap, block))
        i++;
    return &heaps[i];
}

static void give(void *block)
{
    th_payer_give(owner_of(block), block);
}

static void *move(void *block, size_t bytes)
{
    void *moved = take(bytes);
    size_t old_bytes = th_pool_size(block);
    if (!moved)
        return NULL;
    memcpy(moved, block, old_bytes < bytes ? old_bytes : bytes);
    give(block);
    return moved;
}

static void *resize(void *block, size_t bytes)
{
    return block ? move(block, bytes) : take(bytes);
}

static void open_heap(size_t i)
{
    th_payer_open(&heaps[i], &(struct th_payer_config){.name = "libwolfssl heap",
                                                       .heap = memory[i],
                                                       .heap_bytes = sizeof memory[i]});
}

/* Before main(): libwolfssl must not have allocated anything. */
__attribute__((constructor)) static void provide(void)
{
    for (size_t i = 0; i < TH_SYSTEM_HEAPS; i++)
        open_heap(i);
    wolfSSL_SetAllocators(take, give, resize);
}

const struct th_payer *th_libc_payer(void)
{
    return &heaps[0];
}
