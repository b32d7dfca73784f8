/* Which address to dial first. */
#ifndef TH_NET_ORDER_H
#define TH_NET_ORDER_H

#include "net/address.h"

/* IPv6 and IPv4 in turns (RFC 8305 section 4). Addresses without a route come last: dialing them
 * fails at once, and says why. */
void th_net_order(struct th_net_addresses *ordered, const struct th_net_addresses *found);

#endif
