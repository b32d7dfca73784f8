/* The binary's malloc family: what libc and cJSON ask for comes from a static heap of its own.
 * Works before main. Blocks are aligned to 16; more is refused, nobody here asks for it. */
#include "libc.h"

#include <errno.h>
#include <malloc.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

static _Alignas(64) uint8_t process_heap[TH_PROCESS_HEAP_BYTES];
static struct th_payer process;
static bool opened;
static atomic_flag busy = ATOMIC_FLAG_INIT;

static void lock(void)
{
    while (atomic_flag_test_and_set_explicit(&busy, memory_order_acquire))
        sched_yield();
    if (opened)
        return;
    th_payer_open(&process, &(struct th_payer_config){.name = "process heap",
                                                      .heap = process_heap,
                                                      .heap_bytes = sizeof process_heap});
    opened = true;
}

static void unlock(void)
{
    atomic_flag_clear_explicit(&busy, memory_order_release);
}

static void *or_enomem(void *block)
{
    if (!block)
        errno = ENOMEM;
    return block;
}

static void *take(size_t bytes)
{
    lock();
    void *block = th_payer_take(&process, TH_PURPOSE_LIBC, bytes);
    unlock();
    return or_enomem(block);
}

static bool is_served(size_t alignment)
{
    return alignment <= TH_POOL_ALIGN_BYTES;
}

__attribute__((used)) void *malloc(size_t bytes)
{
    return take(bytes);
}

__attribute__((used)) void *calloc(size_t count, size_t bytes)
{
    size_t total;
    void *block = __builtin_mul_overflow(count, bytes, &total) ? or_enomem(NULL) : take(total);
    return block ? memset(block, 0, total) : NULL;
}

__attribute__((used)) void *realloc(void *block, size_t bytes)
{
    lock();
    void *moved = th_payer_resize(&process, TH_PURPOSE_LIBC, block, bytes);
    unlock();
    return or_enomem(moved);
}

__attribute__((used)) void free(void *block)
{
    lock();
    th_payer_give(&process, block);
    unlock();
}

__attribute__((used)) void *aligned_alloc(size_t alignment, size_t bytes)
{
    return is_served(alignment) ? take(bytes) : or_enomem(NULL);
}

__attribute__((used)) void *memalign(size_t alignment, size_t bytes)
{
    return aligned_alloc(alignment, bytes);
}

__attribute__((used)) int posix_memalign(void **block, size_t alignment, size_t bytes)
{
    void *taken = aligned_alloc(alignment, bytes);
    if (!taken)
        return ENOMEM;
    *block = taken;
    return 0;
}

__attribute__((used)) size_t malloc_usable_size(void *block)
{
    return block ? th_pool_size(block) : 0;
}

const struct th_payer *th_libc_payer(void)
{
    lock();
    unlock();
    return &process;
}
