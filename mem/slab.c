#include "slab.h"

enum { MOST_BLOCKS = 64 };

void th_slab_open(struct th_slab *slab, void *memory, size_t bytes, size_t block_bytes)
{
    size_t blocks = bytes / block_bytes;
    slab->memory = memory;
    slab->block_bytes = block_bytes;
    slab->blocks = blocks > MOST_BLOCKS ? MOST_BLOCKS : (uint32_t)blocks;
    slab->free = slab->blocks == MOST_BLOCKS ? UINT64_MAX : (UINT64_C(1) << slab->blocks) - 1;
}

void *th_slab_take(struct th_slab *slab)
{
    if (!slab->free)
        return NULL;
    unsigned lowest = (unsigned)__builtin_ctzll(slab->free);
    slab->free &= slab->free - 1;
    return slab->memory + lowest * slab->block_bytes;
}

void th_slab_give(struct th_slab *slab, void *block)
{
    size_t index = (size_t)((uint8_t *)block - slab->memory) / slab->block_bytes;
    slab->free |= UINT64_C(1) << index;
}
