/* No time server is asked. */
#include "net/sntp.h"

bool th_net_sntp_step(struct th_net_sntp_exchange *exchange, uint64_t now_ms, int64_t floor_s,
                      int64_t *now_s)
{
    (void)exchange, (void)now_ms, (void)floor_s, (void)now_s;
    return false;
}

int th_net_sntp_fd(const struct th_net_sntp_exchange *exchange)
{
    (void)exchange;
    return -1;
}

int th_net_sntp_wait_ms(const struct th_net_sntp_exchange *exchange, uint64_t now_ms)
{
    (void)exchange, (void)now_ms;
    return -1;
}

void th_net_sntp_end(struct th_net_sntp_exchange *exchange)
{
    (void)exchange;
}
