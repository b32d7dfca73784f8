/* The names of the commands that have options. */
#ifndef TH_CLI_NAMES_H
#define TH_CLI_NAMES_H

/* "pub" for TH_CLI_PUB, or "sub and rr" for a mask of several, until the next call. */
const char *th_cli_commands_named(int commands);

/* The one with this mask, of a single bit; or NULL. */
struct th_cli_command;
const struct th_cli_command *th_cli_command_of(int mask);

/* TH_CLI_PUB for "pub"; 0: none of those with options. */
int th_cli_command_named(const char *name);

#endif
