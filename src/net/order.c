#include "net/order.h"

#include "net/socket.h"

/* Connecting a UDP socket sends nothing: it only asks the routing table. */
static bool has_route(const struct th_net_address *address)
{
    enum { ANY_PORT = 9 };
    int fd = th_net_dial_udp(address, ANY_PORT);
    th_net_hang_up(fd);
    return fd >= 0;
}

/* Appends the n-th address of the family, if there is one. */
static void append_nth(struct th_net_addresses *to, const struct th_net_addresses *from,
                       int family, size_t n)
{
    for (size_t i = 0; i < from->count; i++)
        if (from->list[i].family == family && n-- == 0)
            to->list[to->count++] = from->list[i];
}

static void append_in_turns(struct th_net_addresses *to, const struct th_net_addresses *from)
{
    for (size_t n = 0; n < from->count; n++) {
        append_nth(to, from, AF_INET6, n);
        append_nth(to, from, AF_INET, n);
    }
}

/* Addresses without a route come last: dialing them fails at once, and says why. A single one has
 * its place without asking: a program that is locked in and looks nothing up may not ask. */
void th_net_order(struct th_net_addresses *to, const struct th_net_addresses *from)
{
    struct th_net_addresses near = {.count = 0}, far = {.count = 0};
    if (from->count < 2) {
        *to = *from;
        return;
    }
    for (size_t i = 0; i < from->count; i++)
        th_net_addresses_add(has_route(&from->list[i]) ? &near : &far, &from->list[i]);
    to->count = 0;
    append_in_turns(to, &near);
    append_in_turns(to, &far);
}
