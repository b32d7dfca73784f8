/* The program locks itself in: --sandbox. */
#ifndef TH_CLI_LOCK_H
#define TH_CLI_LOCK_H

#include "cli/settings.h"
#include <thimble/report.h>

/* To be called when everything is open, before the first connection. 0, or an exit status after
 * having said which part is missing. */
int th_cli_lock(const struct th_cli_settings *settings);

/* Fills in report->sandbox. */
void th_cli_lock_report(struct th_report *report);

#endif
