#include "mqtt/encode.h"

#include "base/slice.h"
#include "mqtt/cursor.h"
#include "mqtt/decode.h"
#include "mqtt/property.h"
#include "mqtt/property_list.h"
#include "mqtt/topic.h"
#include "mqtt/utf8.h"

/* ---- a packet: fixed header and body ------------------------------------------------------ */

#define REQUEST_FLAGS 0x02 /* of PUBREL, SUBSCRIBE and UNSUBSCRIBE (2.1.3) */

struct packet {
    uint8_t first_byte;
    size_t payload_bytes; /* counted in the remaining length, not written */
    void (*put_body)(struct th_mqtt_writer *out, const void *argument);
    const void *argument;
};

/* The body is written twice, first only counted, so size and content cannot disagree. */
static size_t encode(uint8_t *to, struct packet packet)
{
    struct th_mqtt_writer counted = {NULL, 0};
    struct th_mqtt_writer out = {to, 0};

    packet.put_body(&counted, packet.argument);
    th_mqtt_put_number(&out, 1, packet.first_byte);
    th_mqtt_put_variable(&out, th_mqtt_add_bytes(counted.bytes, packet.payload_bytes));
    if (!to)
        return th_mqtt_add_bytes(out.bytes, counted.bytes);
    packet.put_body(&out, packet.argument);
    return out.bytes;
}

static int refuse(int error, const char *why, const char **problem)
{
    if (problem)
        *problem = why;
    return error;
}

/* `why` is what the rules said about the argument: NULL if they are kept. */
static int measure(const char *why, struct packet packet, const char **problem)
{
    if (why)
        return refuse(TH_E_ARGUMENT, why, problem);
    size_t bytes = encode(NULL, packet);
    if (th_mqtt_add_bytes(bytes, packet.payload_bytes) > TH_MQTT_PACKET_MAX_BYTES)
        return refuse(TH_E_TOO_LARGE, "the packet exceeds 268,435,455 bytes (2.1.4)", problem);
    return (int)bytes;
}

/* ---- rules for what is sent --------------------------------------------------------------- */

static const char *check_text(struct th_slice text)
{
    if (text.len_bytes > TH_MQTT_STRING_MAX_BYTES)
        return "a string exceeds 65,535 bytes (1.5.4)";
    return th_mqtt_utf8_valid(text) ? NULL : "a string is not valid UTF-8, or holds U+0000 (1.5.4)";
}

static const char *check_binary(struct th_slice data)
{
    return data.len_bytes > TH_MQTT_STRING_MAX_BYTES ? "binary data exceed 65,535 bytes (1.5.6)"
                                                     : NULL;
}

static const char *check_lists(int version, const struct th_properties *lists, size_t count,
                               unsigned type)
{
    if (version == TH_MQTT_5)
        return th_property_check_to_send(lists, count, type);
    for (size_t i = 0; i < count; i++)
        if (lists[i].count)
            return "only MQTT 5 has properties";
    return NULL;
}

static const char *check_list(int version, const struct th_properties *list, unsigned type)
{
    return check_lists(version, list, 1, type);
}

static const char *check_version(int version)
{
    return version >= TH_MQTT_3_1 && version <= TH_MQTT_5 ? NULL
                                                          : "the version is not 3.1, 3.1.1 or 5.0";
}

static const char *first_of(const char *a, const char *b)
{
    return a ? a : b;
}

static void put_list(struct th_mqtt_writer *out, int version, const struct th_properties *list)
{
    if (version == TH_MQTT_5)
        th_property_put(out, list, 1);
}

/* ---- CONNECT (3.1) ------------------------------------------------------------------------ */

enum connect_flags {
    CLEAN_START = 0x02,
    WILL = 0x04,
    WILL_RETAIN = 0x20,
    PASSWORD = 0x40,
    USERNAME = 0x80,
};

static void properties_of(const struct th_mqtt_connect *connect, struct th_properties lists[2])
{
    lists[0] = connect->properties;
    lists[1] = connect->more_properties;
}

static uint8_t will_flags(const struct th_message *will)
{
    if (!will)
        return 0;
    return (uint8_t)(WILL | will->qos << 3 | (will->retain ? WILL_RETAIN : 0));
}

