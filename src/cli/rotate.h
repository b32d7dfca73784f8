/* Another generation of the identity in use is tried while the program goes on: the connection is
 * made anew with it, and the first acknowledgement from the broker decides. Until then the
 * generation before stays, and with any failure it comes back. */
#ifndef TH_CLI_ROTATE_H
#define TH_CLI_ROTATE_H

#include "cli/settings.h"

/* The generation of --identity in use ('a', 'b') and the context it was read into. */
void th_cli_rotate_begin(const struct th_cli_settings *settings, struct th_context *context,
                         char generation);

/* SIGHUP came. True: a generation is there to be tried, and the connection is to be ended for it.
 * False: it has been said why not. */
bool th_cli_rotate_start(void);

/* What happened to the connection. True: it is to be made again at once. */
bool th_cli_rotate_event(const struct th_event *event);

/* A trial is under way: a subscription is asked for even if the broker still has it. */
bool th_cli_rotate_on_trial(void);

#endif
