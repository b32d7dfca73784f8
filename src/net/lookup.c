#include "net/lookup.h"

#include "base/clock.h"
#include "base/err.h"
#include "net/ask.h"
#include "net/hosts.h"
#include "net/name.h"
#include "net/order.h"

#include <stddef.h>
#include <string.h>

/* ---- what is known without asking ---- */

static bool find_numeric(struct th_net_lookup *lookup)
{
    struct th_net_address address;
    if (!th_net_address_parse(&address, lookup->host))
        return false;
    th_net_addresses_add(&lookup->found, &address);
    return true;
}

static bool find_localhost(struct th_net_lookup *lookup)
{
    static const struct th_net_address ipv6 = {AF_INET6, {[15] = 1}, 0};
    static const struct th_net_address ipv4 = {AF_INET, {127, 0, 0, 1}, 0};
    if (!th_net_name_is_localhost(lookup->host))
        return false;
    th_net_addresses_add(&lookup->found, &ipv6);
    th_net_addresses_add(&lookup->found, &ipv4);
    return true;
}

static bool find_locally(struct th_net_lookup *lookup)
{
    return th_net_hosts_find(lookup->hosts_path, lookup->host, &lookup->found)
        || find_localhost(lookup);
}

/* ---- what was asked ---- */

static bool has_more_rounds(const struct th_net_lookup *lookup)
{
    return lookup->round < lookup->resolver.attempts * lookup->resolver.server_count;
}

static int find_question(const struct th_net_lookup *lookup, enum th_net_answer answer)
{
    for (int n = 0; n < TH_NET_QUESTIONS; n++)
        if (lookup->answers[n] == answer)
            return n;
    return -1;
}

static bool all_settled(const struct th_net_lookup *lookup)
{
    return th_net_ask_is_settled(lookup, 0) && th_net_ask_is_settled(lookup, 1);
}

/* No server has settled the name. */
static void conclude_unanswered(struct th_net_lookup *lookup)
{
    lookup->verdict = lookup->failed ? TH_NET_SERVER_FAILED : TH_NET_NO_ANSWER;
}

static void conclude_absent(struct th_net_lookup *lookup, uint64_t now_ms)
{
    lookup->name_exists |= find_question(lookup, TH_NET_ANSWER_GIVEN) >= 0;
    if (th_net_ask_is_last_candidate(lookup)) {
        lookup->verdict = lookup->name_exists ? TH_NET_NO_ADDRESS : TH_NET_NO_NAME;
        return;
    }
    lookup->candidate++;
    th_net_ask_candidate(lookup, now_ms);
}

static size_t count_found(const struct th_net_lookup *lookup)
{
    return lookup->services ? lookup->services->count : lookup->found.count;
}

static void conclude_candidate(struct th_net_lookup *lookup, uint64_t now_ms)
{
    if (count_found(lookup) > 0)
        lookup->verdict = TH_NET_FOUND;
    else if (all_settled(lookup))
        conclude_absent(lookup, now_ms);
    else
        conclude_unanswered(lookup);
}

/* The server has said what it will say, or its time is over. */
static void move_on(struct th_net_lookup *lookup, uint64_t now_ms)
{
    int truncated = find_question(lookup, TH_NET_ANSWER_TRUNCATED);
    bool enough = all_settled(lookup) || count_found(lookup) > 0;
    if (truncated >= 0)
        th_net_ask_over_tcp(lookup, truncated, now_ms);
    else if (!enough && has_more_rounds(lookup))
        th_net_ask_round(lookup, now_ms);
    else
        conclude_candidate(lookup, now_ms);
}

/* ---- verdicts ---- */

static int explain_no_service(const struct th_net_lookup *lookup, struct th_fault *fault)
{
    return th_fault_set(fault, TH_E_LOOKUP, "no SRV record \"%s%.120s\" names a host",
                        lookup->service, lookup->host);
}

static int explain_absence(const struct th_net_lookup *lookup, struct th_fault *fault)
{
    if (lookup->services)
        return explain_no_service(lookup, fault);
    const char *sentence = lookup->verdict == TH_NET_NO_NAME
        ? "there is no host named"
        : "no IPv4 or IPv6 address is known for";
    return th_fault_set(fault, TH_E_LOOKUP, "%s \"%.120s\"", sentence, lookup->host);
}

static int explain_silence(const struct th_net_lookup *lookup, struct th_fault *fault)
{
    char server[TH_NET_ADDRESS_TEXT_BYTES];
    th_net_address_format(&lookup->resolver.servers[0], server);
    const char *sentence = lookup->verdict == TH_NET_NO_ANSWER ? "does not answer" : "failed";
    return th_fault_set(fault, TH_E_LOOKUP, "name server %s %s when asked for \"%.120s\"", server,
                        sentence, lookup->host);
}