static uint8_t connect_flags(const struct th_mqtt_connect *connect)
{
    return (uint8_t)(will_flags(connect->will) | (connect->clean_start ? CLEAN_START : 0) |
                     (connect->password.data ? PASSWORD : 0) |
                     (connect->username.data ? USERNAME : 0));
}

static void put_will(struct th_mqtt_writer *out, int version, const struct th_message *will)
{
    put_list(out, version, &will->properties);
    th_mqtt_put_text(out, will->topic);
    th_mqtt_put_text(out, will->payload);
}

static void put_connect_properties(struct th_mqtt_writer *out,
                                   const struct th_mqtt_connect *connect)
{
    struct th_properties lists[2];

    properties_of(connect, lists);
    if (connect->version == TH_MQTT_5)
        th_property_put(out, lists, 2);
}

static void put_connect(struct th_mqtt_writer *out, const void *argument)
{
    const struct th_mqtt_connect *connect = argument;

    th_mqtt_put_text(out, th_slice_text(connect->version == TH_MQTT_3_1 ? "MQIsdp" : "MQTT"));
    th_mqtt_put_number(out, 1, connect->version);
    th_mqtt_put_number(out, 1, connect_flags(connect));
    th_mqtt_put_number(out, 2, connect->keep_alive_s);
    put_connect_properties(out, connect);
    th_mqtt_put_text(out, connect->client_id);
    if (connect->will)
        put_will(out, connect->version, connect->will);
    if (connect->username.data)
        th_mqtt_put_text(out, connect->username);
    if (connect->password.data)
        th_mqtt_put_text(out, connect->password);
}

static const char *check_will(int version, const struct th_message *will)
{
    if (!will)
        return NULL;
    if (!th_mqtt_topic_name_valid(will->topic))
        return "the topic of the will is not a valid topic name (4.7)";
    if (will->source.read)
        return "the payload of the will must be in memory";
    if (will->qos > 2)
        return "the QoS of the will exceeds 2 (3.1.2.6)";
    return first_of(check_binary(will->payload),
                    check_list(version, &will->properties, TH_MQTT_WILL));
}

/* MQTT 3.1 allows 1 to 23 characters; brokers take more, and its own clients send more. */
static const char *check_before_5(const struct th_mqtt_connect *connect)
{
    if (!connect->client_id.len_bytes && connect->version == TH_MQTT_3_1)
        return "MQTT 3.1 demands a client identifier (3.1, CONNECT)";
    if (!connect->client_id.len_bytes && !connect->clean_start)
        return "without a client identifier the session must be clean (3.1.3.1)";
    if (connect->password.data && !connect->username.data)
        return "a password needs a user name before MQTT 5 (3.1.2.9)";
    return NULL;
}

static const char *check_credentials(const struct th_mqtt_connect *connect)
{
    return first_of(check_text(connect->username), check_binary(connect->password));
}

static const char *check_connect(const struct th_mqtt_connect *connect)
{
    struct th_properties lists[2];

    properties_of(connect, lists);
    const char *problem = check_version(connect->version);
    if (connect->version != TH_MQTT_5)
        problem = first_of(problem, check_before_5(connect));
    problem = first_of(problem, check_text(connect->client_id));
    problem = first_of(problem, check_credentials(connect));
    problem = first_of(problem, check_will(connect->version, connect->will));
    return first_of(problem, check_lists(connect->version, lists, 2, TH_MQTT_CONNECT));
}

static struct packet packet_of_connect(const struct th_mqtt_connect *connect)
{
    return (struct packet){TH_MQTT_CONNECT << 4, 0, put_connect, connect};
}

int th_mqtt_connect_bytes(const struct th_mqtt_connect *connect, const char **problem)
{
    return measure(check_connect(connect), packet_of_connect(connect), problem);
}

size_t th_mqtt_connect_encode(uint8_t *to, const struct th_mqtt_connect *connect)
{
    return encode(to, packet_of_connect(connect));
}

/* ---- PUBLISH (3.3) ------------------------------------------------------------------------ */

#define DUP_FLAG 0x08

