/* Floating point in decimal, exactly as printf's %.*f, without printf: whole numbers only, no stack
 * to speak of. */
#ifndef TH_CLI_FLOAT_H
#define TH_CLI_FLOAT_H

#include <thimble.h>

/* No double has more digits behind the point. */
#define TH_CLI_FLOAT_DIGITS 1074

/* `bits`: IEEE 754 binary64. `precision`: digits behind the point, at most TH_CLI_FLOAT_DIGITS. The
 * text lives until the next call. */
struct th_slice th_cli_float_text(uint64_t bits, unsigned precision);

/* The double a float (binary32) is. */
uint64_t th_cli_float_widen(uint32_t bits);

#endif
