/* What connections share, in a block of its own: the TLS context and the payer for it, and what
 * they lease, in a profile with TH_LEASES. */
#ifndef TH_CLIENT_CONTEXT_H
#define TH_CLIENT_CONTEXT_H

#include "mem/lease.h"
#include "mem/payer.h"
#include "tls/context.h"
#include <thimble.h>

struct th_context {
    struct th_payer payer;
    struct th_tls_context *tls;     /* what handshakes use: one of these two */
    struct th_tls_context slots[2]; /* the other is open while a renewal is on trial */
    uint32_t renewals;
    struct th_leases handshakes; /* heaps of TH_HANDSHAKE_HEAP_BYTES */
    struct th_leases records;    /* cells of TH_RECORD_CELL_BYTES */
};

#endif
