/* Equal blocks in memory of the caller, at most 64; the lowest free one is handed out first. */
#ifndef TH_MEM_SLAB_H
#define TH_MEM_SLAB_H

#include <stddef.h>
#include <stdint.h>

struct th_slab {
    uint8_t *memory;
    size_t block_bytes;
    uint64_t free; /* bit i: block i is free */
    uint32_t blocks;
};

/* `memory` aligned to 16, block_bytes a multiple of 16. */
void th_slab_open(struct th_slab *slab, void *memory, size_t bytes, size_t block_bytes);
void *th_slab_take(struct th_slab *slab); /* or NULL; the content is undefined */
void th_slab_give(struct th_slab *slab, void *block);

#endif
