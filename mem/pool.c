#include "pool.h"

#include <string.h>

#include "pages.h"
#include "watch.h"

void (*th_pool_alarm)(const void *address);

/* Block i of a pool starts i units and 8 bytes behind its beginning, so that what follows its
 * header is aligned.
 * The header of a block swallowed by its neighbour is set to GONE: a second free is noticed. */
struct block {
    uint16_t units;
    uint16_t before_units; /* of the block in front; 0: this is the first */
    uint8_t slack_bytes;   /* at the end of a live block, not asked for */
    uint8_t purpose;
    uint16_t state;
};

enum { GONE = 0, FREE = 0xF4EE, LIVE = 0x11FE };

/* In the first bytes of a free block. */
struct links {
    uint16_t next;
    uint16_t previous;
};

enum { NONE = 0xFFFF, LINKS_BYTES = 8, FIRST_CONTENT = 2 * TH_POOL_HEADER_BYTES };

struct place {
    unsigned row;
    unsigned column;
};

_Static_assert(sizeof(struct block) == TH_POOL_HEADER_BYTES, "the header is 8 bytes");
_Static_assert(sizeof(struct links) <= LINKS_BYTES, "links fit into the smallest block");
_Static_assert(TH_POOL_UNIT_BYTES % TH_POOL_ALIGN_BYTES == 0 && TH_POOL_UNIT_BYTES <= UINT8_MAX + 1,
               "blocks are aligned, and their slack is told in a byte");

/* ---- small verbs -------------------------------------------------------------------------- */

static struct block *block_at(const struct th_pool *pool, unsigned index)
{
    return (struct block *)(pool->memory + index * TH_POOL_UNIT_BYTES + TH_POOL_HEADER_BYTES);
}

static unsigned index_of(const struct th_pool *pool, const struct block *block)
{
    return (unsigned)((const uint8_t *)block - pool->memory) / TH_POOL_UNIT_BYTES;
}

static void *content_of(const struct block *block)
{
    return (uint8_t *)block + TH_POOL_HEADER_BYTES;
}

static struct block *block_of(const void *content)
{
    return (struct block *)((uint8_t *)content - TH_POOL_HEADER_BYTES);
}

static struct links *links_of(const struct block *block)
{
    return content_of(block);
}

static size_t content_bytes(const struct block *block)
{
    return (size_t)block->units * TH_POOL_UNIT_BYTES - TH_POOL_HEADER_BYTES;
}

static size_t requested_bytes(const struct block *block)
{
    return content_bytes(block) - block->slack_bytes;
}

static struct block *next_of(const struct th_pool *pool, const struct block *block)
{
    unsigned index = index_of(pool, block) + block->units;
    return index < pool->units ? block_at(pool, index) : NULL;
}

static struct block *before_of(const struct th_pool *pool, const struct block *block)
{
    return block->before_units ? block_at(pool, index_of(pool, block) - block->before_units) : NULL;
}

static bool is_free(const struct block *block)
{
    return block && block->state == FREE;
}

/* 0: more than any pool has. */
static unsigned units_for(size_t bytes)
{
    if (bytes > TH_POOL_MOST_BYTES - TH_POOL_UNIT_BYTES - TH_POOL_HEADER_BYTES)
        return 0;
    return (unsigned)(bytes + TH_POOL_HEADER_BYTES + TH_POOL_UNIT_BYTES - 1) / TH_POOL_UNIT_BYTES;
}

/* ---- free lists --------------------------------------------------------------------------- */

static unsigned highest_bit(unsigned value)
{
    return 31u - (unsigned)__builtin_clz(value);
}

/* Row 0 holds 1 to 7 units, each its own column; the rows above a power of two in eighths. */
static struct place place_of(unsigned units)
{
    if (units < TH_POOL_COLUMNS)
        return (struct place){0, units};
    unsigned power = highest_bit(units);
    return (struct place){power - 2, (units >> (power - 3)) & (TH_POOL_COLUMNS - 1)};
}

static void set_first(struct th_pool *pool, struct place place, unsigned index)
{
    pool->first_free[place.row][place.column] = (uint16_t)index;
    if (index != NONE)
        pool->columns[place.row] |= (uint8_t)(1u << place.column);
    else
        pool->columns[place.row] &= (uint8_t)~(1u << place.column);
    if (pool->columns[place.row])
        pool->rows |= (uint16_t)(1u << place.row);
    else
        pool->rows &= (uint16_t)~(1u << place.row);
}

