/* What the application asks for, against what the broker announced. */
#include "session/rules.h"

#include "base/err.h"
#include "base/slice.h"
#include "mqtt/encode.h"
#include "mqtt/property.h"
#include "mqtt/topic.h"

/* Fixed header, length of the topic, packet identifier; and what remembers a source. */
#define PUBLISH_OVERHEAD_BYTES (TH_MQTT_FIXED_HEADER_MAX_BYTES + 2 + 2 + \
                                sizeof(struct th_payload_source))
#define PROPERTIES_LENGTH_MAX_BYTES 4

/* ---- limits ------------------------------------------------------------------------------- */

static int refuse(struct th_fault *fault, uint8_t reason, const char *text)
{
    if (fault && !fault->code)
        fault->reason = reason;
    return th_fault_set(fault, TH_E_REFUSED, "the broker announced that it has no %s", text);
}

static int check_size(const struct th_session *session, size_t bytes, struct th_fault *fault)
{
    if (bytes <= session->limits.packet_max_bytes)
        return 0;
    if (fault && !fault->code)
        fault->reason = TH_MQTT_PACKET_TOO_LARGE;
    return th_fault_set(fault, TH_E_REFUSED, "the packet has %zu bytes, the broker's Maximum "
                        "Packet Size is %u", bytes, (unsigned)session->limits.packet_max_bytes);
}

static const struct th_property *property_of(const struct th_properties *properties, uint8_t id)
{
    for (size_t i = 0; i < properties->count; i++)
        if (properties->list[i].id == id)
            return &properties->list[i];
    return NULL;
}

static uint32_t alias_of(const struct th_message *message)
{
    const struct th_property *alias = property_of(&message->properties, TH_PROPERTY_TOPIC_ALIAS);
    return alias ? alias->number : 0;
}

/* The bytes may go out on a later connection, which knows no alias: the topic must be there. */
static int check_topic(const struct th_session *session, const struct th_message *message,
                       struct th_fault *fault)
{
    if (!message->topic.len_bytes)
        return th_session_reject(fault, TH_E_ARGUMENT, TH_MQTT_PUBLISH,
                                 "a message needs a topic, with an alias too");
    if (alias_of(message) > session->limits.topic_alias_maximum)
        return refuse(fault, TH_MQTT_TOPIC_ALIAS_INVALID, "such topic alias");
    return 0;
}

static int check_message(const struct th_session *session, const struct th_message *message,
                         struct th_fault *fault)
{
    if (message->qos > session->limits.qos_maximum && message->qos <= 2)
        return refuse(fault, TH_OUTBOX_QOS_NOT_SUPPORTED, "such QoS");
    if (message->retain && !session->limits.retain_available)
        return refuse(fault, TH_OUTBOX_RETAIN_NOT_SUPPORTED, "retained messages");
    return check_topic(session, message, fault);
}

static bool has_wildcard(struct th_slice filter)
{
    return filter.len_bytes && (memchr(filter.data, '+', filter.len_bytes) ||
                                memchr(filter.data, '#', filter.len_bytes));
}

static int check_filter(const struct th_session *session, struct th_slice filter,
                        struct th_fault *fault)
{
    if (!session->limits.wildcard_available && has_wildcard(filter))
        return refuse(fault, TH_OUTBOX_WILDCARDS_NOT_SUPPORTED, "wildcard subscriptions");
    if (!session->limits.shared_available && th_mqtt_filter_is_shared(filter))
        return refuse(fault, TH_OUTBOX_SHARED_NOT_SUPPORTED, "shared subscriptions");
    return 0;
}

static int check_subscription(const struct th_session *session,
                              const struct th_mqtt_subscribe *subscribe, struct th_fault *fault)
{
    if (!session->limits.subscription_id_available &&
        property_of(&subscribe->properties, TH_PROPERTY_SUBSCRIPTION_ID))
        return refuse(fault, TH_OUTBOX_SUBSCRIPTION_IDS_NOT_SUPPORTED, "subscription identifiers");
    int result = 0;
    for (size_t i = 0; i < subscribe->count && !result; i++)
        result = check_filter(session, subscribe->filters[i].filter, fault);
    return result;
}

/* ---- identifiers -------------------------------------------------------------------------- */

/* Slots are fewer than identifiers, so one is free. */
static uint16_t take_id(struct th_session *session)
{
    uint16_t id;
    do {
        id = session->next_id;
        session->next_id = id == TH_PACKET_ID_OWN - 1 ? 1 : (uint16_t)(id + 1);
    } while (th_outbox_find(session->outbox, id));
    return id;
}

/* ---- requests ----------------------------------------------------------------------------- */

/* Queues a packet and gives the place where it is to be encoded at once. */
static int queue(struct th_session *session, enum th_outbox_kind kind, size_t bytes, size_t filters,
                 uint16_t own_id, uint8_t **place, struct th_fault *fault)
{
    if (th_outbox_pending(session->outbox) >= TH_PACKET_ID_OWN - 1)
        return TH_E_SEND_FULL;
    int result = th_outbox_reserve(session->outbox, kind, bytes, place, fault);
    if (result < 0)
        return result;
    uint16_t packet_id = kind == TH_SLOT_PUBLISH_0 ? 0 : own_id ? own_id : take_id(session);
    th_outbox_commit(session->outbox, kind, bytes, packet_id, (uint16_t)filters);
    return packet_id;
}

/* Of the payload, what is kept: all of it, or where it comes from. */
static size_t kept_bytes(const struct th_message *message)
{
    return message->source.read ? sizeof message->source : message->payload.len_bytes;
}

