/* From a host to a connected socket: FINDING and DIALING. */
#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "client/link.h"

#include <string.h>

enum { PROXY_PORT = 1080 }; /* RFC 1928 section 3 */

/* ---- what may be wished for ------------------------------------------------------------------ */

static int check_unix(const char *path, struct th_fault *fault)
{
    if (!path || strnlen(path, TH_NET_UNIX_PATH_BYTES) < TH_NET_UNIX_PATH_BYTES)
        return 0;
    return th_fault_set(fault, TH_E_ARGUMENT, "the path of a Unix socket has at most %d bytes",
                        TH_NET_UNIX_PATH_BYTES - 1);
}

static int check_one_road(const struct th_route *route, struct th_fault *fault)
{
    int roads = !!route->unix_path + !!route->addresses_count + !!route->proxy.host + route->srv;
    if (roads <= 1)
        return 0;
    return th_fault_set(fault, TH_E_ARGUMENT, "one of these at a time: a Unix socket, given "
                        "addresses, a proxy, SRV records");
}

static bool is_field(size_t bytes)
{
    return bytes > 0 && bytes <= TH_NET_SOCKS_FIELD_BYTES;
}

static int check_proxy(const struct th_proxy *proxy, struct th_fault *fault)
{
    if (!proxy->username)
        return 0;
    if (is_field(strlen(proxy->username)) && proxy->password.len_bytes <= TH_NET_SOCKS_FIELD_BYTES)
        return 0;
    return th_fault_set(fault, TH_E_ARGUMENT, "a proxy's username has 1 to %d bytes, its "
                        "password at most as many", TH_NET_SOCKS_FIELD_BYTES);
}

int th_link_check(const char *host, const struct th_route *route, struct th_fault *fault)
{
    if ((!host || !*host) && !route->unix_path)
        return th_fault_set(fault, TH_E_ARGUMENT, "no host is given");
    int result = check_one_road(route, fault);
    if (result == 0)
        result = check_unix(route->unix_path, fault);
    return result < 0 ? result : check_proxy(&route->proxy, fault);
}

/* ---- SRV: what is kept ----------------------------------------------------------------------- */

_Static_assert(sizeof(struct th_net_services) <= TH_TCP_CELL_BYTES, "services lie in the TCP cell");

/* The TCP cell is free until there is a connection. */
static struct th_net_services *services(const struct th_link *link)
{
    return (struct th_net_services *)link->tcp_cell;
}

static const char *service_name(const struct th_link *link)
{
    return link->config.context ? "_secure-mqtt._tcp." : "_mqtt._tcp.";
}

/* ---- finding --------------------------------------------------------------------------------- */

static int parse(struct th_link *link, struct th_net_address *address, const char *text)
{
    if (th_net_address_parse(address, text))
        return 0;
    return th_fault_set(&link->fault, TH_E_ARGUMENT, "\"%.80s\" is no numeric address", text);
}

/* The order is the caller's. */
static int take_addresses(struct th_link *link, const char *const *texts, size_t count)
{
    struct th_net_address address;
    link->addresses.count = 0;
    for (size_t i = 0; i < count; i++) {
        if (parse(link, &address, texts[i]) < 0)
            return TH_E_ARGUMENT;
        th_net_addresses_add(&link->addresses, &address);
    }
    return 0;
}

/* 0 or more: it is found. A Unix socket counts as one address. */
static int find(struct th_link *link)
{
    const struct th_route *route = &link->config.route;
    if (route->addresses_count)
        return take_addresses(link, route->addresses, route->addresses_count);
    if (route->unix_path)
        return (int)(link->addresses.count = 1);
    return th_net_lookup_step(&link->lookup, th_clock_ms(), &link->addresses, &link->fault);
}

