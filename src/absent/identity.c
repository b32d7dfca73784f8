#include "cli/identity.h"

bool th_cli_identity_take(struct th_cli_settings *settings, struct th_cli_problem *problem)
{
    (void)settings, (void)problem;
    return true;
}

void th_cli_identity_done(void)
{
}
