/* Nobody waits for a date. */
#include "cli/clock.h"

int th_cli_clock_open(const struct th_cli_settings *settings, struct th_fault *fault)
{
    (void)settings, (void)fault;
    return 0;
}

int th_cli_clock_step(struct th_fault *fault)
{
    (void)fault;
    return 0;
}

struct pollfd th_cli_clock_awaited(void)
{
    return (struct pollfd){.fd = -1};
}

int th_cli_clock_wait_ms(void)
{
    return 0;
}

void th_cli_clock_confirm(void)
{
}

void th_cli_clock_close(void)
{
}
