#include "mqtt/property.h"

#include "base/slice.h"
#include "mqtt/cursor.h"
#include "mqtt/property_list.h"
#include "mqtt/topic.h"
#include "mqtt/utf8.h"

/* Brokers forward the last two as another client wrote them, unchecked: a retained message with a
 * wrong one must not end our connection at each redial. They are judged only when we send. */
enum range { ANY, BOOLEAN, NOT_ZERO, FORWARDED_BOOLEAN, FORWARDED_TOPIC_NAME };

#define IN(type) (1u << TH_MQTT_##type)
#define IN_RECEIPTS (IN(PUBACK) | IN(PUBREC) | IN(PUBREL) | IN(PUBCOMP))
#define IN_MESSAGES (IN(PUBLISH) | IN(WILL))
#define IN_EACH_OF_OURS                                                                        \
    (IN(CONNECT) | IN_MESSAGES | IN_RECEIPTS | IN(SUBSCRIBE) | IN(UNSUBSCRIBE) |               \
     IN(DISCONNECT) | IN(AUTH))
#define IN_ANSWERS                                                                             \
    (IN(CONNACK) | IN_RECEIPTS | IN(SUBACK) | IN(UNSUBACK) | IN(DISCONNECT) | IN(AUTH))

/* Table 2-4 of section 2.2.2.2, with what later sections say about direction and value. */
static const struct th_property_rule rules[] = {
    {TH_PROPERTY_PAYLOAD_FORMAT, TH_KIND_BYTE, FORWARDED_BOOLEAN, IN_MESSAGES,
     IN(PUBLISH)},
    {TH_PROPERTY_MESSAGE_EXPIRY_S, TH_KIND_FOUR_BYTES, ANY, IN_MESSAGES, IN(PUBLISH)},
    {TH_PROPERTY_CONTENT_TYPE, TH_KIND_TEXT, ANY, IN_MESSAGES, IN(PUBLISH)},
    {TH_PROPERTY_RESPONSE_TOPIC, TH_KIND_TEXT, FORWARDED_TOPIC_NAME, IN_MESSAGES,
     IN(PUBLISH)},
    {TH_PROPERTY_CORRELATION_DATA, TH_KIND_BINARY, ANY, IN_MESSAGES, IN(PUBLISH)},
    {TH_PROPERTY_SUBSCRIPTION_ID, TH_KIND_VARIABLE, NOT_ZERO, IN(SUBSCRIBE), IN(PUBLISH)},
    {TH_PROPERTY_SESSION_EXPIRY_S, TH_KIND_FOUR_BYTES, ANY, IN(CONNECT) | IN(DISCONNECT),
     IN(CONNACK)},
    {TH_PROPERTY_ASSIGNED_CLIENT_ID, TH_KIND_TEXT, ANY, 0, IN(CONNACK)},
    {TH_PROPERTY_SERVER_KEEP_ALIVE_S, TH_KIND_TWO_BYTES, ANY, 0, IN(CONNACK)},
    {TH_PROPERTY_AUTHENTICATION_METHOD, TH_KIND_TEXT, ANY, IN(CONNECT) | IN(AUTH),
     IN(CONNACK) | IN(AUTH)},
    {TH_PROPERTY_AUTHENTICATION_DATA, TH_KIND_BINARY, ANY, IN(CONNECT) | IN(AUTH),
     IN(CONNACK) | IN(AUTH)},
    {TH_PROPERTY_REQUEST_PROBLEM_INFORMATION, TH_KIND_BYTE, BOOLEAN, IN(CONNECT), 0},
    {TH_PROPERTY_WILL_DELAY_S, TH_KIND_FOUR_BYTES, ANY, IN(WILL), 0},
    {TH_PROPERTY_REQUEST_RESPONSE_INFORMATION, TH_KIND_BYTE, BOOLEAN, IN(CONNECT), 0},
    {TH_PROPERTY_RESPONSE_INFORMATION, TH_KIND_TEXT, ANY, 0, IN(CONNACK)},
    {TH_PROPERTY_SERVER_REFERENCE, TH_KIND_TEXT, ANY, 0, IN(CONNACK) | IN(DISCONNECT)},
    {TH_PROPERTY_REASON_STRING, TH_KIND_TEXT, ANY, IN_RECEIPTS | IN(DISCONNECT) | IN(AUTH),
     IN_ANSWERS},
    {TH_PROPERTY_RECEIVE_MAXIMUM, TH_KIND_TWO_BYTES, NOT_ZERO, IN(CONNECT), IN(CONNACK)},
    {TH_PROPERTY_TOPIC_ALIAS_MAXIMUM, TH_KIND_TWO_BYTES, ANY, IN(CONNECT), IN(CONNACK)},
    {TH_PROPERTY_TOPIC_ALIAS, TH_KIND_TWO_BYTES, NOT_ZERO, IN(PUBLISH), IN(PUBLISH)},
    {TH_PROPERTY_MAXIMUM_QOS, TH_KIND_BYTE, BOOLEAN, 0, IN(CONNACK)},
    {TH_PROPERTY_RETAIN_AVAILABLE, TH_KIND_BYTE, BOOLEAN, 0, IN(CONNACK)},
    {TH_PROPERTY_USER, TH_KIND_TEXT_PAIR, ANY, IN_EACH_OF_OURS, IN_ANSWERS | IN(PUBLISH)},
    {TH_PROPERTY_MAXIMUM_PACKET_SIZE, TH_KIND_FOUR_BYTES, NOT_ZERO, IN(CONNECT), IN(CONNACK)},
    {TH_PROPERTY_WILDCARD_AVAILABLE, TH_KIND_BYTE, BOOLEAN, 0, IN(CONNACK)},
    {TH_PROPERTY_SUBSCRIPTION_ID_AVAILABLE, TH_KIND_BYTE, BOOLEAN, 0, IN(CONNACK)},
    {TH_PROPERTY_SHARED_AVAILABLE, TH_KIND_BYTE, BOOLEAN, 0, IN(CONNACK)},
};

