/* Whom to ask, and how: resolv.conf(5). */
#ifndef TH_NET_RESOLVER_H
#define TH_NET_RESOLVER_H

#include "net/address.h"

#define TH_NET_SERVERS_MAX 3
#define TH_NET_SEARCH_BYTES 256

struct th_net_resolver {
    struct th_net_address servers[TH_NET_SERVERS_MAX];
    uint8_t server_count; /* at least 1 */
    uint8_t timeout_s;    /* patience with one server, 1 to 30 */
    uint8_t attempts;     /* rounds over all servers, 1 to 5 */
    uint8_t ndots;        /* fewer dots than this: the search list comes first, 0 to 15 */
    uint16_t search_bytes;
    char search[TH_NET_SEARCH_BYTES]; /* the domains, each with its NUL */
};

/* Reads the file at `path`. What it does not say, or a missing file, means the defaults of
 * resolv.conf(5): the server 127.0.0.1, 5 seconds, 2 attempts, 1 dot, nothing to search. */
void th_net_resolver_read(struct th_net_resolver *resolver, const char *path);

/* The n-th search domain, or NULL. */
const char *th_net_resolver_search(const struct th_net_resolver *resolver, unsigned n);

#endif
