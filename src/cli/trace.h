/* What -d shows: each packet, on standard error in our words, or on standard output in those of
 * mosquitto's clients. */
#ifndef TH_CLI_TRACE_H
#define TH_CLI_TRACE_H

#include "cli/settings.h"

/* `client_id` may be NULL: the broker chooses. Both must live as long as the connection. */
void th_cli_trace_begin(const struct th_cli_settings *settings, const char *client_id);

/* Of th_config; NULL unless -d is given. */
typedef void th_cli_trace_packet(void *arg, const struct th_packet_note *note);
th_cli_trace_packet *th_cli_trace_sink(void);

/* What happened, before the command is told. */
void th_cli_trace_event(const struct th_event *event);

#endif
