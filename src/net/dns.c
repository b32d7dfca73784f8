#include "net/dns.h"

#include "net/name.h"

#include <netinet/in.h>
#include <resolv.h>
#include <string.h>

enum {
    HEADER_BYTES = 12,
    CLASS_IN = 1,
    CHAIN_MAX = 8, /* aliases of aliases */
    FLAG_RECURSION_DESIRED = 0x0100,
    FLAG_TRUNCATED = 0x0200,
    MASK_REPLY_AND_OPCODE = 0xf800,
    IS_REPLY_TO_QUERY = 0x8000,
    MASK_RCODE = 0x000f,
    RCODE_NO_NAME = 3,
    SERVICE_BYTES = 6, /* priority, weight and port, before the target */
};

static uint8_t *put_number(uint8_t *at, unsigned number)
{
    at[0] = (uint8_t)(number >> 8);
    at[1] = (uint8_t)number;
    return at + 2;
}

static uint16_t get_number(const uint8_t *at)
{
    return (uint16_t)(at[0] << 8 | at[1]);
}

/* Each label with its length before it, then the empty label of the root. */
static uint8_t *put_name(uint8_t *at, const char *name)
{
    while (*name) {
        size_t length = strcspn(name, ".");
        *at++ = (uint8_t)length;
        memcpy(at, name, length);
        at += length;
        name += length + (name[length] == '.');
    }
    *at++ = 0;
    return at;
}

size_t th_net_dns_encode(uint8_t query[TH_NET_QUERY_BYTES], const char *name,
                         const struct th_net_question *question)
{
    uint8_t *at = query;
    memset(query, 0, HEADER_BYTES);
    at = put_number(at, question->id);
    at = put_number(at, FLAG_RECURSION_DESIRED);
    put_number(at, 1); /* questions; answers, authorities and additional records: none */
    at = put_name(query + HEADER_BYTES, name);
    at = put_number(at, question->type);
    at = put_number(at, CLASS_IN);
    return (size_t)(at - query);
}

/* What is left to read of a message. */
struct reader {
    const uint8_t *message;
    const uint8_t *at;
    const uint8_t *end;
};

struct record {
    char owner[TH_NET_NAME_BYTES + 1];
    uint16_t type;
    uint16_t class;
    uint16_t data_bytes;
    const uint8_t *data;
};

static bool has(const struct reader *reader, size_t bytes)
{
    return (size_t)(reader->end - reader->at) >= bytes;
}

/* Names may point backwards for their rest (RFC 1035 4.1.4), which dn_expand follows. */
static bool expand(const struct reader *reader, const uint8_t *at,
                   char name[TH_NET_NAME_BYTES + 1], int *used)
{
    *used = dn_expand(reader->message, reader->end, at, name, TH_NET_NAME_BYTES + 1);
    return *used > 0;
}

static bool read_owner(struct reader *reader, struct record *record)
{
    int used;
    if (!expand(reader, reader->at, record->owner, &used))
        return false;
    reader->at += used;
    return true;
}

/* Type, class, time to live, length and data follow the owner's name. */
static bool read_record(struct reader *reader, struct record *record)
{
    enum { FIXED_BYTES = 10 };
    if (!read_owner(reader, record) || !has(reader, FIXED_BYTES))
        return false;
    record->type = get_number(reader->at);
    record->class = get_number(reader->at + 2);
    record->data_bytes = get_number(reader->at + 8);
    reader->at += FIXED_BYTES;
    if (!has(reader, record->data_bytes))
        return false;
    record->data = reader->at;
    reader->at += record->data_bytes;
    return true;
}

static bool is_alias(const struct record *record, const char *target)
{
    return record->class == CLASS_IN && record->type == TH_NET_CNAME
        && th_net_name_equal(record->owner, target);
}

static bool has_its_size(const struct record *record)
{
    if (record->type == TH_NET_SRV)
        return record->data_bytes > SERVICE_BYTES;
    return record->data_bytes == (record->type == TH_NET_A ? 4 : 16);
}

static bool is_wanted(const struct record *record, const char *target, uint16_t type)
{
    return record->class == CLASS_IN && record->type == type && has_its_size(record)
        && th_net_name_equal(record->owner, target);
}

static void add_address(struct th_net_addresses *found, const struct record *record)
{
    struct th_net_address address = {
        .family = record->type == TH_NET_A ? AF_INET : AF_INET6,
    };
    memcpy(address.bytes, record->data, record->data_bytes);
    th_net_addresses_add(found, &address);
}

