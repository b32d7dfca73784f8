/* A message whose connection broke while it was printed: the break is named, and what the broker
 * sends again is printed from its beginning. */
#include "cli/resume.h"

#include "cli/exit.h"
#include "cli/piece.h"
#include "cli/print.h"
#include "cli/say.h"

static bool printing;

static void break_off_lost(void)
{
    if (!printing)
        return;
    th_cli_print_cut();
    th_cli_warn("the message before was cut off: the connection was lost");
    printing = false;
}

void th_cli_resume_open(void)
{
    printing = false;
}

void th_cli_resume_connected(bool session_present)
{
    (void)session_present;
    break_off_lost();
}

bool th_cli_resume_take(struct th_delivery *piece)
{
    printing = !th_cli_piece_is_last(piece);
    return true;
}

int th_cli_resume_close(void)
{
    break_off_lost();
    return TH_CLI_OK;
}
