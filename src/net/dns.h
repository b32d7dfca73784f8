/* DNS messages (RFC 1035 section 4). Pure: bytes in, addresses or services out. */
#ifndef TH_NET_DNS_H
#define TH_NET_DNS_H

#include "net/address.h"
#include "net/services.h"

/* Header 12, name 255, type and class 4. */
#define TH_NET_QUERY_BYTES 271

enum th_net_record_type { TH_NET_A = 1, TH_NET_CNAME = 5, TH_NET_AAAA = 28, TH_NET_SRV = 33 };

enum th_net_answer {
    TH_NET_ANSWER_AWAITED,
    TH_NET_ANSWER_GIVEN,     /* the name exists, with or without records of the type */
    TH_NET_ANSWER_NO_NAME,   /* NXDOMAIN */
    TH_NET_ANSWER_FAILED,    /* SERVFAIL, REFUSED and the like: another server may know */
    TH_NET_ANSWER_TRUNCATED, /* ask again over TCP */
};

struct th_net_question {
    uint16_t type; /* enum th_net_record_type */
    uint16_t id;
};

/* Writes a recursive query and returns its length. `name` must be a valid name, net/name.h. */
size_t th_net_dns_encode(uint8_t query[TH_NET_QUERY_BYTES], const char *name,
                         const struct th_net_question *question);

/* Reads the reply to that query, adding the addresses of the name or of what the name is an alias
 * of. AWAITED: these bytes are not the reply to the question (wrong id, question or no reply
 * at all). A message cut short is used as far as it goes. */
enum th_net_answer th_net_dns_decode(const uint8_t *message, size_t bytes, const char *name,
                                     const struct th_net_question *question,
                                     struct th_net_addresses *found);

/* The same for a question of type SRV. A target that is no host name is passed over, and so is the
 * root, which stands for "not here". */
enum th_net_answer th_net_dns_decode_services(const uint8_t *message, size_t bytes,
                                              const char *name,
                                              const struct th_net_question *question,
                                              struct th_net_services *found);

#endif