static int explain(const struct th_net_lookup *lookup, struct th_fault *fault)
{
    if (lookup->verdict == TH_NET_NO_ENTROPY)
        return th_fault_set(fault, TH_E_ENTROPY, "the kernel's random numbers are not ready, "
                            "so no name can be looked up");
    if (lookup->verdict == TH_NET_NO_NAME || lookup->verdict == TH_NET_NO_ADDRESS)
        return explain_absence(lookup, fault);
    return explain_silence(lookup, fault);
}

/* ---- the public verbs ---- */

static void set_defaults(struct th_net_lookup *lookup)
{
    if (!lookup->hosts_path)
        lookup->hosts_path = "/etc/hosts";
    if (!lookup->resolv_path)
        lookup->resolv_path = "/etc/resolv.conf";
    if (lookup->server_port == 0)
        lookup->server_port = 53;
}

static void reset(struct th_net_lookup *lookup, const char *host)
{
    size_t kept_bytes = offsetof(struct th_net_lookup, host);
    memset((uint8_t *)lookup + kept_bytes, 0, sizeof *lookup - kept_bytes);
    set_defaults(lookup);
    lookup->host = host;
    lookup->fd = -1;
    lookup->streamed = TH_NET_OVER_UDP;
}

static void begin_asking(struct th_net_lookup *lookup, uint64_t now_ms)
{
    lookup->verdict = TH_NET_ASKING;
    th_net_resolver_read(&lookup->resolver, lookup->resolv_path);
    th_net_ask_candidate(lookup, now_ms);
}

int th_net_lookup_check(const char *host, struct th_fault *fault)
{
    struct th_net_address address;
    if (th_net_address_parse(&address, host) || th_net_name_is_valid(host))
        return 0;
    return th_fault_set(fault, TH_E_SERVER_NAME,
                        "\"%.120s\" is neither a host name nor an address", host);
}

int th_net_lookup_begin(struct th_net_lookup *lookup, const char *host, uint64_t now_ms,
                        struct th_fault *fault)
{
    reset(lookup, host);
    lookup->verdict = TH_NET_FOUND;
    if (find_numeric(lookup))
        return 0;
    int result = th_net_lookup_check(host, fault);
    if (result < 0)
        return result;
    if (find_locally(lookup))
        return 0;
    begin_asking(lookup, now_ms);
    return 0;
}

int th_net_lookup_services(struct th_net_lookup *lookup, const char *service, const char *domain,
                           struct th_net_services *services, uint64_t now_ms,
                           struct th_fault *fault)
{
    reset(lookup, domain);
    lookup->service = service;
    lookup->services = services;
    services->count = 0;
    if (!th_net_name_is_valid(domain))
        return th_fault_set(fault, TH_E_SERVER_NAME, "\"%.120s\" is no domain, so it has no SRV "
                            "records", domain);
    begin_asking(lookup, now_ms);
    return 0;
}

static int report(struct th_net_lookup *lookup, struct th_net_addresses *addresses,
                  struct th_fault *fault)
{
    th_net_ask_hang_up(lookup);
    if (lookup->verdict != TH_NET_FOUND)
        return explain(lookup, fault);
    if (!lookup->services)
        th_net_order(addresses, &lookup->found);
    return (int)count_found(lookup);
}

int th_net_lookup_step(struct th_net_lookup *lookup, uint64_t now_ms,
                       struct th_net_addresses *addresses, struct th_fault *fault)
{
    while (lookup->verdict == TH_NET_ASKING) {
        th_net_ask_read(lookup, now_ms);
        if (th_net_ask_is_waiting(lookup, now_ms)) {
            th_net_ask_again(lookup, now_ms);
            return lookup->wants_write ? TH_WANT_WRITE : TH_WANT_READ;
        }
        move_on(lookup, now_ms);
    }
    return report(lookup, addresses, fault);
}

int th_net_lookup_fd(const struct th_net_lookup *lookup)
{
    return lookup->fd;
}

int th_net_lookup_wait_ms(const struct th_net_lookup *lookup, uint64_t now_ms)
{
    if (lookup->verdict != TH_NET_ASKING)
        return 0;
    return th_clock_wait_ms(th_clock_earlier(lookup->resend_ms, lookup->round_ends_ms), now_ms);
}

void th_net_lookup_end(struct th_net_lookup *lookup)
{
    th_net_ask_hang_up(lookup);
}
