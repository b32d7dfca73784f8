/* Builds DNS replies from queries. */
#ifndef TH_TEST_NET_REPLY_H
#define TH_TEST_NET_REPLY_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct reply {
    uint8_t bytes[4096];
    size_t length;
};

static inline void append_number(struct reply *reply, unsigned number)
{
    reply->bytes[reply->length++] = (uint8_t)(number >> 8);
    reply->bytes[reply->length++] = (uint8_t)number;
}

static inline void append_name(struct reply *reply, const char *name)
{
    while (*name) {
        size_t length = strcspn(name, ".");
        reply->bytes[reply->length++] = (uint8_t)length;
        memcpy(reply->bytes + reply->length, name, length);
        reply->length += length;
        name += length + (name[length] == '.');
    }
    reply->bytes[reply->length++] = 0;
}

/* The query itself, turned into a reply without records. */
static inline void begin_reply(struct reply *reply, const uint8_t *query, size_t bytes, int rcode)
{
    memcpy(reply->bytes, query, bytes);
    reply->length = bytes;
    reply->bytes[2] = 0x81;
    reply->bytes[3] = (uint8_t)(0x80 | rcode);
}

/* Owner NULL: a pointer to the name in the question. */
static inline void append_record(struct reply *reply, const char *owner, unsigned type,
                                 const void *data, size_t bytes)
{
    if (owner)
        append_name(reply, owner);
    else
        append_number(reply, 0xc00c);
    append_number(reply, type);
    append_number(reply, 1);
    append_number(reply, 0);
    append_number(reply, 60);
    append_number(reply, (unsigned)bytes);
    memcpy(reply->bytes + reply->length, data, bytes);
    reply->length += bytes;
    reply->bytes[7]++;
}

static inline void append_alias(struct reply *reply, const char *owner, const char *target)
{
    struct reply name = {.length = 0};
    append_name(&name, target);
    append_record(reply, owner, 5, name.bytes, name.length);
}

static inline unsigned question_type(const uint8_t *query, size_t bytes)
{
    return query[bytes - 3];
}

#endif
