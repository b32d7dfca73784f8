#include "cli/command.h"

#include "base/errno.h"
#include "cli/check.h"
#include "cli/exit.h"
#include "cli/nearest.h"
#include "cli/out.h"
#include "cli/say.h"
#include "cli/show.h"
#include "cli/signals.h"
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

const struct th_cli_command th_cli_commands[] = {
    {"pub", th_cli_pub, "publish a message, a file, or lines"},
    {"sub", th_cli_sub, "subscribe to topics and print what comes"},
    {"rr", th_cli_rr, "publish a request and print the response"},
    {"explain", th_cli_explain, "what an exit code means and what to do about it"},
    {"version", th_cli_version, "what this program was built from"},
    {"help", th_cli_help, "this list, or the options of a command"},
};

const size_t th_cli_commands_count = sizeof th_cli_commands / sizeof *th_cli_commands;

int th_cli_printed(void)
{
    th_cli_out_flush();
    int error = th_cli_out_error();
    char text[TH_ERRNO_TEXT_BYTES];
    if (error && error != EPIPE)
        th_cli_complain("cannot write to standard output: %s", th_errno_text(error, text));
    return !error ? TH_CLI_OK : error == EPIPE ? TH_CLI_OUTPUT_CLOSED : TH_CLI_SYSTEM;
}

static const struct th_cli_command *find(const char *name)
{
    for (size_t i = 0; i < th_cli_commands_count; i++)
        if (!strcmp(th_cli_commands[i].name, name))
            return &th_cli_commands[i];
    return NULL;
}

static const char *nearest(const char *name)
{
    for (unsigned distance = 1; th_cli_is_near(name, distance); distance++)
        for (size_t i = 0; i < th_cli_commands_count; i++)
            if (th_cli_distance(name, th_cli_commands[i].name) == distance)
                return th_cli_commands[i].name;
    return NULL;
}

static int refuse(const char *name)
{
    char shown[TH_CLI_SHOWN_BYTES];
    const char *meant = nearest(name);
    th_cli_show(name, shown);
    if (meant)
        th_cli_complain("%s: no such command; did you mean thimble %s?", shown, meant);
    else
        th_cli_complain("%s: no such command; see thimble --help", shown);
    return TH_CLI_USAGE;
}

/* A descriptor 0, 1 or 2 that is closed would be given to the next socket, and what is printed
 * would be sent. Nothing can be read from or written to what stands there instead. */
static void occupy_standard_descriptors(void)
{
    int fd;
    do
        fd = open("/dev/null", O_PATH | O_CLOEXEC);
    while (fd >= 0 && fd <= STDERR_FILENO);
    if (fd >= 0)
        close(fd);
}

int th_cli_run(int argc, char *argv[])
{
    occupy_standard_descriptors();
    th_cli_signals_ignore_write_errors();
    if (argc < 2) {
        th_cli_complain("the command is missing; see thimble --help");
        return TH_CLI_USAGE;
    }
    if (!strcmp(argv[1], "--help"))
        return th_cli_help(argc - 2, argv + 2);
    if (!strcmp(argv[1], "--version"))
        return th_cli_version(argc - 2, argv + 2);
    const struct th_cli_command *command = find(argv[1]);
    return command ? command->run(argc - 2, argv + 2) : refuse(argv[1]);
}

bool th_cli_begin(struct th_cli_settings *settings, int command, int argc, char *argv[],
                  int *status)
{
    struct th_cli_problem problem;
    th_cli_voice_set(&(struct th_cli_voice){
        .command = th_cli_commands_named(command), .danger = ""});
    *status = TH_CLI_USAGE;
    if (!th_cli_settings_read(settings, command, argc, argv, &problem)) {
        th_cli_complain("%s", problem.text);
        return false;
    }
    if (!settings->help && !settings->version_wanted)
        return true;
    if (settings->help)
        th_cli_help_command(command);
    else
        th_cli_out_text("thimble " TH_VERSION "\n");
    *status = th_cli_printed();
    return false;
}
