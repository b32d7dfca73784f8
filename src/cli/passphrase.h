/* The passphrase of an encrypted key: --keypass-file, --keypass-credential, or the terminal. */
#ifndef TH_CLI_PASSPHRASE_H
#define TH_CLI_PASSPHRASE_H

#include "cli/settings.h"

/* Asks when it is needed, and nobody if there is none to ask. The settings must outlive it. */
struct th_passphrase th_cli_passphrase(const struct th_cli_settings *settings);

#endif
