/* Several brokers, in the order of preference: each is tried when the one before it has failed, and
 * from any other the agent goes back to the first once the connection has held for --failback. */
#ifndef TH_AGENT_BROKERS_H
#define TH_AGENT_BROKERS_H

#include "agent/part.h"

extern const struct th_agent_part th_agent_brokers;

/* Before anything is opened: host, port and ports of the settings become those of --brokers. */
void th_agent_brokers_take(struct th_cli_settings *settings);

/* The other way round. */
void th_agent_brokers_strip(struct th_cli_settings *settings);

/* Before the parts are told of `event`, whose redial_in_ms becomes what follows from it. */
void th_agent_brokers_event(struct th_event *event);

#endif
