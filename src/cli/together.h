/* The connections of a configuration beside each other: all are read, and go together. */
#ifndef TH_CLI_TOGETHER_H
#define TH_CLI_TOGETHER_H

#include "cli/problem.h"
#include "cli/settings.h"

/* The settings of that connection whose turn it is (cli/lane.h). */
struct th_cli_settings *th_cli_its_settings(void);

/* After those of the first one were read: reads those of the others, and fills the templates of all
 * in. From now on lines of each begin with `command` and its name. The turn is then that of the
 * last one. False: see `problem`, which is of that one. */
bool th_cli_together(const char *command, struct th_cli_problem *problem);

/* The same for the agent, which says what is wrong. Returns the status to end with; the turn is
 * that of the first one. */
int th_cli_begin_others(void);

/* Whether other settings of the connection whose turn it is go together with those that the others
 * have. False: see `problem`. */
bool th_cli_together_still(const struct th_cli_settings *next, struct th_cli_problem *problem);

#endif
