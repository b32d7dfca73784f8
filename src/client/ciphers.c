/* Whether a list of suites can be offered: asked before there is a context. */
#include "tls/suites.h"

#include <string.h>

int th_ciphers_check(const char *list, enum th_tls_version version, bool psk,
                     struct th_fault *fault)
{
    struct th_tls_suites suites = {0};
    if (fault)
        memset(fault, 0, sizeof *fault);
    return th_tls_suites_add(&suites, version, list, psk, fault);
}
