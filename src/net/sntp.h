/* The date from a time server (RFC 4330, RFC 5905): one question each, to several servers in turn,
 * until one has an answer that can be believed. Nobody proves who he is: the floor is what bounds a
 * liar, and a question that nobody can guess keeps out who does not see it. Sets no clock. */
#ifndef TH_NET_SNTP_H
#define TH_NET_SNTP_H

#include "net/lookup.h"

#define TH_NET_SNTP_BYTES 48
#define TH_NET_SNTP_COOKIE_BYTES 8
#define TH_NET_SNTP_SPAN_S (INT64_C(1) << 31) /* 68 years: half of what the format can tell apart */

/* What a datagram is: */
enum th_net_sntp {
    TH_NET_SNTP_FOREIGN, /* no reply to this question */
    TH_NET_SNTP_USELESS, /* a reply without a date: not synchronised, or below the floor */
    TH_NET_SNTP_DENIED,  /* a kiss of death: do not ask again */
    TH_NET_SNTP_GIVEN,
};

void th_net_sntp_encode(uint8_t question[TH_NET_SNTP_BYTES],
                        const uint8_t cookie[TH_NET_SNTP_COOKIE_BYTES]);

/* Seconds since 1970, in `now_s`, if GIVEN: at least `floor_s`, by which the era is known (the
 * format's seconds begin anew in 2036), and less than TH_NET_SNTP_SPAN_S above. */
enum th_net_sntp th_net_sntp_decode(const uint8_t *reply, size_t bytes,
                                    const uint8_t cookie[TH_NET_SNTP_COOKIE_BYTES],
                                    int64_t floor_s, int64_t *now_s);

/* An exchange. Set `servers`, at most 64, each "HOST" or "HOST:PORT", and zero the rest. */
struct th_net_sntp_exchange {
    const char *const *servers;
    size_t count;

    /* The rest is private. */
    size_t server;            /* the one that is asked */
    uint64_t denied;          /* a bit for each that sent a kiss of death */
    bool under_way;
    bool asked;               /* the question is out */
    uint16_t port;
    int fd;
    uint32_t pause_ms;        /* between two rounds */
    uint64_t until_ms;        /* when to go on with the next address, or round */
    size_t address;
    struct th_net_addresses addresses;
    struct th_net_lookup lookup;
    uint8_t cookie[TH_NET_SNTP_COOKIE_BYTES];
    char host[TH_NET_NAME_BYTES + 1];
};

/* True: it is `now_s`, and the exchange is over. Else poll th_net_sntp_fd() for at most
 * th_net_sntp_wait_ms(), and call again. */
bool th_net_sntp_step(struct th_net_sntp_exchange *exchange, uint64_t now_ms, int64_t floor_s,
                      int64_t *now_s);
int th_net_sntp_fd(const struct th_net_sntp_exchange *exchange); /* to be read; -1: none */
int th_net_sntp_wait_ms(const struct th_net_sntp_exchange *exchange, uint64_t now_ms);

/* Closes what is open; harmless when nothing is. */
void th_net_sntp_end(struct th_net_sntp_exchange *exchange);

#endif
