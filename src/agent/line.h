/* A message as a producer writes it: one line of JSON. docs/agent.md has its members. */
#ifndef TH_AGENT_LINE_H
#define TH_AGENT_LINE_H

#include "spool/spool.h"

/* Reads the line, which is written over: what the message points to lies in it, or in memory of our
 * own, until the next call. The topic is one; payload and topic were given. 0, or ARGUMENT with a
 * sentence for its producer. */
int th_agent_line_read(struct th_spool_message *message, char *text, size_t bytes,
                       struct th_fault *fault);

#endif