static void link_free(struct th_pool *pool, struct block *block)
{
    struct place place = place_of(block->units);
    unsigned first = pool->first_free[place.row][place.column];
    th_watch_open(links_of(block), LINKS_BYTES);
    block->state = FREE;
    *links_of(block) = (struct links){(uint16_t)first, NONE};
    if (first != NONE)
        links_of(block_at(pool, first))->previous = (uint16_t)index_of(pool, block);
    set_first(pool, place, index_of(pool, block));
}

static void unlink_free(struct th_pool *pool, const struct block *block)
{
    struct links links = *links_of(block);
    if (links.next != NONE)
        links_of(block_at(pool, links.next))->previous = links.previous;
    if (links.previous != NONE)
        links_of(block_at(pool, links.previous))->next = links.next;
    else
        set_first(pool, place_of(block->units), links.next);
}

static struct block *first_fit(const struct th_pool *pool, struct place place, unsigned units)
{
    unsigned index = pool->first_free[place.row][place.column];
    for (unsigned tries = 0; tries < TH_POOL_TRIES && index != NONE; tries++) {
        struct block *block = block_at(pool, index);
        if (block->units >= units)
            return block;
        index = links_of(block)->next;
    }
    return NULL;
}

/* Any block of a class above: all of them are large enough. */
static struct block *first_above(const struct th_pool *pool, struct place place)
{
    unsigned columns = pool->columns[place.row] & (~1u << place.column);
    if (!columns) {
        unsigned rows = pool->rows & (~1u << place.row);
        if (!rows)
            return NULL;
        place.row = (unsigned)__builtin_ctz(rows);
        columns = pool->columns[place.row];
    }
    return block_at(pool, pool->first_free[place.row][__builtin_ctz(columns)]);
}

static struct block *find_free(const struct th_pool *pool, unsigned units)
{
    struct place place = place_of(units);
    struct block *block = first_fit(pool, place, units);
    return block ? block : first_above(pool, place);
}

/* ---- splitting and joining ---------------------------------------------------------------- */

static void set_units(struct th_pool *pool, struct block *block, unsigned units)
{
    block->units = (uint16_t)units;
    struct block *next = next_of(pool, block);
    if (next)
        next->before_units = (uint16_t)units;
}

static struct block *begin_block(struct th_pool *pool, unsigned index, unsigned units,
                                 unsigned before_units)
{
    struct block *block = block_at(pool, index);
    th_watch_open(block, TH_POOL_HEADER_BYTES);
    *block = (struct block){.before_units = (uint16_t)before_units, .state = FREE};
    set_units(pool, block, units);
    return block;
}

static void split(struct th_pool *pool, struct block *block, unsigned units)
{
    unsigned rest_units = block->units - units;
    if (!rest_units)
        return;
    block->units = (uint16_t)units;
    link_free(pool, begin_block(pool, index_of(pool, block) + units, rest_units, units));
}

/* `block` grows over `next`, its neighbour. */
static void swallow(struct th_pool *pool, struct block *block, struct block *next)
{
    unsigned units = (unsigned)block->units + next->units;
    next->state = GONE;
    th_watch_shut(next, TH_POOL_HEADER_BYTES + LINKS_BYTES);
    set_units(pool, block, units);
}

static struct block *join_neighbours(struct th_pool *pool, struct block *block)
{
    struct block *before = before_of(pool, block);
    struct block *next = next_of(pool, block);
    if (is_free(next)) {
        unlink_free(pool, next);
        swallow(pool, block, next);
    }
    if (is_free(before)) {
        unlink_free(pool, before);
        swallow(pool, before, block);
        block = before;
    }
    return block;
}

/* ---- handing out and taking back ---------------------------------------------------------- */

static void raise_to(uint32_t *peak, uint32_t value)
{
    if (value > *peak)
        *peak = value;
}

static void count_out(struct th_pool *pool, const struct block *block)
{
    pool->live_blocks++;
    pool->live_bytes += (uint32_t)requested_bytes(block);
    pool->footprint_bytes += (uint32_t)block->units * TH_POOL_UNIT_BYTES;
    raise_to(&pool->peak_bytes, pool->live_bytes);
    raise_to(&pool->footprint_peak_bytes, pool->footprint_bytes);
    raise_to(&pool->reach_bytes, (index_of(pool, block) + block->units) * TH_POOL_UNIT_BYTES +
                                     TH_POOL_HEADER_BYTES);
}

static void count_in(struct th_pool *pool, const struct block *block)
{
    pool->live_blocks--;
    pool->live_bytes -= (uint32_t)requested_bytes(block);
    pool->footprint_bytes -= (uint32_t)block->units * TH_POOL_UNIT_BYTES;
}

