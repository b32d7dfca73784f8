#include "json/copy.h"

#include "base/slice.h"
#include "base/text.h"

#define DIGITS_TOLD 15 /* more would not survive a double: they are not touched */

struct reader {
    const uint8_t *at, *end;
    struct th_json_flow *to;
    unsigned depth;
    char closing[TH_JSON_COPY_DEPTH + 1]; /* what ends each level; there is none around all */
};

/* ---- small verbs ---------------------------------------------------------------------------- */

static uint8_t peek(const struct reader *r)
{
    return r->at < r->end ? *r->at : 0;
}

static bool take(struct reader *r, char wanted)
{
    bool there = peek(r) == (uint8_t)wanted;
    r->at += there;
    return there;
}

static void skip_blanks(struct reader *r)
{
    while (take(r, ' ') || take(r, '\t') || take(r, '\n') || take(r, '\r'))
        ;
}

static bool skip_digits(struct reader *r)
{
    const uint8_t *before = r->at;
    while (th_is_digit(peek(r)))
        r->at++;
    return r->at > before;
}

/* ---- numbers and words ---------------------------------------------------------------------- */

static struct th_slice without_zeros(struct th_slice number)
{
    if (number.len_bytes > DIGITS_TOLD || !memchr(number.data, '.', number.len_bytes))
        return number;
    while (number.data[number.len_bytes - 1] == '0')
        number.len_bytes--;
    number.len_bytes -= number.data[number.len_bytes - 1] == '.';
    return number;
}

static bool skip_decimals(struct reader *r)
{
    take(r, '-');
    if (!take(r, '0') && !skip_digits(r))
        return false;
    return !take(r, '.') || skip_digits(r);
}

static bool skip_exponent(struct reader *r)
{
    if (!take(r, '-'))
        take(r, '+');
    return skip_digits(r);
}

static bool copy_number(struct reader *r)
{
    const uint8_t *begin = r->at;
    if (!skip_decimals(r))
        return false;
    bool has_exponent = take(r, 'e') || take(r, 'E');
    if (has_exponent && !skip_exponent(r))
        return false;
    struct th_slice number = th_slice_of(begin, (size_t)(r->at - begin));
    th_json_flow_part(r->to, has_exponent ? number : without_zeros(number));
    return true;
}

static bool copy_word(struct reader *r, const char *word)
{
    const char *rest = word;
    while (*rest && take(r, *rest))
        rest++;
    if (!*rest)
        th_json_flow_raw(r->to, word);
    return !*rest;
}

/* ---- strings -------------------------------------------------------------------------------- */

static int take_nibble(struct reader *r)
{
    uint8_t digit = peek(r), letter = digit | 0x20;
    bool is_letter = letter >= 'a' && letter <= 'f';
    if (!is_letter && !th_is_digit(digit))
        return -1;
    r->at++;
    return is_letter ? letter - 'a' + 10 : digit - '0';
}

static int32_t take_unit(struct reader *r)
{
    int32_t unit = 0;
    for (int i = 0; i < 4; i++) {
        int nibble = take_nibble(r);
        if (nibble < 0)
            return -1;
        unit = unit << 4 | nibble;
    }
    return unit;
}

static bool is_surrogate(int32_t unit, int32_t first)
{
    return unit >= first && unit < first + 0x400;
}

/* -1: not four hexadecimal digits, or half of a pair. */
static int32_t take_character(struct reader *r)
{
    int32_t high = take_unit(r);
    if (is_surrogate(high, 0xdc00))
        return -1;
    if (!is_surrogate(high, 0xd800))
        return high;
    int32_t low = take(r, '\\') && take(r, 'u') ? take_unit(r) : -1;
    return is_surrogate(low, 0xdc00) ? 0x10000 + ((high - 0xd800) << 10) + low - 0xdc00 : -1;
}

