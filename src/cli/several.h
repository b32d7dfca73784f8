/* What commands with several connections of their own begin with. */
#ifndef TH_CLI_SEVERAL_H
#define TH_CLI_SEVERAL_H

#include "cli/settings.h"

/* Opens what the connections share. 0, or an exit status after having said why. */
int th_cli_several_open(struct th_context **context, const struct th_cli_settings *settings);

/* Takes the signals over, closes the sandbox, and waits for a date. 0, or an exit status. Whatever
 * it is, th_cli_signals_leave() ends it. */
int th_cli_several_begin(const struct th_cli_settings *settings, const struct th_context *context);

/* The block of a connection, below TH_CONNECTIONS; aligned to a page. */
void *th_cli_several_block(size_t number, size_t *bytes);

#endif
