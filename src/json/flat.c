#include "json/flat.h"

#include "base/slice.h"
#include "base/text.h"
#include "json/copy.h"

static struct th_slice to_content(struct th_slice text)
{
    while (text.len_bytes > 0 && strchr(" \t\r\n,:", text.data[0]))
        text = th_slice_after(text, 1);
    return text;
}

static size_t text_bytes(struct th_slice text)
{
    size_t at = 1;
    while (at < text.len_bytes && text.data[at] != '"')
        at += text.data[at] == '\\' ? 2 : 1;
    return at < text.len_bytes ? at + 1 : text.len_bytes;
}

static size_t plain_bytes(struct th_slice text)
{
    size_t at = 0;
    while (at < text.len_bytes && !strchr(" \t\r\n,}", text.data[at]))
        at++;
    return at;
}

static struct th_slice take(struct th_slice *rest)
{
    *rest = to_content(*rest);
    bool is_text = rest->len_bytes > 0 && rest->data[0] == '"';
    struct th_slice taken = th_slice_of(rest->data, is_text ? text_bytes(*rest)
                                                            : plain_bytes(*rest));
    *rest = th_slice_after(*rest, taken.len_bytes);
    return taken;
}

bool th_json_flat_next(struct th_slice *rest, struct th_json_member *member)
{
    if (rest->len_bytes > 0 && rest->data[0] == '{')
        *rest = th_slice_after(*rest, 1);
    struct th_slice name = take(rest);
    if (name.len_bytes < 2)
        return false;
    member->name = th_slice_of(name.data + 1, name.len_bytes - 2);
    member->value = take(rest);
    return true;
}

static bool is_flat(struct th_slice text)
{
    struct th_json_member member;
    if (text.len_bytes == 0 || text.data[0] != '{')
        return false;
    while (th_json_flat_next(&text, &member))
        if (member.value.len_bytes == 0 || strchr("{[", member.value.data[0]))
            return false;
    return true;
}

bool th_json_flat_check(struct th_slice text)
{
    struct th_json_flow nowhere = {0};
    return th_json_copy(&nowhere, text) && is_flat(text);
}

uint64_t th_json_flat_number(struct th_slice value)
{
    uint64_t number = 0;
    for (size_t i = 0; i < value.len_bytes; i++) {
        if (!th_is_digit(value.data[i]) || number > UINT64_MAX / 10 - 1)
            return 0;
        number = number * 10 + value.data[i] - '0';
    }
    return number;
}
