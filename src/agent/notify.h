/* Tells the service manager how we are: sd_notify(3), over the socket that $NOTIFY_SOCKET names. */
#ifndef TH_AGENT_NOTIFY_H
#define TH_AGENT_NOTIFY_H

#include <stdint.h>
#include <thimble.h>

/* Before the sandbox closes. Without the variable, or without somebody who listens, nothing is told. */
void th_agent_notify_open(void);
void th_agent_notify_close(void);

/* READY=1, once; WATCHDOG=1 when half of $WATCHDOG_USEC has passed. */
void th_agent_notify_alive(void);

/* When to call the above next; th_clock_ms(), or TH_NEVER. */
uint64_t th_agent_notify_due_ms(void);

/* STATUS=: connected, or why not and when it is tried again. */
void th_agent_notify_event(const struct th_event *event);

#endif
