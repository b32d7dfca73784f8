/* No session outlives its process. */
#include "cli/sessionfile.h"

int th_cli_sessionfile_open(const char *path, struct th_resumption *resumption,
                            struct th_fault *fault)
{
    (void)path, (void)resumption, (void)fault;
    return 0;
}

void th_cli_sessionfile_close(void)
{
}
