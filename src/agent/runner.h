/* The process that starts the programs of handlers. It is forked before anything was read from the
 * network and before the sandbox closes, has the table of handlers as the configuration had it
 * then, and takes from the agent the number of one, a topic and a payload: it cannot be told what
 * to start, or with which words. It ends when the agent does, and so do its programs. No part of
 * the ledger. */
#ifndef TH_AGENT_RUNNER_H
#define TH_AGENT_RUNNER_H

#include "agent/order.h"

/* Starts it. The agent's end, which does not block, or -1 and errno. */
int th_agent_runner_start(void);

#endif
