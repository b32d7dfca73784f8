/* --events: what happens to the connection, one JSON object for each event and line. */
#ifndef TH_CLI_EVENTS_H
#define TH_CLI_EVENTS_H

#include "cli/settings.h"

/* Whether and where is in the settings. 0, or an exit status after having said why. */
int th_cli_events_open(const struct th_cli_settings *settings);

/* TH_CLI_FILE after it could not be written, else 0. */
int th_cli_events_status(void);

/* connected, subscribed, unsubscribed, published, disconnected */
void th_cli_events_tell(const struct th_event *event);

/* data: a message, or a piece of one, has come */
void th_cli_events_data(const struct th_delivery *piece);

/* waiting: there is no connection until what `fault` tells has passed */
void th_cli_events_waiting(const struct th_fault *fault);

/* error: the command ends with `status` */
void th_cli_events_fault(const struct th_fault *fault, int status);

#endif
