/* --prom-file: how we are, for the textfile collector of Prometheus' node_exporter. */
#ifndef TH_AGENT_PROM_H
#define TH_AGENT_PROM_H

#include "agent/part.h"

/* Written every 15 s, at each change of the state, and at the end: under another name, then
 * renamed. */
extern const struct th_agent_part th_agent_prom;

#endif