const struct th_property_rule *th_property_rule(uint8_t id)
{
    for (size_t i = 0; i < sizeof rules / sizeof *rules; i++)
        if (rules[i].id == id)
            return &rules[i];
    return NULL;
}

/* ---- one property ------------------------------------------------------------------------- */

static const uint8_t width_bytes[] = {
    [TH_KIND_BYTE] = 1,
    [TH_KIND_TWO_BYTES] = 2,
    [TH_KIND_FOUR_BYTES] = 4,
};

static void take_value(struct th_mqtt_reader *in, uint8_t kind, struct th_property *out)
{
    if (kind < TH_KIND_VARIABLE)
        out->number = th_mqtt_take_number(in, width_bytes[kind]);
    else if (kind == TH_KIND_VARIABLE)
        out->number = th_mqtt_take_variable(in);
    else
        out->text = th_mqtt_take_text(in);
    if (kind == TH_KIND_TEXT_PAIR)
        out->value = th_mqtt_take_text(in);
}

static void put_value(struct th_mqtt_writer *out, uint8_t kind, const struct th_property *property)
{
    if (kind < TH_KIND_VARIABLE)
        th_mqtt_put_number(out, width_bytes[kind], property->number);
    else if (kind == TH_KIND_VARIABLE)
        th_mqtt_put_variable(out, property->number);
    else
        th_mqtt_put_text(out, property->text);
    if (kind == TH_KIND_TEXT_PAIR)
        th_mqtt_put_text(out, property->value);
}

static void take_property(struct th_mqtt_reader *in, struct th_property *out)
{
    *out = (struct th_property){.id = (uint8_t)th_mqtt_take_number(in, 1)};
    const struct th_property_rule *rule = th_property_rule(out->id);
    if (rule)
        take_value(in, rule->kind, out);
    else
        th_mqtt_reader_fail(in, "a property identifier is unknown (2.2.2.2)");
}

/* ---- the rules ---------------------------------------------------------------------------- */

struct audit {
    uint64_t seen; /* bit 1 << id */
    unsigned type;
    bool from_server;
};

static bool has_seen(const struct audit *audit, uint8_t id)
{
    return audit->seen >> id & 1;
}

static bool may_repeat(const struct audit *audit, uint8_t id)
{
    return id == TH_PROPERTY_USER || (id == TH_PROPERTY_SUBSCRIPTION_ID && audit->from_server);
}

static bool is_allowed(const struct audit *audit, const struct th_property_rule *rule)
{
    return (audit->from_server ? rule->from_server : rule->from_client) >> audit->type & 1;
}

static bool fits(struct th_slice text)
{
    return text.len_bytes <= TH_MQTT_STRING_MAX_BYTES;
}

static bool number_fits(uint8_t kind, uint32_t number)
{
    static const uint32_t most[] = {
        [TH_KIND_BYTE] = 0xff,
        [TH_KIND_TWO_BYTES] = 0xffff,
        [TH_KIND_FOUR_BYTES] = 0xffffffff,
        [TH_KIND_VARIABLE] = TH_MQTT_REMAINING_MAX_BYTES,
    };

    return kind > TH_KIND_VARIABLE || number <= most[kind];
}

