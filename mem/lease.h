/* Pieces of memory that many use in turns: first come, first served.
 *
 * Who asks when no piece is free waits in line; a piece that is given back belongs at once to the
 * first of the line, so that nobody who comes later is served before. If nobody waits its pages go
 * back to the kernel: they must be private to the process. Nothing is allocated: the line runs
 * through the leases, which lie where their owners are. Times are the caller's monotonic
 * milliseconds. Not locked: all who share the pieces belong to one thread. */
#ifndef TH_MEM_LEASE_H
#define TH_MEM_LEASE_H

#include "slab.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* All zero: neither held nor waited for. */
struct th_lease {
    void *memory;          /* NULL: not held */
    struct th_lease *next; /* behind it in line */
    bool waits;            /* in line */
    uint64_t since_ms;     /* held, or in line, since then */
};

struct th_leases {
    struct th_slab slab;
    size_t piece_bytes;
    struct th_lease *first, *last; /* of the line */
    uint32_t held;
    uint32_t held_peak;
    uint32_t waiting;              /* in line */
    uint32_t waiting_peak;
    uint32_t waits;                /* leases that had to wait, ever */
};

/* At most 64 pieces; `memory` and `piece_bytes` aligned to 16. */
void th_leases_open(struct th_leases *leases, void *memory, size_t bytes, size_t piece_bytes);

/* True: lease->memory is the caller's until it is given back; its content is undefined. False: it
 * is in line, and has to ask again. Asking again changes nothing. */
bool th_lease_take(struct th_leases *leases, struct th_lease *lease, uint64_t now_ms);

/* Gives the piece back, or leaves the line. Harmless if neither. */
void th_lease_give(struct th_leases *leases, struct th_lease *lease, uint64_t now_ms);

/* When the piece has to be given back: `most_ms` after it was granted, if others wait for one.
 * UINT64_MAX: it may be kept. */
uint64_t th_lease_due_ms(const struct th_leases *leases, const struct th_lease *lease,
                         uint32_t most_ms);

/* How many are in line before it. */
uint32_t th_lease_ahead(const struct th_leases *leases, const struct th_lease *lease);

#endif