static void put_publish(struct th_mqtt_writer *out, const void *argument)
{
    const struct th_mqtt_publish *publish = argument;

    th_mqtt_put_text(out, publish->message->topic);
    if (publish->message->qos)
        th_mqtt_put_number(out, 2, publish->packet_id);
    put_list(out, publish->version, &publish->message->properties);
}

static bool has_alias(const struct th_properties *properties)
{
    for (size_t i = 0; i < properties->count; i++)
        if (properties->list[i].id == TH_PROPERTY_TOPIC_ALIAS)
            return true;
    return false;
}

static const char *check_publish(const struct th_mqtt_publish *publish)
{
    const struct th_message *message = publish->message;
    bool aliased = !message->topic.len_bytes && has_alias(&message->properties);

    if (!aliased && !th_mqtt_topic_name_valid(message->topic))
        return "the topic is not a valid topic name (4.7)";
    if (message->qos > 2)
        return "the QoS exceeds 2 (3.3.1.2)";
    return first_of(check_version(publish->version),
                    check_list(publish->version, &message->properties, TH_MQTT_PUBLISH));
}

size_t th_mqtt_payload_bytes(const struct th_message *message)
{
    return message->source.read ? message->source.total_bytes : message->payload.len_bytes;
}

static struct packet packet_of_publish(const struct th_mqtt_publish *publish)
{
    const struct th_message *message = publish->message;
    uint8_t first = (uint8_t)(TH_MQTT_PUBLISH << 4 | message->qos << 1 | message->retain);

    return (struct packet){first, th_mqtt_payload_bytes(message), put_publish, publish};
}

int th_mqtt_publish_header_bytes(const struct th_mqtt_publish *publish, const char **problem)
{
    return measure(check_publish(publish), packet_of_publish(publish), problem);
}

size_t th_mqtt_publish_header_encode(uint8_t *to, const struct th_mqtt_publish *publish)
{
    return encode(to, packet_of_publish(publish));
}

struct aliased {
    const struct th_mqtt_packet *publish;
    uint16_t alias;
    bool known;
};

#define ALIAS_PROPERTY_BYTES 3

static void put_aliased(struct th_mqtt_writer *out, const void *argument)
{
    const struct aliased *aliased = argument;
    const struct th_mqtt_packet *publish = aliased->publish;

    th_mqtt_put_text(out, aliased->known ? th_slice_of(NULL, 0) : publish->publish.topic);
    if (publish->publish.qos)
        th_mqtt_put_number(out, 2, publish->packet_id);
    th_mqtt_put_variable(out, ALIAS_PROPERTY_BYTES + publish->properties.raw.len_bytes);
    th_mqtt_put_number(out, 1, TH_PROPERTY_TOPIC_ALIAS);
    th_mqtt_put_number(out, 2, aliased->alias);
    th_mqtt_put(out, publish->properties.raw);
}

size_t th_mqtt_publish_aliased_encode(uint8_t *to, const struct th_mqtt_packet *publish,
                                      uint16_t alias, bool known)
{
    const struct aliased aliased = {publish, alias, known};
    uint8_t first = (uint8_t)(TH_MQTT_PUBLISH << 4 | publish->flags);

    return encode(to, (struct packet){first, publish->publish.payload_bytes, put_aliased,
                                      &aliased});
}

void th_mqtt_set_dup(uint8_t *publish_packet)
{
    publish_packet[0] |= DUP_FLAG;
}

/* ---- PUBACK, PUBREC, PUBREL, PUBCOMP (3.4 to 3.7) ----------------------------------------- */

/* The tail of acknowledgements and DISCONNECT: what says nothing is left out. */
static void put_reason(struct th_mqtt_writer *out, uint8_t reason,
                       const struct th_properties *properties)
{
    if (reason || properties->count)
        th_mqtt_put_number(out, 1, reason);
    if (properties->count)
        th_property_put(out, properties, 1);
}

static const char *check_reason(int version, unsigned type, uint8_t reason)
{
    if (version != TH_MQTT_5)
        return reason ? "only MQTT 5 has reason codes here" : NULL;
    return th_mqtt_reason_from_client(type, reason)
               ? NULL
               : "the reason code is not one a client may send here (2.4)";
}

