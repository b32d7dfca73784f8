/* A directory where files are messages (--drop): what is renamed into it, or closed after it was
 * written, is taken and, once it is on the spool's disk, removed. docs/agent.md. */
#ifndef TH_AGENT_DROP_H
#define TH_AGENT_DROP_H

#include "agent/part.h"

extern const struct th_agent_part th_agent_drop;

#endif