int th_link_find(struct th_link *link)
{
    const struct th_route *route = &link->config.route;
    const char *host = link->config.host, *proxy = route->proxy.host;
    link->port = link->config.port;
    link->socks.proxy = NULL;
    link->finds_services = route->srv;
    if (route->unix_path)
        return 0;
    if (route->bind_address && parse(link, &link->bind, route->bind_address) < 0)
        return TH_E_ARGUMENT;
    if (route->srv)
        return th_net_lookup_services(&link->lookup, service_name(link), host, services(link),
                                      th_clock_ms(), &link->fault);
    int result = th_net_lookup_check(host, &link->fault);
    if (result < 0 || route->addresses_count)
        return result;
    return th_net_lookup_begin(&link->lookup, proxy ? proxy : host, th_clock_ms(), &link->fault);
}

/* ---- SRV ------------------------------------------------------------------------------------- */

static int find_service(struct th_link *link, const struct th_net_service *service)
{
    link->port = service->port;
    th_log(&link->config.log, TH_LOG_DEBUG, "%s is at %s:%u", link->config.host, service->host,
           service->port);
    return th_net_lookup_begin(&link->lookup, service->host, th_clock_ms(), &link->fault);
}

static int begin_services(struct th_link *link)
{
    link->finds_services = false;
    return find_service(link, th_net_services_next(services(link)));
}

static const struct th_net_service *next_service(struct th_link *link)
{
    bool found = link->config.route.srv && !link->finds_services;
    return found ? th_net_services_next(services(link)) : NULL;
}

/* Nobody answers at this host of the domain. */
static int try_next_service(struct th_link *link, int result)
{
    const struct th_net_service *service = next_service(link);
    if (!service)
        return result;
    th_log(&link->config.log, TH_LOG_INFO, "%s; trying the next host", link->fault.text);
    th_fault_clear(&link->fault);
    th_link_enter(link, TH_PHASE_FINDING);
    return find_service(link, service);
}

/* ---- dialing --------------------------------------------------------------------------------- */

/* From an IPv4 address there is no way to an IPv6 one. */
static int keep_reachable(struct th_link *link)
{
    struct th_net_addresses *theirs = &link->addresses;
    size_t kept = 0;
    if (!link->bind.family)
        return 0;
    for (size_t i = 0; i < theirs->count; i++)
        if (theirs->list[i].family == link->bind.family)
            theirs->list[kept++] = theirs->list[i];
    theirs->count = kept;
    return kept ? 0 : th_fault_set(&link->fault, TH_E_ARGUMENT, "%.80s has no address of the "
                                   "family of %.60s",
                                   link->config.host, link->config.route.bind_address);
}

/* Addresses share what is left of the deadline, so that one that swallows packets does not keep
 * the next from its turn. */
static uint64_t share_of_deadline(const struct th_link *link, uint64_t now_ms)
{
    size_t left = link->addresses.count - link->address_next;
    return link->deadline_ms > now_ms ? now_ms + (link->deadline_ms - now_ms) / left : now_ms;
}

static int socket_buffer_bytes(const struct th_link *link)
{
    int wanted = link->config.socket_buffer_bytes;
    return wanted ? wanted : TH_SOCKET_BUFFER_BYTES;
}

static uint16_t dialed_port(const struct th_link *link)
{
    const struct th_proxy *proxy = &link->config.route.proxy;
    if (!proxy->host)
        return link->port;
    return proxy->port ? proxy->port : PROXY_PORT;
}

static int open_socket(struct th_link *link, const struct th_net_address *address)
{
    const struct th_route *route = &link->config.route;
    const struct th_net_options options = {
        .receive_buffer_bytes = socket_buffer_bytes(link),
        .send_buffer_bytes = socket_buffer_bytes(link),
        .user_timeout_ms = (int)th_link_allowed_ms(link, TH_PHASE_UP),
        .nodelay = true,
        .bind = link->bind.family ? &link->bind : NULL,
        .interface = route->bind_interface,
        .mark = route->mark,
    };
    return route->unix_path ? th_net_dial_unix(route->unix_path, &options, &link->fault)
                            : th_net_dial(address, dialed_port(link), &options, &link->fault);
}

