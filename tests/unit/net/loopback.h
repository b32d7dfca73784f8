/* Listening and connected sockets on the loopback interface. */
#ifndef TH_TEST_NET_LOOPBACK_H
#define TH_TEST_NET_LOOPBACK_H

#include "support.h"

#include "net/address.h"

#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

static inline struct th_net_address address_of(const char *text)
{
    struct th_net_address address;
    assert_true(th_net_address_parse(&address, text));
    return address;
}

static inline uint16_t port_of(int fd)
{
    struct sockaddr_storage here;
    socklen_t bytes = sizeof here;
    assert_int_equal(getsockname(fd, (struct sockaddr *)&here, &bytes), 0);
    return ntohs(((struct sockaddr_in *)&here)->sin_port);
}

/* Port 0: a free one. Returns -1 when the port is taken. */
static inline int bind_to(const char *text, uint16_t port, int type)
{
    struct sockaddr_storage here;
    struct th_net_address address = address_of(text);
    socklen_t bytes = th_net_sockaddr(&address, port, &here);
    int fd = socket(address.family, type | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    if (bind(fd, (struct sockaddr *)&here, bytes) == 0)
        return fd;
    close(fd);
    return -1;
}

static inline int listen_on(const char *text)
{
    int fd = bind_to(text, 0, SOCK_STREAM);
    assert_true(fd >= 0);
    assert_int_equal(listen(fd, 4), 0);
    return fd;
}

static inline void wait_for(int fd, short events)
{
    struct pollfd wait = {.fd = fd, .events = events};
    assert_int_equal(poll(&wait, 1, 30000), 1);
}

/* Closes with a reset instead of an end. */
static inline void reset_connection(int fd)
{
    struct linger hard = {.l_onoff = 1, .l_linger = 0};
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
    close(fd);
}

#endif
