/* --session-file: the TLS session of the last connection, for the next process. */
#ifndef TH_CLI_SESSIONFILE_H
#define TH_CLI_SESSIONFILE_H

#include <thimble.h>

/* Reads the file and holds it, locked, until close; makes it if it is not there. While another
 * process holds it, nothing is read and nothing kept. Errors: FILE. */
int th_cli_sessionfile_open(const char *path, struct th_resumption *resumption,
                            struct th_fault *fault);

void th_cli_sessionfile_close(void);

#endif
