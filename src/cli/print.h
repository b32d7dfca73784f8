/* Messages on standard output, the way -v, -F, -N, --pretty, --jsonl and -w want them. */
#ifndef TH_CLI_PRINT_H
#define TH_CLI_PRINT_H

#include "cli/settings.h"

/* Before the first message. The settings are not copied. */
void th_cli_print_open(const struct th_cli_settings *settings);

/* Prints a message, or a piece of one: with the first piece goes what stands before the payload,
 * with the last one what stands behind it. Nothing is kept from one piece to the next. */
void th_cli_print(const struct th_delivery *piece);

/* The rest of a message that was printed in part does not come: its line is ended. */
void th_cli_print_cut(void);

/* TH_CLI_OK, or the exit status of the first message that could not be printed as was asked for;
 * that was said on standard error. */
int th_cli_print_status(void);

/* After the last message. */
void th_cli_print_close(void);

#endif
