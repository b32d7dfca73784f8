/* Words that are no options: files and hosts of cert, key and csr. */
#ifndef TH_CLI_WORD_H
#define TH_CLI_WORD_H

#include "cli/settings.h"

/* False: the command takes no words, or not so many, or it is none. */
bool th_cli_word_take(struct th_cli_settings *settings, const char *word);

#endif
