/* Standard output, gathered into few writes. After the first failure everything is dropped. */
#ifndef TH_CLI_OUT_H
#define TH_CLI_OUT_H

#include <stddef.h>

void th_cli_out(const void *data, size_t bytes);
void th_cli_out_text(const char *text);

/* A line from a format, of at most 511 bytes; the newline is part of the format. */
void th_cli_out_format(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Writes what is gathered. Waits for a slow reader, but not beyond a signal to end. */
void th_cli_out_flush(void);

/* errno of the first failure (EPIPE: the reader is gone), 0: none. */
int th_cli_out_error(void);

#endif
