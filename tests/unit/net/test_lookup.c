/* The lookup against name servers of our own on 127.0.0.1 and 127.0.0.2. Time is the test's: when
 * nothing comes, the clock jumps to the moment the lookup waits for. */
#include "support.h"

#include "loopback.h"
#include "net/lookup.h"
#include "reply.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>

enum { A = 1, AAAA = 28, SRV = 33, SERVFAIL = 2, NXDOMAIN = 3 };

/* ---- name servers ---- */

struct query {
    const uint8_t *bytes;
    size_t length;
    unsigned type;
    int server; /* 0 or 1 */
    bool tcp;
    int nth; /* of all that came, from 0 */
};

/* Fills the reply; false sends nothing. */
typedef bool answerer(const struct query *query, struct reply *reply);

enum { SERVERS = 2, STOP = 2 * SERVERS, SOCKETS };

static struct {
    struct pollfd sockets[SOCKETS]; /* UDP of each server, TCP of each server, the end of a pipe */
    int stop;                       /* the other end */
    uint16_t port;
    pthread_t thread;
    answerer *answer;
    int queries, udp_queries[SERVERS], tcp_queries;
} dns;

static struct query note_query(const uint8_t *bytes, size_t length, int server, bool tcp)
{
    dns.udp_queries[server] += !tcp;
    dns.tcp_queries += tcp;
    return (struct query){bytes, length, question_type(bytes, length), server, tcp, dns.queries++};
}

static void serve_udp(int fd, int server)
{
    uint8_t bytes[512];
    struct reply reply;
    struct sockaddr_in client;
    socklen_t client_bytes = sizeof client;
    ssize_t length = recvfrom(fd, bytes, sizeof bytes, MSG_DONTWAIT, (struct sockaddr *)&client,
                              &client_bytes);
    if (length < 17)
        return;
    struct query query = note_query(bytes, (size_t)length, server, false);
    begin_reply(&reply, bytes, (size_t)length, 0);
    if (dns.answer(&query, &reply))
        sendto(fd, reply.bytes, reply.length, 0, (struct sockaddr *)&client, client_bytes);
}

static void send_in_pieces(int fd, const uint8_t *bytes, size_t length)
{
    for (size_t at = 0; at < length; at += 100) {
        size_t piece = length - at < 100 ? length - at : 100;
        send(fd, bytes + at, piece, MSG_NOSIGNAL);
        usleep(200);
    }
}

static void serve_tcp(int listener, int server)
{
    uint8_t bytes[514];
    struct reply reply;
    int fd = accept(listener, NULL, NULL);
    wait_for(fd, POLLIN);
    ssize_t length = recv(fd, bytes, sizeof bytes, 0);
    if (length > 18 && length == 2 + (bytes[0] << 8 | bytes[1])) {
        struct query query = note_query(bytes + 2, (size_t)length - 2, server, true);
        begin_reply(&reply, bytes + 2, (size_t)length - 2, 0);
        if (dns.answer(&query, &reply)) {
            uint8_t prefix[2] = {(uint8_t)(reply.length >> 8), (uint8_t)reply.length};
            send_in_pieces(fd, prefix, 2);
            send_in_pieces(fd, reply.bytes, reply.length);
        }
    }
    close(fd);
}

static void *serve(void *arg)
{
    while (poll(dns.sockets, SOCKETS, -1) > 0 && !dns.sockets[STOP].revents)
        for (int n = 0; n < SERVERS; n++) {
            if (dns.sockets[n].revents)
                serve_udp(dns.sockets[n].fd, n);
            if (dns.sockets[SERVERS + n].revents)
                serve_tcp(dns.sockets[SERVERS + n].fd, n);
        }
    return arg;
}

/* Port 0 lets the first socket choose; the others follow. A socket that is not to be had is -1. */
static void bind_one(int n, const char *address, int type)
{
    dns.sockets[n].fd = bind_to(address, dns.port, type);
    dns.sockets[n].events = POLLIN;
    if (dns.port == 0)
        dns.port = port_of(dns.sockets[n].fd);
}

static bool bind_all(void)
{
    static const char *const addresses[SERVERS] = {"127.0.0.1", "127.0.0.2"};
    bool complete = true;
    dns.port = 0;
    for (int n = 0; n < SERVERS; n++) {
        bind_one(n, addresses[n], SOCK_DGRAM);
        bind_one(SERVERS + n, addresses[n], SOCK_STREAM);
        listen(dns.sockets[SERVERS + n].fd, 4);
        complete &= dns.sockets[n].fd >= 0 && dns.sockets[SERVERS + n].fd >= 0;
    }
    return complete;
}

