/* SIGUSR1: connect now, anew if we are connected. SIGUSR2: tell on standard error how we are. */
#ifndef TH_AGENT_OBEY_H
#define TH_AGENT_OBEY_H

#include "agent/part.h"

extern const struct th_agent_part th_agent_obey;

#endif
