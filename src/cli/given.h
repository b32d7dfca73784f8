/* Which options were given, by the place they write to. */
#ifndef TH_CLI_GIVEN_H
#define TH_CLI_GIVEN_H

#include "cli/options.h"

bool th_cli_option_is_given(const struct th_cli_settings *settings,
                            const struct th_cli_option *option);

/* `offset` is that of the option's place in struct th_cli_settings. NULL: a profile has no such
 * option. */
const struct th_cli_option *th_cli_option_at(uint16_t offset);
bool th_cli_is_given(const struct th_cli_settings *settings, uint16_t offset);
const char *th_cli_name_of(uint16_t offset, char text[TH_CLI_OPTION_NAME_BYTES]);

/* Means nothing without TLS. */
bool th_cli_is_of_tls(const struct th_cli_option *option);

/* The first of these that was given, or NULL. */
const struct th_cli_option *th_cli_first_of_tls(const struct th_cli_settings *settings);

#endif