static void close_servers(void)
{
    for (int i = 0; i < 2 * SERVERS; i++)
        close(dns.sockets[i].fd);
}

static void start_dns(answerer *answer)
{
    int ends[2];
    memset(&dns, 0, sizeof dns);
    while (!bind_all())
        close_servers();
    assert_int_equal(pipe(ends), 0);
    dns.sockets[STOP] = (struct pollfd){.fd = ends[0], .events = POLLIN};
    dns.stop = ends[1];
    dns.answer = answer;
    pthread_create(&dns.thread, NULL, serve, NULL);
}

static void stop_dns(void)
{
    close(dns.stop);
    pthread_join(dns.thread, NULL);
    close(dns.sockets[STOP].fd);
    close_servers();
}

/* ---- looking up ---- */

struct result {
    int code;
    struct th_net_addresses addresses;
    struct th_fault fault;
    uint64_t took_ms; /* of the test's clock */
};

/* Waits in truth for a while; when nothing comes, the clock jumps. */
static void wait_or_jump(struct th_net_lookup *lookup, int want, uint64_t *now_ms)
{
    enum { PATIENCE_MS = 300 };
    struct pollfd wait = {
        .fd = th_net_lookup_fd(lookup),
        .events = want == TH_WANT_WRITE ? POLLOUT : POLLIN,
    };
    int wait_ms = th_net_lookup_wait_ms(lookup, *now_ms);
    assert_true(wait_ms >= 0);
    if (poll(&wait, 1, wait_ms < PATIENCE_MS ? wait_ms : PATIENCE_MS) == 0)
        *now_ms += (uint64_t)wait_ms;
}

static const char *service; /* NULL: addresses are looked for */
static struct th_net_services services;

static int begin(struct th_net_lookup *lookup, const char *host, uint64_t now_ms,
                 struct th_fault *fault)
{
    if (service)
        return th_net_lookup_services(lookup, service, host, &services, now_ms, fault);
    return th_net_lookup_begin(lookup, host, now_ms, fault);
}

static struct result run(struct th_net_lookup *lookup, const char *host)
{
    enum { START_MS = 1000000 };
    struct result result = {.code = 0};
    uint64_t now_ms = START_MS;
    result.code = begin(lookup, host, now_ms, &result.fault);
    if (result.code < 0)
        return result;
    for (;;) {
        result.code = th_net_lookup_step(lookup, now_ms, &result.addresses, &result.fault);
        if (result.code != TH_WANT_READ && result.code != TH_WANT_WRITE)
            break;
        wait_or_jump(lookup, result.code, &now_ms);
    }
    assert_int_equal(th_net_lookup_fd(lookup), -1);
    th_net_lookup_end(lookup);
    result.took_ms = now_ms - START_MS;
    return result;
}

/* Asks the servers of `resolv`, a resolv.conf, with `answer` at both addresses. */
static struct result look_up(const char *host, const char *resolv, answerer *answer)
{
    char path[64];
    struct th_net_lookup *lookup = calloc(1, sizeof *lookup);
    write_file(path, resolv, strlen(resolv));
    start_dns(answer);
    lookup->hosts_path = "/no/such/file";
    lookup->resolv_path = path;
    lookup->server_port = dns.port;
    struct result result = run(lookup, host);
    stop_dns();
    unlink(path);
    free(lookup);
    return result;
}

static void assert_addresses(const struct result *result, const char *expected)
{
    char all[512] = "", text[TH_NET_ADDRESS_TEXT_BYTES];
    if (result->code < 0)
        fail_msg("%d: %s", result->code, result->fault.text);
    assert_int_equal(result->code, result->addresses.count);
    for (size_t i = 0; i < result->addresses.count; i++) {
        th_net_address_format(&result->addresses.list[i], text);
        strcat(strcat(all, i ? " " : ""), text);
    }
    assert_string_equal(all, expected);
    assert_int_equal(result->fault.code, 0);
}

static void assert_fails(const struct result *result, int code, const char *sentence)
{
    assert_int_equal(result->code, code);
    assert_int_equal(result->fault.code, code);
    assert_string_equal(result->fault.text, sentence);
}

static const char one_server[] = "nameserver 127.0.0.1\noptions timeout:1";
static const char two_servers[] =
    "nameserver 127.0.0.1\nnameserver 127.0.0.2\noptions timeout:1";

/* ---- answers ---- */

static void set_rcode(struct reply *reply, int rcode)
{
    reply->bytes[3] = (uint8_t)(0x80 | rcode);
}

