/* The program is itself, whatever it is called. */
#include "cli/persona.h"

int th_cli_persona_take(const char *called)
{
    (void)called;
    return 0;
}

enum th_cli_persona th_cli_persona(void)
{
    return TH_CLI_THIMBLE;
}

const char *th_cli_persona_prefix(void)
{
    return "thimble ";
}

void th_cli_persona_adopt(struct th_cli_settings *settings)
{
    (void)settings;
}
