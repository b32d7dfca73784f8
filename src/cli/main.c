#include "base/errno.h"
#include "cli/command.h"

#include "cli/exit.h"
#include "cli/say.h"
#include "mem/pages.h"
#include "mem/run.h"
#include <errno.h>
#include <string.h>

struct words {
    int argc;
    char **argv;
};

/* Where what can be written to begins and ends: the linker says. Keys, passwords and messages lie
 * in pools and on a stack in between, and nowhere else. */
extern const char __init_array_start[], _end[];

static int run(void *arg)
{
    const struct words *words = arg;
    th_pages_keep_secret(__init_array_start, _end);
    return th_cli_run(words->argc, words->argv);
}

int main(int argc, char *argv[])
{
    struct words words = {argc, argv};
    int status = th_stack_run(run, &words);
    if (status >= 0)
        return status;
    char text[TH_ERRNO_TEXT_BYTES];
    th_cli_complain("cannot set the stack up: %s", th_errno_text(errno, text));
    return TH_CLI_SYSTEM;
}
