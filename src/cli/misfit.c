#include "cli/misfit.h"

#include "cli/exit.h"
#include "cli/say.h"
#include "cli/show.h"

int th_cli_misfit(const char *word, const char *command)
{
    char shown[TH_CLI_SHOWN_BYTES];
    th_cli_voice_call(command, NULL);
    return th_cli_complain("%s does not fit here; see thimble help %s",
                           th_cli_show(word, shown), command);
}
