/* In the place of mem/cell.c: at most two records, which together fit into the cell, each a malloc
 * of libc's. */
#include "mem/cell.h"

#include "tests/audit/witness/blocks.h"

static size_t rounded(size_t bytes)
{
    return (bytes + 15) & ~(size_t)15;
}

static bool fits(const struct th_cell *cell, size_t bytes)
{
    bool end_is_free = !cell->low_taken || !cell->high_taken;
    size_t live_bytes = rounded(th_cell_live_bytes(cell));
    return bytes > 0 && end_is_free && live_bytes + rounded(bytes) <= cell->bytes;
}

/* `low` and `high` count here, and say nothing of a place. */
static void count_out(struct th_cell *cell, size_t bytes)
{
    bool low = !cell->low_taken;
    *(low ? &cell->low_taken : &cell->high_taken) = true;
    *(low ? &cell->low_bytes : &cell->high_bytes) = (uint32_t)bytes;
    if (th_cell_live_bytes(cell) > cell->peak_bytes)
        cell->peak_bytes = (uint32_t)th_cell_live_bytes(cell);
}

static void count_in(struct th_cell *cell, size_t bytes)
{
    bool low = cell->low_taken && cell->low_bytes == bytes;
    *(low ? &cell->low_taken : &cell->high_taken) = false;
}

void th_cell_open(struct th_cell *cell, void *memory, size_t bytes)
{
    *cell = (struct th_cell){.memory = memory, .bytes = memory ? (uint32_t)bytes : 0};
}

size_t th_cell_close(struct th_cell *cell)
{
    size_t leaked = 0;
    for (void *block = th_cell_first(cell); block; block = th_cell_first(cell), leaked++)
        th_cell_give(cell, block);
    cell->memory = NULL;
    cell->bytes = 0;
    return leaked;
}

/* libc keeps what it has. */
void th_cell_trim(struct th_cell *cell)
{
    (void)cell;
}

void *th_cell_take(struct th_cell *cell, size_t bytes)
{
    void *block = fits(cell, bytes) ? th_audit_take(cell, TH_PURPOSE_RECORD_IN, bytes) : NULL;
    if (block)
        count_out(cell, bytes);
    return block;
}

bool th_cell_give(struct th_cell *cell, void *address)
{
    struct th_audit_block *block = th_audit_find(cell, address);
    if (!block)
        return false;
    count_in(cell, block->bytes);
    th_audit_give(block);
    return true;
}

size_t th_cell_size(const struct th_cell *cell, const void *address)
{
    struct th_audit_block *block = th_audit_find(cell, address);
    return block ? block->bytes : 0;
}

void *th_cell_first(const struct th_cell *cell)
{
    struct th_audit_block *block = th_audit_any(cell);
    return block ? block->address : NULL;
}

size_t th_cell_live_bytes(const struct th_cell *cell)
{
    return (cell->low_taken ? cell->low_bytes : 0) +
           (size_t)(cell->high_taken ? cell->high_bytes : 0);
}
