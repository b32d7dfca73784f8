#include "absent/absent.h"
#include "tls/version.h"

/* Who takes 1.2 or newer gets the newer. */
enum th_tls_version th_tls_lowest(const struct th_context_config *config)
{
    (void)config;
    return TH_TLS_1_3;
}

enum th_tls_version th_tls_highest(const struct th_context_config *config)
{
    (void)config;
    return TH_TLS_1_3;
}

int th_tls_version_check(const struct th_context_config *config, struct th_fault *fault)
{
    bool suits = config->tls_max == TH_TLS_ANY || config->tls_max == TH_TLS_1_3;
    return suits ? 0 : th_absent(fault, "TLS 1.2");
}

WOLFSSL_METHOD *th_tls_version_method(const struct th_context_config *config)
{
    (void)config;
    return wolfTLSv1_3_client_method();
}
