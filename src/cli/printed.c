#include "cli/printed.h"

#include "base/errno.h"
#include "cli/exit.h"
#include "cli/out.h"
#include "cli/say.h"
#include <errno.h>

int th_cli_printed(void)
{
    th_cli_out_flush();
    int error = th_cli_out_error();
    char text[TH_ERRNO_TEXT_BYTES];
    if (!error || error == EINTR)
        return TH_CLI_OK;
    if (error == EPIPE)
        return TH_CLI_OUTPUT_CLOSED;
    th_cli_say_status(TH_CLI_SYSTEM, "cannot write to standard output: %s",
                      th_errno_text(error, text));
    return TH_CLI_SYSTEM;
}
