/* The 27 properties of MQTT 5 (section 2.2.2.2): where each is allowed, and the lists of them. */
#ifndef TH_MQTT_PROPERTY_H
#define TH_MQTT_PROPERTY_H

#include "mqtt/mqtt.h"

enum th_property_id {
    TH_PROPERTY_PAYLOAD_FORMAT = 1,
    TH_PROPERTY_MESSAGE_EXPIRY_S = 2,
    TH_PROPERTY_CONTENT_TYPE = 3,
    TH_PROPERTY_RESPONSE_TOPIC = 8,
    TH_PROPERTY_CORRELATION_DATA = 9,
    TH_PROPERTY_SUBSCRIPTION_ID = 11,
    TH_PROPERTY_SESSION_EXPIRY_S = 17,
    TH_PROPERTY_ASSIGNED_CLIENT_ID = 18,
    TH_PROPERTY_SERVER_KEEP_ALIVE_S = 19,
    TH_PROPERTY_AUTHENTICATION_METHOD = 21,
    TH_PROPERTY_AUTHENTICATION_DATA = 22,
    TH_PROPERTY_REQUEST_PROBLEM_INFORMATION = 23,
    TH_PROPERTY_WILL_DELAY_S = 24,
    TH_PROPERTY_REQUEST_RESPONSE_INFORMATION = 25,
    TH_PROPERTY_RESPONSE_INFORMATION = 26,
    TH_PROPERTY_SERVER_REFERENCE = 28,
    TH_PROPERTY_REASON_STRING = 31,
    TH_PROPERTY_RECEIVE_MAXIMUM = 33,
    TH_PROPERTY_TOPIC_ALIAS_MAXIMUM = 34,
    TH_PROPERTY_TOPIC_ALIAS = 35,
    TH_PROPERTY_MAXIMUM_QOS = 36,
    TH_PROPERTY_RETAIN_AVAILABLE = 37,
    TH_PROPERTY_USER = 38,
    TH_PROPERTY_MAXIMUM_PACKET_SIZE = 39,
    TH_PROPERTY_WILDCARD_AVAILABLE = 40,
    TH_PROPERTY_SUBSCRIPTION_ID_AVAILABLE = 41,
    TH_PROPERTY_SHARED_AVAILABLE = 42,
    TH_PROPERTY_IDS
};

enum th_property_kind {
    TH_KIND_BYTE,
    TH_KIND_TWO_BYTES,
    TH_KIND_FOUR_BYTES,
    TH_KIND_VARIABLE, /* variable byte integer */
    TH_KIND_TEXT,     /* UTF-8 string */
    TH_KIND_BINARY,
    TH_KIND_TEXT_PAIR,
};

/* The will has a list of its own inside CONNECT; it stands in for a packet type below. */
#define TH_MQTT_WILL 0

struct th_property_rule {
    uint8_t id;
    uint8_t kind;         /* enum th_property_kind */
    uint8_t range;        /* private to property.c */
    uint16_t from_client; /* bit 1 << type: allowed in that packet, TH_MQTT_WILL included */
    uint16_t from_server;
};

/* NULL if there is no such property. */
const struct th_property_rule *th_property_rule(uint8_t id);

/* Looks the first one up. Returns 1, or 0 if the list has none; `out` is then left alone. */
int th_property_find(struct th_received_properties properties, uint8_t id,
                     struct th_property *out);

/* Checks the bytes of a list from a server (its length field taken off already): NULL if every
 * rule is kept, else a static sentence naming the rule. The payload format indicator and the
 * response topic of a message, which brokers forward unchecked from other clients, may hold any
 * value of their kind. */
const char *th_property_check_received(struct th_slice raw, unsigned type);

/* The same for what a client sends; `lists` are `count` lists that go out as one. */
const char *th_property_check_to_send(const struct th_properties *lists, size_t count,
                                      unsigned type);

#endif
