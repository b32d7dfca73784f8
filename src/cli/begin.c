#include "cli/command.h"

#include "cli/configfile.h"
#include "cli/exit.h"
#include "cli/names.h"
#include "cli/out.h"
#include "cli/persona.h"
#include "cli/printed.h"
#include "cli/read.h"
#include "cli/say.h"

static void print_version(int command)
{
    if (th_cli_persona() == TH_CLI_MOSQUITTO)
        th_cli_out_format("mosquitto_%s version " TH_VERSION " running on thimble " TH_VERSION
                          ".\n", th_cli_commands_named(command));
    else
        th_cli_out_text("thimble " TH_VERSION "\n");
}

/* With mosquitto's clients this is no success. */
static int status_of_words(void)
{
    int status = th_cli_printed();
    return th_cli_persona() == TH_CLI_MOSQUITTO ? TH_CLI_USAGE : status;
}

/* Of the connection that was read, if it has a name. */
static void speak(int command)
{
    th_cli_voice_call(th_cli_commands_named(command), th_cli_configfile_connection());
}

bool th_cli_begin(struct th_cli_settings *settings, int command, int argc, char *argv[],
                  int *status)
{
    struct th_cli_problem problem = {.status = TH_CLI_USAGE};
    speak(command);
    if (!th_cli_settings_read(settings, command, argc, argv, &problem)) {
        *status = problem.status;
        speak(command);
        th_cli_complain("%s", problem.text);
        return false;
    }
    if (settings->exit_codes != TH_CLI_UNSET)
        th_cli_exit_as(settings->exit_codes == TH_CLI_MOSQUITTO);
    if (!settings->help && !settings->version_wanted)
        return true;
    if (settings->help)
        th_cli_help_command(command);
    else
        print_version(command);
    *status = status_of_words();
    return false;
}
