/* Whatever stands behind -L and --proxy: slices stay within the text and do not overlap. */
#include "cli/url.h"

#include <stdlib.h>
#include <string.h>

static void within(struct th_slice slice, const uint8_t *data, size_t size)
{
    if (!slice.data)
        return;
    if (slice.data < data || slice.data + slice.len_bytes > data + size)
        abort();
}

static void before(struct th_slice first, struct th_slice second)
{
    if (first.data && second.data && first.data + first.len_bytes > second.data)
        abort();
}

typedef const char *parse(struct th_cli_url *url, struct th_slice text);

static void take_apart(parse *parse, const uint8_t *data, size_t size)
{
    struct th_cli_url url;
    const char *wrong = parse(&url, (struct th_slice){data, size});
    within(url.username, data, size);
    within(url.password, data, size);
    within(url.host, data, size);
    within(url.path, data, size);
    before(url.username, url.password);
    before(url.username, url.host);
    before(url.password, url.host);
    before(url.host, url.path);
    if (!wrong && url.host.len_bytes == 0)
        abort();
}

/* What is decoded has its end where it says. */
static void decode(struct th_slice text)
{
    char decoded[32];
    int used = th_cli_url_decode(decoded, sizeof decoded, text);
    if (used >= (int)sizeof decoded || (used >= 0 && strlen(decoded) != (size_t)used))
        abort();
}

static const char *parse_server(struct th_cli_url *url, struct th_slice text)
{
    bool is_one = th_cli_url_parse_server(url, text);
    if (is_one && (!url->port || url->username.data || url->path.data))
        abort();
    return is_one ? NULL : "";
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    take_apart(th_cli_url_parse, data, size);
    take_apart(th_cli_url_parse_proxy, data, size);
    take_apart(parse_server, data, size);
    decode((struct th_slice){data, size});
    return 0;
}
