/* Included before cJSON's own source, which is compiled as it is. */
#ifndef TH_CONFIG_CJSON_H
#define TH_CONFIG_CJSON_H

#include <stdio.h>

#define CJSON_NESTING_LIMIT 8

/* cJSON tries a fraction with 15 digits and reads it back to see whether 17 are needed. Without the
 * trial it prints 17 at once, and 10 KB of libc (scanf, decimal to floating point) stay out of the
 * binary. We write integers only. */
#define sscanf(text, format, number) 0

#endif
