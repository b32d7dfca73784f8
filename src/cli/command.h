/* The commands. Each gets the words after its name and returns the exit status. */
#ifndef TH_CLI_COMMAND_H
#define TH_CLI_COMMAND_H

#include "cli/settings.h"

struct th_cli_command {
    const char *name;
    int (*run)(int argc, char *argv[]); /* NULL: help */
    const char *summary;
    int mask;          /* TH_CLI_PUB ...; 0: it has no options of the table */
    const char *usage; /* what its help begins with */
};

extern const struct th_cli_command th_cli_commands[];
extern const size_t th_cli_commands_count;

int th_cli_pub(int argc, char *argv[]);
int th_cli_sub(int argc, char *argv[]);
int th_cli_rr(int argc, char *argv[]);
int th_cli_tunnel(int argc, char *argv[]);
int th_cli_bench(int argc, char *argv[]);
int th_cli_agent(int argc, char *argv[]);
int th_cli_config(int argc, char *argv[]);
int th_cli_cert(int argc, char *argv[]);
int th_cli_key(int argc, char *argv[]);
int th_cli_csr(int argc, char *argv[]);
int th_cli_identity(int argc, char *argv[]);
int th_cli_spool(int argc, char *argv[]);
int th_cli_status(int argc, char *argv[]);
int th_cli_mem(int argc, char *argv[]);
int th_cli_version(int argc, char *argv[]);
int th_cli_explain(int argc, char *argv[]);

/* Finds the command in argv[0] or argv[1] and runs it. Returns the exit status. */
int th_cli_run(int argc, char *argv[]);

/* What pub, sub and rr begin with: reads the command line into *settings; prints help or version if
 * that is asked for. True: go on; false: end with *status. */
bool th_cli_begin(struct th_cli_settings *settings, int command, int argc, char *argv[],
                  int *status);

/* Help for pub, sub or rr, from the option table, to standard output. */
void th_cli_help_command(int command);

/* The list of commands. */
void th_cli_help_commands(void);

#endif
