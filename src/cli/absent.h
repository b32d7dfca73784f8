/* What this build lacks, by its profile (config/features.mk). */
#ifndef TH_CLI_ABSENT_H
#define TH_CLI_ABSENT_H

#include "cli/options.h"

#define TH_CLI_ABSENT "%s: not in this build (profile " TH_PROFILE_NAME "); the default one has it"

/* Only other builds have it. */
bool th_cli_command_is_absent(const char *name);
bool th_cli_option_is_absent(const struct th_cli_option *option);

#endif
