#include "mqtt/decode.h"

#include "base/slice.h"
#include "mqtt/cursor.h"
#include "mqtt/property.h"
#include "mqtt/topic.h"
#include "mqtt/utf8.h"

/* ---- fields ------------------------------------------------------------------------------- */

static void take_packet_id(struct th_mqtt_reader *in, struct th_mqtt_packet *out)
{
    out->packet_id = (uint16_t)th_mqtt_take_number(in, 2);
    if (out->packet_id == 0)
        th_mqtt_reader_fail(in, "the packet identifier is 0 (2.2.1)");
}

static void take_properties(struct th_mqtt_reader *in, int version, struct th_mqtt_packet *out)
{
    if (version != TH_MQTT_5)
        return;
    out->properties.raw = th_mqtt_take(in, th_mqtt_take_variable(in));
    if (th_mqtt_reader_ok(in))
        in->problem = th_property_check_received(out->properties.raw, out->type);
}

static void check_reason(struct th_mqtt_reader *in, int version, unsigned type, unsigned code)
{
    if (!th_mqtt_reason_from_server(version, type, code))
        th_mqtt_reader_fail(in, "a reason code is not one a server may send here (2.4)");
}

static void take_reason(struct th_mqtt_reader *in, int version, struct th_mqtt_packet *out)
{
    out->reason = (uint8_t)th_mqtt_take_number(in, 1);
    check_reason(in, version, out->type, out->reason);
}

static void take_codes(struct th_mqtt_reader *in, int version, struct th_mqtt_packet *out)
{
    if (th_mqtt_reader_left(in) == 0)
        th_mqtt_reader_fail(in, "there is no reason code (3.9.3, 3.11.3)");
    out->codes = th_mqtt_take(in, th_mqtt_reader_left(in));
    for (size_t i = 0; i < out->codes.len_bytes; i++)
        check_reason(in, version, out->type, out->codes.data[i]);
}

static void take_topic(struct th_mqtt_reader *in, struct th_mqtt_packet *out)
{
    out->publish.topic = th_mqtt_take_text(in);
    if (out->publish.topic.len_bytes && !th_mqtt_topic_name_valid(out->publish.topic))
        th_mqtt_reader_fail(in, "the topic is not valid UTF-8, or holds U+0000, '+' or '#' (4.7)");
}

/* ---- packets, after their fixed header ---------------------------------------------------- */

/* A server that speaks 3.1.1 only says so in its own words: 20 02 00 01. */
static bool refuses_version(const struct th_mqtt_reader *in, int version)
{
    const uint8_t *body = in->bytes + in->at_bytes;

    return version == TH_MQTT_5 && th_mqtt_reader_left(in) == 2 && body[0] == 0 && body[1] == 1;
}

static void connack(struct th_mqtt_reader *in, int version, struct th_mqtt_packet *out)
{
    if (refuses_version(in, version)) {
        th_mqtt_take(in, 2);
        out->reason = TH_MQTT_UNSUPPORTED_VERSION;
        return;
    }
    uint32_t flags = th_mqtt_take_number(in, 1);
    if (flags > 1)
        th_mqtt_reader_fail(in, "reserved acknowledge flags are set (3.2.2.1)");
    take_reason(in, version, out);
    out->session_present = flags;
    if (out->session_present && out->reason)
        th_mqtt_reader_fail(in, "a refusal says that a session is present (3.2.2.1.1)");
    take_properties(in, version, out);
}

static void check_topic_alias(struct th_mqtt_reader *in, struct th_mqtt_packet *out)
{
    struct th_property alias;

    if (th_property_find(out->properties, TH_PROPERTY_TOPIC_ALIAS, &alias))
        out->publish.topic_alias = (uint16_t)alias.number;
    if (!out->publish.topic.len_bytes && !out->publish.topic_alias)
        th_mqtt_reader_fail(in, "the topic is empty and there is no alias (3.3.2.1)");
}

static void publish(struct th_mqtt_reader *in, int version, struct th_mqtt_packet *out)
{
    out->publish.retain = in->bytes[0] & 1;
    out->publish.qos = in->bytes[0] >> 1 & 3;
    out->publish.dup = in->bytes[0] >> 3 & 1;
    take_topic(in, out);
    if (out->publish.qos)
        take_packet_id(in, out);
    take_properties(in, version, out);
    check_topic_alias(in, out);
    out->publish.payload_bytes = th_mqtt_reader_left(in);
}

/* What may be left out means success without properties (3.4.2.1, 3.14.2.1). */
static void optional_reason(struct th_mqtt_reader *in, int version, struct th_mqtt_packet *out)
{
    if (th_mqtt_reader_left(in))
        take_reason(in, version, out);
    if (th_mqtt_reader_left(in))
        take_properties(in, version, out);
}

/* Here only both can be left out, since a list would need the authentication method (3.15.2.1). */
static void auth(struct th_mqtt_reader *in, int version, struct th_mqtt_packet *out)
{
    if (!th_mqtt_reader_left(in))
        return;
    take_reason(in, version, out);
    take_properties(in, version, out);
}

static void acknowledgement(struct th_mqtt_reader *in, int version, struct th_mqtt_packet *out)
{
    take_packet_id(in, out);
    optional_reason(in, version, out);
}

static void suback(struct th_mqtt_reader *in, int version, struct th_mqtt_packet *out)
{
    take_packet_id(in, out);
    take_properties(in, version, out);
    take_codes(in, version, out);
}

static void unsuback(struct th_mqtt_reader *in, int version, struct th_mqtt_packet *out)
{
    take_packet_id(in, out);
    take_properties(in, version, out);
    if (version == TH_MQTT_5)
        take_codes(in, version, out);
}

