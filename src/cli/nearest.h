/* "Did you mean ...": the nearest of some words, by edit distance. */
#ifndef TH_CLI_NEAREST_H
#define TH_CLI_NEAREST_H

#include <stddef.h>

#define TH_CLI_NEAREST_BYTES 40

/* The one of `count` names from which a typing error leads to what was typed, or NULL. name_of()
 * may return NULL. Words longer than TH_CLI_NEAREST_BYTES are far from everything. */
const char *th_cli_nearest(const char *typed, const char *(*name_of)(size_t i), size_t count);

#endif
