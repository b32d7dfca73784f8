/* The '%' sequences of -F that are not the payload. */
#ifndef TH_CLI_PARAMETER_H
#define TH_CLI_PARAMETER_H

#include "cli/format.h"

void th_cli_parameter_print(const struct th_cli_item *item, const struct th_delivery *message);

/* What is missing to the item's width beside `bytes`: zeros, if they are wanted and stand on the
 * left, or blanks. */
void th_cli_parameter_fill(const struct th_cli_item *item, size_t bytes);

/* A text in the item's field. */
void th_cli_parameter_field(const struct th_cli_item *item, struct th_slice text);

#endif
