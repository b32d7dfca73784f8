/* SIGHUP: the configuration is read again. What is wrong in it is told, and everything goes on as
 * it was. What is right counts at once, or after a trial on a new connection (cli/rotate.h), or,
 * where it cannot change in a program that is locked in, from the next start on, which is told. */
#ifndef TH_AGENT_RELOAD_H
#define TH_AGENT_RELOAD_H

#include "cli/settings.h"

/* Before the first connection. */
void th_agent_reload_open(struct th_cli_settings *settings);

/* Whether the last configuration that was read was refused: it is not what counts. */
bool th_agent_reload_refused(void);

/* In the runner: reads the handlers again. False: there is something wrong with them, or the file
 * is not that with this sum. */
bool th_agent_reload_handlers(uint32_t sum);

/* What follows from the settings for the connection (agent.c), and the other way round. */
void th_agent_complete(struct th_cli_settings *settings);
void th_agent_strip(struct th_cli_settings *settings);

/* What needs no connection has changed. */
void th_agent_renew(void);

/* The handlers have. */
void th_agent_resubscribe(void);

#endif
