#include "cli/show.h"

#include "base/slice.h"

static char harmless(uint8_t byte)
{
    return byte < 0x20 || byte == 0x7f ? '?' : (char)byte;
}

const char *th_cli_show_slice(struct th_slice text, char shown[TH_CLI_SHOWN_BYTES])
{
    size_t bytes = text.len_bytes;
    size_t kept = bytes < TH_CLI_SHOWN_BYTES ? bytes : TH_CLI_SHOWN_BYTES - 4;
    if (!bytes)
        return strcpy(shown, "''");
    for (size_t i = 0; i < kept; i++)
        shown[i] = harmless(text.data[i]);
    strcpy(shown + kept, kept < bytes ? "..." : "");
    return shown;
}

const char *th_cli_show(const char *text, char shown[TH_CLI_SHOWN_BYTES])
{
    return th_cli_show_slice(th_slice_text(text), shown);
}
