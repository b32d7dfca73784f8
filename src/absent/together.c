#include "cli/together.h"

/* There is one connection. */

struct th_cli_settings *th_cli_its_settings(void)
{
    static struct th_cli_settings settings;
    return &settings;
}

int th_cli_begin_others(void)
{
    return 0;
}
