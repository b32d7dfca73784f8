/* A broker that follows the test's script: plain, or TLS with `openssl s_server` in front of it. */
#ifndef TEST_CLIENT_BROKER_H
#define TEST_CLIENT_BROKER_H

#include "../mqtt/wire.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>

#define PKI "build/unit/tls.pki"
#define PATIENCE_MS 25000 /* less than what a deadline is unless it is given */
#define BROKER_IN_BYTES (256 * 1024)

struct broker {
    int listener;
    uint16_t port;
    int fd;        /* the connection; -1: none */
    bool ended;    /* the client has closed its side */
    bool reset;    /* with a reset */
    size_t in_bytes;
    uint8_t in[BROKER_IN_BYTES];
};

static inline uint64_t clock_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static inline void make_nonblocking(int fd)
{
    fcntl(fd, F_SETFL, O_NONBLOCK);
}

/* ---- sockets -------------------------------------------------------------------------------- */

static inline int listen_at(const char *text, uint16_t port, int backlog)
{
    struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_port = htons(port)};
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_port = htons(port)};
    bool is_v4 = inet_pton(AF_INET, text, &v4.sin_addr) == 1;
    int one = 1;
    if (!is_v4)
        assert_int_equal(inet_pton(AF_INET6, text, &v6.sin6_addr), 1);
    int fd = socket(is_v4 ? AF_INET : AF_INET6, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    struct sockaddr *at = is_v4 ? (struct sockaddr *)&v4 : (struct sockaddr *)&v6;
    if (bind(fd, at, is_v4 ? sizeof v4 : sizeof v6) == 0 && listen(fd, backlog) == 0)
        return fd;
    close(fd);
    return -1;
}

static inline uint16_t port_of(int fd)
{
    struct sockaddr_storage here;
    socklen_t bytes = sizeof here;
    assert_int_equal(getsockname(fd, (struct sockaddr *)&here, &bytes), 0);
    return ntohs(((struct sockaddr_in *)&here)->sin_port);
}

static inline void broker_open_at(struct broker *broker, const char *address, uint16_t port)
{
    memset(broker, 0, sizeof *broker);
    broker->fd = -1;
    broker->listener = listen_at(address, port, 8);
    assert_true(broker->listener >= 0);
    broker->port = port_of(broker->listener);
}

static inline void broker_open(struct broker *broker)
{
    broker_open_at(broker, "127.0.0.1", 0);
}

/* ---- one connection ------------------------------------------------------------------------- */

