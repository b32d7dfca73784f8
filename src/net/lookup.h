/* Name lookup without a thread, without libc's resolver, without the heap: a numeric address, then
 * the hosts file, then localhost (RFC 6761), then the name servers of resolv.conf (RFC 1035) over
 * UDP, and over TCP when an answer was truncated (RFC 7766). Only reading the two files, which are
 * small and local, is done in one go; nothing waits for the network. */
#ifndef TH_NET_LOOKUP_H
#define TH_NET_LOOKUP_H

#include "net/address.h"

#include <thimble.h>

#define TH_NET_SERVERS_MAX 3
#define TH_NET_SEARCH_BYTES 256
#define TH_NET_REPLY_BYTES 1024 /* a longer TCP answer is read this far: enough for the list */
#define TH_NET_NAME_BYTES 254   /* RFC 1035 2.3.4: 253 characters of text and a NUL */

struct th_net_resolver {
    struct th_net_address servers[TH_NET_SERVERS_MAX];
    uint8_t server_count;
    uint8_t timeout_s; /* for each server and attempt */
    uint8_t attempts;  /* rounds over all servers */
    uint8_t ndots;     /* fewer dots than this: try the search list first */
    char search[TH_NET_SEARCH_BYTES]; /* domains, each ended by a NUL, then an empty one */
};

enum th_net_answer {
    TH_NET_ANSWER_AWAITED,
    TH_NET_ANSWER_GIVEN,     /* with or without addresses */
    TH_NET_ANSWER_NO_NAME,   /* NXDOMAIN */
    TH_NET_ANSWER_FAILED,    /* SERVFAIL, REFUSED and the like: another server may know */
    TH_NET_ANSWER_TRUNCATED, /* ask again over TCP */
};

struct th_net_question {
    uint16_t type; /* RFC 1035 3.2.2 */
    uint16_t id;
    uint8_t answer; /* enum th_net_answer */
};

#define TH_NET_QUESTIONS 2 /* A and AAAA */

struct th_net_lookup {
    /* Set before th_net_lookup_begin(), which leaves them alone; zero means the default. */
    const char *hosts_path;  /* /etc/hosts */
    const char *resolv_path; /* /etc/resolv.conf */
    uint16_t server_port;    /* 53 */

    /* The rest is private. */
    uint16_t round;     /* rounds begun; round modulo server_count is the server */
    uint8_t candidate;  /* which spelling of the name: as it is, or with the n-th search domain */
    bool stream;        /* fd is TCP */
    bool answered;      /* a server gave any reply at all */
    bool no_name;       /* a server said there is no such name */
    bool no_address;    /* a server said the name has no address */
    int fd;
    const char *host;
    uint64_t round_ends_ms;
    uint64_t resend_ms;
    uint32_t resend_wait_ms;
    struct th_net_question questions[TH_NET_QUESTIONS];
    struct th_net_resolver resolver;
    struct th_net_addresses found;
    uint16_t reply_bytes;
    uint8_t reply[TH_NET_REPLY_BYTES];
};

/* Begins; nothing need be closed before. `host` is kept, not copied, until th_net_lookup_end().
 * Errors: SERVER_NAME (neither a name nor an address), SYSTEM. Call th_net_lookup_step() next. */
int th_net_lookup_begin(struct th_net_lookup *lookup, const char *host, uint64_t now_ms,
                        struct th_fault *fault);

/* The number of addresses (> 0), best first, IPv6 and IPv4 in turns (RFC 8305 section 4);
 * TH_WANT_READ or TH_WANT_WRITE: poll th_net_lookup_fd() for at most th_net_lookup_wait_ms();
 * TH_E_LOOKUP: no such name, no address, or no name server answered in its time. */
int th_net_lookup_step(struct th_net_lookup *lookup, uint64_t now_ms,
                       struct th_net_addresses *addresses, struct th_fault *fault);

int th_net_lookup_fd(const struct th_net_lookup *lookup); /* -1: none */
int th_net_lookup_wait_ms(const struct th_net_lookup *lookup, uint64_t now_ms);

/* Closes what is open; harmless when nothing is, or when the struct is all zero. */
void th_net_lookup_end(struct th_net_lookup *lookup);

#endif
