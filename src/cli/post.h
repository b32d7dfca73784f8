/* pub --agent: hands messages to the agent of this machine, through its inbox. */
#ifndef TH_CLI_POST_H
#define TH_CLI_POST_H

#include "cli/options.h"
#include "cli/settings.h"

/* With --agent only what tells of the message counts. True: --agent was not given, or all is
 * well. */
bool th_cli_post_check(struct th_cli_settings *settings, struct th_cli_problem *problem);

/* Hands all messages in, and waits for the agent's answers. Returns the exit status, after having
 * said what failed. */
int th_cli_post(const struct th_cli_settings *settings);

#endif