static void put_ack(struct th_mqtt_writer *out, const void *argument)
{
    const struct th_mqtt_ack *ack = argument;

    th_mqtt_put_number(out, 2, ack->packet_id);
    put_reason(out, ack->reason, &ack->properties);
}

static const char *check_ack(const struct th_mqtt_ack *ack)
{
    if (ack->type < TH_MQTT_PUBACK || ack->type > TH_MQTT_PUBCOMP)
        return "the packet is not an acknowledgement";
    const char *problem = check_version(ack->version);
    problem = first_of(problem, check_reason(ack->version, ack->type, ack->reason));
    return first_of(problem, check_list(ack->version, &ack->properties, ack->type));
}

static struct packet packet_of_ack(const struct th_mqtt_ack *ack)
{
    uint8_t flags = ack->type == TH_MQTT_PUBREL ? REQUEST_FLAGS : 0;

    return (struct packet){(uint8_t)(ack->type << 4 | flags), 0, put_ack, ack};
}

int th_mqtt_ack_bytes(const struct th_mqtt_ack *ack, const char **problem)
{
    return measure(check_ack(ack), packet_of_ack(ack), problem);
}

size_t th_mqtt_ack_encode(uint8_t *to, const struct th_mqtt_ack *ack)
{
    return encode(to, packet_of_ack(ack));
}

/* ---- SUBSCRIBE, UNSUBSCRIBE (3.8, 3.10) --------------------------------------------------- */

static uint8_t subscription_options(const struct th_filter *filter)
{
    return (uint8_t)(filter->qos | filter->no_local << 2 | filter->retain_as_published << 3 |
                     filter->retain_handling << 4);
}

static void put_subscribe(struct th_mqtt_writer *out, const void *argument)
{
    const struct th_mqtt_subscribe *subscribe = argument;

    th_mqtt_put_number(out, 2, subscribe->packet_id);
    put_list(out, subscribe->version, &subscribe->properties);
    for (size_t i = 0; i < subscribe->count; i++) {
        th_mqtt_put_text(out, subscribe->filters[i].filter);
        th_mqtt_put_number(out, 1, subscription_options(&subscribe->filters[i]));
    }
}

static const char *check_filter(struct th_slice filter)
{
    return th_mqtt_topic_filter_valid(filter) ? NULL : "a topic filter is not valid (4.7, 4.8.2)";
}

static const char *check_options(int version, const struct th_filter *filter)
{
    if (filter->qos > 2)
        return "the QoS of a subscription exceeds 2 (3.8.3)";
    if (filter->retain_handling > 2)
        return "the retain handling exceeds 2 (3.8.3.1)";
    if (version != TH_MQTT_5)
        return subscription_options(filter) > 2 ? "only MQTT 5 has subscription options" : NULL;
    if (filter->no_local && th_mqtt_filter_is_shared(filter->filter))
        return "a shared subscription cannot be no-local (3.8.3.1)";
    return NULL;
}

static const char *check_count(size_t count)
{
    return count ? NULL : "there is no topic filter (3.8.3, 3.10.3)";
}

static const char *check_subscribe(const struct th_mqtt_subscribe *subscribe)
{
    const char *problem = first_of(check_version(subscribe->version),
                                   check_count(subscribe->count));

    for (size_t i = 0; i < subscribe->count && !problem; i++)
        problem = first_of(check_filter(subscribe->filters[i].filter),
                           check_options(subscribe->version, &subscribe->filters[i]));
    return first_of(problem, check_list(subscribe->version, &subscribe->properties,
                                        TH_MQTT_SUBSCRIBE));
}

static struct packet packet_of_subscribe(const struct th_mqtt_subscribe *subscribe)
{
    return (struct packet){TH_MQTT_SUBSCRIBE << 4 | REQUEST_FLAGS, 0, put_subscribe, subscribe};
}

int th_mqtt_subscribe_bytes(const struct th_mqtt_subscribe *subscribe, const char **problem)
{
    return measure(check_subscribe(subscribe), packet_of_subscribe(subscribe), problem);
}

size_t th_mqtt_subscribe_encode(uint8_t *to, const struct th_mqtt_subscribe *subscribe)
{
    return encode(to, packet_of_subscribe(subscribe));
}

