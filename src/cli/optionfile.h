/* Options in a file, one to a line with its value: the user's defaults, or what -o names. */
#ifndef TH_CLI_OPTIONFILE_H
#define TH_CLI_OPTIONFILE_H

#include "cli/options.h"

#define TH_CLI_OPTIONFILE_BYTES 4096

/* Reads the file of -o, or if `path` is NULL the user's own for this command, if there is one. What
 * was read lives as long as the program. False: see `problem`. */
bool th_cli_optionfile_read(struct th_cli_settings *settings, const char *path,
                            struct th_cli_problem *problem);

/* The content of such a file; writes NULs into it, also behind its last byte. */
bool th_cli_optionfile_parse(struct th_cli_settings *settings, char *text, size_t bytes,
                             const char *path, struct th_cli_problem *problem);

#endif
