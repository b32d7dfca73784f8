/* The '%' sequences of -F that are not the payload. */
#ifndef TH_CLI_PARAMETER_H
#define TH_CLI_PARAMETER_H

#include "cli/format.h"

void th_cli_parameter_print(const struct th_cli_item *item, const struct th_delivery *message);

/* `count` times `padding`. */
void th_cli_parameter_pad(char padding, size_t count);

/* A text in the item's field, filled up with blanks, or with zeros if `zeros` and on the left. */
void th_cli_parameter_field(const struct th_cli_item *item, struct th_slice text, bool zeros);

#endif
