/* A TLS client on a socket against `openssl s_server`, with pools of its own. */
#ifndef TH_TEST_TLS_HARNESS_H
#define TH_TEST_TLS_HARNESS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/err.h"
#include "mem/failing.h"
#include "mem/payer.h"
#include "mem/pool.h"
#include "tls/stream.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define PKI "build/unit/tls.pki"
#define STEP_MS 5000

static inline const char *pki(const char *name)
{
    static char paths[8][128];
    static unsigned next;
    char *path = paths[next++ % 8];
    snprintf(path, 128, PKI "/%s", name);
    return path;
}

static inline int make_pki(void **state)
{
    (void)state;
    signal(SIGPIPE, SIG_IGN);
    return system("tests/unit/tls/pki.sh " PKI) == 0 ? 0 : -1;
}

/* ---- server --------------------------------------------------------------------------------- */

struct server {
    pid_t pid;
    uint16_t port;
    int out;
};

static inline uint16_t read_port(int fd)
{
    char text[512];
    size_t bytes = 0;
    while (bytes < sizeof text - 1 && read(fd, text + bytes, 1) == 1) {
        text[++bytes] = '\0';
        char *accept = strstr(text, "ACCEPT ");
        if (accept && text[bytes - 1] == '\n')
            return (uint16_t)atoi(strrchr(accept, ':') + 1);
    }
    return 0;
}

/* `options` are separated by spaces; the certificate is PKI/<leaf>.pem, the key PKI/<key>.key.
 * The server answers lines with the line reversed or, with -WWW, sends files. */
static inline struct server serve(const char *leaf, const char *key, const char *options)
{
    struct server server = {0};
    char command[1024];
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    fcntl(ends[0], F_SETPIPE_SZ, 1024 * 1024);
    snprintf(command, sizeof command,
             "cd " PKI " && exec openssl s_server -accept 127.0.0.1:0 %s -cert %s.pem "
             "-cert_chain %s.pem -key %s.key %s 2>&1", strstr(options, "-WWW") ? "" : "-rev",
             leaf, leaf, key, options);
    server.pid = fork();
    if (server.pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL); /* a test that fails leaves no server */
        dup2(ends[1], 1);
        close(ends[0]);
        close(ends[1]);
        execl("/bin/sh", "sh", "-c", command, (char *)NULL);
        _exit(127);
    }
    close(ends[1]);
    server.out = ends[0];
    server.port = read_port(server.out);
    assert_int_not_equal(server.port, 0);
    fcntl(server.out, F_SETFL, O_NONBLOCK);
    return server;
}

static inline void stop(struct server *server)
{
    kill(server->pid, SIGKILL);
    waitpid(server->pid, NULL, 0);
    close(server->out);
}

/* ---- client --------------------------------------------------------------------------------- */

#define SHARED_BYTES (48 * 1024)
#define HEAP_BYTES (64 * 1024)
#define CELL_BYTES 16640

struct client {
    struct client *owner; /* of the context that is used */
    struct th_payer shared, payer;
    struct th_tls_context context;
    struct th_tls_stream stream;
    struct th_fault fault;
    struct th_tls_io io;
    int fd;
    bool single_bytes; /* moves one byte at a time, and waits before each */
    bool waited;
    char log[1024];    /* the last line */
    _Alignas(16) uint8_t shared_heap[SHARED_BYTES];
    _Alignas(16) uint8_t heap[HEAP_BYTES];
    _Alignas(16) uint8_t cell[CELL_BYTES];
};

static inline int moved(struct client *client, ssize_t bytes, int want)
{
    (void)client;
    if (bytes > 0)
        return (int)bytes;
    if (bytes == 0)
        return TH_E_CLOSED;
    return errno == EAGAIN || errno == EINTR ? want : TH_E_RECEIVE;
}

static inline bool waits_first(struct client *client)
{
    client->waited = client->single_bytes && !client->waited;
    return client->waited;
}

static inline int socket_read(void *arg, uint8_t *buffer, size_t bytes)
{
    struct client *client = arg;
    if (waits_first(client))
        return TH_WANT_READ;
    return moved(client, recv(client->fd, buffer, client->single_bytes ? 1 : bytes, 0),
                 TH_WANT_READ);
}

static inline int socket_write(void *arg, const uint8_t *data, size_t bytes)
{
    struct client *client = arg;
    if (waits_first(client))
        return TH_WANT_WRITE;
    return moved(client, send(client->fd, data, client->single_bytes ? 1 : bytes, MSG_NOSIGNAL),
                 TH_WANT_WRITE);
}

static inline void keep_line(void *arg, enum th_log_level level, const char *text)
{
    (void)level;
    snprintf(((struct client *)arg)->log, sizeof((struct client *)arg)->log, "%s", text);
}

static inline struct th_context_config config_for(const char *kind)
{
    char path[64];
    struct th_context_config config = {0};
    snprintf(path, sizeof path, "%s/root.pem", kind);
    config.roots.path = pki(path);
    snprintf(path, sizeof path, "%s/client.pem", kind);
    config.certificate.path = pki(path);
    snprintf(path, sizeof path, "%s/client.key", kind);
    config.key.path = pki(path);
    return config;
}

static inline void open_connection_pool(struct client *client, struct client *owner)
{
    struct th_payer_config own = {.name = "connection", .heap = client->heap,
                                  .heap_bytes = HEAP_BYTES, .cell = client->cell,
                                  .cell_bytes = CELL_BYTES, .shared = &owner->shared};
    th_payer_open(&client->payer, &own);
    client->owner = owner;
    client->fd = -1;
    client->io = (struct th_tls_io){socket_read, socket_write, client};
}

