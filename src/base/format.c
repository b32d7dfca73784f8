#include "base/format.h"

#include "base/pairs.h"
#include "base/text.h"

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

struct page {
    char *to;
    size_t bytes;
    size_t used; /* what the whole text has come to, written or not */
};

/* One conversion: %[-][0][width][.precision][length]kind */
struct field {
    bool left;
    bool zeros;
    int width;
    int precision; /* -1: none */
    int longs;     /* l: 1, ll: 2, z: 1 on every system that is served */
    char kind;
};

static void put(struct page *page, char character)
{
    if (page->used + 1 < page->bytes)
        page->to[page->used] = character;
    page->used++;
}

static void put_many(struct page *page, char character, int count)
{
    while (count-- > 0)
        put(page, character);
}

/* ---- packed text: config/pack.awk ----------------------------------------------------------- */

#ifndef TH_PACKED
#define TH_PACKED 0
#endif

/* The two it stands for, or NULL. */
static const unsigned char *pair_of(unsigned char byte)
{
    unsigned char row = byte - 127;
    return TH_PACKED && row < sizeof th_pairs / sizeof *th_pairs && *th_pairs[row] ? th_pairs[row]
                                                                                   : NULL;
}

static void put_letters(struct page *page, unsigned char byte)
{
    const unsigned char *pair = pair_of(byte);
    if (!pair) {
        put(page, (char)byte);
        return;
    }
    put_letters(page, pair[0]);
    put_letters(page, pair[1]);
}

/* The static binary's own texts are, and no others: they are constants, which the linker puts in
 * front of all variables. */
static bool is_packed(const char *text)
{
    extern const char __init_array_start[];
    return TH_PACKED && (uintptr_t)text < (uintptr_t)__init_array_start;
}

static void put_text(struct page *page, const char *text, size_t len)
{
    bool packed = is_packed(text);
    for (size_t i = 0; i < len; i++)
        if (packed)
            put_letters(page, (unsigned char)text[i]);
        else
            put(page, text[i]);
}

static size_t unpacked_bytes(const char *text, size_t len)
{
    struct page nowhere = {0};
    put_text(&nowhere, text, len);
    return nowhere.used;
}

static void put_padded(struct page *page, const struct field *field, const char *text, size_t len)
{
    int padding = field->width - (int)unpacked_bytes(text, len);
    if (!field->left)
        put_many(page, ' ', padding);
    put_text(page, text, len);
    if (field->left)
        put_many(page, ' ', padding);
}

/* ---- numbers -------------------------------------------------------------------------------- */

#define DIGITS_MAX 24

static size_t to_digits(char digits[DIGITS_MAX], uint64_t number, const struct field *field)
{
    unsigned base = field->kind == 'x' || field->kind == 'X' ? 16 : 10;
    const char *signs = field->kind == 'X' ? "0123456789ABCDEF" : "0123456789abcdef";
    char *end = digits + DIGITS_MAX, *first = end;
    do {
        *--first = signs[number % base];
        number /= base;
    } while (number);
    memmove(digits, first, (size_t)(end - first));
    return (size_t)(end - first);
}

static void put_number(struct page *page, const struct field *field, uint64_t number, bool minus)
{
    char text[DIGITS_MAX + 1] = "-";
    size_t len = to_digits(text + minus, number, field) + minus;
    bool zeros = field->zeros && !field->left;
    if (zeros && minus)
        put(page, '-');
    if (zeros)
        put_many(page, '0', field->width - (int)len);
    if (zeros)
        put_text(page, text + minus, len - minus);
    else
        put_padded(page, field, text, len);
}

static int64_t take_signed(const struct field *field, va_list *args)
{
    if (field->longs == 2)
        return va_arg(*args, long long);
    return field->longs ? va_arg(*args, long) : va_arg(*args, int);
}

static uint64_t take_unsigned(const struct field *field, va_list *args)
{
    if (field->longs == 2)
        return va_arg(*args, unsigned long long);
    return field->longs ? va_arg(*args, unsigned long) : va_arg(*args, unsigned);
}

static void put_signed(struct page *page, const struct field *field, int64_t number)
{
    uint64_t magnitude = number < 0 ? 0 - (uint64_t)number : (uint64_t)number;
    put_number(page, field, magnitude, number < 0);
}

/* ---- text ----------------------------------------------------------------------------------- */

static void put_string(struct page *page, const struct field *field, const char *text)
{
    size_t len = field->precision < 0 ? strlen(text) : strnlen(text, (size_t)field->precision);
    put_padded(page, field, text, len);
}

/* ---- the format ------------------------------------------------------------------------------ */

static int take_count(const char **format, va_list *args)
{
    int count = 0;
    if (**format == '*') {
        ++*format;
        return va_arg(*args, int);
    }
    while (th_is_digit(**format))
        count = count * 10 + *(*format)++ - '0';
    return count;
}

static bool take_sign(const char **format, char sign)
{
    if (**format != sign)
        return false;
    ++*format;
    return true;
}

static struct field take_field(const char **format, va_list *args)
{
    struct field field = {.precision = -1};
    field.left = take_sign(format, '-');
    field.zeros = take_sign(format, '0');
    field.width = take_count(format, args);
    if (take_sign(format, '.'))
        field.precision = take_count(format, args);
    while (take_sign(format, 'l'))
        field.longs++;
    if (take_sign(format, 'z'))
        field.longs = 1;
    field.kind = **format;
    return field;
}

/* False: the conversion is none of ours. */
static bool convert(struct page *page, const struct field *field, va_list *args)
{
    switch (field->kind) {
    case '%':
        put(page, '%');
        return true;
    case 'c':
        put(page, (char)va_arg(*args, int));
        return true;
    case 's':
        put_string(page, field, va_arg(*args, const char *));
        return true;
    case 'd':
    case 'i':
        put_signed(page, field, take_signed(field, args));
        return true;
    case 'u':
    case 'x':
    case 'X':
        put_number(page, field, take_unsigned(field, args), false);
        return true;
    default:
        return false;
    }
}

static bool write_page(struct page *page, const char *format, va_list *args)
{
    for (; *format; format++) {
        if (*format != '%') {
            put_letters(page, (unsigned char)*format);
            continue;
        }
        format++;
        struct field field = take_field(&format, args);
        if (!convert(page, &field, args))
            return false;
    }
    return true;
}

int th_format_list(char *to, size_t bytes, const char *format, va_list args)
{
    struct page page = {to, bytes, 0};
    va_list own;
    va_copy(own, args);
    bool known = write_page(&page, format, &own);
    va_end(own);
    if (bytes)
        to[page.used < bytes ? page.used : bytes - 1] = '\0';
    return known ? (int)page.used : -1;
}

int th_format(char *to, size_t bytes, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int len = th_format_list(to, bytes, format, args);
    va_end(args);
    return len;
}
