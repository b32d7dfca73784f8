/* Tells the service manager how we are: sd_notify(3), over the socket that $NOTIFY_SOCKET names. */
#ifndef TH_AGENT_NOTIFY_H
#define TH_AGENT_NOTIFY_H

#include "agent/part.h"

/* READY=1, once; WATCHDOG=1 when half of $WATCHDOG_USEC has passed; STATUS=: connected, or why not
 * and whether it is tried again. Without the variable, or without somebody who listens, nothing is
 * told. */
extern const struct th_agent_part th_agent_notify;

/* sd_notify(3): RELOADING=1, and READY=1 once it is over. */
void th_agent_notify_reloading(bool begins);

#endif
