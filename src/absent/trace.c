/* -d shows phases and causes, but no packets. */
#include "cli/trace.h"

void th_cli_trace_begin(const struct th_cli_settings *settings, const char *client_id)
{
    (void)settings, (void)client_id;
}

th_cli_trace_packet *th_cli_trace_sink(void)
{
    return NULL;
}

void th_cli_trace_event(const struct th_event *event)
{
    (void)event;
}
