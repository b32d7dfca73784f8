/* --memory-trace: one line for each allocation, return and phase, written from a small buffer. */
#ifndef TH_CLI_MEMTRACE_H
#define TH_CLI_MEMTRACE_H

#include <thimble.h>

/* From now on each change of a ledger is noted for a file, until that takes no more, which is said
 * once. It is never waited for. th_cli_memtrace_open() makes it, unless so much is noted before. */
void th_cli_memtrace_begin(const char *path);

/* Nothing to do without a trace. Errors: FILE. */
int th_cli_memtrace_open(struct th_fault *fault);

/* Writes what is gathered; nothing to do without a trace. */
void th_cli_memtrace_flush(void);

void th_cli_memtrace_close(void);

#endif
