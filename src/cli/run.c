#include "cli/command.h"

#include "cli/absent.h"
#include "cli/exit.h"
#include "cli/names.h"
#include "cli/nearest.h"
#include "cli/persona.h"
#include "cli/printed.h"
#include "cli/say.h"
#include "cli/show.h"
#include "cli/signals.h"
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

static const struct th_cli_command *find(const char *name)
{
    for (size_t i = 0; i < th_cli_commands_count; i++)
        if (!strcmp(th_cli_commands[i].name, name))
            return &th_cli_commands[i];
    return NULL;
}

static const char *name_of(size_t i)
{
    return th_cli_commands[i].name;
}

/* Not inlined: what it shows would lie below all that is done. */
__attribute__((noinline)) static int refuse(const char *name)
{
    char shown[TH_CLI_SHOWN_BYTES];
    const char *meant = th_cli_nearest(name, name_of, th_cli_commands_count);
    return th_cli_complain(
        th_cli_command_is_absent(name) ? TH_CLI_ABSENT
        : *name == '-' ? "%s: the command comes first, such as thimble pub; see thimble --help"
        : meant        ? "%s: no such command; did you mean thimble %s?"
                       : "%s: no such command; see thimble --help",
        th_cli_show(name, shown), meant);
}

/* ---- dispatch ---- */

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

static int run_command(const struct th_cli_command *command, int argc, char *argv[])
{
    if (command->run)
        return command->run(argc - 1, argv + 1);
    th_cli_help_commands();
    return th_cli_printed();
}

/* "help NAME" is NAME --help; which no words at all are where there are no options. */
static int run_named(const char *name, int argc, char *argv[])
{
    if (argc > 1 && !strcmp(name, "help")) {
        name = argv[1];
        argv[1] = "--help";
    }
    const struct th_cli_command *command = find(name);
    if (!command)
        return refuse(name);
    bool asks = argc > 1 && !command->mask && !strcmp(argv[1], "--help");
    return run_command(command, asks ? 1 : argc, argv);
}

static int run_word(int argc, char *argv[])
{
    if (argc < 1)
        return th_cli_complain("the command is missing; see thimble --help");
    const char *name = argv[0];
    if (!strcmp(name, "--help") || !strcmp(name, "--version"))
        name += 2;
    return run_named(name, argc, argv);
}

int th_cli_run(int argc, char *argv[])
{
    occupy_standard_descriptors();
    th_cli_signals_ignore_write_errors();
    int mask = argc > 0 ? th_cli_persona_take(argv[0]) : 0;
    th_cli_exit_as(mask != 0);
    int status = mask ? run_command(th_cli_command_of(mask), argc, argv)
                      : run_word(argc - 1, argv + 1);
    return th_cli_exit_spoken(status);
}
