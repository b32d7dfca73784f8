#include "cli/absent.h"

#include "gen/version.h"
#include <string.h>

static const char commands[] = TH_BUILD_LACKS_COMMANDS;

bool th_cli_command_is_absent(const char *name)
{
    for (const char *absent = commands; *absent; absent += strlen(absent) + 1)
        if (!strcmp(absent, name))
            return true;
    return false;
}

bool th_cli_option_is_absent(const struct th_cli_option *option)
{
    return *TH_BUILD_LACKS && !option->commands;
}
