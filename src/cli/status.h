/* --status-socket: whoever connects gets the memory report as JSON, as it is now. */
#ifndef TH_CLI_STATUS_H
#define TH_CLI_STATUS_H

#include "cli/settings.h"
#include <poll.h>
#include <thimble/report.h>

/* Listens, if that is wanted. Errors: FILE. */
int th_cli_status_open(const struct th_cli_settings *settings, struct th_fault *fault);

/* To be polled; poll(2) passes it over if there is no socket. */
struct pollfd th_cli_status_awaited(void);

/* Begins an answer; adds what is to be told of the connection whose turn it is (cli/lane.h), on a
 * line of its own if it has a name; and answers one asker, without waiting: what does not fit into
 * the socket's buffer is too slow, and cut off. */
void th_cli_status_begin(void);
void th_cli_status_add(const struct th_report *report);
void th_cli_status_answer(void);

/* Somebody writes at most `bytes` of members that come before the report's: an object without its
 * last bracket. Returns how many; 0: nothing. */
typedef size_t th_cli_status_more(char *text, size_t bytes);
void th_cli_status_also(th_cli_status_more *more);

/* An answer of this connection alone. Good until the next call; may be written over. */
char *th_cli_status_text(const struct th_report *report, size_t *bytes);

/* Removes the socket. */
void th_cli_status_close(void);

#endif
