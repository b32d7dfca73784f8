#include "absent/absent.h"
#include "tls/pins.h"

int th_tls_pins_take(struct th_tls_context *context, const struct th_context_config *config,
                     struct th_fault *fault)
{
    (void)context;
    return config->pins || config->ca_pins ? th_absent(fault, "pins") : 0;
}

void th_tls_pins_note_root(struct th_tls_context *context, struct th_slice root)
{
    (void)context;
    (void)root;
}

bool th_tls_pins_hold(struct th_tls_stream *stream, const struct WOLFSSL_X509_STORE_CTX *store)
{
    (void)stream;
    (void)store;
    return true;
}
