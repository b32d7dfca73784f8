#include "cli/memtrace.h"

void th_cli_memtrace_begin(const char *path)
{
    (void)path; /* no option names one */
}

int th_cli_memtrace_open(struct th_fault *fault)
{
    (void)fault;
    return 0;
}

void th_cli_memtrace_flush(void)
{
}

void th_cli_memtrace_close(void)
{
}
