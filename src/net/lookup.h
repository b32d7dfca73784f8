/* Name lookup without a thread, without libc's resolver, without the heap: a numeric address, then
 * the hosts file, then localhost (RFC 6761), then the name servers of resolv.conf (RFC 1035) over
 * UDP, and over TCP when an answer was truncated (RFC 7766). Only reading the two files, which are
 * small and local, is done in one go; nothing waits for the network. */
#ifndef TH_NET_LOOKUP_H
#define TH_NET_LOOKUP_H

#include "net/dns.h"
#include "net/resolver.h"

#include <thimble.h>

#define TH_NET_REPLY_BYTES 1024 /* a longer answer is read this far: enough for the list */
#define TH_NET_QUESTIONS 2      /* A and AAAA */

enum th_net_verdict {
    TH_NET_ASKING,
    TH_NET_FOUND,
    TH_NET_NO_NAME,
    TH_NET_NO_ADDRESS,
    TH_NET_NO_ANSWER,
    TH_NET_SERVER_FAILED,
    TH_NET_NO_ENTROPY,
};

/* One lookup, about 1.6 KB. */
struct th_net_lookup {
    /* Set before th_net_lookup_begin(), which leaves them alone; zero means the default. */
    const char *hosts_path;  /* /etc/hosts */
    const char *resolv_path; /* /etc/resolv.conf */
    uint16_t server_port;    /* 53 */

    /* The rest is private. */
    const char *host;
    const char *service;              /* "_mqtt._tcp.", before the host, which is a domain */
    struct th_net_services *services; /* NULL: addresses are looked for */
    uint8_t verdict;   /* enum th_net_verdict */
    uint8_t candidate; /* which spelling: with the n-th search domain, last as it is */
    uint8_t round;     /* rounds begun; modulo the number of servers it gives the server */
    bool name_exists;  /* some candidate has no address, but other records */
    bool failed;       /* some server answered that it cannot answer */
    int fd;
    bool wants_write;  /* fd is TCP and not yet connected */
    int8_t streamed;   /* the question that is asked over TCP; -1: all, over UDP */
    uint16_t reply_bytes;
    uint32_t resend_wait_ms;
    uint64_t resend_ms;     /* when to ask the same server again */
    uint64_t round_ends_ms; /* when to give it up */
    struct th_net_question questions[TH_NET_QUESTIONS];
    uint8_t answers[TH_NET_QUESTIONS]; /* enum th_net_answer */
    struct th_net_resolver resolver;
    struct th_net_addresses found;
    uint8_t reply[TH_NET_REPLY_BYTES];
};

/* 0, or TH_E_SERVER_NAME: `host` is neither a name nor an address. */
int th_net_lookup_check(const char *host, struct th_fault *fault);

/* Begins: zero the struct before its first use, end a lookup that is under way. `host` is kept, not
 * copied, until th_net_lookup_end(). Call th_net_lookup_step() next, in any case but an error:
 * SERVER_NAME (neither a name nor an address). */
int th_net_lookup_begin(struct th_net_lookup *lookup, const char *host, uint64_t now_ms,
                        struct th_fault *fault);

/* The same for the SRV records of `domain`; `service` is "_mqtt._tcp." or the like. What is found
 * is in `services` once th_net_lookup_step() has returned how many there are; `addresses` is left
 * alone. */
int th_net_lookup_services(struct th_net_lookup *lookup, const char *service, const char *domain,
                           struct th_net_services *services, uint64_t now_ms,
                           struct th_fault *fault);

/* The number of addresses (> 0), best first, IPv6 and IPv4 in turns (RFC 8305 section 4);
 * TH_WANT_READ or TH_WANT_WRITE: poll th_net_lookup_fd() for at most th_net_lookup_wait_ms();
 * TH_E_LOOKUP: no such name, no address, or no name server answered in its time; TH_E_ENTROPY. */
int th_net_lookup_step(struct th_net_lookup *lookup, uint64_t now_ms,
                       struct th_net_addresses *addresses, struct th_fault *fault);

int th_net_lookup_fd(const struct th_net_lookup *lookup); /* -1: none */
int th_net_lookup_wait_ms(const struct th_net_lookup *lookup, uint64_t now_ms);

/* Closes what is open; harmless when nothing is, or when the struct is all zero. */
void th_net_lookup_end(struct th_net_lookup *lookup);

#endif
