/* A stream from a broker. The first byte chooses the version, the rest is decoded packet after
 * packet; payloads are skipped as the client would. */
#include <assert.h>
#include <stdlib.h>

#include "base/slice.h"
#include "mqtt/decode.h"
#include "mqtt/property.h"
#include "mqtt/topic.h"

static void assert_inside(struct th_slice slice, const uint8_t *bytes, size_t len)
{
    if (!slice.len_bytes)
        return;
    assert(slice.data >= bytes);
    assert(slice.len_bytes <= len);
    assert((size_t)(slice.data - bytes) <= len - slice.len_bytes);
}

static size_t walk_properties(struct th_received_properties properties)
{
    struct th_property property, found;
    size_t count = 0;

    for (struct th_received_properties rest = properties; th_property_next(&rest, &property);) {
        assert_inside(property.text, properties.raw.data, properties.raw.len_bytes);
        assert_inside(property.value, properties.raw.data, properties.raw.len_bytes);
        assert(th_property_rule(property.id));
        assert(th_property_find(properties, property.id, &found));
        count++;
    }
    return count;
}

/* A checked list yields properties down to its last byte. */
static void check_properties(const struct th_mqtt_packet *packet)
{
    struct th_received_properties rest = packet->properties;
    struct th_property property;

    for (size_t left = walk_properties(rest); left; left--)
        assert(th_property_next(&rest, &property));
    assert(rest.raw.len_bytes == 0);
}

static void check_accepted(const struct th_mqtt_packet *packet, const uint8_t *bytes, size_t taken,
                           int version)
{
    assert(!packet->problem && !packet->need_bytes);
    assert_inside(packet->codes, bytes, taken);
    assert_inside(packet->properties.raw, bytes, taken);
    assert_inside(packet->publish.topic, bytes, taken);
    assert(version == TH_MQTT_5 || !packet->properties.raw.len_bytes);
    assert(version == TH_MQTT_5 || packet->type != TH_MQTT_AUTH);
    assert(packet->publish.qos <= 2);
    if (packet->type == TH_MQTT_PUBLISH && packet->publish.topic.len_bytes)
        assert(th_mqtt_topic_name_valid(packet->publish.topic));
    assert(taken + packet->publish.payload_bytes <= TH_MQTT_PACKET_MAX_BYTES);
    check_properties(packet);
}

/* Less of the same bytes is incomplete, never something else, and need_bytes never overshoots. */
static void check_prefixes(const uint8_t *bytes, size_t taken, int version)
{
    struct th_mqtt_packet packet;
    size_t step = taken / 16 + 1;

    for (size_t k = 0; k < taken; k += step) {
        assert(th_mqtt_decode(bytes, k, version, &packet) == 0);
        assert(packet.need_bytes > k && packet.need_bytes <= taken);
    }
}

/* Bytes are copied to a block of their exact size, so that the sanitizer sees each over-read. */
static size_t decode_one(const uint8_t *data, size_t len, int version)
{
    uint8_t *bytes = malloc(len ? len : 1);
    struct th_mqtt_packet packet;
    size_t skip = 0;

    assert(bytes);
    if (len)
        memcpy(bytes, data, len);
    int taken = th_mqtt_decode(bytes, len, version, &packet);
    if (taken > 0) {
        assert((size_t)taken <= len);
        check_accepted(&packet, bytes, (size_t)taken, version);
        check_prefixes(bytes, (size_t)taken, version);
        skip = (size_t)taken + packet.publish.payload_bytes;
    } else if (taken == 0) {
        assert(!packet.problem && packet.need_bytes > len);
        assert(packet.need_bytes <= TH_MQTT_PACKET_MAX_BYTES);
    } else {
        assert(taken == TH_E_PROTOCOL && packet.problem);
    }
    free(bytes);
    return skip;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    int version = data[0] & 1 ? TH_MQTT_5 : TH_MQTT_3_1_1;
    data++, size--;
    for (size_t skip; size && (skip = decode_one(data, size, version)) != 0;) {
        skip = skip < size ? skip : size;
        data += skip;
        size -= skip;
    }
    return 0;
}
