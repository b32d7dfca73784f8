#include "cli/roots.h"

const char *const *th_cli_root_paths(const struct th_cli_settings *s)
{
    (void)s;
    return NULL;
}

struct th_source th_cli_roots(const struct th_cli_settings *s)
{
    return (struct th_source){.path = s->cafile};
}

bool th_cli_trusts(const struct th_cli_settings *s)
{
    return s->cafile != NULL;
}