static void give_a(struct reply *reply, uint8_t last)
{
    const uint8_t address[4] = {127, 0, 0, last};
    append_record(reply, NULL, A, address, sizeof address);
}

static void give_loopback_aaaa(struct reply *reply)
{
    static const uint8_t address[16] = {[15] = 1};
    append_record(reply, NULL, AAAA, address, sizeof address);
}

static bool answer_a(const struct query *query, struct reply *reply)
{
    if (query->type == A)
        give_a(reply, 9);
    return true;
}

static bool answer_aaaa(const struct query *query, struct reply *reply)
{
    if (query->type == AAAA)
        give_loopback_aaaa(reply);
    return true;
}

static bool answer_both(const struct query *query, struct reply *reply)
{
    return query->type == A ? answer_a(query, reply) : answer_aaaa(query, reply);
}

static bool answer_nothing(const struct query *query, struct reply *reply)
{
    (void)query, (void)reply;
    return false;
}

/* ---- tests: found ---- */

static void finds_ipv4(void **state)
{
    (void)state;
    struct result result = look_up("broker.example", one_server, answer_a);
    assert_addresses(&result, "127.0.0.9");
    assert_int_equal(dns.queries, 2);
    assert_int_equal(result.took_ms, 0);
}

static void finds_ipv6(void **state)
{
    (void)state;
    struct result result = look_up("broker.example", one_server, answer_aaaa);
    assert_addresses(&result, "::1");
}

static void finds_both_ipv6_first(void **state)
{
    (void)state;
    struct result result = look_up("broker.example", one_server, answer_both);
    assert_addresses(&result, "::1 127.0.0.9");
}

static bool answer_unreachable_ipv6(const struct query *query, struct reply *reply)
{
    static const uint8_t link_local_without_scope[16] = {0xfe, 0x80, [15] = 1};
    if (query->type == AAAA)
        append_record(reply, NULL, AAAA, link_local_without_scope, 16);
    return answer_a(query, reply);
}

static void puts_an_address_without_a_route_last(void **state)
{
    (void)state;
    struct result result = look_up("broker.example", one_server, answer_unreachable_ipv6);
    assert_addresses(&result, "127.0.0.9 fe80::1");
}

static bool answer_with_alias(const struct query *query, struct reply *reply)
{
    static const uint8_t address[4] = {127, 0, 0, 7};
    append_alias(reply, NULL, "real.example");
    if (query->type == A)
        append_record(reply, "real.example", A, address, sizeof address);
    return true;
}

static void follows_an_alias(void **state)
{
    (void)state;
    struct result result = look_up("broker.example", one_server, answer_with_alias);
    assert_addresses(&result, "127.0.0.7");
}

static bool answer_second_server_only(const struct query *query, struct reply *reply)
{
    if (query->server == 0) {
        set_rcode(reply, SERVFAIL);
        return true;
    }
    return answer_both(query, reply);
}

static void asks_the_next_server_when_one_fails(void **state)
{
    (void)state;
    struct result result = look_up("broker.example", two_servers, answer_second_server_only);
    assert_addresses(&result, "::1 127.0.0.9");
    assert_int_equal(result.took_ms, 0);
    assert_int_equal(dns.udp_queries[0], 2);
    assert_int_equal(dns.udp_queries[1], 2);
}

static bool silent_first_server(const struct query *query, struct reply *reply)
{
    return query->server == 1 && answer_both(query, reply);
}

static void asks_the_next_server_when_one_is_silent(void **state)
{
    (void)state;
    struct result result = look_up("broker.example", two_servers, silent_first_server);
    assert_addresses(&result, "::1 127.0.0.9");
    assert_int_equal(result.took_ms, 1000);
}

static void asks_the_next_server_when_one_does_not_exist(void **state)
{
    (void)state;
    struct result result = look_up("broker.example",
                                   "nameserver 127.0.0.77\nnameserver 127.0.0.2\n", answer_both);
    assert_addresses(&result, "::1 127.0.0.9");
    assert_int_equal(result.took_ms, 0);
}

static bool lose_the_first_two(const struct query *query, struct reply *reply)
{
    return query->nth >= 2 && answer_both(query, reply);
}

static void asks_again_after_a_second(void **state)
{
    (void)state;
    struct result result =
        look_up("broker.example", "nameserver 127.0.0.1\n", lose_the_first_two);
    assert_addresses(&result, "::1 127.0.0.9");
    assert_int_equal(result.took_ms, 1000);
    assert_int_equal(dns.queries, 4);
}

static bool lose_every_aaaa(const struct query *query, struct reply *reply)
{
    return query->type == A && answer_a(query, reply);
}

