#include "json/walk.h"

#include "base/slice.h"
#include "json/copy.h"

#include <string.h>

struct reader {
    struct th_json_walk *walk;
    char *at, *end, *line_start;
    unsigned line;
    unsigned depth;
    const char *names[TH_JSON_WALK_DEPTH];
    unsigned elements[TH_JSON_WALK_DEPTH];
    struct th_json_place name;
};

/* ---- small verbs ---------------------------------------------------------------------------- */

static struct th_json_place here(const struct reader *r)
{
    return (struct th_json_place){r->line, (unsigned)(r->at - r->line_start) + 1};
}

static bool stop(struct reader *r, const char *wanted)
{
    r->walk->stopped = here(r);
    r->walk->wanted = wanted;
    return false;
}

static char peek(struct reader *r)
{
    for (; r->at < r->end && strchr(" \t\r\n", *r->at) && *r->at; r->at++)
        if (*r->at == '\n') {
            r->line++;
            r->line_start = r->at + 1;
        }
    return r->at < r->end ? *r->at : '\0';
}

static bool take(struct reader *r, char wanted)
{
    bool there = peek(r) == wanted && wanted;
    r->at += there;
    return there;
}

/* ---- scalars -------------------------------------------------------------------------------- */

/* Behind its last byte: the closing quote of a text, or what a number or a word may not have. */
static char *end_of_token(const struct reader *r)
{
    char *at = r->at;
    if (*at++ != '"')
        while (at < r->end && *at && !strchr(" \t\r\n,]}:\"", *at))
            at++;
    else {
        while (at < r->end && *at != '"' && (unsigned char)*at >= ' ')
            at += *at == '\\' ? 2 : 1;
        at++;
    }
    return at < r->end ? at : r->end;
}

static char *written;

static void write_back(const void *data, size_t bytes)
{
    memmove(written, data, bytes);
    written += bytes;
}

/* A text where its opening quote was, a number one byte before where it was: so there is room for
 * the NUL. NULL: it is neither, nor a word of JSON. */
static char *take_token(struct reader *r)
{
    struct th_json_flow back = {.write = write_back, .plain = true};
    char *begin = r->at, *end = end_of_token(r);
    char *text = written = begin - 1;
    if (!th_json_copy(&back, th_slice_of(begin, (size_t)(end - begin))))
        return NULL;
    bool quoted = *text == '"';
    written[quoted ? -1 : 0] = '\0';
    if (strlen(text + quoted) != (size_t)(written - text) - 2 * quoted)
        return NULL;
    r->at = end;
    return text + quoted;
}

static bool take_name(struct reader *r)
{
    bool is_text = peek(r) == '"';
    r->name = here(r);
    char *name = is_text ? take_token(r) : NULL;
    r->names[r->depth - 1] = name;
    if (!name)
        return stop(r, "a name in double quotes");
    return take(r, ':') || stop(r, "a colon");
}

/* `text`: NULL, or that of what is empty. */
static bool take_leaf(struct reader *r, char *text)
{
    char first = peek(r);
    struct th_json_leaf leaf = {.names = r->names, .elements = r->elements, .depth = r->depth,
                                .name = r->name, .value = here(r), .is_text = first == '"'};
    leaf.text = first && !text ? take_token(r) : text;
    if (!leaf.text)
        return stop(r, "a value: a text in double quotes, a number, true or false");
    if (r->walk->take(r->walk->arg, &leaf))
        return true;
    r->walk->wanted = NULL;
    return false;
}

/* ---- objects and arrays --------------------------------------------------------------------- */

static bool is_array(const struct reader *r)
{
    return !r->names[r->depth - 1];
}

static bool enter(struct reader *r, bool as_array)
{
    if (r->depth == TH_JSON_WALK_DEPTH)
        return stop(r, "less: at most 8 levels of objects and arrays");
    r->at++;
    r->elements[r->depth] = 0;
    r->names[r->depth++] = as_array ? NULL : "";
    return true;
}

/* Down to the first scalar, or to an end that follows at once. */
static bool take_value(struct reader *r)
{
    static char nothing[1];
    for (;;) {
        char bracket = peek(r);
        if (bracket != '[' && bracket != '{')
            return take_leaf(r, NULL);
        if (!enter(r, bracket == '['))
            return false;
        if (peek(r) == (is_array(r) ? ']' : '}'))
            return !r->walk->tells_empty || take_leaf(r, nothing);
        if (!is_array(r) && !take_name(r))
            return false;
    }
}

/* Behind a value: ends what ends here. */
static bool leave(struct reader *r)
{
    while (r->depth && take(r, is_array(r) ? ']' : '}'))
        r->depth--;
    if (r->depth == 0)
        return true;
    if (!take(r, ','))
        return stop(r, is_array(r) ? "a comma or ]" : "a comma or }");
    r->elements[r->depth - 1]++;
    return is_array(r) || take_name(r);
}

bool th_json_walk(struct th_json_walk *walk, char *text, size_t bytes)
{
    struct reader r = {
        .walk = walk, .at = text, .end = text + bytes, .line_start = text, .line = 1};
    if (peek(&r) != '{')
        return stop(&r, "an object: {");
    do {
        if (!take_value(&r) || !leave(&r))
            return false;
    } while (r.depth);
    return !peek(&r) && r.at == r.end ? true : stop(&r, "the end");
}
