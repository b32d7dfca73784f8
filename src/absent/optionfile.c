#include "cli/optionfile.h"

/* No option names a file, and the user's own is not looked for. */
bool th_cli_optionfile_read(struct th_cli_settings *settings, const char *path,
                            struct th_cli_problem *problem)
{
    (void)settings, (void)path, (void)problem;
    return true;
}
