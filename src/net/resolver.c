#include "net/resolver.h"

#include "base/text.h"
#include "net/name.h"
#include "net/words.h"

#include <string.h>

static void add_server(struct th_net_resolver *resolver, const char *word)
{
    struct th_net_address *next = &resolver->servers[resolver->server_count];
    if (resolver->server_count < TH_NET_SERVERS_MAX && th_net_address_parse(next, word))
        resolver->server_count++;
}

static void add_search(struct th_net_resolver *resolver, const char *word)
{
    size_t bytes = strlen(word) + 1;
    if (!th_net_name_is_valid(word) || resolver->search_bytes + bytes > TH_NET_SEARCH_BYTES)
        return;
    memcpy(resolver->search + resolver->search_bytes, word, bytes);
    resolver->search_bytes += (uint16_t)bytes;
}

/* Digits only; what is out of range becomes the limit. */
static bool parse_number(uint8_t *number, const char *text, unsigned least, unsigned most)
{
    unsigned value = 0;
    const char *at = text;
    for (; th_is_digit(*at); at++)
        value = value > most ? value : value * 10 + (unsigned)(*at - '0');
    if (at == text || *at)
        return false;
    *number = (uint8_t)(value < least ? least : value > most ? most : value);
    return true;
}

static void set_number(uint8_t *number, const char *word, const char *name, unsigned least,
                       unsigned most)
{
    size_t length = strlen(name);
    if (!strncmp(word, name, length))
        parse_number(number, word + length, least, most);
}

static void set_option(struct th_net_resolver *resolver, const char *word)
{
    set_number(&resolver->timeout_s, word, "timeout:", 1, 30);
    set_number(&resolver->attempts, word, "attempts:", 1, 5);
    set_number(&resolver->ndots, word, "ndots:", 0, 15);
}

struct directive {
    const char *name;
    void (*take)(struct th_net_resolver *resolver, const char *word);
    bool replaces_search;
};

static const struct directive *find_directive(const char *word)
{
    static const struct directive directives[] = {
        {"nameserver", add_server, false},
        {"search", add_search, true},
        {"domain", add_search, true},
        {"options", set_option, false},
    };
    for (size_t i = 0; i < sizeof directives / sizeof *directives; i++)
        if (!strcmp(directives[i].name, word))
            return &directives[i];
    return NULL;
}

/* Gives the words up to the end of the line to `directive`, if there is one. */
static enum th_net_word obey(struct th_net_resolver *resolver, struct th_net_words *words,
                             const struct directive *directive)
{
    char word[TH_NET_WORD_BYTES];
    enum th_net_word kind;
    if (directive && directive->replaces_search)
        resolver->search_bytes = 0;
    while ((kind = th_net_words_next(words, word)) == TH_NET_WORD)
        if (directive)
            directive->take(resolver, word);
    return kind;
}

static enum th_net_word read_line(struct th_net_resolver *resolver, struct th_net_words *words)
{
    char word[TH_NET_WORD_BYTES];
    enum th_net_word kind = th_net_words_next(words, word);
    return kind == TH_NET_WORD ? obey(resolver, words, find_directive(word)) : kind;
}

static void read_file(struct th_net_resolver *resolver, const char *path)
{
    struct th_net_words words;
    if (!th_net_words_open(&words, path))
        return;
    while (read_line(resolver, &words) != TH_NET_WORDS_FILE_END)
        ;
    th_net_words_close(&words);
}

void th_net_resolver_read(struct th_net_resolver *resolver, const char *path)
{
    *resolver = (struct th_net_resolver){.timeout_s = 5, .attempts = 2, .ndots = 1};
    read_file(resolver, path);
    if (resolver->server_count == 0)
        add_server(resolver, "127.0.0.1");
}

const char *th_net_resolver_search(const struct th_net_resolver *resolver, unsigned n)
{
    const char *at = resolver->search, *end = at + resolver->search_bytes;
    for (; at < end && n > 0; n--)
        at += strlen(at) + 1;
    return at < end ? at : NULL;
}
