#include "base/errno.h"
#include "cli/command.h"

#include "cli/exit.h"
#include "cli/say.h"
#include "mem/run.h"
#include <errno.h>
#include <string.h>

struct words {
    int argc;
    char **argv;
};

static int run(void *arg)
{
    const struct words *words = arg;
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
