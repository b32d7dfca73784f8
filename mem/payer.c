#include "payer.h"

#include <stdatomic.h>
#include <string.h>

bool (*th_payer_gate)(const struct th_payer *payer, enum th_purpose purpose, size_t bytes);

static _Thread_local struct th_payer *paying;
static atomic_size_t lost_strays;

/* ---- the annex ---------------------------------------------------------------------------- */

static struct th_pool *annex_of(const struct th_payer *payer)
{
    return TH_LEASES ? payer->annex : NULL;
}

static bool outlives_handshake(enum th_purpose purpose)
{
    static const unsigned purposes = 1u << TH_PURPOSE_SESSION | 1u << TH_PURPOSE_EXTENSION |
                                     1u << TH_PURPOSE_TICKET | 1u << TH_PURPOSE_CIPHER |
                                     1u << TH_PURPOSE_RANDOM;
    return purposes >> purpose & 1;
}

static struct th_pool *pool_for(struct th_payer *payer, enum th_purpose purpose)
{
    struct th_pool *annex = annex_of(payer);
    return annex && !outlives_handshake(purpose) ? annex : &payer->heap;
}

static bool is_in_annex(const struct th_payer *payer, const void *block)
{
    const struct th_pool *annex = annex_of(payer);
    return annex && th_pool_is_live(annex, block);
}

static struct th_pool *pool_of(struct th_payer *payer, const void *block)
{
    return is_in_annex(payer, block) ? annex_of(payer) : &payer->heap;
}

static uint32_t live_in_heaps(const struct th_payer *payer)
{
    const struct th_pool *annex = annex_of(payer);
    return payer->heap.live_bytes + (annex ? annex->live_bytes : 0);
}

/* ---- taking ------------------------------------------------------------------------------- */

static bool is_record(const struct th_payer *payer, enum th_purpose purpose, size_t bytes)
{
    return purpose == TH_PURPOSE_RECORD_IN && payer->cell.memory &&
           bytes > payer->threshold_bytes;
}

static bool within_budget(const struct th_payer *payer, size_t bytes)
{
    uint32_t live_bytes = live_in_heaps(payer);
    return live_bytes <= payer->budget_bytes && bytes <= payer->budget_bytes - live_bytes;
}

static void *take_from_heap(struct th_payer *payer, enum th_purpose purpose, size_t bytes)
{
    return within_budget(payer, bytes) ? th_pool_take(pool_for(payer, purpose), purpose, bytes)
                                       : NULL;
}

/* Two records that do not fit into the cell together: the second is in the heap for a moment. */
static void *take_record(struct th_payer *payer, enum th_purpose purpose, size_t bytes)
{
    if (bytes > payer->cell.bytes)
        return NULL;
    void *block = th_cell_take(&payer->cell, bytes);
    return block ? block : take_from_heap(payer, purpose, bytes);
}

static void *take(struct th_payer *payer, enum th_purpose purpose, size_t bytes)
{
    if (th_payer_gate && !th_payer_gate(payer, purpose, bytes))
        return NULL;
    if (is_record(payer, purpose, bytes))
        return take_record(payer, purpose, bytes);
    return take_from_heap(payer, purpose, bytes);
}

static uint32_t clamped(size_t bytes)
{
    return bytes > UINT32_MAX ? UINT32_MAX : (uint32_t)bytes;
}

static size_t largest_in(const struct th_payer *payer, const struct th_pool *pool)
{
    size_t largest = th_pool_largest(pool);
    size_t left = payer->budget_bytes - live_in_heaps(payer);
    return largest < left ? largest : left;
}

static struct th_refusal cell_refusal(const struct th_payer *payer)
{
    return (struct th_refusal){
        .pool = "record cell",
        .live_bytes = (uint32_t)th_cell_live_bytes(&payer->cell),
        .budget_bytes = payer->cell.bytes,
        .largest_bytes = payer->cell.bytes,
    };
}

static struct th_refusal annex_refusal(const struct th_payer *payer)
{
    const struct th_pool *annex = annex_of(payer);
    return (struct th_refusal){
        .pool = "handshake heap",
        .live_bytes = annex->live_bytes,
        .budget_bytes = (uint32_t)th_pool_capacity(annex),
        .largest_bytes = (uint32_t)largest_in(payer, annex),
    };
}

