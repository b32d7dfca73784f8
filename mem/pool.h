/* A heap in memory of the caller: constant time, coalescing, exact about what was asked for.
 *
 * Blocks have a header of 8 bytes and are aligned to 16. Free blocks hang in lists by size class
 * (two-level segregated fit: a power of two, then eighths of it); a list is searched for at most
 * TH_POOL_TRIES blocks, so every operation takes bounded time. Each block knows its requested size
 * and purpose; nobody but its pool may free it. Not locked. */
#ifndef TH_MEM_POOL_H
#define TH_MEM_POOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "purpose.h"

/* Granularity: a power of two from 16 to 256, for an index of a block has 16 bits. */
#ifndef TH_POOL_UNIT
#define TH_POOL_UNIT 16
#endif

enum {
    TH_POOL_UNIT_BYTES = TH_POOL_UNIT,
    TH_POOL_ALIGN_BYTES = 16, /* of each block */
    TH_POOL_HEADER_BYTES = 8, /* before each block */
    TH_POOL_MOST_BYTES = 65536 * TH_POOL_UNIT_BYTES, /* what a pool can use of its memory */
    TH_POOL_ROWS = 14,
    TH_POOL_COLUMNS = 8,
    TH_POOL_TRIES = 8,
};

struct th_pool {
    uint8_t *memory;            /* aligned to TH_POOL_ALIGN_BYTES */
    uint32_t units;             /* usable */
    uint32_t live_bytes;        /* requested, live now */
    uint32_t peak_bytes;        /* requested, most at a time */
    uint32_t footprint_bytes;   /* with headers and rounding, live now */
    uint32_t footprint_peak_bytes;
    uint32_t reach_bytes;       /* the part from `memory` on that was ever handed out */
    uint32_t live_blocks;
    uint32_t strays;            /* frees of what is no live block of this pool */
    uint16_t rows;              /* bit r: row r has a free block */
    uint8_t columns[TH_POOL_ROWS];
    uint16_t first_free[TH_POOL_ROWS][TH_POOL_COLUMNS];
};

/* Prepares an empty heap in `memory` (yours again after th_pool_close()); it may have any
 * alignment. Less than 64 bytes make a heap that refuses everything. */
void th_pool_open(struct th_pool *pool, void *memory, size_t bytes);

/* Frees every live block and wipes what was ever handed out. Returns the number of blocks that
 * were still live. Counters of peaks stay readable. */
size_t th_pool_close(struct th_pool *pool);

/* A block of `bytes` (0 is allowed and gives a pointer of its own), or NULL. */
void *th_pool_take(struct th_pool *pool, enum th_purpose purpose, size_t bytes);

/* Returns a live block. Anything else is counted as a stray and otherwise ignored. */
void th_pool_give(struct th_pool *pool, void *block);

/* Requested size and purpose of a live block. */
size_t th_pool_size(const void *block);
enum th_purpose th_pool_purpose(const void *block);

/* True if the address lies in the pool's memory. */
bool th_pool_owns(const struct th_pool *pool, const void *address);

/* True if it is the start of a live block of this pool. */
bool th_pool_is_live(const struct th_pool *pool, const void *block);

/* The largest request that would be granted now; 0: none, not even of 0 bytes. */
size_t th_pool_largest(const struct th_pool *pool);

/* Gives whole free pages back to the kernel, and with them what was left in freed blocks. Walks
 * every block: for quiet moments. Only for memory that is private to the process. */
void th_pool_trim(struct th_pool *pool);

/* Usable bytes when empty: the largest request an empty pool grants. */
size_t th_pool_capacity(const struct th_pool *pool);

/* The live block at the lowest address, or NULL. */
void *th_pool_first(const struct th_pool *pool);

/* Calls `visit` for each live block, in order of address. */
void th_pool_walk(const struct th_pool *pool,
                  void (*visit)(void *arg, const void *block, size_t bytes,
                                enum th_purpose purpose),
                  void *arg);

/* True if headers, lists, bitmaps and counters agree with each other. For tests: walks it all. */
bool th_pool_check(const struct th_pool *pool);

/* Called with the address of a stray free, if set. NULL in the product; tests end there. */
extern void (*th_pool_alarm)(const void *address);

#endif
