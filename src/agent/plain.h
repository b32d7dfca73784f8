/* A second way to the broker, without TLS, which only the operator can open: --insecure-plain.
 * It is another connection, with an outbox of its own, so nothing gets onto it but what is put
 * there:
 * messages of the spool, and subscriptions, that --insecure-plain-topic selects. No credentials, no
 * will, no status, no session that is kept; messages of QoS 2 wait for TLS.
 *
 * It is dialled once an attempt with TLS has failed, which goes on being tried. The first handshake
 * that is good closes it, and leaves a mark in the spool's directory: where that is, whatever it
 * is, the endpoint is refused for good. */
#ifndef TH_AGENT_PLAIN_H
#define TH_AGENT_PLAIN_H

#include "agent/part.h"
#include "cli/problem.h"

extern const struct th_agent_part th_agent_plain;

/* Before anything is opened: the sandbox will allow its port, unless it is refused. False: the
 * settings do not fit, see `problem`. */
bool th_agent_plain_take(struct th_cli_settings *settings, struct th_cli_problem *problem);

/* Which connection takes a message of the spool now. NULL: it waits. */
struct th_client *th_agent_plain_carrier(struct th_slice topic, uint8_t qos);

/* Connected, and not by TLS. */
bool th_agent_plain_is_up(void);

#endif
