/* Strict numbers: digits and nothing else, in a range, or refused. */
#ifndef TH_CLI_NUMBER_H
#define TH_CLI_NUMBER_H

#include <stdbool.h>
#include <stdint.h>

/* "0" to "9223372036854775807", no sign, no blank. */
bool th_cli_number_parse(const char *text, int64_t min, int64_t max, int64_t *number);

/* Seconds with up to three decimals ("2", "0.25"), as milliseconds. */
bool th_cli_number_parse_ms(const char *text, int64_t min_ms, int64_t max_ms, int64_t *ms);

/* "1s..60s", or "1..60", or one of the two numbers for both. */
bool th_cli_number_parse_range_ms(const char *text, int64_t min_ms, int64_t max_ms, int64_t ms[2]);

/* Bytes; a "k" at the end means 1,024. */
bool th_cli_number_parse_bytes(const char *text, int64_t min, int64_t max, int64_t *bytes);

/* Two hexadecimal digits, as a byte; or -1. */
int th_cli_number_hex(const char *digits);

#endif
