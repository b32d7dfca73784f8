/* How the agent is: a state, since when, and why; what went wrong so far; what a human should
 * see. */
#ifndef TH_AGENT_STATE_H
#define TH_AGENT_STATE_H

#include "agent/part.h"
#include "agent/show.h"

enum th_agent_state {
    TH_AGENT_DISCONNECTED,        /* not begun yet, or ending in good order */
    TH_AGENT_WAITING_FOR_NETWORK, /* there is no way to the broker; tried again */
    TH_AGENT_WAITING_FOR_CLOCK,   /* no certificate can be judged by this date */
    TH_AGENT_CONNECTING,
    TH_AGENT_CONNECTED,
    TH_AGENT_DEGRADED,            /* connected, and an alarm is on */
    TH_AGENT_BACKOFF,             /* the last attempt failed; tried again */
    TH_AGENT_ERROR,               /* it failed, and another attempt cannot heal it */
    TH_AGENT_STATES
};

/* "waiting-for-network" */
const char *th_agent_state_name(enum th_agent_state state);

/* Tells each change to the log. What is asked through --status-socket begins with the object
 * "agent": its keys are in thimble-status(1). */
extern const struct th_agent_part th_agent_state;

/* How often the state has changed. */
unsigned th_agent_state_changes(void);

/* What --status-socket would answer now of this connection. Good until the next one; may be
 * written over. */
struct th_agent_answer th_agent_state_answer(void);

#endif
