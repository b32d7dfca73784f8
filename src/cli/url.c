#include "cli/url.h"

#include "base/slice.h"
#include "cli/number.h"
#include <strings.h>

static const char form[] = "write mqtts://[USER[:PASSWORD]@]HOST[:PORT][/TOPIC] "
                           "(mqtt:// without TLS, wss:// and ws:// in WebSocket)";
static const char proxy_form[] = "write socks5h://[USER[:PASSWORD]@]HOST[:PORT]";

static struct th_slice behind(struct th_slice text, size_t bytes)
{
    return th_slice_of(text.data + bytes, text.len_bytes - bytes);
}

static struct th_slice before(struct th_slice text, size_t bytes)
{
    return th_slice_of(text.data, bytes);
}

static bool take_start(struct th_slice *text, const char *start)
{
    size_t bytes = strlen(start);
    if (text->len_bytes < bytes || strncasecmp((const char *)text->data, start, bytes))
        return false;
    *text = behind(*text, bytes);
    return true;
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
    static const struct {
        const char *start;
        bool plaintext, websocket;
    } schemes[] = {
        {"mqtts://", false, false},
        {"mqtt://", true, false},
        {"wss://", false, true},
        {"ws://", true, true},
    };
    for (size_t i = 0; i < sizeof schemes / sizeof *schemes; i++)
        if (take_start(text, schemes[i].start)) {
            url->plaintext = schemes[i].plaintext;
            url->websocket = schemes[i].websocket;
            return true;
        }
    return false;
}

static void take_path(struct th_cli_url *url, struct th_slice *text)
{
    size_t slash = first_of(*text, '/');
    if (slash == text->len_bytes)
        return;
    url->path = behind(*text, slash);
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
    bool bracketed = take_start(text, "[");
    size_t end = first_of(*text, bracketed ? ']' : ':');
    if (bracketed && end == text->len_bytes)
        return false;
    url->host = before(*text, end);
    *text = behind(*text, bracketed ? end + 1 : end);
    return url->host.len_bytes > 0;
}

static const char *take_authority(struct th_cli_url *url, struct th_slice text, const char *wrong)
{
    take_credentials(url, &text);
    if (!take_host(url, &text))
        return wrong;
    if (text.len_bytes == 0)
        return NULL;
    if (text.data[0] != ':')
        return wrong;
    return take_port(url, behind(text, 1)) ? NULL : "give a port from 1 to 65535";
}

const char *th_cli_url_parse(struct th_cli_url *url, struct th_slice text)
{
    memset(url, 0, sizeof *url);
    if (!take_scheme(url, &text))
        return form;
    take_path(url, &text);
    return take_authority(url, text, form);
}

bool th_cli_url_parse_server(struct th_cli_url *url, struct th_slice text)
{
    memset(url, 0, sizeof *url);
    return first_of(text, '/') == text.len_bytes && !take_authority(url, text, form) &&
           url->port && !url->username.data;
}

const char *th_cli_url_parse_proxy(struct th_cli_url *url, struct th_slice text)
{
    memset(url, 0, sizeof *url);
    if (!take_start(&text, "socks5h://"))
        return proxy_form;
    return take_authority(url, text, proxy_form);
}

/* "%3A" is a colon; a letter that was not encoded stays. Less than 0: neither. */
static int take_letter(struct th_slice *from)
{
    int letter = from->data[0];
    size_t used = 1;
    if (letter == '%') {
        letter = from->len_bytes < 3 ? -1 : th_cli_number_hex((const char *)from->data + 1);
        used = 3;
    }
    if (letter > 0)
        *from = behind(*from, used);
    return letter > 0 ? letter : -1;
}

int th_cli_url_decode(char *to, size_t room, struct th_slice from)
{
    size_t used = 0;
    while (from.len_bytes > 0) {
        int letter = take_letter(&from);
        if (letter < 0 || used + 1 >= room)
            return -1;
        to[used++] = (char)letter;
    }
    to[used] = '\0';
    return (int)used;
}
