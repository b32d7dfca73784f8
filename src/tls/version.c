#include "tls/version.h"

#include "base/err.h"

enum th_tls_version th_tls_lowest(const struct th_context_config *config)
{
    return config->tls_min == TH_TLS_ANY ? TH_TLS_1_2 : config->tls_min;
}

enum th_tls_version th_tls_highest(const struct th_context_config *config)
{
    return config->tls_max == TH_TLS_ANY ? TH_TLS_1_3 : config->tls_max;
}

static bool is_version(enum th_tls_version version)
{
    return version == TH_TLS_1_2 || version == TH_TLS_1_3;
}

int th_tls_version_check(const struct th_context_config *config, struct th_fault *fault)
{
    enum th_tls_version lowest = th_tls_lowest(config), highest = th_tls_highest(config);
    if (is_version(lowest) && is_version(highest) && lowest <= highest)
        return 0;
    return th_fault_set(fault, TH_E_ARGUMENT,
                        "the TLS versions allowed are 1.2 and 1.3, the lowest first");
}

WOLFSSL_METHOD *th_tls_version_method(const struct th_context_config *config)
{
    if (th_tls_highest(config) == TH_TLS_1_2)
        return wolfTLSv1_2_client_method();
    if (th_tls_lowest(config) == TH_TLS_1_3)
        return wolfTLSv1_3_client_method();
    return wolfSSLv23_client_method();
}
