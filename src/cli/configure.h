/* What the settings are in the words of <thimble.h>. Nothing is copied but a client id made here:
 * the settings must live as long as the connection. */
#ifndef TH_CLI_CONFIGURE_H
#define TH_CLI_CONFIGURE_H

#include "cli/settings.h"

void th_cli_configure_context(struct th_context_config *config,
                              const struct th_cli_settings *settings);

void th_cli_configure_stream(struct th_tls_config *config, const struct th_cli_settings *settings);

/* All but who is called: on_delivery, on_event, on_packet and arg. */
void th_cli_configure(struct th_config *config, const struct th_cli_settings *settings);

#endif
