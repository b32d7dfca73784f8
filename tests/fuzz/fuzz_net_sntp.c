/* Whatever a time server sends: a date is taken from a whole reply to our question only, and is
 * never below the floor. The first four bytes are the floor. */
#include "net/sntp.h"

#include <stdlib.h>
#include <string.h>

static void hold(bool rule)
{
    if (!rule)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    static const uint8_t cookie[TH_NET_SNTP_COOKIE_BYTES] = "cookie12";
    uint32_t floor_s;
    int64_t now_s = -1;
    if (bytes < sizeof floor_s)
        return 0;
    memcpy(&floor_s, data, sizeof floor_s);
    data += sizeof floor_s, bytes -= sizeof floor_s;
    enum th_net_sntp what = th_net_sntp_decode(data, bytes, cookie, floor_s, &now_s);
    if (bytes < TH_NET_SNTP_BYTES || memcmp(data + 24, cookie, sizeof cookie))
        hold(what == TH_NET_SNTP_FOREIGN);
    if (what == TH_NET_SNTP_GIVEN)
        hold(now_s >= floor_s && now_s - floor_s < TH_NET_SNTP_SPAN_S && data[1]);
    return 0;
}
