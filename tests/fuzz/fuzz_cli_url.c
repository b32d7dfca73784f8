/* Whatever stands behind -L: slices stay within the text and do not overlap. */
#include "cli/url.h"

#include <stdlib.h>

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

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct th_cli_url url;
    const char *wrong = th_cli_url_parse(&url, (struct th_slice){data, size});
    within(url.username, data, size);
    within(url.password, data, size);
    within(url.host, data, size);
    within(url.topic, data, size);
    before(url.username, url.password);
    before(url.username, url.host);
    before(url.password, url.host);
    before(url.host, url.topic);
    if (!wrong && url.host.len_bytes == 0)
        abort();
    return 0;
}
