/* Where the broker is: what the URLs of -L and --proxy say, put where the other options go. */
#ifndef TH_CLI_LOCATE_H
#define TH_CLI_LOCATE_H

#include "cli/options.h"

/* The secrets of the URLs are kept elsewhere and wiped there. False: see `problem`. */
bool th_cli_locate(struct th_cli_settings *settings, struct th_cli_problem *problem);

#endif
