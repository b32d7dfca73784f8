#include "net/name.h"

#include "base/text.h"

#include <string.h>
#include <strings.h>

enum { LABEL_MAX = 63 };

static size_t length_without_dot(const char *name)
{
    size_t length = strlen(name);
    return length > 0 && name[length - 1] == '.' ? length - 1 : length;
}

static bool is_name_character(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || th_is_digit(c)
        || c == '-' || c == '_';
}

static size_t label_length(const char *label, const char *end)
{
    const char *at = label;
    while (at < end && is_name_character(*at))
        at++;
    return (size_t)(at - label);
}

static bool is_number(const char *label, size_t length)
{
    return strspn(label, "0123456789") >= length;
}

/* `label` is the first of those up to `end`. */
static bool labels_are_valid(const char *label, const char *end)
{
    for (;;) {
        size_t length = label_length(label, end);
        if (length < 1 || length > LABEL_MAX)
            return false;
        if (label + length == end)
            return !is_number(label, length);
        if (label[length] != '.')
            return false;
        label += length + 1;
    }
}

bool th_net_name_is_valid(const char *name)
{
    size_t length = length_without_dot(name);
    return length < TH_NET_NAME_BYTES && labels_are_valid(name, name + length);
}

bool th_net_name_equal(const char *a, const char *b)
{
    size_t length = length_without_dot(a);
    return length == length_without_dot(b) && !strncasecmp(a, b, length);
}

bool th_net_name_is_localhost(const char *name)
{
    static const char localhost[] = "localhost";
    size_t length = length_without_dot(name), ours = sizeof localhost - 1;
    if (length < ours)
        return false;
    const char *tail = name + length - ours;
    return th_net_name_equal(tail, localhost) && (tail == name || tail[-1] == '.');
}

unsigned th_net_name_dots(const char *name)
{
    unsigned dots = 0;
    for (; *name; name++)
        dots += *name == '.';
    return dots;
}

bool th_net_name_is_absolute(const char *name)
{
    size_t length = strlen(name);
    return length > 0 && name[length - 1] == '.';
}
