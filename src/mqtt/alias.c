#include "mqtt/alias.h"

#include "base/slice.h"

#include <string.h>

/* Records lie one behind the other, as they were kept: alias, length, topic. */
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
    return TH_MQTT_ALIAS_OVERHEAD_BYTES + number_at(record + 2);
}

static uint8_t *find(const struct th_mqtt_aliases *aliases, uint16_t alias)
{
    uint32_t at = 0;
    while (at < aliases->used_bytes && number_at(aliases->memory + at) != alias)
        at += record_bytes(aliases->memory + at);
    return at < aliases->used_bytes ? aliases->memory + at : NULL;
}

struct th_slice th_mqtt_alias_topic(const struct th_mqtt_aliases *aliases, uint16_t alias)
{
    const uint8_t *record = find(aliases, alias);
    if (!record)
        return (struct th_slice){NULL, 0};
    return (struct th_slice){record + TH_MQTT_ALIAS_OVERHEAD_BYTES, number_at(record + 2)};
}

static void take_out(struct th_mqtt_aliases *aliases, uint8_t *record)
{
    uint32_t bytes = record_bytes(record);
    uint8_t *end = aliases->memory + aliases->used_bytes;
    memmove(record, record + bytes, (size_t)(end - record) - bytes);
    aliases->used_bytes -= bytes;
}

bool th_mqtt_alias_keep(struct th_mqtt_aliases *aliases, uint16_t alias,
                        struct th_slice topic)
{
    uint8_t *record = find(aliases, alias);
    if (record)
        take_out(aliases, record);
    if (TH_MQTT_ALIAS_OVERHEAD_BYTES + topic.len_bytes > aliases->bytes - aliases->used_bytes)
        return false;
    record = aliases->memory + aliases->used_bytes;
    put_number(record, alias);
    put_number(record + 2, (unsigned)topic.len_bytes);
    memcpy(record + TH_MQTT_ALIAS_OVERHEAD_BYTES, topic.data, topic.len_bytes);
    aliases->used_bytes += record_bytes(record);
    return true;
}

static uint16_t alias_of(const struct th_mqtt_aliases *aliases, struct th_slice topic)
{
    for (uint32_t at = 0; at < aliases->used_bytes; at += record_bytes(aliases->memory + at)) {
        const uint8_t *record = aliases->memory + at;
        if (th_slice_equal(th_slice_of(record + TH_MQTT_ALIAS_OVERHEAD_BYTES,
                                       number_at(record + 2)), topic))
            return (uint16_t)number_at(record);
    }
    return 0;
}

static uint16_t unused(const struct th_mqtt_aliases *aliases, uint16_t maximum)
{
    uint16_t alias = 1;
    while (alias <= maximum && find(aliases, alias))
        alias++;
    return alias <= maximum ? alias : 0;
}

/* The first record is the one that was not used for longest. */
static uint16_t make_room(struct th_mqtt_aliases *aliases, size_t bytes, uint16_t maximum)
{
    uint16_t alias;
    while (!(alias = unused(aliases, maximum)) || bytes > aliases->bytes - aliases->used_bytes)
        take_out(aliases, aliases->memory);
    return alias;
}

uint16_t th_mqtt_alias_choose(struct th_mqtt_aliases *aliases, struct th_slice topic,
                              uint16_t maximum, bool *known)
{
    size_t bytes = TH_MQTT_ALIAS_OVERHEAD_BYTES + topic.len_bytes;
    if (bytes > aliases->bytes)
        return 0;
    uint16_t alias = alias_of(aliases, topic);
    *known = alias > 0;
    if (!alias)
        alias = make_room(aliases, bytes, maximum);
    th_mqtt_alias_keep(aliases, alias, topic);
    return alias;
}