static void one_family_waits_a_second_for_the_other(void **state)
{
    (void)state;
    struct result result = look_up("broker.example", "nameserver 127.0.0.1\n", lose_every_aaaa);
    assert_addresses(&result, "127.0.0.9");
    assert_int_equal(result.took_ms, 1000);
}

static bool fail_aaaa(const struct query *query, struct reply *reply)
{
    set_rcode(reply, query->type == AAAA ? SERVFAIL : 0);
    return answer_a(query, reply);
}

static void one_family_is_enough(void **state)
{
    (void)state;
    struct result result = look_up("broker.example", one_server, fail_aaaa);
    assert_addresses(&result, "127.0.0.9");
    assert_int_equal(result.took_ms, 0);
}

/* ---- tests: over TCP ---- */

static void truncate_reply(struct reply *reply)
{
    reply->bytes[2] |= 2;
}

static bool truncate_over_udp(const struct query *query, struct reply *reply)
{
    if (!query->tcp)
        truncate_reply(reply);
    return !query->tcp || answer_both(query, reply);
}

static void a_truncated_answer_comes_over_tcp(void **state)
{
    (void)state;
    struct result result = look_up("broker.example", one_server, truncate_over_udp);
    assert_addresses(&result, "::1 127.0.0.9");
    assert_int_equal(dns.tcp_queries, 2);
    assert_int_equal(result.took_ms, 0);
}

static bool answer_64(const struct query *query, struct reply *reply)
{
    if (!query->tcp)
        truncate_reply(reply);
    for (int i = 0; query->tcp && query->type == A && i < 64; i++)
        give_a(reply, (uint8_t)(i + 1));
    return true;
}

static void sixty_four_addresses_are_cut_to_the_list(void **state)
{
    (void)state;
    struct result result = look_up("broker.example", one_server, answer_64);
    assert_addresses(&result, "127.0.0.1 127.0.0.2 127.0.0.3 127.0.0.4 127.0.0.5 127.0.0.6 "
                              "127.0.0.7 127.0.0.8");
}

static bool answer_240(const struct query *query, struct reply *reply)
{
    if (!query->tcp)
        truncate_reply(reply);
    for (int i = 0; query->tcp && query->type == A && i < 240; i++)
        give_a(reply, (uint8_t)(i + 1));
    reply->bytes[7] = query->tcp && query->type == A ? 240 : 0;
    return true;
}

static void an_answer_longer_than_its_room_is_used(void **state)
{
    (void)state;
    struct result result = look_up("broker.example", one_server, answer_240);
    assert_int_equal(result.code, TH_NET_ADDRESSES_MAX);
}

static bool truncate_always(const struct query *query, struct reply *reply)
{
    (void)query;
    truncate_reply(reply);
    return true;
}

static void truncated_over_tcp_is_a_failure(void **state)
{
    (void)state;
    struct result result = look_up("broker.example", one_server, truncate_always);
    assert_fails(&result, TH_E_LOOKUP,
                 "name server 127.0.0.1 failed when asked for \"broker.example\"");
}

static bool hang_up_on_tcp(const struct query *query, struct reply *reply)
{
    truncate_reply(reply);
    return !query->tcp;
}

static void a_tcp_server_that_hangs_up_has_failed(void **state)
{
    (void)state;
    struct result result = look_up("broker.example", one_server, hang_up_on_tcp);
    assert_int_equal(result.code, TH_E_LOOKUP);
    assert_int_equal(dns.tcp_queries, 4);
}

/* ---- tests: not found ---- */

static bool answer_no_name(const struct query *query, struct reply *reply)
{
    (void)query;
    set_rcode(reply, NXDOMAIN);
    return true;
}

static void tells_that_there_is_no_such_name(void **state)
{
    (void)state;
    struct result result = look_up("broker.example", one_server, answer_no_name);
    assert_fails(&result, TH_E_LOOKUP, "there is no host named \"broker.example\"");
    assert_int_equal(dns.queries, 2);
}

static bool answer_without_addresses(const struct query *query, struct reply *reply)
{
    (void)query, (void)reply;
    return true;
}

static void tells_that_a_name_has_no_address(void **state)
{
    (void)state;
    struct result result = look_up("broker.example", one_server, answer_without_addresses);
    assert_fails(&result, TH_E_LOOKUP,
                 "no IPv4 or IPv6 address is known for \"broker.example\"");
}

static bool answer_failure(const struct query *query, struct reply *reply)
{
    (void)query;
    set_rcode(reply, SERVFAIL);
    return true;
}

