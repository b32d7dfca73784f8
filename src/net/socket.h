/* TCP sockets: non-blocking, close-on-exec, never descriptor 0, 1 or 2, never SIGPIPE. EINTR is
 * retried inside. `fault` may be NULL everywhere. */
#ifndef TH_NET_SOCKET_H
#define TH_NET_SOCKET_H

#include "net/address.h"

#include <thimble.h>

struct th_net_options {
    int receive_buffer_bytes; /* SO_RCVBUF; <= 0: the kernel's choice. The kernel doubles it. */
    int send_buffer_bytes;    /* SO_SNDBUF; the same */
    int user_timeout_ms;      /* TCP_USER_TIMEOUT (RFC 5482): unacknowledged for this long is lost;
                                 <= 0: the kernel's, many minutes */
    int keepalive_s;          /* idle seconds before TCP probes (RFC 9293, 3.8.4); <= 0: none */
    bool nodelay;             /* TCP_NODELAY: small packets leave at once */

    /* The road to take; what the kernel refuses of it is an error. */
    const struct th_net_address *bind; /* ours, of the family that is dialled; NULL: any */
    const char *interface;             /* SO_BINDTODEVICE; NULL: any */
    uint32_t mark;                     /* SO_MARK; 0: none */
};

/* Begins to connect and returns the descriptor, which the caller closes with th_net_hang_up().
 * Then poll for writing and ask th_net_dialed(). Errors: TCP (try the next address), ARGUMENT (the
 * road cannot be taken), SYSTEM. */
int th_net_dial(const struct th_net_address *address, uint16_t port,
                const struct th_net_options *options, struct th_fault *fault);

/* The same for a Unix socket, to which one is connected at once or not at all. */
#define TH_NET_UNIX_PATH_BYTES 108 /* with its NUL; `path` must fit, unix(7) */
int th_net_dial_unix(const char *path, const struct th_net_options *options,
                     struct th_fault *fault);

/* 0: connected. TH_WANT_WRITE: not yet. TH_E_TCP: it failed, "connection refused by ...".
 * `address` and `port` are those of the dial, for the sentence. The descriptor stays open. */
int th_net_dialed(int fd, const struct th_net_address *address, uint16_t port,
                  struct th_fault *fault);

/* Closes; a descriptor below 3 is none of ours and left alone. */
void th_net_hang_up(int fd);

/* Bytes moved (at least 1), or TH_WANT_READ, TH_E_CLOSED at the end of the stream (FIN),
 * TH_E_RECEIVE for anything else, a reset included. `bytes` is at least 1. */
int th_net_read(int fd, void *buffer, size_t bytes, struct th_fault *fault);

/* Bytes moved (at least 1), or TH_WANT_WRITE, or TH_E_CLOSED: the connection is gone. */
int th_net_write(int fd, const void *data, size_t bytes, struct th_fault *fault);

/* What the kernel really set aside for the socket's buffers. */
struct th_net_kernel_bytes {
    int receive;
    int send;
};

struct th_net_kernel_bytes th_net_kernel_bytes(int fd);

/* A UDP socket that exchanges datagrams with this peer only, from a port the kernel draws; -1 when
 * there is no route or no socket. Sends nothing. */
int th_net_dial_udp(const struct th_net_address *address, uint16_t port);

#endif
