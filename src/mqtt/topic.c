#include "mqtt/topic.h"

#include "base/slice.h"
#include "mqtt/mqtt.h"
#include "mqtt/utf8.h"

static const char share[] = "$share/";

#define SHARE_BYTES (sizeof share - 1)

static bool contains(struct th_slice text, char wanted)
{
    return text.len_bytes && memchr(text.data, wanted, text.len_bytes);
}

static bool has_wildcard(struct th_slice text)
{
    return contains(text, '+') || contains(text, '#');
}

static bool is_text(struct th_slice text)
{
    return text.len_bytes > 0 && text.len_bytes <= TH_MQTT_STRING_MAX_BYTES &&
           th_mqtt_utf8_valid(text);
}

/* Takes the text up to the next '/' off `rest`, whose data is NULL after the last level. */
static bool take_level(struct th_slice *rest, struct th_slice *level)
{
    if (!rest->data)
        return false;
    const uint8_t *slash =
        rest->len_bytes ? memchr(rest->data, '/', rest->len_bytes) : NULL;
    size_t bytes = slash ? (size_t)(slash - rest->data) : rest->len_bytes;
    *level = th_slice_of(rest->data, bytes);
    *rest = slash ? th_slice_of(slash + 1, rest->len_bytes - bytes - 1) : th_slice_of(NULL, 0);
    return true;
}

static bool is_only(struct th_slice level, char wanted)
{
    return level.len_bytes == 1 && level.data[0] == (uint8_t)wanted;
}

static bool wildcards_fill_levels(struct th_slice filter)
{
    struct th_slice level;

    while (take_level(&filter, &level)) {
        bool last = !filter.data;
        bool allowed = is_only(level, '+') || (is_only(level, '#') && last);
        if (has_wildcard(level) && !allowed)
            return false;
    }
    return true;
}

bool th_mqtt_filter_is_shared(struct th_slice filter)
{
    return filter.len_bytes >= SHARE_BYTES && !memcmp(filter.data, share, SHARE_BYTES);
}

/* The filter behind "$share/name/", or an empty one with the data NULL. */
static struct th_slice without_share(struct th_slice filter, struct th_slice *name)
{
    struct th_slice rest =
        th_slice_of(filter.data + SHARE_BYTES, filter.len_bytes - SHARE_BYTES);

    take_level(&rest, name);
    return rest;
}

static bool shared_filter_valid(struct th_slice filter)
{
    struct th_slice name;
    struct th_slice rest = without_share(filter, &name);

    return name.len_bytes > 0 && !has_wildcard(name) && rest.len_bytes > 0 &&
           wildcards_fill_levels(rest);
}

bool th_mqtt_topic_name_valid(struct th_slice name)
{
    return is_text(name) && !has_wildcard(name);
}

bool th_mqtt_topic_filter_valid(struct th_slice filter)
{
    if (!is_text(filter))
        return false;
    if (th_mqtt_filter_is_shared(filter))
        return shared_filter_valid(filter);
    return wildcards_fill_levels(filter);
}

static bool levels_match(struct th_slice filter, struct th_slice topic)
{
    struct th_slice wanted, level;

    for (;;) {
        bool more_wanted = take_level(&filter, &wanted);
        bool more_levels = take_level(&topic, &level);
        if (more_wanted && is_only(wanted, '#'))
            return true;
        if (!more_wanted || !more_levels)
            return more_wanted == more_levels;
        if (!is_only(wanted, '+') && !th_slice_equal(wanted, level))
            return false;
    }
}

bool th_mqtt_topic_matches(struct th_slice filter, struct th_slice topic)
{
    struct th_slice name;

    if (th_mqtt_filter_is_shared(filter))
        filter = without_share(filter, &name);
    if (!filter.len_bytes || !topic.len_bytes)
        return false;
    bool begins_wild = filter.data[0] == '+' || filter.data[0] == '#';
    return !(topic.data[0] == '$' && begins_wild) && levels_match(filter, topic);
}