static struct th_refusal heap_refusal(struct th_payer *payer, enum th_purpose purpose)
{
    return (struct th_refusal){
        .pool = payer->ledger.name,
        .live_bytes = live_in_heaps(payer),
        .budget_bytes = payer->budget_bytes,
        .largest_bytes = (uint32_t)largest_in(payer, pool_for(payer, purpose)),
    };
}

static struct th_refusal refusal_of(struct th_payer *payer, enum th_purpose purpose, size_t bytes)
{
    if (is_record(payer, purpose, bytes) && bytes > payer->cell.bytes)
        return cell_refusal(payer);
    bool by_annex = pool_for(payer, purpose) != &payer->heap && within_budget(payer, bytes);
    return by_annex ? annex_refusal(payer) : heap_refusal(payer, purpose);
}

static void refuse(struct th_payer *payer, enum th_purpose purpose, size_t bytes)
{
    struct th_refusal refusal = refusal_of(payer, purpose, bytes);
    refusal.purpose = purpose;
    refusal.needed_bytes = clamped(bytes);
    th_ledger_refuse(&payer->ledger, refusal);
}

void *th_payer_take(struct th_payer *payer, enum th_purpose purpose, size_t bytes)
{
    if (!payer)
        return NULL;
    void *block = take(payer, purpose, bytes);
    if (block)
        th_ledger_take(&payer->ledger, purpose, bytes);
    else
        refuse(payer, purpose, bytes);
    return block;
}

/* ---- giving ------------------------------------------------------------------------------- */

static bool is_live_in(const struct th_payer *payer, const void *block)
{
    return payer && (th_pool_is_live(&payer->heap, block) || is_in_annex(payer, block) ||
                     th_cell_size(&payer->cell, block) > 0);
}

static struct th_payer *owner_of(struct th_payer *payer, const void *block)
{
    if (is_live_in(payer, block))
        return payer;
    return payer && is_live_in(payer->shared, block) ? payer->shared : NULL;
}

static size_t size_in(const struct th_payer *owner, const void *block)
{
    size_t bytes = th_cell_size(&owner->cell, block);
    return bytes ? bytes : th_pool_size(block);
}

static void give(struct th_payer *owner, void *block)
{
    size_t bytes = th_cell_size(&owner->cell, block);
    if (bytes) {
        th_ledger_give(&owner->ledger, TH_PURPOSE_RECORD_IN, bytes);
        th_cell_give(&owner->cell, block);
        return;
    }
    th_ledger_give(&owner->ledger, th_pool_purpose(block), th_pool_size(block));
    th_pool_give(pool_of(owner, block), block);
}

static void count_stray(struct th_payer *payer, const void *block)
{
    if (payer)
        payer->strays++;
    else
        atomic_fetch_add_explicit(&lost_strays, 1, memory_order_relaxed);
    if (th_pool_alarm)
        th_pool_alarm(block);
}

void th_payer_give(struct th_payer *payer, void *block)
{
    if (!block)
        return;
    struct th_payer *owner = owner_of(payer, block);
    if (owner)
        give(owner, block);
    else
        count_stray(payer, block);
}

static void move(struct th_payer *owner, void *to, void *from, size_t bytes)
{
    size_t old_bytes = size_in(owner, from);
    memcpy(to, from, old_bytes < bytes ? old_bytes : bytes);
    explicit_bzero(from, old_bytes);
    give(owner, from);
}

void *th_payer_resize(struct th_payer *payer, enum th_purpose purpose, void *block, size_t bytes)
{
    if (!block)
        return th_payer_take(payer, purpose, bytes);
    struct th_payer *owner = owner_of(payer, block);
    if (!owner) {
        count_stray(payer, block);
        return NULL;
    }
    void *moved = th_payer_take(owner, purpose, bytes);
    if (moved)
        move(owner, moved, block, bytes);
    return moved;
}

uint32_t th_payer_strays(const struct th_payer *payer)
{
    return payer->strays + payer->heap.strays;
}

