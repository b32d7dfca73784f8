#include "cli/names.h"

#include "cli/settings.h"
#include <string.h>

const char *th_cli_commands_named(int commands)
{
    static const char *const names[TH_CLI_ALL + 1] = {
        [TH_CLI_PUB] = "pub",
        [TH_CLI_SUB] = "sub",
        [TH_CLI_RR] = "rr",
        [TH_CLI_PUB | TH_CLI_RR] = "pub and rr",
        [TH_CLI_SUB | TH_CLI_RR] = "sub and rr",
    };
    return names[commands];
}

int th_cli_command_named(const char *name)
{
    for (int command = TH_CLI_PUB; command <= TH_CLI_RR; command <<= 1)
        if (!strcmp(name, th_cli_commands_named(command)))
            return command;
    return 0;
}
