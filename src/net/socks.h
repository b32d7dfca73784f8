/* SOCKS5 (RFC 1928), with a name and a password if there are any (RFC 1929). The proxy gets the
 * host as it is and looks it up itself. Messages out, replies in: no sockets but in
 * th_net_socks_step(). Not a byte beyond the last reply is read. */
#ifndef TH_NET_SOCKS_H
#define TH_NET_SOCKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <thimble.h>

#define TH_NET_SOCKS_MESSAGE_BYTES 513 /* version, name and password of 255 with their lengths */
#define TH_NET_SOCKS_FIELD_BYTES 255   /* a name, a password, a host */

enum th_net_socks_stage {
    TH_NET_SOCKS_METHOD,  /* which methods we know; which one is chosen */
    TH_NET_SOCKS_LOGIN,   /* name and password; whether they will do */
    TH_NET_SOCKS_CONNECT, /* whom to connect to; whether it worked */
    TH_NET_SOCKS_BOUND,   /* the rest of that reply, which nobody wants */
    TH_NET_SOCKS_DONE,
};

struct th_net_socks {
    const struct th_proxy *proxy;
    const char *host;
    uint16_t port;
    uint8_t stage;    /* enum th_net_socks_stage */
    bool asked;       /* the message of the stage is sent */
    uint16_t sent;    /* bytes of it */
    uint16_t missing; /* bytes of the reply of this stage that are still to come */
    uint8_t got;      /* bytes of `reply`; those of BOUND are not kept */
    uint8_t reply[5];
};

/* Everything is kept by reference. Host, name and password have at most 255 bytes. */
void th_net_socks_begin(struct th_net_socks *socks, const struct th_proxy *proxy,
                        const char *host, uint16_t port);

/* The message of this stage: its length, 0 if there is none. It may hold the password. */
size_t th_net_socks_message(const struct th_net_socks *socks,
                            uint8_t message[TH_NET_SOCKS_MESSAGE_BYTES]);

/* Takes the next bytes of the reply, at most socks->missing. 0, or TH_E_PROXY; the fault's reason
 * is then the proxy's reply code, 0 if it did not even speak SOCKS5. */
int th_net_socks_take(struct th_net_socks *socks, const uint8_t *bytes, size_t count,
                      struct th_fault *fault);

/* Carries the conversation on over the connected socket. 0: the broker is at the other end.
 * TH_WANT_READ, TH_E_PROXY, TH_E_CLOSED or TH_E_RECEIVE. */
int th_net_socks_step(struct th_net_socks *socks, int fd, struct th_fault *fault);

#endif
