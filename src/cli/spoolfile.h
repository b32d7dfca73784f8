/* A file without a name, for what does not fit in memory. It is gone when it is closed, or when
 * the process ends, however it ends. */
#ifndef TH_CLI_SPOOLFILE_H
#define TH_CLI_SPOOLFILE_H

#include <stdbool.h>
#include <stddef.h>

/* In $TMPDIR, /tmp or /var/tmp, readable to us alone. The descriptor, or -1 with errno. */
int th_cli_spoolfile_open(void);

/* Adds at the end. False: see errno. */
bool th_cli_spoolfile_write(int fd, const void *data, size_t bytes);

#endif
