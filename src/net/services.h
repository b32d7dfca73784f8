/* Where a domain has a service (RFC 2782): what its SRV records say. */
#ifndef TH_NET_SERVICES_H
#define TH_NET_SERVICES_H

#include "net/name.h"

#include <stddef.h>
#include <stdint.h>

struct th_net_service {
    uint16_t priority; /* the lowest comes first */
    uint16_t weight;   /* among equals: how often */
    uint16_t port;
    bool drawn;        /* by th_net_services_next() */
    char host[TH_NET_NAME_BYTES + 1];
};

#define TH_NET_SERVICES_MAX 4

struct th_net_services {
    struct th_net_service list[TH_NET_SERVICES_MAX];
    size_t count;
};

/* A full list keeps the lower priorities. */
void th_net_services_add(struct th_net_services *services, const struct th_net_service *service);

/* The one to try next: by priority, among equals drawn by weight. NULL: that was all. */
const struct th_net_service *th_net_services_next(struct th_net_services *services);

#endif
