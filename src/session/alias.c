#include "session/alias.h"

#include <string.h>

/* Records lie one behind the other: alias, length, topic. */
static unsigned number_at(const uint8_t *at)
{
    return (unsigned)at[0] << 8 | at[1];
}

static void put_number(uint8_t *at, unsigned number)
{
    at[0] = (uint8_t)(number >> 8);
    at[1] = (uint8_t)number;
}

static uint32_t record_bytes(const uint8_t *record)
{
    return TH_SESSION_ALIAS_OVERHEAD_BYTES + number_at(record + 2);
}

static uint8_t *find(const struct th_session_aliases *aliases, uint16_t alias)
{
    uint32_t at = 0;
    while (at < aliases->used_bytes && number_at(aliases->memory + at) != alias)
        at += record_bytes(aliases->memory + at);
    return at < aliases->used_bytes ? aliases->memory + at : NULL;
}

struct th_slice th_session_alias_topic(const struct th_session_aliases *aliases, uint16_t alias)
{
    const uint8_t *record = find(aliases, alias);
    if (!record)
        return (struct th_slice){NULL, 0};
    return (struct th_slice){record + TH_SESSION_ALIAS_OVERHEAD_BYTES, number_at(record + 2)};
}

static void take_out(struct th_session_aliases *aliases, uint8_t *record)
{
    uint32_t bytes = record_bytes(record);
    uint8_t *end = aliases->memory + aliases->used_bytes;
    memmove(record, record + bytes, (size_t)(end - record) - bytes);
    aliases->used_bytes -= bytes;
}

bool th_session_alias_keep(struct th_session_aliases *aliases, uint16_t alias,
                           struct th_slice topic)
{
    uint8_t *record = find(aliases, alias);
    if (record)
        take_out(aliases, record);
    if (TH_SESSION_ALIAS_OVERHEAD_BYTES + topic.len_bytes > aliases->bytes - aliases->used_bytes)
        return false;
    record = aliases->memory + aliases->used_bytes;
    put_number(record, alias);
    put_number(record + 2, (unsigned)topic.len_bytes);
    memcpy(record + TH_SESSION_ALIAS_OVERHEAD_BYTES, topic.data, topic.len_bytes);
    aliases->used_bytes += record_bytes(record);
    return true;
}
