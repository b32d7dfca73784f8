/* Files in which something is kept from one process to the next: --session-file, --clock-file. */
#ifndef TH_CLI_KEPTFILE_H
#define TH_CLI_KEPTFILE_H

#include <thimble.h>

/* Opens it for reading and writing; makes it, with mode 0600, if it is not there. It must be a
 * file, ours, and nobody else's to read or change; no symbolic link is followed. The descriptor, or
 * FILE, and the sentence names the option. */
int th_cli_keptfile_open(const char *option, const char *path, struct th_fault *fault);

#endif