static void put_character(struct th_json_flow *to, int32_t character)
{
    static const uint8_t leads[] = {0, 0xc0, 0xe0, 0xf0};
    int more = (character >= 0x80) + (character >= 0x800) + (character >= 0x10000);
    uint8_t utf8[4];
    for (int i = more; i > 0; i--, character >>= 6)
        utf8[i] = (uint8_t)(0x80 | (character & 0x3f));
    utf8[0] = (uint8_t)(leads[more] | character);
    th_json_flow_part(to, th_slice_of(utf8, (size_t)more + 1));
}

/* Behind the backslash. */
static bool copy_escape(struct reader *r)
{
    static const char escapes[] = "\"\"\\\\//b\bf\fn\nr\rt\t";
    if (take(r, 'u')) {
        int32_t character = take_character(r);
        if (character >= 0)
            put_character(r->to, character);
        return character >= 0;
    }
    for (const char *at = escapes; *at; at += 2)
        if (take(r, *at)) {
            put_character(r->to, at[1]);
            return true;
        }
    return false;
}

static bool copy_inside(struct reader *r)
{
    while (r->at < r->end && *r->at != '"') {
        struct th_slice plain = {r->at, 0};
        while (r->at < r->end && *r->at != '"' && *r->at != '\\')
            r->at++;
        plain.len_bytes = (size_t)(r->at - plain.data);
        th_json_flow_part(r->to, plain);
        if (take(r, '\\') && !copy_escape(r))
            return false;
    }
    return take(r, '"');
}

static bool copy_string(struct reader *r)
{
    if (!take(r, '"'))
        return false;
    th_json_flow_raw(r->to, "\"");
    bool whole = copy_inside(r);
    th_json_flow_raw(r->to, "\"");
    return whole;
}

/* ---- objects and arrays --------------------------------------------------------------------- */

static char closing(const struct reader *r)
{
    return r->closing[r->depth];
}

static bool enter(struct reader *r, char bracket)
{
    if (r->depth == TH_JSON_COPY_DEPTH)
        return false;
    r->closing[++r->depth] = bracket == '[' ? ']' : '}';
    th_json_flow_open(r->to, bracket);
    return true;
}

/* What stands before a value inside: a name in an object, nothing in an array. */
static bool copy_name(struct reader *r)
{
    if (closing(r) == ']') {
        th_json_flow_element(r->to);
        return true;
    }
    th_json_flow_name_begin(r->to);
    skip_blanks(r);
    if (!copy_string(r))
        return false;
    th_json_flow_name_end(r->to);
    skip_blanks(r);
    return take(r, ':');
}

static bool copy_scalar(struct reader *r)
{
    switch (peek(r)) {
    case '"': return copy_string(r);
    case 't': return copy_word(r, "true");
    case 'f': return copy_word(r, "false");
    case 'n': return copy_word(r, "null");
    default:  return copy_number(r);
    }
}

/* Behind a value: ends what ends here. False: it is not JSON. */
static bool leave(struct reader *r)
{
    skip_blanks(r);
    while (r->depth && take(r, closing(r))) {
        th_json_flow_shut(r->to, closing(r));
        r->depth--;
        skip_blanks(r);
    }
    return r->depth == 0 || (take(r, ',') && copy_name(r));
}

/* The beginning of a value, down to its first scalar, or to an end that follows at once. */
static bool copy_value(struct reader *r)
{
    for (;;) {
        skip_blanks(r);
        char bracket = (char)peek(r);
        if (!take(r, '[') && !take(r, '{'))
            return copy_scalar(r);
        if (!enter(r, bracket))
            return false;
        skip_blanks(r);
        if (peek(r) == (uint8_t)closing(r))
            return true;
        if (!copy_name(r))
            return false;
    }
}

bool th_json_copy(struct th_json_flow *to, struct th_slice text)
{
    struct reader r = {.at = text.data, .end = text.data + text.len_bytes, .to = to};
    do {
        if (!copy_value(&r) || !leave(&r))
            return false;
    } while (r.depth);
    return r.at == r.end;
}
