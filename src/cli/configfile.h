/* Settings in JSON, --config: a name in it is that of an option, or one of a few others; objects
 * put names together, or are mere headings. What the command line or the environment says counts
 * more. */
#ifndef TH_CLI_CONFIGFILE_H
#define TH_CLI_CONFIGFILE_H

#include "cli/options.h"

#define TH_CLI_CONFIGFILE_BYTES 16384

/* Reads the file of --config, if there is one. What was read lives as long as the program. False:
 * see `problem`, whose status is set. */
bool th_cli_configfile_read(struct th_cli_settings *settings, struct th_cli_problem *problem);

/* How many connections it names, 0: there are no such things in it; and what that is called whose
 * turn it is (cli/lane.h): its settings are those that were read. The others are read in their
 * turns, like this, once the first one was. */
#define TH_CLI_CONNECTION_NAME_BYTES 32
unsigned th_cli_configfile_connections(void);
const char *th_cli_configfile_connection(void);
bool th_cli_configfile_read_another(struct th_cli_settings *settings,
                                    struct th_cli_problem *problem);

/* Puts before the text of `problem` where the option with this place in the settings stands in the
 * file, or else the connection whose turn it is; 0: where its name stands. Or that the command line
 * gave the option, to all. Always false. */
bool th_cli_configfile_locate(struct th_cli_problem *problem, uint16_t offset);

/* Reads it again, on top of what the command line said, beside what was read before. Pins are not
 * filled in. False: see `problem`; secrets or pins that are others than at the first time are a
 * mistake, too. `kept` is what these texts lie in: it stays until something newer is kept for live
 * values, or for tried ones. */
bool th_cli_configfile_reread(struct th_cli_settings *settings, struct th_cli_problem *problem);
void th_cli_configfile_keep(enum th_cli_reload what);

/* What was read last lies in one of so many places, in this one. */
#define TH_CLI_CONFIGFILE_PLACES 4
unsigned th_cli_configfile_place(void);

/* A sum over the file as it was when it was read last. */
uint32_t th_cli_configfile_sum(void);

/* The content of such a file; writes over it. */
bool th_cli_configfile_parse(struct th_cli_settings *settings, char *text, size_t bytes,
                             const char *path, struct th_cli_problem *problem);

/* "flag", "environment" or "file": where the option's value comes from, after the settings were
 * read. NULL: nobody gave it. */
const char *th_cli_configfile_origin(const struct th_cli_settings *settings,
                                     const struct th_cli_option *option);

/* Its name in the file. NULL: it cannot stand there. */
const char *th_cli_configfile_name(const struct th_cli_option *option);

#endif
