#include "cli/format.h"

#include "base/slice.h"
#include "base/text.h"
#include "cli/float.h"
#include "cli/show.h"

static const char sigils[] = "%@\\";
static const char parameters[] = "%ACDEFIJPRSUXdfjlmpqrtx";
static const char payloads[] = "pxXjJfd";
static const char escapes[] = "\\0aenrtv";
static const char separators[] = "!\"#$&'()*+,-./:;<=>?@[\\]^_`{|}~";

static bool is_one_of(const char *characters, char wanted)
{
    return wanted && strchr(characters, wanted);
}

static bool is_hexadecimal(char kind)
{
    return kind == 'x' || kind == 'X';
}

static bool take(const char **at, char wanted)
{
    bool there = **at == wanted;
    *at += there;
    return there;
}

/* Whatever is too wide comes out as one more than the widest. */
static int take_number(const char **at)
{
    int number = 0;
    for (; th_is_digit(**at); ++*at) {
        number = number * 10 + **at - '0';
        if (number > TH_CLI_FORMAT_WIDEST)
            number = TH_CLI_FORMAT_WIDEST + 1;
    }
    return number;
}

/* [-][0][width][.precision[separator]]kind */
static void take_parameter(const char **at, struct th_cli_item *item)
{
    item->left = take(at, '-');
    item->zeros = take(at, '0');
    item->width = take_number(at);
    if (take(at, '.'))
        item->precision = take_number(at);
    if (item->precision > 0 && is_one_of(separators, **at) && is_hexadecimal((*at)[1]))
        item->separator = *(*at)++;
    item->kind = **at;
}

static bool is_known(const struct th_cli_item *item)
{
    if (item->sigil == '@')
        return item->kind;
    return is_one_of(item->sigil == '%' ? parameters : escapes, item->kind);
}

static bool is_too_wide(const struct th_cli_item *item)
{
    bool is_float = item->kind == 'f' || item->kind == 'd';
    return item->width > TH_CLI_FORMAT_WIDEST ||
           item->precision > (is_float ? TH_CLI_FLOAT_DIGITS : TH_CLI_FORMAT_WIDEST);
}

static bool take_sequence(const char **at, struct th_cli_item *item)
{
    item->sigil = *(*at)++;
    if (item->sigil == '%')
        take_parameter(at, item);
    else
        item->kind = **at;
    *at += item->kind != 0;
    return is_known(item) && !is_too_wide(item);
}

bool th_cli_format_next(const char **format, struct th_cli_item *item)
{
    const char *at = *format;
    *item = (struct th_cli_item){.precision = -1, .separator = ' '};
    bool good = *at;
    if (is_one_of(sigils, *at))
        good = take_sequence(&at, item);
    else
        at += strcspn(at, sigils);
    item->text = th_slice_of(*format, (size_t)(at - *format));
    if (good)
        *format = at;
    return good;
}

bool th_cli_format_check(const char *format, struct th_cli_problem *problem)
{
    struct th_cli_item item;
    char shown[TH_CLI_SHOWN_BYTES];
    while (th_cli_format_next(&format, &item))
        ;
    if (!*format)
        return true;
    th_cli_show(format, shown);
    if (!item.kind)
        return th_cli_problem(problem, "-F %s: the format ends within a sequence; a literal %c is "
                              "%c%c", shown, item.sigil, item.sigil, item.sigil);
    return th_cli_problem(problem, "-F %s: begins with no sequence there is, or one that is too "
                          "wide; a literal %c is %c%c, the others are in thimble-sub(1)", shown,
                          item.sigil, item.sigil, item.sigil);
}

bool th_cli_format_is_payload(const struct th_cli_item *item)
{
    return item->sigil == '%' && is_one_of(payloads, item->kind);
}
