/* cJSON as thimble builds it; included before its source, which is compiled as it is. */
#ifndef TH_CONFIG_CJSON_H
#define TH_CONFIG_CJSON_H

#include "base/format.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

#define CJSON_NESTING_LIMIT 8 /* each level of a parsed document costs stack */

/* cJSON prints with sprintf and reads fractions back with sscanf: 22 KB of musl. We write whole
 * numbers only; a fraction would fail to print. */
#define sprintf(to, ...) th_format((char *)(to), INT_MAX, __VA_ARGS__)
#define sscanf(text, format, number) 0

/* The program reads no JSON, its tests do: strtod would be linked, though nobody calls it. */
#ifndef TH_TEST
#define strtod(text, end) (*(end) = (char *)(text), 0.0)
#endif

#endif
