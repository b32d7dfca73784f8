#include "absent/absent.h"
#include "tls/psk.h"

int th_tls_psk_check(const struct th_context_config *config, struct th_fault *fault)
{
    return config->psk_identity || config->psk.data ? th_absent(fault, "pre-shared keys") : 0;
}

void th_tls_psk_offer(struct th_tls_context *context)
{
    (void)context;
}

bool th_tls_psk_was_used(const struct th_tls_stream *stream)
{
    (void)stream;
    return false;
}