static void tells_that_the_servers_failed(void **state)
{
    (void)state;
    struct result result = look_up("broker.example", two_servers, answer_failure);
    assert_fails(&result, TH_E_LOOKUP,
                 "name server 127.0.0.1 failed when asked for \"broker.example\"");
    assert_int_equal(dns.queries, 8);
}

static void silence_ends_at_its_deadline(void **state)
{
    (void)state;
    struct result result = look_up("broker.example", one_server, answer_nothing);
    assert_fails(&result, TH_E_LOOKUP,
                 "name server 127.0.0.1 does not answer when asked for \"broker.example\"");
    assert_int_equal(result.took_ms, 2 * 1000);
    assert_int_equal(dns.queries, 4);
}

static void silence_ends_at_the_default_deadline(void **state)
{
    (void)state;
    struct result result = look_up("broker.example", "", answer_nothing);
    assert_int_equal(result.code, TH_E_LOOKUP);
    assert_int_equal(result.took_ms, 2 * 5000);
    assert_int_equal(dns.queries, 2 * 2 * 3);
}

static void a_server_that_refuses_ends_it_at_once(void **state)
{
    (void)state;
    struct result result = look_up("broker.example", "nameserver 127.0.0.77", answer_nothing);
    assert_int_equal(result.code, TH_E_LOOKUP);
    assert_int_equal(result.took_ms, 0);
}

/* ---- tests: what must be ignored ---- */

/* A forged reply to the first query of each type, and silence; only the second is answered. */
static bool forge_id(const struct query *query, struct reply *reply)
{
    reply->bytes[0] ^= query->nth < 2;
    return query->nth < 2 ? (give_a(reply, 66), true) : answer_a(query, reply);
}

static bool forge_question(const struct query *query, struct reply *reply)
{
    reply->bytes[13] ^= query->nth < 2;
    return query->nth < 2 ? (give_a(reply, 66), true) : answer_a(query, reply);
}

static bool send_garbage(const struct query *query, struct reply *reply)
{
    if (query->nth >= 2)
        return answer_a(query, reply);
    for (size_t i = 2; i < sizeof reply->bytes; i++)
        reply->bytes[i] = (uint8_t)(i * 181 + 7);
    reply->length = query->nth == 0 ? 0 : 700;
    return true;
}

static void forgeries_and_garbage_are_ignored(void **state)
{
    (void)state;
    static answerer *const forgers[] = {forge_id, forge_question, send_garbage};
    for (size_t i = 0; i < COUNT_OF(forgers); i++) {
        struct result result = look_up("broker.example", "nameserver 127.0.0.1\n", forgers[i]);
        assert_addresses(&result, "127.0.0.9");
        assert_int_equal(result.took_ms, 1000);
    }
}

static void strangers_are_not_heard(void **state)
{
    (void)state;
    struct th_net_lookup lookup = {.hosts_path = "/no/such/file", .resolv_path = "/no/such/file"};
    struct th_net_addresses addresses;
    int silent = bind_to("127.0.0.1", 0, SOCK_DGRAM);
    int stranger = bind_to("127.0.0.2", 0, SOCK_DGRAM);
    uint8_t query[512];
    struct sockaddr_storage client;
    socklen_t client_bytes = sizeof client;
    lookup.server_port = port_of(silent);
    assert_int_equal(th_net_lookup_begin(&lookup, "broker.example", 0, NULL), 0);
    wait_for(silent, POLLIN);
    ssize_t length = recvfrom(silent, query, sizeof query, 0, (struct sockaddr *)&client,
                              &client_bytes);
    struct reply reply;
    begin_reply(&reply, query, (size_t)length, 0);
    give_a(&reply, 66);
    sendto(stranger, reply.bytes, reply.length, 0, (struct sockaddr *)&client, client_bytes);
    assert_int_equal(th_net_lookup_step(&lookup, 0, &addresses, NULL), TH_WANT_READ);
    sendto(silent, reply.bytes, reply.length, 0, (struct sockaddr *)&client, client_bytes);
    assert_int_equal(th_net_lookup_step(&lookup, 0, &addresses, NULL), TH_WANT_READ);
    assert_int_equal(th_net_lookup_step(&lookup, 1000, &addresses, NULL), 1);
    th_net_lookup_end(&lookup);
    close(silent);
    close(stranger);
}

