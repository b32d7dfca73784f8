#include "net/socket.h"

#include "base/err.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/un.h>
#include <unistd.h>

enum { FIRST_FREE_DESCRIPTOR = 3 }; /* 0, 1 and 2 belong to stdio, open or not */

static int lift_above_stdio(int fd)
{
    if (fd < 0 || fd >= FIRST_FREE_DESCRIPTOR)
        return fd;
    int lifted = fcntl(fd, F_DUPFD_CLOEXEC, FIRST_FREE_DESCRIPTOR);
    int saved = errno;
    close(fd);
    errno = saved;
    return lifted;
}

static int open_socket(int family, int type)
{
    return lift_above_stdio(socket(family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
}

void th_net_hang_up(int fd)
{
    if (fd >= FIRST_FREE_DESCRIPTOR)
        close(fd);
}

/* An option the kernel does not know makes a connection slower, not wrong: no error. */
static void set_option(int fd, int level, int option, int value)
{
    setsockopt(fd, level, option, &value, sizeof value);
}

static void set_positive(int fd, int level, int option, int value)
{
    if (value > 0)
        set_option(fd, level, option, value);
}

static void apply_options(int fd, const struct th_net_options *options)
{
    set_positive(fd, SOL_SOCKET, SO_RCVBUF, options->receive_buffer_bytes);
    set_positive(fd, SOL_SOCKET, SO_SNDBUF, options->send_buffer_bytes);
    set_positive(fd, SOL_SOCKET, SO_KEEPALIVE, options->keepalive_s);
    set_positive(fd, IPPROTO_TCP, TCP_KEEPIDLE, options->keepalive_s);
    set_positive(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, options->user_timeout_ms);
    set_positive(fd, IPPROTO_TCP, TCP_NODELAY, options->nodelay);
}

static int dial_refused(const char *endpoint, struct th_fault *fault)
{
    bool first = fault && !fault->code;
    th_fault_set(fault, TH_E_TCP, "connection refused by %s: nothing listens there; check host "
                 "and port", endpoint);
    if (first)
        fault->sys_errno = ECONNREFUSED;
    return TH_E_TCP;
}

/* errno says why. */
static int dial_failed(const struct th_net_address *address, uint16_t port, struct th_fault *fault)
{
    int cause = errno;
    char endpoint[TH_NET_ENDPOINT_TEXT_BYTES];
    th_net_endpoint_format(address, port, endpoint);
    if (cause == ECONNREFUSED)
        return dial_refused(endpoint, fault);
    errno = cause;
    return th_fault_set_errno(fault, TH_E_TCP, "connecting to %s failed", endpoint);
}

static int start_connecting(int fd, const struct th_net_address *address, uint16_t port)
{
    struct sockaddr_storage peer;
    socklen_t peer_bytes = th_net_sockaddr(address, port, &peer);
    if (connect(fd, (struct sockaddr *)&peer, peer_bytes) == 0)
        return 0;
    return errno == EINPROGRESS || errno == EINTR ? 0 : -1;
}

static int bind_address(int fd, const struct th_net_address *address, struct th_fault *fault)
{
    struct sockaddr_storage here;
    char text[TH_NET_ADDRESS_TEXT_BYTES];
    if (!address || bind(fd, (struct sockaddr *)&here, th_net_sockaddr(address, 0, &here)) == 0)
        return 0;
    th_net_address_format(address, text);
    return th_fault_set_errno(fault, TH_E_ARGUMENT, "binding to %s failed; it must be an address "
                              "of this machine", text);
}

static int take_interface(int fd, const char *name, struct th_fault *fault)
{
    if (!name || setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, name, (socklen_t)strlen(name)) == 0)
        return 0;
    return th_fault_set_errno(fault, TH_E_ARGUMENT, "binding to interface %.16s failed; it must "
                              "exist, some kernels want CAP_NET_RAW", name);
}

static int take_mark(int fd, uint32_t mark, struct th_fault *fault)
{
    if (!mark || setsockopt(fd, SOL_SOCKET, SO_MARK, &mark, sizeof mark) == 0)
        return 0;
    return th_fault_set_errno(fault, TH_E_ARGUMENT, "setting mark %u failed; it needs "
                              "CAP_NET_ADMIN", (unsigned)mark);
}

static int take_road(int fd, const struct th_net_options *options, struct th_fault *fault)
{
    int result = take_interface(fd, options->interface, fault);
    if (result == 0)
        result = take_mark(fd, options->mark, fault);
    return result < 0 ? result : bind_address(fd, options->bind, fault);
}

static int no_socket(struct th_fault *fault)
{
    return th_fault_set_errno(fault, TH_E_SYSTEM, "no socket to be had");
}

int th_net_dial(const struct th_net_address *address, uint16_t port,
                const struct th_net_options *options, struct th_fault *fault)
{
    int fd = open_socket(address->family, SOCK_STREAM);
    if (fd < 0)
        return errno == EAFNOSUPPORT ? dial_failed(address, port, fault) : no_socket(fault);
    apply_options(fd, options);
    int error = take_road(fd, options, fault);
    if (error == 0 && start_connecting(fd, address, port) == 0)
        return fd;
    if (error == 0)
        error = dial_failed(address, port, fault);
    th_net_hang_up(fd);
    return error;
}

/* It never waits: a signal that came meanwhile has interrupted nothing. */
static int connect_unix(int fd, const char *path)
{
    struct sockaddr_un peer = {.sun_family = AF_UNIX};
    strncpy(peer.sun_path, path, sizeof peer.sun_path - 1);
    return connect(fd, (struct sockaddr *)&peer, sizeof peer) == 0 || errno == EINTR ? 0 : -1;
}

int th_net_dial_unix(const char *path, const struct th_net_options *options,
                     struct th_fault *fault)
{
    int fd = open_socket(AF_UNIX, SOCK_STREAM);
    if (fd < 0 && errno != EAFNOSUPPORT)
        return no_socket(fault);
    if (fd >= 0)
        apply_options(fd, options);
    if (fd >= 0 && connect_unix(fd, path) == 0)
        return fd;
    int error = th_fault_set_errno(fault, TH_E_TCP, "connecting to %.108s failed", path);
    th_net_hang_up(fd);
    return error;
}

int th_net_dial_udp(const struct th_net_address *address, uint16_t port)
{
    int fd = open_socket(address->family, SOCK_DGRAM);
    if (fd < 0 || start_connecting(fd, address, port) == 0)
        return fd;
    th_net_hang_up(fd);
    return -1;
}

static bool still_connecting(int fd)
{
    struct pollfd wait = {.fd = fd, .events = POLLOUT};
    return poll(&wait, 1, 0) == 0;
}

static int pending_error(int fd)
{
    int error = 0;
    socklen_t bytes = sizeof error;
    return getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &bytes) == 0 ? error : errno;
}

