/* A SOCKS5 proxy that answers as it likes. The first byte: whether there is a password, and how
 * many bytes come at a time. */
#include "net/socks.h"

#include <stdlib.h>

static void expect(bool holds)
{
    if (!holds)
        abort();
}

static size_t smaller(size_t a, size_t b)
{
    return a < b ? a : b;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    struct th_proxy proxy = {.username = "u", .password = {(const uint8_t *)"p", 1}};
    struct th_net_socks socks;
    struct th_fault fault = {0};
    uint8_t message[TH_NET_SOCKS_MESSAGE_BYTES];
    if (bytes < 1)
        return 0;
    size_t piece = (size_t)(data[0] >> 1) + 1;
    proxy.username = data[0] & 1 ? "u" : NULL;
    th_net_socks_begin(&socks, &proxy, "broker.example", 8883);
    int result = 0;
    for (size_t at = 1; at < bytes && result == 0 && socks.stage != TH_NET_SOCKS_DONE;) {
        size_t count = smaller(smaller(piece, socks.missing), bytes - at);
        expect(count > 0);
        expect(th_net_socks_message(&socks, message) <= sizeof message);
        result = th_net_socks_take(&socks, data + at, count, &fault);
        at += count;
    }
    expect(result == 0 || (result == TH_E_PROXY && fault.code == TH_E_PROXY));
    expect((socks.stage == TH_NET_SOCKS_DONE) == (socks.missing == 0 && result == 0));
    return 0;
}