static void a_flood_does_not_hold_the_caller(void **state)
{
    (void)state;
    struct th_net_lookup lookup = {.hosts_path = "/no/such/file", .resolv_path = "/no/such/file"};
    struct th_net_addresses addresses;
    struct sockaddr_storage client;
    socklen_t client_bytes = sizeof client;
    char byte;
    int flooder = bind_to("127.0.0.1", 0, SOCK_DGRAM);
    lookup.server_port = port_of(flooder);
    assert_int_equal(th_net_lookup_begin(&lookup, "broker.example", 0, NULL), 0);
    recvfrom(flooder, &byte, 1, 0, (struct sockaddr *)&client, &client_bytes);
    for (int i = 0; i < 64; i++)
        sendto(flooder, "flood", 5, 0, (struct sockaddr *)&client, client_bytes);
    assert_int_equal(th_net_lookup_step(&lookup, 0, &addresses, NULL), TH_WANT_READ);
    assert_int_equal(recv(th_net_lookup_fd(&lookup), &byte, 1, MSG_DONTWAIT), 1);
    th_net_lookup_end(&lookup);
    close(flooder);
}

static void ids_differ_from_lookup_to_lookup(void **state)
{
    (void)state;
    struct th_net_lookup lookup = {.hosts_path = "/no/such/file", .resolv_path = "/no/such/file"};
    uint16_t first = 0;
    int silent = bind_to("127.0.0.1", 0, SOCK_DGRAM), changes = 0;
    lookup.server_port = port_of(silent);
    for (int i = 0; i < 8; i++) {
        th_net_lookup_begin(&lookup, "broker.example", 0, NULL);
        changes += lookup.questions[0].id != first;
        first = lookup.questions[0].id;
        th_net_lookup_end(&lookup);
    }
    assert_true(changes >= 6);
    close(silent);
}

/* ---- tests: search ---- */

static char asked[16][64];

static bool note_name_and_deny(const struct query *query, struct reply *reply)
{
    char *name = asked[query->nth % 16];
    size_t at = 12;
    name[0] = '\0';
    for (; query->bytes[at]; at += query->bytes[at] + 1u)
        strcat(strncat(name, (const char *)query->bytes + at + 1, query->bytes[at]), ".");
    set_rcode(reply, NXDOMAIN);
    return true;
}

static void short_names_are_searched(void **state)
{
    (void)state;
    struct result result = look_up("broker", "nameserver 127.0.0.1\nsearch lan home.example",
                                   note_name_and_deny);
    assert_fails(&result, TH_E_LOOKUP, "there is no host named \"broker\"");
    assert_int_equal(dns.queries, 6);
    assert_string_equal(asked[0], "broker.lan.");
    assert_string_equal(asked[2], "broker.home.example.");
    assert_string_equal(asked[4], "broker.");
}

static void long_and_absolute_names_are_not_searched(void **state)
{
    (void)state;
    static const char *const names[] = {"broker.example", "broker."};
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        look_up(names[i], "nameserver 127.0.0.1\nsearch lan", note_name_and_deny);
        assert_int_equal(dns.queries, 2);
        assert_memory_equal(asked[0], names[i], strlen(names[i]));
    }
}

static void a_search_that_makes_the_name_too_long_is_skipped(void **state)
{
    (void)state;
    char host[254], resolv[300] = "nameserver 127.0.0.1\noptions ndots:15\nsearch ";
    memset(host, 'a', sizeof host);
    for (size_t i = 60; i < sizeof host; i += 60)
        host[i] = '.';
    host[251] = '\0';
    strcat(resolv, "lan x");
    struct result result = look_up(host, resolv, answer_a);
    assert_addresses(&result, "127.0.0.9");
    assert_int_equal(dns.queries, 2);
}

static bool deny_lan_without_address(const struct query *query, struct reply *reply)
{
    bool lan = query->bytes[12 + 7] == 3;
    set_rcode(reply, lan ? 0 : NXDOMAIN);
    return true;
}

static void a_name_that_exists_somewhere_has_no_address(void **state)
{
    (void)state;
    struct result result = look_up("broker", "nameserver 127.0.0.1\nsearch lan",
                                   deny_lan_without_address);
    assert_fails(&result, TH_E_LOOKUP, "no IPv4 or IPv6 address is known for \"broker\"");
}

/* ---- tests: without a server ---- */

static struct result look_up_locally(const char *host, const char *hosts)
{
    char path[64];
    struct th_net_lookup *lookup = calloc(1, sizeof *lookup);
    write_file(path, hosts, strlen(hosts));
    lookup->hosts_path = path;
    lookup->resolv_path = "/no/such/file";
    lookup->server_port = 1;
    struct result result = run(lookup, host);
    unlink(path);
    free(lookup);
    return result;
}