static bool texts_valid(uint8_t kind, const struct th_property *property)
{
    if (kind == TH_KIND_TEXT_PAIR && !th_mqtt_utf8_valid(property->value))
        return false;
    return kind < TH_KIND_TEXT || kind == TH_KIND_BINARY || th_mqtt_utf8_valid(property->text);
}

static bool in_range(uint8_t range, const struct th_property *property, bool from_server)
{
    switch (range) {
    case BOOLEAN:
        return property->number <= 1;
    case NOT_ZERO:
        return property->number != 0;
    case FORWARDED_BOOLEAN:
        return from_server || property->number <= 1;
    case FORWARDED_TOPIC_NAME:
        return from_server || th_mqtt_topic_name_valid(property->text);
    default:
        return true;
    }
}

static const char *check_value(const struct th_property_rule *rule,
                               const struct th_property *property, bool from_server)
{
    if (!fits(property->text) || !fits(property->value))
        return "a property exceeds 65,535 bytes (1.5.4)";
    if (!number_fits(rule->kind, property->number))
        return "the number of a property does not fit its type (2.2.2.2)";
    if (!texts_valid(rule->kind, property))
        return "a property is not valid UTF-8, or holds U+0000 (1.5.4)";
    if (!in_range(rule->range, property, from_server))
        return "a property has a value that is not allowed (2.2.2.2)";
    return NULL;
}

static const char *check_property(struct audit *audit, const struct th_property *property)
{
    const struct th_property_rule *rule = th_property_rule(property->id);

    if (!rule)
        return "a property identifier is unknown (2.2.2.2)";
    if (!is_allowed(audit, rule))
        return "a property is not allowed in this packet (2.2.2.2)";
    if (has_seen(audit, property->id) && !may_repeat(audit, property->id))
        return "a property appears twice (2.2.2.2)";
    audit->seen |= UINT64_C(1) << property->id;
    return check_value(rule, property, audit->from_server);
}

static const char *check_authentication(const struct audit *audit)
{
    bool wanted = audit->type == TH_MQTT_AUTH || has_seen(audit, TH_PROPERTY_AUTHENTICATION_DATA);

    if (wanted && !has_seen(audit, TH_PROPERTY_AUTHENTICATION_METHOD))
        return "the authentication method is missing (3.15.2.2.2)";
    return NULL;
}

/* ---- lists -------------------------------------------------------------------------------- */

const char *th_property_check_received(struct th_slice raw, unsigned type)
{
    struct audit audit = {.type = type, .from_server = true};
    struct th_mqtt_reader in = th_mqtt_reader_over(raw);
    struct th_property property;

    while (th_mqtt_reader_ok(&in) && th_mqtt_reader_left(&in)) {
        take_property(&in, &property);
        if (th_mqtt_reader_ok(&in))
            in.problem = check_property(&audit, &property);
    }
    return in.problem ? in.problem : check_authentication(&audit);
}

const char *th_property_check_to_send(const struct th_properties *lists, size_t count,
                                      unsigned type)
{
    struct audit audit = {.type = type};

    for (size_t i = 0; i < count; i++)
        for (size_t j = 0; j < lists[i].count; j++) {
            const char *problem = check_property(&audit, &lists[i].list[j]);
            if (problem)
                return problem;
        }
    return check_authentication(&audit);
}

int th_property_next(struct th_received_properties *rest, struct th_property *out)
{
    struct th_mqtt_reader in = th_mqtt_reader_over(rest->raw);

    take_property(&in, out);
    rest->raw = th_mqtt_take(&in, th_mqtt_reader_left(&in));
    return th_mqtt_reader_ok(&in);
}

int th_property_find(struct th_received_properties properties, uint8_t id,
                     struct th_property *out)
{
    struct th_property property;

    while (th_property_next(&properties, &property)) {
        if (property.id != id)
            continue;
        *out = property;
        return 1;
    }
    return 0;
}

static void put_property(struct th_mqtt_writer *out, const struct th_property *property)
{
    const struct th_property_rule *rule = th_property_rule(property->id);

    if (!rule)
        return;
    th_mqtt_put_number(out, 1, property->id);
    put_value(out, rule->kind, property);
}

static void put_lists(struct th_mqtt_writer *out, const struct th_properties *lists, size_t count)
{
    for (size_t i = 0; i < count; i++)
        for (size_t j = 0; j < lists[i].count; j++)
            put_property(out, &lists[i].list[j]);
}

void th_property_put(struct th_mqtt_writer *out, const struct th_properties *lists, size_t count)
{
    struct th_mqtt_writer counted = {NULL, 0};

    put_lists(&counted, lists, count);
    th_mqtt_put_variable(out, counted.bytes);
    put_lists(out, lists, count);
}
