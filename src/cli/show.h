/* Foreign text in our sentences: shortened, and nothing in it drives the terminal. */
#ifndef TH_CLI_SHOW_H
#define TH_CLI_SHOW_H

#include <thimble.h>

#define TH_CLI_SHOWN_BYTES 64

/* At most TH_CLI_SHOWN_BYTES - 1 bytes of `text`; control characters become '?'; what was cut off
 * is marked by "...". An empty text becomes ''. */
const char *th_cli_show(const char *text, char shown[TH_CLI_SHOWN_BYTES]);
const char *th_cli_show_slice(struct th_slice text, char shown[TH_CLI_SHOWN_BYTES]);

#endif