static void numeric_addresses_need_no_lookup(void **state)
{
    (void)state;
    static const char *const pairs[][2] = {
        {"10.0.0.1", "10.0.0.1"}, {"::1", "::1"}, {"[::1]", "::1"}, {"fe80::1%lo", "fe80::1%1"},
    };
    for (size_t i = 0; i < COUNT_OF(pairs); i++) {
        struct result result = look_up_locally(pairs[i][0], "");
        assert_addresses(&result, pairs[i][1]);
    }
}

static void the_hosts_file_comes_first(void **state)
{
    (void)state;
    struct result result =
        look_up_locally("broker", "127.0.0.5 broker\n127.0.0.6 broker\n::1 broker\n");
    assert_addresses(&result, "::1 127.0.0.5 127.0.0.6");
}

static void localhost_is_the_loopback_interface(void **state)
{
    (void)state;
    static const char *const names[] = {"localhost", "LOCALHOST.", "any.localhost"};
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        struct result result = look_up_locally(names[i], "");
        assert_addresses(&result, "::1 127.0.0.1");
    }
}

static void refuses_what_is_no_name(void **state)
{
    (void)state;
    struct result result = look_up_locally("a..b", "");
    assert_fails(&result, TH_E_SERVER_NAME, "\"a..b\" is neither a host name nor an address");
    result = look_up_locally("192.168.1.300", "");
    assert_int_equal(result.code, TH_E_SERVER_NAME);
    char long_name[400];
    memset(long_name, 'a', sizeof long_name);
    for (size_t i = 50; i < sizeof long_name; i += 50)
        long_name[i] = '.';
    long_name[sizeof long_name - 1] = '\0';
    result = look_up_locally(long_name, "");
    assert_int_equal(result.code, TH_E_SERVER_NAME);
}

static void a_struct_of_zeros_can_be_ended(void **state)
{
    (void)state;
    struct th_net_lookup lookup = {.fd = 0};
    int stdin_flags = fcntl(STDIN_FILENO, F_GETFD);
    th_net_lookup_end(&lookup);
    assert_int_equal(fcntl(STDIN_FILENO, F_GETFD), stdin_flags);
}

static void a_lookup_under_way_can_be_ended(void **state)
{
    (void)state;
    struct th_net_lookup lookup = {.hosts_path = "/no/such/file", .resolv_path = "/no/such/file"};
    int silent = bind_to("127.0.0.1", 0, SOCK_DGRAM);
    lookup.server_port = port_of(silent);
    assert_int_equal(th_net_lookup_begin(&lookup, "broker.example", 0, NULL), 0);
    int fd = th_net_lookup_fd(&lookup);
    assert_true(fd > 2);
    th_net_lookup_end(&lookup);
    assert_int_equal(th_net_lookup_fd(&lookup), -1);
    assert_int_equal(close(fd), -1);
    close(silent);
}

/* ---- tests: services ---- */

static struct result look_up_services(const char *domain, const char *resolv, answerer *answer)
{
    service = "_mqtt._tcp.";
    struct result result = look_up(domain, resolv, answer);
    service = NULL;
    return result;
}

static bool answer_services(const struct query *query, struct reply *reply)
{
    static const uint8_t first[] = {0, 9, 0, 1, 0x07, 0x5b, 1, 'b', 0};
    static const uint8_t second[] = {0, 3, 0, 1, 0x22, 0xb3, 1, 'a', 7, 'e', 'x', 'a', 'm', 'p',
                                     'l', 'e', 0};
    assert_int_equal(query->type, SRV);
    assert_memory_equal(query->bytes + 12, "\5_mqtt\4_tcp\7example", 20);
    append_record(reply, NULL, SRV, first, sizeof first);
    append_record(reply, NULL, SRV, second, sizeof second);
    return true;
}

static void finds_services(void **state)
{
    (void)state;
    struct result result = look_up_services("example", one_server, answer_services);
    assert_int_equal(result.code, 2);
    assert_int_equal(result.addresses.count, 0);
    const struct th_net_service *first = th_net_services_next(&services);
    assert_string_equal(first->host, "a.example");
    assert_int_equal(first->port, 8883);
    assert_string_equal(th_net_services_next(&services)->host, "b");
    assert_int_equal(dns.queries, 1);
    assert_int_equal(result.took_ms, 0);
}

static bool answer_services_over_tcp(const struct query *query, struct reply *reply)
{
    answer_services(query, reply);
    if (!query->tcp)
        reply->bytes[2] |= 2;
    return true;
}

static void truncated_services_come_over_tcp(void **state)
{
    (void)state;
    struct result result = look_up_services("example", one_server, answer_services_over_tcp);
    assert_int_equal(result.code, 2);
    assert_int_equal(dns.tcp_queries, 1);
}

