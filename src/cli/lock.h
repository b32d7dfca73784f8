/* The program locks itself in: --sandbox. */
#ifndef TH_CLI_LOCK_H
#define TH_CLI_LOCK_H

#include "cli/settings.h"
#include <thimble/report.h>

/* What a connection with these settings will do; one after the other. `rereads_roots`: files of CA
 * certificates are read later. */
void th_cli_lock_wish(const struct th_cli_settings *settings, bool rereads_roots);

/* To be called when everything is open, before the first connection. 0, or an exit status after
 * having said which part is missing. */
int th_cli_lock(const struct th_cli_settings *settings);

/* Before: this file will be written to, too. */
void th_cli_lock_writes(const char *path);

/* Fills in report->sandbox. */
void th_cli_lock_report(struct th_report *report);

#endif
