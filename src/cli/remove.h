/* --remove-retained: an empty retained message takes the place of each that came (5.0 section
 * 3.3.1.3). What the outbox has no room for waits here, up to 64 KB of topics. */
#ifndef TH_CLI_REMOVE_H
#define TH_CLI_REMOVE_H

#include <thimble.h>

/* Before the first message: none waits. */
void th_cli_remove_open(void);

/* The retained message of this topic. */
void th_cli_remove(struct th_slice topic);

/* One that waits, if there is room now. True: one more may follow. */
bool th_cli_remove_next(void);
bool th_cli_remove_waits(void);

/* TH_EVENT_PUBLISHED: what the broker says to it. */
void th_cli_remove_published(const struct th_event *event);

/* TH_CLI_OK, or the exit status if something was not removed, after having said why. */
int th_cli_remove_status(void);

#endif
