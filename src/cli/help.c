#include "cli/command.h"

#include "base/format.h"
#include "cli/names.h"
#include "cli/options.h"
#include "cli/out.h"
#include "cli/persona.h"
#include <stdio.h>

#define OPTION_COLUMN 30

/* "  -h, --host HOST", "      --mem-report[=json:FILE]" */
static int write_option(char *text, size_t room, const struct th_cli_option *option, int command)
{
    const char *name = th_cli_long(option), *value = th_cli_value(option);
    char letter[5] = "    ";
    bool is_file = option->offset == offsetof(struct th_cli_settings, config_file);
    int given = is_file && command & TH_CLI_AGENT ? 'c' : option->letter;
    if (given)
        th_format(letter, sizeof letter, "-%c%s", given, name ? ", " : "");
    bool optional = value && th_cli_stands_alone(option);
    return th_format(text, room, "  %s%s%s%s%s%s", letter, name ? "--" : "", name ? name : "",
                     optional ? "[=" : value ? " " : "", value ? value : "", optional ? "]" : "");
}

static void print_option(const struct th_cli_option *option, int command)
{
    char left[80];
    int used = write_option(left, sizeof left, option, command);
    bool fits = used < OPTION_COLUMN;
    th_cli_out_format("%s%s%*s%s\n", left, fits ? "" : "\n", OPTION_COLUMN - (fits ? used : 0), "",
                      th_cli_help_line(option));
}

void th_cli_help_command(int command)
{
    th_cli_out_format("%s%s", th_cli_persona_prefix(), th_cli_command_of(command)->usage);
    for (size_t i = 0; i < th_cli_options_count; i++)
        if (th_cli_options[i].commands & command)
            print_option(&th_cli_options[i], command);
    th_cli_out_text(TH_EXPLAINED("\nExit codes: thimble explain. More: man thimble.\n"));
}

void th_cli_help_commands(void)
{
    th_cli_out_text("thimble " TH_VERSION
                    ": MQTT over mutual TLS in a fixed, proven memory budget\n\n");
    for (size_t i = 0; i < th_cli_commands_count; i++)
        th_cli_out_format("  thimble %-10s %s\n", th_cli_commands[i].name,
                          th_cli_commands[i].summary);
    th_cli_out_text("\nthimble COMMAND --help lists the options of a command.\n");
}