static void encode_message(struct th_outbox *outbox, uint8_t *place,
                           const struct th_mqtt_publish *publish)
{
    const struct th_message *message = publish->message;
    size_t header_bytes = th_mqtt_publish_header_encode(place, publish);
    if (property_of(&message->properties, TH_PROPERTY_MESSAGE_EXPIRY_S))
        th_outbox_let_expire(outbox);
    if (message->source.read)
        th_outbox_attach(outbox, &message->source);
    else if (message->payload.len_bytes)
        memcpy(place + header_bytes, message->payload.data, message->payload.len_bytes);
}

static int check_id(const struct th_session *session, const struct th_message *message,
                    struct th_fault *fault)
{
    bool is_right = message->qos && message->packet_id >= TH_PACKET_ID_OWN &&
                    !th_outbox_find(session->outbox, message->packet_id);
    if (is_right || (!message->packet_id && !message->taken_up))
        return 0;
    return th_session_reject(fault, TH_E_ARGUMENT, TH_MQTT_PUBLISH,
                             "the packet identifier is in use, or not one to give");
}

static int take_up_released(struct th_session *session, const struct th_message *message,
                            struct th_fault *fault)
{
    uint8_t *none;
    int result = check_id(session, message, fault);
    if (result == 0)
        result = queue(session, TH_SLOT_PUBLISH_2, 0, 0, message->packet_id, &none, fault);
    if (result >= 0)
        th_outbox_take_up(session->outbox, true);
    return result;
}

int th_session_publish(struct th_session *session, const struct th_message *message,
                       struct th_fault *fault)
{
    if (message->taken_up == TH_TAKEN_RELEASED)
        return take_up_released(session, message, fault);
    struct th_mqtt_publish publish = {
        .version = th_session_version(session->config), .message = message};
    const char *problem = "";
    int bytes = th_mqtt_publish_header_bytes(&publish, &problem);
    if (bytes < 0)
        return th_session_reject(fault, bytes, TH_MQTT_PUBLISH, problem);
    int result = check_message(session, message, fault);
    if (result == 0)
        result = check_id(session, message, fault);
    if (result == 0)
        result = check_size(session, (size_t)bytes + th_mqtt_payload_bytes(message), fault);
    if (result < 0)
        return result;
    uint8_t *place;
    result = queue(session, (enum th_outbox_kind)(TH_SLOT_PUBLISH_0 + message->qos),
                   (size_t)bytes + kept_bytes(message), 0, message->packet_id, &place, fault);
    if (result < 0)
        return result;
    publish.packet_id = (uint16_t)result;
    encode_message(session->outbox, place, &publish);
    if (message->taken_up)
        th_outbox_take_up(session->outbox, false);
    return result;
}

static bool too_many(size_t filters)
{
    return filters > UINT16_MAX;
}

static const char too_many_filters[] = "more than 65,535 topic filters";

int th_session_subscribe(struct th_session *session, const struct th_filter *filters,
                         size_t count, const struct th_properties *properties,
                         struct th_fault *fault)
{
    struct th_mqtt_subscribe subscribe = {
        .version = th_session_version(session->config), .filters = filters, .count = count};
    if (properties)
        subscribe.properties = *properties;
    const char *problem = too_many_filters;
    int bytes = too_many(count) ? TH_E_ARGUMENT : th_mqtt_subscribe_bytes(&subscribe, &problem);
    if (bytes < 0)
        return th_session_reject(fault, bytes, TH_MQTT_SUBSCRIBE, problem);
    int result = check_subscription(session, &subscribe, fault);
    if (result == 0)
        result = check_size(session, (size_t)bytes, fault);
    if (result < 0)
        return result;
    uint8_t *place;
    result = queue(session, TH_SLOT_SUBSCRIBE, (size_t)bytes, count, 0, &place, fault);
    if (result < 0)
        return result;
    subscribe.packet_id = (uint16_t)result;
    th_mqtt_subscribe_encode(place, &subscribe);
    return result;
}

int th_session_unsubscribe(struct th_session *session, const struct th_slice *filters,
                           size_t count, const struct th_properties *properties,
                           struct th_fault *fault)
{
    struct th_mqtt_unsubscribe unsubscribe = {
        .version = th_session_version(session->config), .filters = filters, .count = count};
    if (properties)
        unsubscribe.properties = *properties;
    const char *problem = too_many_filters;
    int bytes = too_many(count) ? TH_E_ARGUMENT : th_mqtt_unsubscribe_bytes(&unsubscribe, &problem);
    if (bytes < 0)
        return th_session_reject(fault, bytes, TH_MQTT_UNSUBSCRIBE, problem);
    uint8_t *place;
    int result = check_size(session, (size_t)bytes, fault);
    if (result == 0)
        result = queue(session, TH_SLOT_UNSUBSCRIBE, (size_t)bytes, count, 0, &place, fault);
    if (result < 0)
        return result;
    unsubscribe.packet_id = (uint16_t)result;
    th_mqtt_unsubscribe_encode(place, &unsubscribe);
    return result;
}

bool th_session_room_for(const struct th_session *session, size_t message_bytes)
{
    size_t overhead = PUBLISH_OVERHEAD_BYTES;
    if (th_session_is_5(session->config))
        overhead += PROPERTIES_LENGTH_MAX_BYTES;
    return message_bytes <= TH_MQTT_REMAINING_MAX_BYTES &&
           th_outbox_room_for(session->outbox, message_bytes + overhead);
}
