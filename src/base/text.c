#include "base/text.h"

#include <string.h>

char *th_text_find(const char *text, const char *part)
{
    size_t bytes = strlen(part);
    for (;; text++) {
        if (!strncmp(text, part, bytes))
            return (char *)text;
        if (!*text)
            return NULL;
    }
}

const char *th_text_nth(const char *texts, unsigned skipped)
{
    while (skipped-- > 0)
        texts += strlen(texts) + 1;
    return texts;
}

bool th_text_same(const char *one, const char *other)
{
    return one == other || (one && other && !strcmp(one, other));
}
