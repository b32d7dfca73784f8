/* The TLS record cell: memory for one received record, used from both ends.
 *
 * wolfSSL takes the larger input buffer before it returns the smaller one, so for a moment there
 * are two. The first lies at the low end, the second at the high end, if both fit. No headers: a
 * cell of 16,640 bytes holds a record of 16,640 bytes, the most RFC 8446 section 5.2 allows. */
#ifndef TH_MEM_CELL_H
#define TH_MEM_CELL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct th_cell {
    uint8_t *memory;     /* aligned to 16; NULL: no cell */
    uint32_t bytes;
    uint32_t low_bytes;  /* requested by the block at the low end, which starts at `memory` */
    uint32_t high_bytes; /* requested by the block at the high end */
    bool low_taken;
    bool high_taken;
    uint32_t peak_bytes;
    uint32_t low_reach_bytes;  /* ever handed out, from the low end */
    uint32_t high_reach_bytes; /* ever handed out, from the high end */
};

/* `memory` must be aligned to 16; NULL makes a cell that refuses everything. */
void th_cell_open(struct th_cell *cell, void *memory, size_t bytes);

/* Frees what is live, wipes what was ever handed out. Returns the blocks that were still live. */
size_t th_cell_close(struct th_cell *cell);

/* Gives the pages of an unused cell back to the kernel. */
void th_cell_trim(struct th_cell *cell);

void *th_cell_take(struct th_cell *cell, size_t bytes); /* or NULL */
bool th_cell_give(struct th_cell *cell, void *block);   /* false: not a live block of the cell */
size_t th_cell_size(const struct th_cell *cell, const void *block);
void *th_cell_first(const struct th_cell *cell); /* a live block, or NULL */
size_t th_cell_live_bytes(const struct th_cell *cell);

#endif
