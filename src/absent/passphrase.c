#include "cli/passphrase.h"

struct th_passphrase th_cli_passphrase(const struct th_cli_settings *settings)
{
    (void)settings;
    return (struct th_passphrase){NULL, NULL};
}
