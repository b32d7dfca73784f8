#include "net/words.h"

#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <unistd.h>

enum { END_OF_FILE = -1 };

bool th_net_words_open(struct th_net_words *words, const char *path)
{
    words->fd = th_file_open(path, O_RDONLY | O_NONBLOCK, 0);
    words->at = words->end = 0;
    words->ended = false;
    return words->fd >= 0;
}

void th_net_words_close(struct th_net_words *words)
{
    close(words->fd);
}

static bool refill(struct th_net_words *words)
{
    ssize_t got;
    do
        got = read(words->fd, words->buffer, sizeof words->buffer);
    while (got < 0 && errno == EINTR);
    words->at = 0;
    words->end = got > 0 ? (uint16_t)got : 0;
    words->ended = got <= 0;
    return got > 0;
}

/* The next byte, which stays. */
static int peek(struct th_net_words *words)
{
    if (words->at == words->end && (words->ended || !refill(words)))
        return END_OF_FILE;
    return (unsigned char)words->buffer[words->at];
}

static bool ends_line(int c)
{
    return c == END_OF_FILE || c == '\n';
}

static bool begins_comment(int c)
{
    return c == '#' || c == ';';
}

static bool is_space(int c)
{
    return !ends_line(c) && (c <= ' ' || c == 0x7f);
}

static bool is_of_word(int c)
{
    return !ends_line(c) && !is_space(c) && !begins_comment(c);
}

static void skip_spaces(struct th_net_words *words)
{
    while (is_space(peek(words)))
        words->at++;
}

static void skip_comment(struct th_net_words *words)
{
    if (begins_comment(peek(words)))
        while (!ends_line(peek(words)))
            words->at++;
}

static enum th_net_word end_line(struct th_net_words *words)
{
    if (peek(words) == END_OF_FILE)
        return TH_NET_WORDS_FILE_END;
    words->at++;
    return TH_NET_WORDS_LINE_END;
}

static void take_word(struct th_net_words *words, char word[TH_NET_WORD_BYTES])
{
    size_t length = 0;
    for (; is_of_word(peek(words)); words->at++, length++)
        if (length < TH_NET_WORD_BYTES)
            word[length] = words->buffer[words->at];
    word[length < TH_NET_WORD_BYTES ? length : 0] = '\0';
}

enum th_net_word th_net_words_next(struct th_net_words *words, char word[TH_NET_WORD_BYTES])
{
    skip_spaces(words);
    skip_comment(words);
    if (ends_line(peek(words)))
        return end_line(words);
    take_word(words, word);
    return TH_NET_WORD;
}
