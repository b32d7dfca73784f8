#include "absent/absent.h"
#include "net/socks.h"

void th_net_socks_begin(struct th_net_socks *socks, const struct th_proxy *proxy,
                        const char *host, uint16_t port)
{
    (void)socks, (void)proxy, (void)host, (void)port;
}

int th_net_socks_step(struct th_net_socks *socks, int fd, struct th_fault *fault)
{
    (void)socks, (void)fd;
    return th_absent(fault, "proxies");
}
