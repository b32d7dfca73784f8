/* In the place of mem/pool.c: the same contract, but each block is a malloc and each return a free
 * of libc's, and valgrind is told nothing. */
#include "mem/pool.h"

#include "tests/audit/witness/blocks.h"

void (*th_pool_alarm)(const void *address);

static void raise_to(uint32_t *peak, uint32_t value)
{
    if (value > *peak)
        *peak = value;
}

void th_pool_open(struct th_pool *pool, void *memory, size_t bytes)
{
    *pool = (struct th_pool){.memory = memory, .units = (uint32_t)(bytes / TH_POOL_UNIT_BYTES)};
}

size_t th_pool_close(struct th_pool *pool)
{
    size_t leaked = pool->live_blocks;
    for (void *block = th_pool_first(pool); block; block = th_pool_first(pool))
        th_pool_give(pool, block);
    pool->units = 0;
    return leaked;
}

void *th_pool_take(struct th_pool *pool, enum th_purpose purpose, size_t bytes)
{
    void *block = bytes <= th_pool_largest(pool) ? th_audit_take(pool, purpose, bytes) : NULL;
    if (!block)
        return NULL;
    pool->live_blocks++;
    pool->live_bytes += (uint32_t)bytes;
    raise_to(&pool->peak_bytes, pool->live_bytes);
    return block;
}

void th_pool_give(struct th_pool *pool, void *content)
{
    struct th_audit_block *block = th_audit_find(pool, content);
    if (!block) {
        pool->strays++;
        return;
    }
    pool->live_blocks--;
    pool->live_bytes -= (uint32_t)block->bytes;
    th_audit_give(block);
}

size_t th_pool_size(const void *content)
{
    return th_audit_find(NULL, content)->bytes;
}

enum th_purpose th_pool_purpose(const void *content)
{
    return th_audit_find(NULL, content)->purpose;
}

bool th_pool_is_live(const struct th_pool *pool, const void *content)
{
    return th_audit_find(pool, content) != NULL;
}

size_t th_pool_capacity(const struct th_pool *pool)
{
    return pool->units ? pool->units * TH_POOL_UNIT_BYTES - TH_POOL_HEADER_BYTES : 0;
}

size_t th_pool_largest(const struct th_pool *pool)
{
    size_t capacity = th_pool_capacity(pool);
    return capacity > pool->live_bytes ? capacity - pool->live_bytes : 0;
}

void *th_pool_first(const struct th_pool *pool)
{
    struct th_audit_block *block = th_audit_any(pool);
    return block ? block->address : NULL;
}

/* libc keeps what it has. */
void th_pool_trim(struct th_pool *pool)
{
    (void)pool;
}
