/* Text. */
#ifndef TH_BASE_TEXT_H
#define TH_BASE_TEXT_H

#include <stdbool.h>

/* As strstr(). The binary uses it in place of libc's, which is made for long texts and needs 1,200
 * bytes more. */
char *th_text_find(const char *text, const char *part);

/* Of texts that lie in one string, one behind the other, the one behind so many: without the eight
 * bytes that a pointer to each would take. */
const char *th_text_nth(const char *texts, unsigned skipped);

/* The same text, or both are NULL. */
bool th_text_same(const char *one, const char *other);

/* Of ASCII, whatever the locale. */
static inline bool th_is_digit(int character)
{
    return character >= '0' && character <= '9';
}

#endif
