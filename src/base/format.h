/* What this house needs of printf: 1 KB instead of musl's 12, and no floating point.
 *
 * Conversions: %c %s %d %i %u %x %X %%. Flags '-' and '0', a width, a precision for %s (also as
 * '*'), the lengths l, ll and z. Anything else ends the text there and returns -1. */
#ifndef TH_BASE_FORMAT_H
#define TH_BASE_FORMAT_H

#include <stdarg.h>
#include <stddef.h>

/* Sentences of the static binary are packed (config/pack.awk). Formats, and texts for %s, are
 * written as they were; nothing else understands them. So many letters a byte may stand for. */
#define TH_UNPACKED_MAX 16

/* As snprintf: writes at most bytes - 1 characters and a NUL, returns the length the whole text
 * would have. `to` may be NULL when `bytes` is 0. */
int th_format(char *to, size_t bytes, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
int th_format_list(char *to, size_t bytes, const char *format, va_list args)
    __attribute__((format(printf, 3, 0)));

#endif
