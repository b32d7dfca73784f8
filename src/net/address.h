/* Addresses: IPv4 and IPv6, numeric only. Names are the business of net/lookup.h. */
#ifndef TH_NET_ADDRESS_H
#define TH_NET_ADDRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

struct th_net_address {
    uint16_t family;   /* AF_INET or AF_INET6 */
    uint8_t bytes[16]; /* network order; IPv4 uses the first four */
    uint32_t scope;    /* interface index of a link-local IPv6 address (RFC 4007), else 0 */
};

#define TH_NET_ADDRESSES_MAX 8

struct th_net_addresses {
    struct th_net_address list[TH_NET_ADDRESSES_MAX];
    size_t count;
};

/* "192.0.2.1", "2001:db8::1", "fe80::1%eth0", "fe80::1%2"; IPv6 also in brackets. Returns false for
 * everything else; `address` then means nothing. */
bool th_net_address_parse(struct th_net_address *address, const char *text);

bool th_net_address_equal(const struct th_net_address *a, const struct th_net_address *b);

/* Adds what is not in the list yet. A full list makes room for a family that has less than half. */
void th_net_addresses_add(struct th_net_addresses *addresses, const struct th_net_address *address);

/* "127.0.0.1", "fe80::1%2" */
#define TH_NET_ADDRESS_TEXT_BYTES 60
void th_net_address_format(const struct th_net_address *address,
                           char text[TH_NET_ADDRESS_TEXT_BYTES]);

/* "127.0.0.1:8883", "[::1]:8883" */
#define TH_NET_ENDPOINT_TEXT_BYTES 72
void th_net_endpoint_format(const struct th_net_address *address, uint16_t port,
                            char text[TH_NET_ENDPOINT_TEXT_BYTES]);

/* Fills what connect(2) wants and returns its length. */
socklen_t th_net_sockaddr(const struct th_net_address *address, uint16_t port,
                          struct sockaddr_storage *out);

#endif
