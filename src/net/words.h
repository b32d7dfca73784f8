/* The words of a small configuration file, one after the other, however long its lines are. */
#ifndef TH_NET_WORDS_H
#define TH_NET_WORDS_H

#include <stdbool.h>
#include <stdint.h>

#define TH_NET_WORD_BYTES 256 /* a longer word comes out empty: nothing compares equal to it */

struct th_net_words {
    int fd;
    uint16_t at, end;
    bool ended;
    char buffer[256];
};

enum th_net_word { TH_NET_WORD, TH_NET_WORDS_LINE_END, TH_NET_WORDS_FILE_END };

/* False when the file cannot be opened: then there is nothing to close. */
bool th_net_words_open(struct th_net_words *words, const char *path);
void th_net_words_close(struct th_net_words *words);

/* Spaces and control characters separate words; '#' and ';' begin a comment. */
enum th_net_word th_net_words_next(struct th_net_words *words, char word[TH_NET_WORD_BYTES]);

#endif
