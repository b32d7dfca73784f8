#include "cli/names.h"

#include "base/format.h"
#include "cli/command.h"
#include <string.h>

static const char *list(int commands)
{
    static char text[96];
    size_t used = 0;
    for (size_t i = 0; i < th_cli_commands_count; i++)
        if (commands & th_cli_commands[i].mask)
            used += (size_t)th_format(text + used, sizeof text - used, "%s%s",
                                      used ? " and " : "", th_cli_commands[i].name);
    return text;
}

const struct th_cli_command *th_cli_command_of(int mask)
{
    for (size_t i = 0; i < th_cli_commands_count; i++)
        if (mask == th_cli_commands[i].mask)
            return &th_cli_commands[i];
    return NULL;
}

const char *th_cli_commands_named(int commands)
{
    const struct th_cli_command *command = th_cli_command_of(commands);
    return command ? command->name : list(commands);
}

int th_cli_command_named(const char *name)
{
    for (size_t i = 0; i < th_cli_commands_count; i++)
        if (!strcmp(name, th_cli_commands[i].name))
            return th_cli_commands[i].mask;
    return 0;
}
