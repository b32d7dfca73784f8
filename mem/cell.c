#include "cell.h"

#include <string.h>

#include "pages.h"
#include "watch.h"

static size_t high_start(const struct th_cell *cell, size_t bytes)
{
    return (cell->bytes - bytes) & ~(size_t)15;
}

static size_t low_end(const struct th_cell *cell)
{
    return cell->low_taken ? cell->low_bytes : 0;
}

static size_t low_limit(const struct th_cell *cell)
{
    return cell->high_taken ? high_start(cell, cell->high_bytes) : cell->bytes;
}

static void raise_to(uint32_t *peak, size_t value)
{
    if (value > *peak)
        *peak = (uint32_t)value;
}

static void *take_low(struct th_cell *cell, size_t bytes)
{
    cell->low_taken = true;
    cell->low_bytes = (uint32_t)bytes;
    raise_to(&cell->low_reach_bytes, bytes);
    return cell->memory;
}

static void *take_high(struct th_cell *cell, size_t bytes)
{
    cell->high_taken = true;
    cell->high_bytes = (uint32_t)bytes;
    raise_to(&cell->high_reach_bytes, cell->bytes - high_start(cell, bytes));
    return cell->memory + high_start(cell, bytes);
}

static void *place(struct th_cell *cell, size_t bytes)
{
    if (bytes == 0 || bytes > cell->bytes)
        return NULL;
    if (!cell->low_taken && bytes <= low_limit(cell))
        return take_low(cell, bytes);
    if (!cell->high_taken && high_start(cell, bytes) >= low_end(cell))
        return take_high(cell, bytes);
    return NULL;
}

static bool is_low(const struct th_cell *cell, const void *block)
{
    return cell->low_taken && block == cell->memory;
}

static bool is_high(const struct th_cell *cell, const void *block)
{
    return cell->high_taken && block == cell->memory + high_start(cell, cell->high_bytes);
}

void th_cell_open(struct th_cell *cell, void *memory, size_t bytes)
{
    *cell = (struct th_cell){.memory = memory, .bytes = memory ? (uint32_t)bytes : 0};
    if (memory)
        th_watch_shut(memory, bytes);
}

size_t th_cell_close(struct th_cell *cell)
{
    size_t leaked = (size_t)cell->low_taken + cell->high_taken;
    for (void *block = th_cell_first(cell); block; block = th_cell_first(cell))
        th_cell_give(cell, block);
    if (cell->memory) {
        th_watch_open(cell->memory, cell->bytes);
        explicit_bzero(cell->memory, cell->low_reach_bytes);
        explicit_bzero(cell->memory + cell->bytes - cell->high_reach_bytes,
                       cell->high_reach_bytes);
    }
    cell->memory = NULL;
    cell->bytes = 0;
    return leaked;
}

void th_cell_trim(struct th_cell *cell)
{
    if (!cell->low_taken && !cell->high_taken)
        th_pages_release(cell->memory, cell->memory + cell->bytes);
}

void *th_cell_take(struct th_cell *cell, size_t bytes)
{
    void *block = place(cell, bytes);
    if (!block)
        return NULL;
    raise_to(&cell->peak_bytes, th_cell_live_bytes(cell));
    th_watch_taken(block, bytes);
    return block;
}

bool th_cell_give(struct th_cell *cell, void *block)
{
    bool low = is_low(cell, block);
    if (!low && !is_high(cell, block))
        return false;
    th_watch_given(block, th_cell_size(cell, block));
    if (low)
        cell->low_taken = false;
    else
        cell->high_taken = false;
    return true;
}

size_t th_cell_size(const struct th_cell *cell, const void *block)
{
    if (is_low(cell, block))
        return cell->low_bytes;
    return is_high(cell, block) ? cell->high_bytes : 0;
}

void *th_cell_first(const struct th_cell *cell)
{
    if (cell->low_taken)
        return cell->memory;
    return cell->high_taken ? cell->memory + high_start(cell, cell->high_bytes) : NULL;
}

size_t th_cell_live_bytes(const struct th_cell *cell)
{
    return (cell->low_taken ? cell->low_bytes : 0) +
           (size_t)(cell->high_taken ? cell->high_bytes : 0);
}
