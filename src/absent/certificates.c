#include "cli/word.h"

bool th_cli_word_take(struct th_cli_settings *settings, const char *word)
{
    (void)settings, (void)word;
    return false;
}
