#include "lease.h"

#include "pages.h"

void th_leases_open(struct th_leases *leases, void *memory, size_t bytes, size_t piece_bytes)
{
    *leases = (struct th_leases){.piece_bytes = piece_bytes};
    th_slab_open(&leases->slab, memory, bytes, piece_bytes);
}

static void raise_to(uint32_t *peak, uint32_t value)
{
    if (value > *peak)
        *peak = value;
}

static void grant(struct th_lease *lease, void *memory, uint64_t now_ms)
{
    *lease = (struct th_lease){.memory = memory, .since_ms = now_ms};
}

/* ---- the line ----------------------------------------------------------------------------- */

static void join(struct th_leases *leases, struct th_lease *lease, uint64_t now_ms)
{
    *lease = (struct th_lease){.waits = true, .since_ms = now_ms};
    if (leases->last)
        leases->last->next = lease;
    else
        leases->first = lease;
    leases->last = lease;
    leases->waiting++;
    leases->waits++;
    raise_to(&leases->waiting_peak, leases->waiting);
}

static struct th_lease *before(const struct th_leases *leases, const struct th_lease *lease)
{
    struct th_lease *one = lease == leases->first ? NULL : leases->first;
    while (one && one->next != lease)
        one = one->next;
    return one;
}

static void leave(struct th_leases *leases, struct th_lease *lease)
{
    struct th_lease *previous = before(leases, lease);
    if (previous)
        previous->next = lease->next;
    else
        leases->first = lease->next;
    if (leases->last == lease)
        leases->last = previous;
    *lease = (struct th_lease){0};
    leases->waiting--;
}

/* ---- what the header promises ------------------------------------------------------------- */

bool th_lease_take(struct th_leases *leases, struct th_lease *lease, uint64_t now_ms)
{
    if (lease->memory || lease->waits)
        return lease->memory != NULL;
    void *memory = th_slab_take(&leases->slab);
    if (!memory) {
        join(leases, lease, now_ms);
        return false;
    }
    grant(lease, memory, now_ms);
    raise_to(&leases->held_peak, ++leases->held);
    return true;
}

static void give_pages_back(const struct th_leases *leases, const uint8_t *memory)
{
    th_pages_release(memory, memory + leases->piece_bytes);
}

static void pass_on(struct th_leases *leases, void *memory, uint64_t now_ms)
{
    struct th_lease *next = leases->first;
    if (next) {
        leave(leases, next);
        grant(next, memory, now_ms);
        return;
    }
    give_pages_back(leases, memory);
    th_slab_give(&leases->slab, memory);
    leases->held--;
}

void th_lease_give(struct th_leases *leases, struct th_lease *lease, uint64_t now_ms)
{
    void *memory = lease->memory;
    if (lease->waits)
        leave(leases, lease);
    *lease = (struct th_lease){0};
    if (memory)
        pass_on(leases, memory, now_ms);
}

uint64_t th_lease_due_ms(const struct th_leases *leases, const struct th_lease *lease,
                         uint32_t most_ms)
{
    return lease->memory && leases->waiting ? lease->since_ms + most_ms : UINT64_MAX;
}

uint32_t th_lease_ahead(const struct th_leases *leases, const struct th_lease *lease)
{
    uint32_t ahead = 0;
    for (const struct th_lease *one = leases->first; one && one != lease; one = one->next)
        ahead++;
    return ahead;
}
