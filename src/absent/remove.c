#include "cli/remove.h"

#include "cli/exit.h"

void th_cli_remove_open(void)
{
}

void th_cli_remove(struct th_slice topic)
{
    (void)topic;
}

bool th_cli_remove_next(void)
{
    return false;
}

bool th_cli_remove_waits(void)
{
    return false;
}

void th_cli_remove_published(const struct th_event *event)
{
    (void)event;
}

int th_cli_remove_status(void)
{
    return TH_CLI_OK;
}
