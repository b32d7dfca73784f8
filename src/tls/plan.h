/* The memory of a handshake that has not happened. */
#ifndef TH_TLS_PLAN_H
#define TH_TLS_PLAN_H

#include "tls/context.h"
#include <thimble.h>

struct th_tls_plan {
    uint32_t heap_bytes;    /* records in the cell not counted */
    uint32_t record_bytes;  /* the largest record received during it, and what lies there besides */
    uint32_t flight_bytes;  /* the most the server sends at once during it, on the wire */
    uint32_t out_bytes;     /* likewise, of us */
    uint32_t tickets_bytes; /* what the server sends behind it, TLS 1.3 only */
    uint32_t wrap_bytes;    /* what a record adds to its plaintext, header not counted */
};

/* Takes memory from the current payer and gives it back. `record_threshold_bytes`: records up to
 * that size come from the heap. Errors as those of th_plan(). */
int th_tls_plan(struct th_tls_plan *plan, struct th_tls_context *context, const char *server_name,
                const struct th_source *server_chain, uint32_t record_threshold_bytes,
                struct th_fault *fault);

#endif
