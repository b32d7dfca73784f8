#include "base/words.h"

#include <string.h>

const char *th_words_find(const struct th_words *words, int number)
{
    const char *text = words->texts;
    for (size_t i = 0; i < words->count; i++, text += strlen(text) + 1)
        if (words->numbers[i] == number)
            return text;
    return NULL;
}
