/* What the options say together: contradictions are refused, and what one means for another is
 * filled in. Touches neither network nor files. */
#ifndef TH_CLI_CHECK_H
#define TH_CLI_CHECK_H

#include "cli/options.h"

/* What was given, before the defaults; passwords and keys are kept, and overwritten where they came
 * from. False: see `problem`. */
bool th_cli_check(struct th_cli_settings *settings, struct th_cli_problem *problem);

/* After the defaults: one means nothing, for what it needs was not given, or what excludes it was.
 * `offset` is the option's. */
bool th_cli_check_is_idle(const struct th_cli_settings *settings, uint16_t offset);

#endif
