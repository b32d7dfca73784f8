/* --status-topic: how this device is, as retained JSON messages of the form
 *
 *     {"deviceId":"pump-17","timestamp":"2027-01-31T12:00:00Z","status":"online",
 *      "firmwareVersion":"0.1.0"}
 *
 * "online" after each CONNACK; "offline" when asked to end, and as the will; "error", with a
 * "reason", when the broker refuses a subscription. The time of a will is that of the end before,
 * or of the start. */
#ifndef TH_AGENT_PRESENCE_H
#define TH_AGENT_PRESENCE_H

#include "agent/part.h"

/* The will of these settings, once their templates are filled. 0, or an exit status after having
 * said why. */
int th_agent_presence_will(struct th_cli_settings *settings);

/* The other way round. */
void th_agent_presence_strip(struct th_cli_settings *settings);

extern const struct th_agent_part th_agent_presence;

#endif