static inline void open_pools(struct client *client)
{
    memset(client, 0, offsetof(struct client, shared_heap));
    struct th_payer_config shared = {.name = "shared", .heap = client->shared_heap,
                                     .heap_bytes = SHARED_BYTES};
    th_payer_open(&client->shared, &shared);
    open_connection_pool(client, client);
}

/* A client that uses the context of another. */
static inline struct client *new_guest(struct client *owner)
{
    struct client *guest = malloc(sizeof *guest);
    memset(guest, 0, offsetof(struct client, shared_heap));
    open_connection_pool(guest, owner);
    return guest;
}

static inline int open_context(struct client *client, struct th_context_config config)
{
    config.log = (struct th_log){keep_line, client, TH_LOG_WARNING};
    struct th_payer *before = th_payer_enter(&client->shared);
    int result = th_tls_context_open(&client->context, &config, &client->fault);
    th_payer_leave(before);
    return result;
}

static inline struct client *new_client(struct th_context_config config)
{
    struct client *client = malloc(sizeof *client);
    open_pools(client);
    if (open_context(client, config) < 0)
        print_message("%s\n", client->fault.text);
    assert_int_equal(client->fault.code, 0);
    return client;
}

static inline void dial(struct client *client, uint16_t port)
{
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(port)};
    int one = 1;
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    client->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(connect(client->fd, (struct sockaddr *)&to, sizeof to), 0);
    setsockopt(client->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    fcntl(client->fd, F_SETFL, O_NONBLOCK);
}

/* Waits as `result` demands. False when nothing came in time. */
static inline bool await(struct client *client, int result)
{
    struct pollfd wait = {client->fd, result == TH_WANT_READ ? POLLIN : POLLOUT, 0};
    return client->single_bytes || poll(&wait, 1, STEP_MS) == 1;
}

static inline bool wants(int result)
{
    return result == TH_WANT_READ || result == TH_WANT_WRITE;
}

static inline int begin(struct client *client, const char *host)
{
    th_fault_clear(&client->fault);
    client->fault.phase = TH_PHASE_SHAKING;
    th_ledger_enter_phase(&client->payer.ledger, TH_PHASE_SHAKING);
    struct th_payer *before = th_payer_enter(&client->payer);
    int result = th_tls_stream_open(&client->stream, &client->owner->context, host, &client->io,
                                    &client->fault);
    th_payer_leave(before);
    return result;
}

static inline int shake(struct client *client)
{
    struct th_payer *before = th_payer_enter(&client->payer);
    int result;
    do
        result = th_tls_stream_shake(&client->stream);
    while (wants(result) && await(client, result));
    th_payer_leave(before);
    th_ledger_enter_phase(&client->payer.ledger, TH_PHASE_UP);
    return result;
}

static inline int write_all(struct client *client, const void *data, size_t bytes)
{
    struct th_payer *before = th_payer_enter(&client->payer);
    size_t done = 0;
    int result = 0;
    while (done < bytes) {
        result = th_tls_stream_write(&client->stream, (const uint8_t *)data + done, bytes - done);
        if (result > 0)
            done += (size_t)result;
        else if (!wants(result) || !await(client, result))
            break;
    }
    th_payer_leave(before);
    return done == bytes ? (int)bytes : result;
}

static inline int read_some(struct client *client, void *buffer, size_t bytes)
{
    struct th_payer *before = th_payer_enter(&client->payer);
    int result;
    do
        result = th_tls_stream_read(&client->stream, buffer, bytes);
    while (wants(result) && await(client, result));
    th_payer_leave(before);
    return result;
}

/* Sends a line; the server answers with it reversed. */
static inline int echo(struct client *client)
{
    char answer[16] = {0};
    int got = 0;
    int result = write_all(client, "thimble\n", 8);
    if (result < 0)
        return result;
    while (got < 8) {
        result = read_some(client, answer + got, sizeof answer - (size_t)got);
        if (result < 0)
            return result;
        got += result;
    }
    assert_memory_equal(answer, "elbmiht\n", 8);
    return 0;
}

static inline void hang_up(struct client *client)
{
    struct th_payer *before = th_payer_enter(&client->payer);
    th_tls_stream_close(&client->stream);
    th_payer_leave(before);
    if (client->fd >= 0)
        close(client->fd);
    client->fd = -1;
    assert_int_equal(client->payer.ledger.live_bytes, 0);
    assert_int_equal(client->payer.heap.live_blocks, 0);
    assert_int_equal(client->payer.strays, 0);
}

static inline void close_context(struct client *client)
{
    struct th_payer *before = th_payer_enter(&client->shared);
    th_tls_context_close(&client->context);
    th_payer_leave(before);
    assert_int_equal(client->shared.ledger.live_bytes, 0);
    assert_int_equal(client->shared.strays, 0);
}

static inline void free_client(struct client *client)
{
    hang_up(client);
    close_context(client);
    assert_int_equal(th_payer_close(&client->payer), 0);
    assert_int_equal(th_payer_close(&client->shared), 0);
    free(client);
}

static inline void free_guest(struct client *guest)
{
    hang_up(guest);
    assert_int_equal(th_payer_close(&guest->payer), 0);
    free(guest);
}

/* One attempt up to the first echo. */
static inline int dial_and_shake(struct client *client, uint16_t port, const char *host)
{
    dial(client, port);
    int result = begin(client, host);
    return result == 0 ? shake(client) : result;
}

/* Once more, if there is more to offer. */
static inline int attempt(struct client *client, uint16_t port, const char *host)
{
    int result = dial_and_shake(client, port, host);
    if (client->stream.again) {
        assert_int_equal(result, TH_E_CIPHER_SUITE);
        hang_up(client);
        result = dial_and_shake(client, port, host);
        assert_null(client->stream.again);
    }
    return result == 0 ? echo(client) : result;
}

#endif