/* A dial to a local port nobody listens on can draw that very port and reach itself. */
static bool reached_itself(int fd)
{
    struct sockaddr_storage here, there;
    socklen_t here_bytes = sizeof here, there_bytes = sizeof there;
    return getsockname(fd, (struct sockaddr *)&here, &here_bytes) == 0 &&
           getpeername(fd, (struct sockaddr *)&there, &there_bytes) == 0 &&
           here_bytes == there_bytes && !memcmp(&here, &there, here_bytes);
}

int th_net_dialed(int fd, const struct th_net_address *address, uint16_t port,
                  struct th_fault *fault)
{
    if (still_connecting(fd))
        return TH_WANT_WRITE;
    int error = pending_error(fd);
    if (error == 0 && reached_itself(fd))
        error = ECONNREFUSED;
    errno = error;
    if (error)
        return dial_failed(address, port, fault);
    /* The broker's first small packets may wait for our acknowledgement (Nagle at its end). */
    set_option(fd, IPPROTO_TCP, TCP_QUICKACK, 1);
    return 0;
}

static ssize_t receive_uninterrupted(int fd, void *buffer, size_t bytes)
{
    ssize_t got;
    do
        got = recv(fd, buffer, bytes, 0);
    while (got < 0 && errno == EINTR);
    return got;
}

static ssize_t send_uninterrupted(int fd, const void *data, size_t bytes)
{
    ssize_t sent;
    do
        sent = send(fd, data, bytes, MSG_NOSIGNAL);
    while (sent < 0 && errno == EINTR);
    return sent;
}

int th_net_read(int fd, void *buffer, size_t bytes, struct th_fault *fault)
{
    ssize_t got = receive_uninterrupted(fd, buffer, bytes);
    if (got > 0)
        return (int)got;
    if (got == 0)
        return th_fault_set(fault, TH_E_CLOSED, "the peer closed the connection");
    if (errno == EAGAIN)
        return TH_WANT_READ;
    return th_fault_set_errno(fault, TH_E_RECEIVE, "receiving failed");
}

int th_net_write(int fd, const void *data, size_t bytes, struct th_fault *fault)
{
    ssize_t sent = send_uninterrupted(fd, data, bytes);
    if (sent >= 0)
        return (int)sent;
    if (errno == EAGAIN)
        return TH_WANT_WRITE;
    return th_fault_set_errno(fault, TH_E_CLOSED, "sending failed, the connection is lost");
}

static int buffer_bytes(int fd, int option)
{
    int bytes = 0;
    socklen_t length = sizeof bytes;
    getsockopt(fd, SOL_SOCKET, option, &bytes, &length);
    return bytes;
}

struct th_net_kernel_bytes th_net_kernel_bytes(int fd)
{
    return (struct th_net_kernel_bytes){
        .receive = buffer_bytes(fd, SO_RCVBUF),
        .send = buffer_bytes(fd, SO_SNDBUF),
    };
}