static void add_service(struct th_net_services *found, const struct reader *reader,
                        const struct record *record)
{
    const uint8_t *data = record->data;
    int used;
    struct th_net_service service = {
        .priority = get_number(data),
        .weight = get_number(data + 2),
        .port = get_number(data + 4),
    };
    if (expand(reader, data + SERVICE_BYTES, service.host, &used)
        && th_net_name_is_valid(service.host))
        th_net_services_add(found, &service);
}

/* One walk through the answer section, following aliases that stand in order. */
struct walk {
    char target[TH_NET_NAME_BYTES + 1];
    uint16_t type;
    uint16_t records;
    bool renamed;  /* an alias was followed: records before it may count now */
    bool complete; /* all records were there */
    bool any;      /* a record of the type was found */
    struct th_net_addresses *addresses;
    struct th_net_services *services; /* NULL: addresses are wanted */
};

static void add(struct walk *walk, const struct reader *reader, const struct record *record)
{
    walk->any = true;
    if (walk->services)
        add_service(walk->services, reader, record);
    else
        add_address(walk->addresses, record);
}

static void consider(struct walk *walk, const struct reader *reader, const struct record *record)
{
    int used;
    if (is_wanted(record, walk->target, walk->type)) {
        add(walk, reader, record);
    } else if (is_alias(record, walk->target)) {
        walk->renamed = expand(reader, record->data, walk->target, &used);
        walk->complete &= walk->renamed;
    }
}

static void walk_once(struct walk *walk, struct reader reader)
{
    struct record record;
    walk->renamed = false;
    walk->complete = true;
    for (unsigned n = 0; n < walk->records; n++) {
        if (!read_record(&reader, &record)) {
            walk->complete = false;
            return;
        }
        consider(walk, &reader, &record);
    }
}

static enum th_net_answer read_answers(struct walk *walk, struct reader reader)
{
    int hops = 0;
    do
        walk_once(walk, reader);
    while (walk->renamed && !walk->any && ++hops < CHAIN_MAX);
    return walk->any || walk->complete ? TH_NET_ANSWER_GIVEN : TH_NET_ANSWER_FAILED;
}

static uint8_t lower(uint8_t c)
{
    return c >= 'A' && c <= 'Z' ? c | 0x20 : c;
}

static bool equal_but_case(const uint8_t *a, const uint8_t *b, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++)
        if (lower(a[i]) != lower(b[i]))
            return false;
    return true;
}

/* A reply repeats the question word for word. Returns the length of both, or 0. */
static size_t match_question(const uint8_t *message, size_t bytes, const char *name,
                             const struct th_net_question *question)
{
    uint8_t query[TH_NET_QUERY_BYTES];
    size_t length = th_net_dns_encode(query, name, question);
    bool same = bytes >= length && get_number(message) == question->id
        && (get_number(message + 2) & MASK_REPLY_AND_OPCODE) == IS_REPLY_TO_QUERY
        && get_number(message + 4) == 1
        && equal_but_case(message + HEADER_BYTES, query + HEADER_BYTES, length - HEADER_BYTES);
    return same ? length : 0;
}

static enum th_net_answer decode(struct walk *walk, const uint8_t *message, size_t bytes,
                                 const char *name, const struct th_net_question *question)
{
    size_t skipped = match_question(message, bytes, name, question);
    if (skipped == 0)
        return TH_NET_ANSWER_AWAITED;
    uint16_t flags = get_number(message + 2);
    if ((flags & MASK_RCODE) == RCODE_NO_NAME)
        return TH_NET_ANSWER_NO_NAME;
    if (flags & MASK_RCODE)
        return TH_NET_ANSWER_FAILED;
    if (flags & FLAG_TRUNCATED)
        return TH_NET_ANSWER_TRUNCATED;
    strcpy(walk->target, name);
    walk->type = question->type;
    walk->records = get_number(message + 6);
    return read_answers(walk, (struct reader){message, message + skipped, message + bytes});
}

enum th_net_answer th_net_dns_decode(const uint8_t *message, size_t bytes, const char *name,
                                     const struct th_net_question *question,
                                     struct th_net_addresses *found)
{
    struct walk walk = {.addresses = found};
    return decode(&walk, message, bytes, name, question);
}

enum th_net_answer th_net_dns_decode_services(const uint8_t *message, size_t bytes,
                                              const char *name,
                                              const struct th_net_question *question,
                                              struct th_net_services *found)
{
    struct walk walk = {.services = found};
    return decode(&walk, message, bytes, name, question);
}
