/* Settings from a line of words, as a command reads them. */
#ifndef TH_TEST_CLI_WORDS_H
#define TH_TEST_CLI_WORDS_H

#include "cli/read.h"
#include "cli/secret.h"

#include <string.h>

static struct th_cli_settings settings;
static struct th_cli_problem problem;

static inline bool reads(int command, const char *line)
{
    static char text[1024];
    static char *words[64];
    int count = 0;
    strcpy(text, line);
    for (char *word = strtok(text, " "); word; word = strtok(NULL, " "))
        words[count++] = word;
    words[count] = NULL;
    th_cli_secret_wipe();
    return th_cli_settings_read(&settings, command, count, words, &problem);
}

#endif
