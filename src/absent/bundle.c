#include "absent/absent.h"
#include "tls/bundle.h"

int th_tls_bundle_read(struct th_tls_context *context, const struct th_context_config *config,
                       const struct th_identity_sink *sink, struct th_fault *fault)
{
    (void)context;
    (void)sink;
    return config->root_paths ? th_absent(fault, "directories of roots") : 0;
}

bool th_tls_bundle_defers(struct th_tls_context *context)
{
    (void)context;
    return false;
}

int th_tls_bundle_note(struct th_tls_stream *stream, const struct WOLFSSL_X509_STORE_CTX *store)
{
    (void)stream;
    (void)store;
    return 0;
}

int th_tls_bundle_choose(struct th_tls_stream *stream, struct th_fault *fault)
{
    (void)stream;
    (void)fault;
    return 0;
}