static inline bool broker_accepts(struct broker *broker)
{
    int one = 1;
    if (broker->fd >= 0)
        return true;
    broker->fd = accept4(broker->listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    broker->in_bytes = 0;
    broker->ended = broker->reset = false;
    if (broker->fd >= 0)
        setsockopt(broker->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    return broker->fd >= 0;
}

/* Takes what has come. */
static inline void broker_collect(struct broker *broker)
{
    while (broker->fd >= 0 && !broker->ended && broker->in_bytes < BROKER_IN_BYTES) {
        ssize_t got = recv(broker->fd, broker->in + broker->in_bytes,
                           BROKER_IN_BYTES - broker->in_bytes, MSG_DONTWAIT);
        if (got < 0 && errno == EAGAIN)
            return;
        broker->ended = got <= 0;
        broker->reset = got < 0;
        broker->in_bytes += got > 0 ? (size_t)got : 0;
    }
}

static inline void broker_forget(struct broker *broker, size_t bytes)
{
    broker->in_bytes -= bytes;
    memmove(broker->in, broker->in + bytes, broker->in_bytes);
}

static inline void broker_send_bytes(struct broker *broker, const void *data, size_t bytes)
{
    size_t done = 0;
    while (done < bytes) {
        struct pollfd wait = {.fd = broker->fd, .events = POLLOUT};
        ssize_t sent = send(broker->fd, (const uint8_t *)data + done, bytes - done, MSG_NOSIGNAL);
        assert_true(sent > 0 || errno == EAGAIN);
        done += sent > 0 ? (size_t)sent : 0;
        if (sent < 0)
            assert_int_equal(poll(&wait, 1, PATIENCE_MS), 1);
    }
}

static inline void broker_sends(struct broker *broker, const char *text)
{
    struct wire wire = wire_of(text);
    broker_send_bytes(broker, wire.bytes, wire.len);
}

static inline void broker_drops(struct broker *broker)
{
    if (broker->fd >= 0)
        close(broker->fd);
    broker->fd = -1;
    broker->ended = false;
}

static inline void broker_resets(struct broker *broker)
{
    struct linger hard = {.l_onoff = 1, .l_linger = 0};
    setsockopt(broker->fd, SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
    broker_drops(broker);
}

static inline void broker_stops_listening(struct broker *broker)
{
    if (broker->listener >= 0)
        close(broker->listener);
    broker->listener = -1;
}

static inline void broker_close(struct broker *broker)
{
    broker_drops(broker);
    broker_stops_listening(broker);
}

/* ---- openssl s_server ------------------------------------------------------------------------ */

struct server {
    pid_t pid;
    uint16_t port;
    int fd; /* what it decrypts comes here, what is written here is encrypted */
};

static inline int make_pki(void **state)
{
    (void)state;
    signal(SIGPIPE, SIG_IGN);
    return system("tests/unit/tls/pki.sh " PKI) == 0 ? 0 : -1;
}

static inline uint16_t free_port(void)
{
    int fd = listen_at("127.0.0.1", 0, 1);
    uint16_t port = port_of(fd);
    close(fd);
    return port;
}

/* One at which nobody listens, nor comes to do so: it is held, until the next is asked for. */
static inline uint16_t deaf_port(void)
{
    static int held = -1;
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    if (held >= 0)
        close(held);
    held = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(held, (struct sockaddr *)&at, sizeof at), 0);
    return port_of(held);
}

static inline bool answers(uint16_t port)
{
    int fd = listen_at("127.0.0.1", port, 1);
    if (fd >= 0)
        close(fd);
    return fd < 0;
}

static inline struct server start_server(const char *leaf, const char *key, const char *options)
{
    struct server server = {.port = free_port()};
    char command[1024];
    int ends[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
    snprintf(command, sizeof command,
             "cd " PKI " && exec openssl s_server -quiet -accept 127.0.0.1:%u -cert %s.pem "
             "-cert_chain %s.pem -key %s.key %s 2>>s_server.log", server.port, leaf, leaf, key,
             options);
    server.pid = fork();
    if (server.pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL); /* a test that fails leaves no server */
        dup2(ends[1], 0);
        dup2(ends[1], 1);
        execl("/bin/sh", "sh", "-c", command, (char *)NULL);
        _exit(127);
    }
    close(ends[1]);
    server.fd = ends[0];
    make_nonblocking(server.fd);
    return server;
}

/* False: it has ended. Its port was taken meanwhile, if only by whoever asked whether it
 * answers. */
static inline bool comes_up(const struct server *server)
{
    uint64_t until_ms = clock_ms() + PATIENCE_MS;
    while (!answers(server->port) && clock_ms() < until_ms) {
        if (waitpid(server->pid, NULL, WNOHANG) != 0)
            return false;
        usleep(5000);
    }
    assert_true(answers(server->port));
    return waitpid(server->pid, NULL, WNOHANG) == 0;
}

/* The certificate is PKI/<leaf>.pem, the key PKI/<key>.key; `options` are separated by spaces. */
static inline struct server serve(const char *leaf, const char *key, const char *options)
{
    struct server server = start_server(leaf, key, options);
    for (int more = 5; !comes_up(&server); more--) {
        assert_true(more > 0);
        close(server.fd);
        server = start_server(leaf, key, options);
    }
    return server;
}

static inline struct server serve_mutually(const char *kind, const char *more)
{
    char leaf[64], options[256];
    snprintf(leaf, sizeof leaf, "%s/server", kind);
    snprintf(options, sizeof options,
             "-Verify 3 -verify_return_error -verify_quiet -CAfile %s/root.pem %s", kind, more);
    return serve(leaf, leaf, options);
}

static inline void stop(struct server *server)
{
    kill(server->pid, SIGKILL);
    waitpid(server->pid, NULL, 0);
    close(server->fd);
}

/* The script is spoken through this server. */
static inline void broker_behind(struct broker *broker, const struct server *server)
{
    memset(broker, 0, sizeof *broker);
    broker->listener = -1;
    broker->port = server->port;
    broker->fd = dup(server->fd);
}

#endif
