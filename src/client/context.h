/* What connections share, in a block of its own: the TLS context and the payer for it. */
#ifndef TH_CLIENT_CONTEXT_H
#define TH_CLIENT_CONTEXT_H

#include "mem/payer.h"
#include "tls/context.h"
#include <thimble.h>

struct th_context {
    struct th_payer payer;
    struct th_tls_context tls;
};

#endif
