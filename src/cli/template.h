/* Templates in the texts of the agent: ${device_id}, ${hostname}, ${client_id} and ${connection};
 * "$${" is "${". */
#ifndef TH_CLI_TEMPLATE_H
#define TH_CLI_TEMPLATE_H

#include "cli/problem.h"
#include "cli/settings.h"

/* Options whose texts are templates: by their place in the settings. */
bool th_cli_template_is(uint16_t offset);

/* What is said of a name that there is not. */
#define TH_CLI_TEMPLATE_UNKNOWN \
    "%s}: no such name; there are ${device_id}, ${hostname}, ${client_id} and ${connection}"

/* True: names only what there is. Else `name` is the first that there is not,
 * from its "${" up to its "}". */
bool th_cli_template_check(const char *text, struct th_slice *name);

/* Fills the client id, the topics and the rest of these options in. The texts live as long as what
 * the configuration was read into. False: see `problem`; something has no value, or one that would
 * change the levels of a topic. */
bool th_cli_template_fill(struct th_cli_settings *settings, struct th_cli_problem *problem);

/* One more text, with the values of the call above. NULL: see `problem`. */
const char *th_cli_template_text(const char *text, struct th_cli_problem *problem);

/* ${device_id}, or NULL. */
const char *th_cli_template_device(void);

#endif