static bool answer_not_here(const struct query *query, struct reply *reply)
{
    (void)query;
    append_record(reply, NULL, SRV, "\0\0\0\0\0\0", 7);
    return true;
}

static bool answer_no_domain(const struct query *query, struct reply *reply)
{
    (void)query;
    set_rcode(reply, NXDOMAIN);
    return true;
}

static void tells_that_no_host_has_the_service(void **state)
{
    (void)state;
    static answerer *const answers[] = {answer_not_here, answer_no_domain, answer_a};
    for (size_t i = 0; i < COUNT_OF(answers); i++) {
        struct result result = look_up_services("example", one_server, answers[i]);
        assert_fails(&result, TH_E_LOOKUP, "no SRV record \"_mqtt._tcp.example\" names a host");
        assert_int_equal(dns.queries, 1);
    }
}

static void services_are_not_searched_for(void **state)
{
    (void)state;
    struct result result = look_up_services("example", "nameserver 127.0.0.1\nsearch a.test\n",
                                            answer_no_domain);
    assert_int_equal(result.code, TH_E_LOOKUP);
    assert_int_equal(dns.queries, 1);
}

static void an_address_has_no_services(void **state)
{
    (void)state;
    struct result result = look_up_services("192.0.2.1", one_server, answer_nothing);
    assert_fails(&result, TH_E_SERVER_NAME, "\"192.0.2.1\" is no domain, so it has no SRV records");
    char longest[254] = {0};
    for (size_t i = 0; i < sizeof longest - 1; i++)
        longest[i] = i % 50 == 49 ? '.' : 'a';
    result = look_up_services(longest, one_server, answer_services);
    assert_int_equal(result.code, TH_E_LOOKUP);
    assert_int_equal(dns.queries, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(finds_ipv4),
        cmocka_unit_test(finds_ipv6),
        cmocka_unit_test(finds_both_ipv6_first),
        cmocka_unit_test(puts_an_address_without_a_route_last),
        cmocka_unit_test(follows_an_alias),
        cmocka_unit_test(asks_the_next_server_when_one_fails),
        cmocka_unit_test(asks_the_next_server_when_one_is_silent),
        cmocka_unit_test(asks_the_next_server_when_one_does_not_exist),
        cmocka_unit_test(asks_again_after_a_second),
        cmocka_unit_test(one_family_waits_a_second_for_the_other),
        cmocka_unit_test(one_family_is_enough),
        cmocka_unit_test(a_truncated_answer_comes_over_tcp),
        cmocka_unit_test(sixty_four_addresses_are_cut_to_the_list),
        cmocka_unit_test(an_answer_longer_than_its_room_is_used),
        cmocka_unit_test(truncated_over_tcp_is_a_failure),
        cmocka_unit_test(a_tcp_server_that_hangs_up_has_failed),
        cmocka_unit_test(tells_that_there_is_no_such_name),
        cmocka_unit_test(tells_that_a_name_has_no_address),
        cmocka_unit_test(tells_that_the_servers_failed),
        cmocka_unit_test(silence_ends_at_its_deadline),
        cmocka_unit_test(silence_ends_at_the_default_deadline),
        cmocka_unit_test(a_server_that_refuses_ends_it_at_once),
        cmocka_unit_test(forgeries_and_garbage_are_ignored),
        cmocka_unit_test(strangers_are_not_heard),
        cmocka_unit_test(a_flood_does_not_hold_the_caller),
        cmocka_unit_test(ids_differ_from_lookup_to_lookup),
        cmocka_unit_test(short_names_are_searched),
        cmocka_unit_test(long_and_absolute_names_are_not_searched),
        cmocka_unit_test(a_search_that_makes_the_name_too_long_is_skipped),
        cmocka_unit_test(a_name_that_exists_somewhere_has_no_address),
        cmocka_unit_test(numeric_addresses_need_no_lookup),
        cmocka_unit_test(the_hosts_file_comes_first),
        cmocka_unit_test(localhost_is_the_loopback_interface),
        cmocka_unit_test(refuses_what_is_no_name),
        cmocka_unit_test(finds_services),
        cmocka_unit_test(truncated_services_come_over_tcp),
        cmocka_unit_test(tells_that_no_host_has_the_service),
        cmocka_unit_test(services_are_not_searched_for),
        cmocka_unit_test(an_address_has_no_services),
        cmocka_unit_test(a_struct_of_zeros_can_be_ended),
        cmocka_unit_test(a_lookup_under_way_can_be_ended),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
