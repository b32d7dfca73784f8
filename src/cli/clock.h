/* Before the first connection: waiting for a date that certificates can be judged by. */
#ifndef TH_CLI_CLOCK_H
#define TH_CLI_CLOCK_H

#include "cli/settings.h"
#include <poll.h>

/* Reads what is known of the date. Before anything is locked. Errors: FILE. */
int th_cli_clock_open(const struct th_cli_settings *settings, struct th_fault *fault);

/* 0: connect. TH_WANT_READ: not yet, call again after polling. TH_E_CLOCK: it is not to be had. */
int th_cli_clock_step(struct th_fault *fault);
struct pollfd th_cli_clock_awaited(void);
int th_cli_clock_wait_ms(void);

/* By this date a certificate was judged and is valid: it is kept for the next start. */
void th_cli_clock_confirm(void);

void th_cli_clock_close(void);

#endif
