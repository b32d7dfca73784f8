#include "cli/show.h"

#include <stddef.h>
#include <string.h>

static char harmless(char c)
{
    unsigned char byte = (unsigned char)c;
    return byte < 0x20 || byte == 0x7f ? '?' : c;
}

const char *th_cli_show(const char *text, char shown[TH_CLI_SHOWN_BYTES])
{
    if (!text || !*text)
        return strcpy(shown, "''");
    size_t bytes = strnlen(text, TH_CLI_SHOWN_BYTES);
    size_t kept = bytes < TH_CLI_SHOWN_BYTES ? bytes : TH_CLI_SHOWN_BYTES - 4;
    for (size_t i = 0; i < kept; i++)
        shown[i] = harmless(text[i]);
    strcpy(shown + kept, kept < bytes ? "..." : "");
    return shown;
}
