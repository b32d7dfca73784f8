#include "cli/command.h"

#include "cli/exit.h"
#include "cli/say.h"

int th_cli_rr(int argc, char *argv[])
{
    static struct th_cli_settings settings;
    int status;
    if (!th_cli_begin(&settings, TH_CLI_RR, argc, argv, &status))
        return status;
    th_cli_complain("not yet");
    return TH_CLI_INTERNAL;
}
