/* From words to settings: options file, command line, URL, environment, habits and defaults, in the
 * order in which they give way to each other. */
#ifndef TH_CLI_READ_H
#define TH_CLI_READ_H

#include "cli/options.h"

/* From argv (the words after the command) to settings that make sense, with the password kept and
 * overwritten where it came from. False: see `problem`. With --help or --version nothing is
 * required. */
bool th_cli_settings_read(struct th_cli_settings *settings, int command, int argc, char *argv[],
                          struct th_cli_problem *problem);

/* What follows the configuration: URL, environment, habits, whether all goes together, defaults. */
bool th_cli_settings_complete(struct th_cli_settings *settings, struct th_cli_problem *problem);

#endif
