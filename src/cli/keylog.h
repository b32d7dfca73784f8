/* The secrets of TLS, for Wireshark, in the format of NSS (SSLKEYLOGFILE). */
#ifndef TH_CLI_KEYLOG_H
#define TH_CLI_KEYLOG_H

#include <thimble.h>

/* Opens the file, which others cannot read if we make it, to append. Errors: FILE. */
int th_cli_keylog_open(const char *path, struct th_fault *fault);

/* For th_context_config.on_keylog. */
void th_cli_keylog_line(void *arg, const char *line);

void th_cli_keylog_close(void);

#endif
