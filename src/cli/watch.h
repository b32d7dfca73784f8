/* -w: each topic has a line of the terminal for itself, in the order in which they came. */
#ifndef TH_CLI_WATCH_H
#define TH_CLI_WATCH_H

#include <thimble.h>

/* An empty screen. */
void th_cli_watch_open(void);

/* What is printed now stands on the line of that topic, which is empty. */
void th_cli_watch_begin(struct th_slice topic);

/* What is printed now stands below all of them. */
void th_cli_watch_close(void);

#endif
