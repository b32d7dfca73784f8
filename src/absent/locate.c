#include "cli/locate.h"

/* No option has a URL. */
bool th_cli_locate(struct th_cli_settings *settings, struct th_cli_problem *problem)
{
    (void)settings, (void)problem;
    return true;
}