size_t th_payer_lost_strays(void)
{
    return atomic_load_explicit(&lost_strays, memory_order_relaxed);
}

/* ---- lending ------------------------------------------------------------------------------ */

static size_t head_bytes(void)
{
    return (sizeof(struct th_pool) + TH_POOL_ALIGN_BYTES - 1) & ~(size_t)(TH_POOL_ALIGN_BYTES - 1);
}

/* The annex's own state lies at its beginning. */
void th_payer_lend_annex(struct th_payer *payer, void *memory, size_t bytes)
{
    payer->annex = memory;
    th_pool_open(payer->annex, (uint8_t *)memory + head_bytes(), bytes - head_bytes());
}

size_t th_payer_take_annex(struct th_payer *payer)
{
    size_t leaked = 0;
    struct th_pool *annex = payer->annex;
    if (!annex)
        return 0;
    for (void *block = th_pool_first(annex); block; block = th_pool_first(annex), leaked++)
        give(payer, block);
    payer->annex_peak_bytes = th_payer_annex_peak_bytes(payer);
    th_pool_close(annex);
    payer->annex = NULL;
    return leaked;
}

void th_payer_lend_cell(struct th_payer *payer, void *memory, size_t bytes)
{
    uint32_t peak_bytes = payer->cell.peak_bytes;
    th_cell_open(&payer->cell, memory, bytes);
    payer->cell.peak_bytes = peak_bytes;
}

size_t th_payer_take_cell(struct th_payer *payer)
{
    size_t leaked = 0;
    struct th_cell *cell = &payer->cell;
    for (void *block = th_cell_first(cell); block; block = th_cell_first(cell), leaked++)
        give(payer, block);
    th_cell_close(cell);
    return leaked;
}

bool th_payer_annex_is_idle(const struct th_payer *payer)
{
    return !payer->annex || payer->annex->live_blocks == 0;
}

bool th_payer_cell_is_idle(const struct th_payer *payer)
{
    return th_cell_first(&payer->cell) == NULL;
}

uint32_t th_payer_annex_peak_bytes(const struct th_payer *payer)
{
    uint32_t now_bytes = payer->annex ? payer->annex->peak_bytes : 0;
    return now_bytes > payer->annex_peak_bytes ? now_bytes : payer->annex_peak_bytes;
}

/* ---- life --------------------------------------------------------------------------------- */

static uint32_t budget_of(const struct th_pool *heap, size_t annex_bytes, size_t wanted_bytes)
{
    size_t capacity = th_pool_capacity(heap) + annex_bytes;
    return (uint32_t)(wanted_bytes && wanted_bytes < capacity ? wanted_bytes : capacity);
}

void th_payer_open(struct th_payer *payer, const struct th_payer_config *config)
{
    payer->shared = config->shared;
    payer->threshold_bytes = TH_RECORD_THRESHOLD_BYTES;
    payer->strays = 0;
    payer->annex = NULL;
    payer->annex_peak_bytes = 0;
    th_pool_open(&payer->heap, config->heap, config->heap_bytes);
    th_cell_open(&payer->cell, config->cell, config->cell_bytes);
    th_ledger_open(&payer->ledger, config->name);
    payer->budget_bytes = budget_of(&payer->heap, config->annex_bytes, config->budget_bytes);
}

static void *first_live(const struct th_payer *payer)
{
    void *block = th_cell_first(&payer->cell);
    return block ? block : th_pool_first(&payer->heap);
}

size_t th_payer_close(struct th_payer *payer)
{
    size_t leaked = TH_LEASES ? th_payer_take_annex(payer) : 0;
    for (void *block = first_live(payer); block; block = first_live(payer), leaked++)
        give(payer, block);
    th_cell_close(&payer->cell);
    th_pool_close(&payer->heap);
    return leaked;
}

void th_payer_trim(struct th_payer *payer)
{
    th_pool_trim(&payer->heap);
    th_cell_trim(&payer->cell);
}

struct th_payer *th_payer_enter(struct th_payer *payer)
{
    struct th_payer *before = paying;
    paying = payer;
    return before;
}

void th_payer_leave(struct th_payer *before)
{
    paying = before;
}

struct th_payer *th_payer_current(void)
{
    return paying;
}
