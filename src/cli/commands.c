#include "cli/command.h"

/* help is not run from here: it lists what stands here. */
const struct th_cli_command th_cli_commands[] = {
    {"pub", th_cli_pub, "publish a message, a file, or lines"},
    {"sub", th_cli_sub, "subscribe to topics and print what comes"},
    {"rr", th_cli_rr, "publish a request and print the response"},
    {"mem", th_cli_mem, "where memory goes: what is reserved, and what a process uses"},
    {"explain", th_cli_explain, "what an exit code means and what to do about it"},
    {"version", th_cli_version, "what this program was built from"},
    {"help", NULL, "this list, or the options of a command"},
};

const size_t th_cli_commands_count = sizeof th_cli_commands / sizeof *th_cli_commands;
