#include "absent/absent.h"
#include "cli/memtrace.h"

int th_cli_memtrace_open(const char *path, struct th_fault *fault)
{
    (void)path;
    return th_absent(fault, "memory trace");
}

void th_cli_memtrace_flush(void)
{
}

void th_cli_memtrace_close(void)
{
}
