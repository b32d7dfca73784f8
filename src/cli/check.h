/* What the options say together: the URL taken apart, defaults filled in, contradictions refused.
 * Touches neither network nor files. */
#ifndef TH_CLI_CHECK_H
#define TH_CLI_CHECK_H

#include "cli/options.h"

/* From argv (the words after the command) to settings that make sense, with the password kept and
 * overwritten where it came from. False: see `problem`. With --help or --version nothing is
 * required. */
bool th_cli_settings_read(struct th_cli_settings *settings, int command, int argc, char *argv[],
                          struct th_cli_problem *problem);

#endif