static void put_unsubscribe(struct th_mqtt_writer *out, const void *argument)
{
    const struct th_mqtt_unsubscribe *unsubscribe = argument;

    th_mqtt_put_number(out, 2, unsubscribe->packet_id);
    put_list(out, unsubscribe->version, &unsubscribe->properties);
    for (size_t i = 0; i < unsubscribe->count; i++)
        th_mqtt_put_text(out, unsubscribe->filters[i]);
}

static const char *check_unsubscribe(const struct th_mqtt_unsubscribe *unsubscribe)
{
    const char *problem = first_of(check_version(unsubscribe->version),
                                   check_count(unsubscribe->count));

    for (size_t i = 0; i < unsubscribe->count && !problem; i++)
        problem = check_filter(unsubscribe->filters[i]);
    return first_of(problem, check_list(unsubscribe->version, &unsubscribe->properties,
                                        TH_MQTT_UNSUBSCRIBE));
}

static struct packet packet_of_unsubscribe(const struct th_mqtt_unsubscribe *unsubscribe)
{
    return (struct packet){TH_MQTT_UNSUBSCRIBE << 4 | REQUEST_FLAGS, 0, put_unsubscribe,
                           unsubscribe};
}

int th_mqtt_unsubscribe_bytes(const struct th_mqtt_unsubscribe *unsubscribe, const char **problem)
{
    return measure(check_unsubscribe(unsubscribe), packet_of_unsubscribe(unsubscribe), problem);
}

size_t th_mqtt_unsubscribe_encode(uint8_t *to, const struct th_mqtt_unsubscribe *unsubscribe)
{
    return encode(to, packet_of_unsubscribe(unsubscribe));
}

/* ---- PINGREQ, DISCONNECT, AUTH (3.12, 3.14, 3.15) ----------------------------------------- */

size_t th_mqtt_pingreq_encode(uint8_t *to)
{
    to[0] = TH_MQTT_PINGREQ << 4;
    to[1] = 0;
    return TH_MQTT_PINGREQ_BYTES;
}

static void put_disconnect(struct th_mqtt_writer *out, const void *argument)
{
    const struct th_mqtt_disconnect *disconnect = argument;

    put_reason(out, disconnect->reason, &disconnect->properties);
}

static const char *check_disconnect(const struct th_mqtt_disconnect *disconnect)
{
    const char *problem = check_version(disconnect->version);

    problem = first_of(problem, check_reason(disconnect->version, TH_MQTT_DISCONNECT,
                                             disconnect->reason));
    return first_of(problem, check_list(disconnect->version, &disconnect->properties,
                                        TH_MQTT_DISCONNECT));
}

static struct packet packet_of_disconnect(const struct th_mqtt_disconnect *disconnect)
{
    return (struct packet){TH_MQTT_DISCONNECT << 4, 0, put_disconnect, disconnect};
}

int th_mqtt_disconnect_bytes(const struct th_mqtt_disconnect *disconnect, const char **problem)
{
    return measure(check_disconnect(disconnect), packet_of_disconnect(disconnect), problem);
}

size_t th_mqtt_disconnect_encode(uint8_t *to, const struct th_mqtt_disconnect *disconnect)
{
    return encode(to, packet_of_disconnect(disconnect));
}

static void put_auth(struct th_mqtt_writer *out, const void *argument)
{
    const struct th_mqtt_auth *auth = argument;

    put_reason(out, auth->reason, &auth->properties);
}

static const char *check_auth(const struct th_mqtt_auth *auth)
{
    return first_of(check_reason(TH_MQTT_5, TH_MQTT_AUTH, auth->reason),
                    check_list(TH_MQTT_5, &auth->properties, TH_MQTT_AUTH));
}

static struct packet packet_of_auth(const struct th_mqtt_auth *auth)
{
    return (struct packet){TH_MQTT_AUTH << 4, 0, put_auth, auth};
}

int th_mqtt_auth_bytes(const struct th_mqtt_auth *auth, const char **problem)
{
    return measure(check_auth(auth), packet_of_auth(auth), problem);
}

size_t th_mqtt_auth_encode(uint8_t *to, const struct th_mqtt_auth *auth)
{
    return encode(to, packet_of_auth(auth));
}
