#include "cli/configfile.h"

/* No option names one. */
bool th_cli_configfile_read(struct th_cli_settings *settings, struct th_cli_problem *problem)
{
    (void)settings, (void)problem;
    return true;
}

const char *th_cli_configfile_connection(void)
{
    return NULL;
}
