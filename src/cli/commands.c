#include "cli/command.h"

/* help is not run from here: it lists what stands here. */
const struct th_cli_command th_cli_commands[] = {
    {"pub", th_cli_pub, TH_EXPLAINED("publish a message, a file, or lines")},
    {"sub", th_cli_sub, TH_EXPLAINED("subscribe to topics and print what comes")},
    {"rr", th_cli_rr, TH_EXPLAINED("publish a request and print the response")},
    {"mem", th_cli_mem, TH_EXPLAINED("where memory goes: what is reserved, and what a process uses")},
    {"explain", th_cli_explain, TH_EXPLAINED("what an exit code means and what to do about it")},
    {"version", th_cli_version, TH_EXPLAINED("what this program was built from")},
    {"help", NULL, TH_EXPLAINED("this list, or the options of a command")},
};

const size_t th_cli_commands_count = sizeof th_cli_commands / sizeof *th_cli_commands;
