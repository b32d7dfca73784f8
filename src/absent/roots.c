#include "cli/roots.h"

const char *const *th_cli_root_paths(const struct th_cli_settings *s)
{
    (void)s;
    return NULL;
}
