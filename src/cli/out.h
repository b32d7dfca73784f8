/* Standard output, and a file for events, gathered into few writes. After the first failure
 * everything is dropped. */
#ifndef TH_CLI_OUT_H
#define TH_CLI_OUT_H

#include <stdbool.h>
#include <stddef.h>

void th_cli_out(const void *data, size_t bytes);
void th_cli_out_text(const char *text);

/* A line from a format, of at most 511 bytes; the newline is part of the format. */
void th_cli_out_format(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Writes what is gathered. Waits for a slow reader, but not beyond a signal to end. */
void th_cli_out_flush(void);

/* As before the first byte. */
void th_cli_out_renew(void);

/* errno of the first failure (EPIPE: the reader is gone), 0: none. */
int th_cli_out_error(void);

/* What a broker sent: as it is, but on a terminal nothing in it drives it (cli/guard.h). Whether
 * this is one is found out by th_cli_out_guard(); `one_line` shows newlines too. _end: half a
 * character that came last is shown. */
void th_cli_out_guard(bool one_line);
void th_cli_out_foreign(const void *data, size_t bytes);
void th_cli_out_foreign_end(void);

/* A file that events are appended to. False with errno: it cannot be opened. _end writes what is
 * gathered and returns errno of the first failure, or 0. */
bool th_cli_out_events_open(const char *path);
void th_cli_out_event(const void *data, size_t bytes);
int th_cli_out_event_end(void);

#endif