static void *hand_out(struct th_pool *pool, struct block *block, enum th_purpose purpose,
                      size_t bytes)
{
    block->state = LIVE;
    block->purpose = (uint8_t)purpose;
    block->slack_bytes = (uint8_t)(content_bytes(block) - bytes);
    count_out(pool, block);
    th_watch_taken(content_of(block), bytes);
    return content_of(block);
}

static void take_back(struct th_pool *pool, struct block *block)
{
    count_in(pool, block);
    th_watch_given(content_of(block), requested_bytes(block));
    link_free(pool, join_neighbours(pool, block));
}

static void count_stray(struct th_pool *pool, const void *address)
{
    pool->strays++;
    if (th_pool_alarm)
        th_pool_alarm(address);
}

/* ---- what the header promises ------------------------------------------------------------- */

static uint8_t *aligned(void *memory)
{
    uintptr_t mask = TH_POOL_ALIGN_BYTES - 1;
    return (uint8_t *)memory + (-(uintptr_t)memory & mask);
}

static void set_memory(struct th_pool *pool, void *memory, size_t bytes)
{
    size_t lost = (size_t)(aligned(memory) - (uint8_t *)memory) + TH_POOL_HEADER_BYTES;
    size_t usable = bytes < 4 * TH_POOL_UNIT_BYTES ? 0 : bytes - lost;
    if (usable > TH_POOL_MOST_BYTES - TH_POOL_UNIT_BYTES)
        usable = TH_POOL_MOST_BYTES - TH_POOL_UNIT_BYTES;
    pool->memory = aligned(memory);
    pool->units = (uint32_t)(usable / TH_POOL_UNIT_BYTES);
}

void th_pool_open(struct th_pool *pool, void *memory, size_t bytes)
{
    *pool = (struct th_pool){0};
    memset(pool->first_free, 0xFF, sizeof pool->first_free);
    set_memory(pool, memory, bytes);
    if (!pool->units)
        return;
    th_watch_shut(pool->memory, pool->units * TH_POOL_UNIT_BYTES + TH_POOL_HEADER_BYTES);
    link_free(pool, begin_block(pool, 0, pool->units, 0));
}

size_t th_pool_close(struct th_pool *pool)
{
    size_t leaked = pool->live_blocks;
    for (void *block = th_pool_first(pool); block; block = th_pool_first(pool))
        take_back(pool, block_of(block));
    if (pool->units) {
        th_watch_open(pool->memory, pool->units * TH_POOL_UNIT_BYTES + TH_POOL_HEADER_BYTES);
        explicit_bzero(pool->memory, pool->reach_bytes);
    }
    pool->units = 0;
    pool->rows = 0;
    memset(pool->columns, 0, sizeof pool->columns);
    memset(pool->first_free, 0xFF, sizeof pool->first_free);
    return leaked;
}

void *th_pool_take(struct th_pool *pool, enum th_purpose purpose, size_t bytes)
{
    unsigned units = units_for(bytes);
    struct block *block = units ? find_free(pool, units) : NULL;
    if (!block)
        return NULL;
    unlink_free(pool, block);
    split(pool, block, units);
    return hand_out(pool, block, purpose, bytes);
}

void th_pool_give(struct th_pool *pool, void *content)
{
    if (!th_pool_is_live(pool, content)) {
        count_stray(pool, content);
        return;
    }
    take_back(pool, block_of(content));
}

size_t th_pool_size(const void *content)
{
    return requested_bytes(block_of(content));
}

enum th_purpose th_pool_purpose(const void *content)
{
    return block_of(content)->purpose;
}

bool th_pool_owns(const struct th_pool *pool, const void *address)
{
    uintptr_t offset = (uintptr_t)address - (uintptr_t)pool->memory;
    return offset < pool->units * TH_POOL_UNIT_BYTES + TH_POOL_HEADER_BYTES;
}

TH_WATCH_UNCHECKED static uint16_t state_before(const void *content)
{
    return block_of(content)->state;
}

bool th_pool_is_live(const struct th_pool *pool, const void *content)
{
    uintptr_t offset = (uintptr_t)content - (uintptr_t)pool->memory;
    return th_pool_owns(pool, content) && offset >= FIRST_CONTENT &&
           (offset - FIRST_CONTENT) % TH_POOL_UNIT_BYTES == 0 && state_before(content) == LIVE;
}