static void nothing(struct th_mqtt_reader *in, int version, struct th_mqtt_packet *out)
{
    (void)in, (void)version, (void)out;
}

/* ---- the fixed header --------------------------------------------------------------------- */

enum length { AT_LEAST, EXACTLY, EXACTLY_IN_3 };

/* What a server may send, and the remaining length it must have. */
static const struct shape {
    void (*body)(struct th_mqtt_reader *in, int version, struct th_mqtt_packet *out);
    uint8_t flags;
    uint8_t length; /* enum length */
    uint8_t bytes;
    bool only_5;
} shapes[] = {
    [TH_MQTT_CONNACK] = {connack, 0, EXACTLY_IN_3, 2, false},
    [TH_MQTT_PUBLISH] = {publish, 0, AT_LEAST, 3, false},
    [TH_MQTT_PUBACK] = {acknowledgement, 0, EXACTLY_IN_3, 2, false},
    [TH_MQTT_PUBREC] = {acknowledgement, 0, EXACTLY_IN_3, 2, false},
    [TH_MQTT_PUBREL] = {acknowledgement, 2, EXACTLY_IN_3, 2, false},
    [TH_MQTT_PUBCOMP] = {acknowledgement, 0, EXACTLY_IN_3, 2, false},
    [TH_MQTT_SUBACK] = {suback, 0, AT_LEAST, 3, false},
    [TH_MQTT_UNSUBACK] = {unsuback, 0, EXACTLY_IN_3, 2, false},
    [TH_MQTT_PINGRESP] = {nothing, 0, EXACTLY, 0, false},
    [TH_MQTT_DISCONNECT] = {optional_reason, 0, AT_LEAST, 0, true},
    [TH_MQTT_AUTH] = {auth, 0, AT_LEAST, 0, true},
};

static void check_publish_flags(struct th_mqtt_reader *in, uint32_t flags)
{
    if ((flags & 0x6) == 0x6)
        th_mqtt_reader_fail(in, "the QoS is 3 (3.3.1.2)");
    if ((flags & 0xe) == 0x8)
        th_mqtt_reader_fail(in, "the DUP flag is set at QoS 0 (3.3.1.1)");
}

static void check_first_byte(struct th_mqtt_reader *in, int version, uint32_t first)
{
    const struct shape *shape = &shapes[first >> 4];

    if (!shape->body || (shape->only_5 && version != TH_MQTT_5))
        th_mqtt_reader_fail(in, "a server must not send a packet of this type (2.1.2)");
    if (first >> 4 == TH_MQTT_PUBLISH)
        check_publish_flags(in, first & 0xf);
    else if ((first & 0xf) != shape->flags)
        th_mqtt_reader_fail(in, "reserved flags of the fixed header are wrong (2.1.3)");
}

static bool is_exact(const struct shape *shape, int version)
{
    return shape->length == EXACTLY || (shape->length == EXACTLY_IN_3 && version != TH_MQTT_5);
}

static void check_remaining(struct th_mqtt_reader *in, int version, const struct shape *shape,
                            size_t remaining_bytes)
{
    if (remaining_bytes < shape->bytes)
        th_mqtt_reader_fail(in, "the packet is too short for its type (2.1.4)");
    if (remaining_bytes > shape->bytes && is_exact(shape, version))
        th_mqtt_reader_fail(in, "the packet is too long for its type (2.1.4)");
}

/* Leaves the reader at the body of the packet, bounded by the packet's end. */
static void take_fixed_header(struct th_mqtt_reader *in, int version, size_t arrived_bytes,
                              struct th_mqtt_packet *out)
{
    uint32_t first = th_mqtt_take_number(in, 1);

    out->type = (uint8_t)(first >> 4);
    out->flags = first & 0xf;
    check_first_byte(in, version, first);
    size_t remaining_bytes = th_mqtt_take_variable(in);
    check_remaining(in, version, &shapes[out->type], remaining_bytes);
    th_mqtt_reader_limit(in, arrived_bytes, in->at_bytes + remaining_bytes);
}

/* ---- a packet ----------------------------------------------------------------------------- */

static void await_whole(struct th_mqtt_reader *in)
{
    if (th_mqtt_reader_ok(in) && in->arrived_bytes < in->end_bytes)
        in->need_bytes = in->end_bytes;
}

static void take_body(struct th_mqtt_reader *in, int version, struct th_mqtt_packet *out)
{
    bool streams = out->type == TH_MQTT_PUBLISH;

    if (!streams)
        await_whole(in);
    if (th_mqtt_reader_ok(in))
        shapes[out->type].body(in, version, out);
    if (!streams && th_mqtt_reader_left(in))
        th_mqtt_reader_fail(in, "bytes are left after the last field (2.1.4)");
}

static int result(const struct th_mqtt_reader *in, struct th_mqtt_packet *out)
{
    out->problem = in->problem;
    out->need_bytes = in->need_bytes;
    if (in->problem)
        return TH_E_PROTOCOL;
    return in->need_bytes ? 0 : (int)in->at_bytes;
}

int th_mqtt_decode(const uint8_t *bytes, size_t len_bytes, int version,
                   struct th_mqtt_packet *out)
{
    struct th_mqtt_reader in = th_mqtt_reader_over(th_slice_of(bytes, len_bytes));

    *out = (struct th_mqtt_packet){0};
    th_mqtt_reader_limit(&in, len_bytes, TH_MQTT_FIXED_HEADER_MAX_BYTES);
    take_fixed_header(&in, version, len_bytes, out);
    take_body(&in, version, out);
    return result(&in, out);
}
