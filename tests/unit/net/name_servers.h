/* Name servers of our own on 127.0.0.1 and 127.0.0.2, and lookups that ask them. Time is the
 * test's:
 * when nothing comes, the clock jumps to the moment the lookup waits for. */
#ifndef TH_TEST_NET_NAME_SERVERS_H
#define TH_TEST_NET_NAME_SERVERS_H

#include "support.h"

#include "loopback.h"
#include "net/lookup.h"
#include "reply.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>

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
    atomic_bool busy;
} dns;

static inline struct query note_query(const uint8_t *bytes, size_t length, int server, bool tcp)
{
    dns.udp_queries[server] += !tcp;
    dns.tcp_queries += tcp;
    return (struct query){bytes, length, question_type(bytes, length), server, tcp, dns.queries++};
}

static inline void serve_udp(int fd, int server)
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

static inline void send_in_pieces(int fd, const uint8_t *bytes, size_t length)
{
    for (size_t at = 0; at < length; at += 100) {
        size_t piece = length - at < 100 ? length - at : 100;
        send(fd, bytes + at, piece, MSG_NOSIGNAL);
        usleep(200);
    }
}

static inline void serve_tcp(int listener, int server)
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

static inline void serve_all(void)
{
    for (int n = 0; n < SERVERS; n++) {
        if (dns.sockets[n].revents)
            serve_udp(dns.sockets[n].fd, n);
        if (dns.sockets[SERVERS + n].revents)
            serve_tcp(dns.sockets[SERVERS + n].fd, n);
    }
}

static inline void *serve(void *arg)
{
    while (poll(dns.sockets, SOCKETS, -1) > 0 && !dns.sockets[STOP].revents) {
        dns.busy = true;
        serve_all();
        dns.busy = false;
    }
    return arg;
}

/* What they were asked they have answered, or will not. */
static inline bool servers_are_idle(void)
{
    struct pollfd asked[STOP];
    memcpy(asked, dns.sockets, sizeof asked);
    return poll(asked, STOP, 0) == 0 && !dns.busy;
}

/* Port 0 lets the first socket choose; the others follow. A socket that is not to be had is -1. */
static inline void bind_one(int n, const char *address, int type)
{
    dns.sockets[n].fd = bind_to(address, dns.port, type);
    dns.sockets[n].events = POLLIN;
    if (dns.port == 0)
        dns.port = port_of(dns.sockets[n].fd);
}

static inline bool bind_all(void)
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

static inline void close_servers(void)
{
    for (int i = 0; i < 2 * SERVERS; i++)
        close(dns.sockets[i].fd);
}

static inline void start_dns(answerer *answer)
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

static inline void stop_dns(void)
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

/* In truth: for a while, and as long as the servers, which are another thread, have something to
 * do. */
static inline bool comes(struct pollfd *wait, int wait_ms)
{
    enum { PATIENCE_MS = 300 };
    bool idle = false;
    while (!idle) {
        idle = servers_are_idle();
        if (poll(wait, 1, wait_ms < PATIENCE_MS ? wait_ms : PATIENCE_MS) > 0)
            return true;
    }
    return false;
}

/* When nothing comes, the clock jumps. */
static inline void wait_or_jump(struct th_net_lookup *lookup, int want, uint64_t *now_ms)
{
    struct pollfd wait = {
        .fd = th_net_lookup_fd(lookup),
        .events = want == TH_WANT_WRITE ? POLLOUT : POLLIN,
    };
    int wait_ms = th_net_lookup_wait_ms(lookup, *now_ms);
    assert_true(wait_ms >= 0);
    if (!comes(&wait, wait_ms))
        *now_ms += (uint64_t)wait_ms;
}

static const char *service; /* NULL: addresses are looked for */
static struct th_net_services services;

static inline int begin(struct th_net_lookup *lookup, const char *host, uint64_t now_ms,
                 struct th_fault *fault)
{
    if (service)
        return th_net_lookup_services(lookup, service, host, &services, now_ms, fault);
    return th_net_lookup_begin(lookup, host, now_ms, fault);
}

static inline struct result run(struct th_net_lookup *lookup, const char *host)
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
static inline struct result look_up(const char *host, const char *resolv, answerer *answer)
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

static inline void assert_addresses(const struct result *result, const char *expected)
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

static inline void assert_fails(const struct result *result, int code, const char *sentence)
{
    assert_int_equal(result->code, code);
    assert_int_equal(result->fault.code, code);
    assert_string_equal(result->fault.text, sentence);
}

static const char one_server[] = "nameserver 127.0.0.1\noptions timeout:1";
static const char two_servers[] =
    "nameserver 127.0.0.1\nnameserver 127.0.0.2\noptions timeout:1";

/* ---- answers ---- */

static inline void set_rcode(struct reply *reply, int rcode)
{
    reply->bytes[3] = (uint8_t)(0x80 | rcode);
}

static inline void give_a(struct reply *reply, uint8_t last)
{
    const uint8_t address[4] = {127, 0, 0, last};
    append_record(reply, NULL, A, address, sizeof address);
}

static inline void give_loopback_aaaa(struct reply *reply)
{
    static const uint8_t address[16] = {[15] = 1};
    append_record(reply, NULL, AAAA, address, sizeof address);
}

static inline bool answer_a(const struct query *query, struct reply *reply)
{
    if (query->type == A)
        give_a(reply, 9);
    return true;
}

static inline bool answer_aaaa(const struct query *query, struct reply *reply)
{
    if (query->type == AAAA)
        give_loopback_aaaa(reply);
    return true;
}

static inline bool answer_both(const struct query *query, struct reply *reply)
{
    return query->type == A ? answer_a(query, reply) : answer_aaaa(query, reply);
}

static inline bool answer_nothing(const struct query *query, struct reply *reply)
{
    (void)query, (void)reply;
    return false;
}

#endif