static void dial(struct th_link *link)
{
    link->address_until_ms = share_of_deadline(link, th_clock_ms());
    link->dialing_fd = open_socket(link, &link->addresses.list[link->address_next++]);
}

void th_link_dial_again(struct th_link *link)
{
    link->socks.proxy = NULL;
    link->address_next--;
    th_link_enter(link, TH_PHASE_DIALING);
    dial(link);
}

void th_link_stop_dialing(struct th_link *link)
{
    th_net_hang_up(link->dialing_fd);
    link->dialing_fd = -1;
}

static int dialing_result(struct th_link *link)
{
    if (link->dialing_fd < 0)
        return link->dialing_fd;
    if (link->config.route.unix_path) /* connected, or it had failed at once */
        return 0;
    const struct th_net_address *address = &link->addresses.list[link->address_next - 1];
    int result = th_net_dialed(link->dialing_fd, address, dialed_port(link), &link->fault);
    if (result != TH_WANT_WRITE || th_clock_ms() < link->address_until_ms)
        return result;
    char text[TH_NET_ENDPOINT_TEXT_BYTES];
    th_net_endpoint_format(address, dialed_port(link), text);
    return th_fault_set(&link->fault, TH_E_TIMEOUT, "no answer from %s", text);
}

/* The fault of the address before is forgotten: what counts is whether any answers. */
static int try_next_address(struct th_link *link, int result)
{
    th_link_stop_dialing(link);
    if (link->address_next == link->addresses.count)
        return try_next_service(link, result);
    th_log(&link->config.log, TH_LOG_INFO, "%s; trying the next address", link->fault.text);
    th_fault_clear(&link->fault);
    dial(link);
    return 0;
}

/* ---- through a proxy ------------------------------------------------------------------------- */

static int begin_proxy(struct th_link *link)
{
    th_net_socks_begin(&link->socks, &link->config.route.proxy, link->config.host, link->port);
    return 0;
}

static int ask_proxy(struct th_link *link)
{
    int result = th_net_socks_step(&link->socks, link->dialing_fd, &link->fault);
    if (th_is_wait(result))
        return th_link_await(link, result);
    return result < 0 ? result : 1;
}

/* ---- where nobody knows the name now --------------------------------------------------------- */

/* Those of the last lookup are still there, unless there was none. */
static int fall_back(struct th_link *link, int result)
{
    const struct th_route *route = &link->config.route;
    if (!route->remembers || route->srv)
        return result;
    if (!link->addresses.count)
        take_addresses(link, route->fallbacks, route->fallbacks_count);
    if (!link->addresses.count)
        return result;
    th_log(&link->config.log, TH_LOG_WARNING, "%s; trying the addresses that are known",
           link->fault.text);
    th_fault_clear(&link->fault);
    return 0;
}

static int find_in_time(struct th_link *link)
{
    int result = find(link);
    int overdue = th_is_wait(result) ? th_link_overdue(link) : result;
    return overdue < 0 && result < 0 ? fall_back(link, overdue) : result;
}

/* ---- steps ----------------------------------------------------------------------------------- */

static int begin_dialing(struct th_link *link)
{
    link->address_next = 0;
    th_link_enter(link, TH_PHASE_DIALING);
    dial(link);
    return 0;
}

int th_link_step_finding(struct th_link *link)
{
    int result = find_in_time(link);
    if (th_is_wait(result))
        return th_link_await(link, result);
    if (result >= 0 && link->finds_services)
        return begin_services(link);
    if (result >= 0)
        result = keep_reachable(link);
    return result < 0 ? try_next_service(link, result) : begin_dialing(link);
}

int th_link_step_dialing(struct th_link *link)
{
    if (link->socks.proxy)
        return ask_proxy(link);
    int result = dialing_result(link);
    if (result == TH_WANT_WRITE)
        return th_link_await(link, result);
    if (result < 0)
        return try_next_address(link, result);
    link->address_until_ms = TH_NEVER;
    return link->config.route.proxy.host ? begin_proxy(link) : 1;
}
