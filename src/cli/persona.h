/* By which name the program was called. Under the name of one of mosquitto's clients it has their
 * defaults, words and exit status. */
#ifndef TH_CLI_PERSONA_H
#define TH_CLI_PERSONA_H

#include "cli/settings.h"

/* Looks at argv[0] without its folders. Returns the command it names (TH_CLI_PUB for
 * mosquitto_pub), or 0. */
int th_cli_persona_take(const char *called);

enum th_cli_persona th_cli_persona(void);

/* "mosquitto_" or "thimble ": what stands before the name of a command. */
const char *th_cli_persona_prefix(void);

/* What mosquitto's clients do with the options they are given, where ours differ: TLS only if asked
 * for, options without meaning ignored, their defaults. */
void th_cli_persona_adopt(struct th_cli_settings *settings);

#endif
