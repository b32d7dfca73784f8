#include "cli/number.h"

#include "base/text.h"

#include <stddef.h>
#include <string.h>

/* Reads digits and moves *text behind them; false if there is none or too many. */
static bool take_digits(const char **text, int64_t *number)
{
    const char *at = *text;
    *number = 0;
    for (; th_is_digit(*at); at++)
        if (*number > (INT64_MAX - (*at - '0')) / 10)
            return false;
        else
            *number = *number * 10 + (*at - '0');
    bool any = at != *text;
    *text = at;
    return any;
}

static bool in_range(int64_t number, int64_t min, int64_t max)
{
    return number >= min && number <= max;
}

bool th_cli_number_parse(const char *text, int64_t min, int64_t max, int64_t *number)
{
    return take_digits(&text, number) && !*text && in_range(*number, min, max);
}

/* ".25" is 250; at most three digits. Two points are those of a range. */
static bool take_decimals(const char **text, int64_t *thousandths)
{
    *thousandths = 0;
    if ((*text)[0] != '.' || (*text)[1] == '.')
        return true;
    int64_t weight = 100;
    const char *at = *text + 1;
    for (; th_is_digit(*at) && weight; at++, weight /= 10)
        *thousandths += (*at - '0') * weight;
    bool any = at != *text + 1;
    *text = at;
    return any;
}

static bool take_ms(const char **text, int64_t min_ms, int64_t max_ms, int64_t *ms)
{
    int64_t seconds, thousandths;
    if (!take_digits(text, &seconds) || !take_decimals(text, &thousandths))
        return false;
    if (seconds > max_ms / 1000)
        return false;
    *ms = seconds * 1000 + thousandths;
    return in_range(*ms, min_ms, max_ms);
}

bool th_cli_number_parse_ms(const char *text, int64_t min_ms, int64_t max_ms, int64_t *ms)
{
    return take_ms(&text, min_ms, max_ms, ms) && !*text;
}

static bool take_unit(const char **text)
{
    *text += **text == 's';
    return true;
}

bool th_cli_number_parse_range_ms(const char *text, int64_t min_ms, int64_t max_ms, int64_t ms[2])
{
    if (!take_ms(&text, min_ms, max_ms, &ms[0]) || !take_unit(&text))
        return false;
    ms[1] = ms[0];
    if (!strncmp(text, "..", 2)) {
        text += 2;
        if (!take_ms(&text, ms[0], max_ms, &ms[1]) || !take_unit(&text))
            return false;
    }
    return !*text;
}

bool th_cli_number_parse_bytes(const char *text, int64_t min, int64_t max, int64_t *bytes)
{
    if (!take_digits(&text, bytes) || *bytes > INT64_MAX / 1024)
        return false;
    if (*text == 'k') {
        *bytes *= 1024;
        text++;
    }
    return !*text && in_range(*bytes, min, max);
}

static int hex_digit(char c)
{
    if (th_is_digit(c))
        return c - '0';
    int letter = c | 0x20;
    return letter >= 'a' && letter <= 'f' ? letter - 'a' + 10 : -1;
}

int th_cli_number_hex(const char *digits)
{
    int high = hex_digit(digits[0]), low = high < 0 ? -1 : hex_digit(digits[1]);
    return low < 0 ? -1 : high << 4 | low;
}
