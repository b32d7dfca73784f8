/* Settings in JSON, --config: a name in it is that of an option, or one of a few others; objects
 * put names together, or are mere headings. What the command line or the environment says counts
 * more. */
#ifndef TH_CLI_CONFIGFILE_H
#define TH_CLI_CONFIGFILE_H

#include "cli/options.h"

#define TH_CLI_CONFIGFILE_BYTES 16384

/* Reads the file of --config, if there is one. What was read lives as long as the program, or until
 * it is read again. False: see `problem`, whose status is set. */
bool th_cli_configfile_read(struct th_cli_settings *settings, struct th_cli_problem *problem);

/* The content of such a file; writes over it. */
bool th_cli_configfile_parse(struct th_cli_settings *settings, char *text, size_t bytes,
                             const char *path, struct th_cli_problem *problem);

/* "flag", "environment", "file" or "default": where the option's value comes from, after the
 * settings were read. */
const char *th_cli_configfile_origin(const struct th_cli_settings *settings,
                                     const struct th_cli_option *option);

/* May stand in the file under its long name. */
bool th_cli_configfile_has(const struct th_cli_option *option);

#endif
