/* Loading what a TLS context needs: trusted roots, our certificate chain, our private key.
 * This room reads and judges files; whoever owns the TLS library takes the DER through the sink. */
#ifndef TH_IDENTITY_IDENTITY_H
#define TH_IDENTITY_IDENTITY_H

#include "identity/pem.h"
#include <thimble.h>

/* Each returns 0 or TH_E_* with a sentence in `fault`. The DER is wiped when the call returns. */
struct th_identity_sink {
    /* One trusted root. */
    int (*root)(void *arg, struct th_slice der, const struct th_pem_place *place,
                struct th_fault *fault);
    /* Our chain: certificates end to end, leaf first. The place is the leaf's. */
    int (*chain)(void *arg, struct th_slice ders, const struct th_pem_place *place,
                 struct th_fault *fault);
    /* Our private key: PKCS#8, SEC1 or PKCS#1. Comes after the chain. */
    int (*key)(void *arg, struct th_slice der, const struct th_pem_place *place,
               struct th_fault *fault);
    void *arg;
};

struct th_identity_count {
    unsigned roots;
    unsigned chain_certificates;
};

/* Reads the CA certificates of one source and counts them. Errors: FILE (also for none), MEMORY,
 * the sink's. */
int th_identity_read_roots(const struct th_source *source, const struct th_identity_sink *sink,
                           struct th_identity_count *count, struct th_fault *fault);

/* Reads `roots` (skipped when its path and bytes are NULL), then certificate and key (both or
 * none). Errors: ARGUMENT for half a pair, FILE, MEMORY, the sink's. */
int th_identity_load(const struct th_context_config *config, const struct th_identity_sink *sink,
                     struct th_identity_count *count, struct th_fault *fault);

/* True if the source names a file or holds bytes. */
bool th_source_given(const struct th_source *source);

#endif
