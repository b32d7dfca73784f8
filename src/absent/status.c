#include "cli/status.h"

int th_cli_status_open(const struct th_cli_settings *settings, struct th_fault *fault)
{
    (void)settings, (void)fault;
    return 0;
}

struct pollfd th_cli_status_awaited(void)
{
    return (struct pollfd){.fd = -1};
}

void th_cli_status_begin(void)
{
}

void th_cli_status_add(const struct th_report *report)
{
    (void)report;
}

void th_cli_status_answer(void)
{
}

void th_cli_status_close(void)
{
}
