#include "cli/url.h"

#include "base/slice.h"

static const char form[] = "write mqtts://[USER[:PASSWORD]@]HOST[:PORT][/TOPIC] "
                           "(mqtt:// without TLS)";

static struct th_slice behind(struct th_slice text, size_t bytes)
{
    return th_slice_of(text.data + bytes, text.len_bytes - bytes);
}

static struct th_slice before(struct th_slice text, size_t bytes)
{
    return th_slice_of(text.data, bytes);
}

static bool starts_with(struct th_slice text, const char *word)
{
    struct th_slice start = th_slice_text(word);
    return text.len_bytes >= start.len_bytes &&
           th_slice_equal(before(text, start.len_bytes), start);
}

/* Where `byte` stands first or last; the length if nowhere. */
static size_t first_of(struct th_slice text, char byte)
{
    size_t at = 0;
    while (at < text.len_bytes && text.data[at] != (uint8_t)byte)
        at++;
    return at;
}

static size_t last_of(struct th_slice text, char byte)
{
    for (size_t at = text.len_bytes; at > 0; at--)
        if (text.data[at - 1] == (uint8_t)byte)
            return at - 1;
    return text.len_bytes;
}

static bool take_scheme(struct th_cli_url *url, struct th_slice *text)
{
    url->plaintext = starts_with(*text, "mqtt://");
    if (!url->plaintext && !starts_with(*text, "mqtts://"))
        return false;
    *text = behind(*text, url->plaintext ? strlen("mqtt://") : strlen("mqtts://"));
    return true;
}

static void take_topic(struct th_cli_url *url, struct th_slice *text)
{
    size_t slash = first_of(*text, '/');
    if (slash == text->len_bytes)
        return;
    url->topic = behind(*text, slash + 1);
    *text = before(*text, slash);
}

static void take_credentials(struct th_cli_url *url, struct th_slice *text)
{
    size_t at = last_of(*text, '@');
    if (at == text->len_bytes)
        return;
    url->username = before(*text, at);
    *text = behind(*text, at + 1);
    size_t colon = first_of(url->username, ':');
    if (colon == url->username.len_bytes)
        return;
    url->password = behind(url->username, colon + 1);
    url->username = before(url->username, colon);
}

static bool take_port(struct th_cli_url *url, struct th_slice digits)
{
    uint32_t port = 0;
    for (size_t i = 0; i < digits.len_bytes; i++) {
        if (digits.data[i] < '0' || digits.data[i] > '9' || port > UINT16_MAX)
            return false;
        port = port * 10 + (uint32_t)(digits.data[i] - '0');
    }
    url->port = (uint16_t)port;
    return port >= 1 && port <= UINT16_MAX;
}

/* "[::1]:1883": what is left of *text behind the host begins with ':' or is empty. */
static bool take_host(struct th_cli_url *url, struct th_slice *text)
{
    bool bracketed = starts_with(*text, "[");
    if (bracketed)
        *text = behind(*text, 1);
    size_t end = first_of(*text, bracketed ? ']' : ':');
    if (bracketed && end == text->len_bytes)
        return false;
    url->host = before(*text, end);
    *text = behind(*text, bracketed ? end + 1 : end);
    return url->host.len_bytes > 0;
}

const char *th_cli_url_parse(struct th_cli_url *url, struct th_slice text)
{
    memset(url, 0, sizeof *url);
    if (!take_scheme(url, &text))
        return form;
    take_topic(url, &text);
    take_credentials(url, &text);
    if (!take_host(url, &text))
        return form;
    if (text.len_bytes == 0)
        return NULL;
    if (text.data[0] != ':')
        return form;
    return take_port(url, behind(text, 1)) ? NULL : "give a port from 1 to 65535";
}
