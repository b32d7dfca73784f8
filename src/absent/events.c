#include "cli/events.h"

int th_cli_events_open(const struct th_cli_settings *settings)
{
    (void)settings;
    return 0;
}

int th_cli_events_status(void)
{
    return 0;
}

void th_cli_events_tell(const struct th_event *event)
{
    (void)event;
}

void th_cli_events_data(const struct th_delivery *piece)
{
    (void)piece;
}

void th_cli_events_fault(const struct th_fault *fault, int status)
{
    (void)fault, (void)status;
}

void th_cli_events_waiting(const struct th_fault *fault)
{
    (void)fault;
}
