/* Messages for the programs of the configuration: handed to the runner, answered with what it sends
 * back. The first handler whose filter selects a topic gets it. At most TH_ORDER_JOBS at a time
 * wait or run; a message that comes beyond is dropped, counted and told. */
#ifndef TH_AGENT_HANDLERS_H
#define TH_AGENT_HANDLERS_H

#include "agent/part.h"

extern const struct th_agent_part th_agent_handlers;

/* How many messages were not handled, and why: all were busy; a program failed; a file or a socket
 * took it not. */
enum th_agent_unhandled { TH_AGENT_BUSY, TH_AGENT_PROGRAM, TH_AGENT_SINK, TH_AGENT_UNHANDLED };
uint32_t th_agent_unhandled(enum th_agent_unhandled cause);

/* The configuration cannot be read again now: one of the handlers before is still at work. */
bool th_agent_handlers_are_busy(void);

#endif
