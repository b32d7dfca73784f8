#include "net/hosts.h"

#include "net/name.h"
#include "net/words.h"

/* Reads the words up to the end of the line; true when `name` is among them. */
static bool line_names(struct th_net_words *words, const char *name, enum th_net_word *kind)
{
    char word[TH_NET_WORD_BYTES];
    bool named = false;
    while ((*kind = th_net_words_next(words, word)) == TH_NET_WORD)
        named |= th_net_name_equal(word, name);
    return named;
}

/* A line is an address and its names. */
static enum th_net_word read_line(struct th_net_words *words, const char *name,
                                  struct th_net_addresses *found)
{
    char word[TH_NET_WORD_BYTES];
    struct th_net_address address;
    enum th_net_word kind = th_net_words_next(words, word);
    if (kind != TH_NET_WORD)
        return kind;
    bool is_address = th_net_address_parse(&address, word);
    if (line_names(words, name, &kind) && is_address)
        th_net_addresses_add(found, &address);
    return kind;
}

bool th_net_hosts_find(const char *path, const char *name, struct th_net_addresses *found)
{
    struct th_net_words words;
    if (!th_net_words_open(&words, path))
        return false;
    while (read_line(&words, name, found) != TH_NET_WORDS_FILE_END)
        ;
    th_net_words_close(&words);
    return found->count > 0;
}