size_t th_pool_largest(const struct th_pool *pool)
{
    if (!pool->rows)
        return 0;
    unsigned row = highest_bit(pool->rows);
    struct place top = {row, highest_bit(pool->columns[row])};
    unsigned largest = 0;
    struct block *block;
    for (unsigned units = 1; (block = first_fit(pool, top, units)); units = largest + 1)
        largest = block->units;
    return (size_t)largest * TH_POOL_UNIT_BYTES - TH_POOL_HEADER_BYTES;
}

size_t th_pool_capacity(const struct th_pool *pool)
{
    return pool->units ? pool->units * TH_POOL_UNIT_BYTES - TH_POOL_HEADER_BYTES : 0;
}

/* ---- walking ------------------------------------------------------------------------------ */

static struct block *first_block(const struct th_pool *pool)
{
    return pool->units ? block_at(pool, 0) : NULL;
}

void *th_pool_first(const struct th_pool *pool)
{
    struct block *block = first_block(pool);
    while (block && block->state != LIVE)
        block = next_of(pool, block);
    return block ? content_of(block) : NULL;
}

void th_pool_walk(const struct th_pool *pool,
                  void (*visit)(void *arg, const void *block, size_t bytes,
                                enum th_purpose purpose),
                  void *arg)
{
    for (struct block *block = first_block(pool); block; block = next_of(pool, block))
        if (block->state == LIVE)
            visit(arg, content_of(block), requested_bytes(block), block->purpose);
}

static void release_pages(const struct block *block)
{
    const uint8_t *content = content_of(block);
    th_pages_release(content + LINKS_BYTES, content + content_bytes(block));
}

void th_pool_trim(struct th_pool *pool)
{
    for (struct block *block = first_block(pool); block; block = next_of(pool, block))
        if (block->state == FREE)
            release_pages(block);
}

/* ---- checking ----------------------------------------------------------------------------- */

struct census {
    size_t live_blocks;
    size_t live_bytes;
    size_t footprint_bytes;
    size_t free_blocks;
};

static void count_block(struct census *census, const struct block *block)
{
    if (block->state == FREE) {
        census->free_blocks++;
        return;
    }
    census->live_blocks++;
    census->live_bytes += requested_bytes(block);
    census->footprint_bytes += (size_t)block->units * TH_POOL_UNIT_BYTES;
}

static bool header_is_sound(const struct th_pool *pool, const struct block *block,
                            const struct block *before)
{
    bool known = block->state == FREE || block->state == LIVE;
    bool inside = block->units && index_of(pool, block) + block->units <= pool->units;
    bool chained = block->before_units == (before ? before->units : 0);
    bool joined = !(is_free(before) && block->state == FREE);
    return known && inside && chained && joined;
}

static bool blocks_are_sound(const struct th_pool *pool, struct census *census)
{
    struct block *before = NULL;
    for (struct block *block = first_block(pool); block; block = next_of(pool, block)) {
        if (!header_is_sound(pool, block, before))
            return false;
        count_block(census, block);
        before = block;
    }
    return true;
}

static bool is_in_place(const struct block *block, struct place place)
{
    struct place own = place_of(block->units);
    return block->state == FREE && own.row == place.row && own.column == place.column;
}

static bool list_is_sound(const struct th_pool *pool, struct place place, size_t *found)
{
    unsigned index = pool->first_free[place.row][place.column];
    bool marked = pool->columns[place.row] >> place.column & 1;
    if (marked != (index != NONE))
        return false;
    unsigned previous = NONE;
    while (index != NONE) {
        const struct block *block = block_at(pool, index);
        if (!is_in_place(block, place) || links_of(block)->previous != previous)
            return false;
        previous = index;
        index = links_of(block)->next;
        (*found)++;
    }
    return true;
}

static bool row_is_sound(const struct th_pool *pool, unsigned row, size_t *found)
{
    if ((pool->rows >> row & 1) != (pool->columns[row] != 0))
        return false;
    for (unsigned column = 0; column < TH_POOL_COLUMNS; column++)
        if (!list_is_sound(pool, (struct place){row, column}, found))
            return false;
    return true;
}

bool th_pool_check(const struct th_pool *pool)
{
    struct census census = {0};
    size_t listed = 0;
    if (!blocks_are_sound(pool, &census))
        return false;
    for (unsigned row = 0; row < TH_POOL_ROWS; row++)
        if (!row_is_sound(pool, row, &listed))
            return false;
    return listed == census.free_blocks && census.live_blocks == pool->live_blocks &&
           census.live_bytes == pool->live_bytes &&
           census.footprint_bytes == pool->footprint_bytes;
}
