/* What both directions of MQTT 3.1.1 and 5.0 share: packet types, limits, reason codes.
 *
 * The room is pure: it is given memory, does no I/O, allocates nothing and knows no time.
 */
#ifndef TH_MQTT_MQTT_H
#define TH_MQTT_MQTT_H

#include <stdbool.h>
#include <thimble.h>
#include <thimble/packet.h>

/* Fixed header, section 2.1.2. */
enum th_mqtt_type {
    TH_MQTT_CONNECT = 1,
    TH_MQTT_CONNACK,
    TH_MQTT_PUBLISH,
    TH_MQTT_PUBACK,
    TH_MQTT_PUBREC,
    TH_MQTT_PUBREL,
    TH_MQTT_PUBCOMP,
    TH_MQTT_SUBSCRIBE,
    TH_MQTT_SUBACK,
    TH_MQTT_UNSUBSCRIBE,
    TH_MQTT_UNSUBACK,
    TH_MQTT_PINGREQ,
    TH_MQTT_PINGRESP,
    TH_MQTT_DISCONNECT,
    TH_MQTT_AUTH, /* MQTT 5 */
};

#define TH_MQTT_FIXED_HEADER_MAX_BYTES 5
#define TH_MQTT_REMAINING_MAX_BYTES 268435455
#define TH_MQTT_PACKET_MAX_BYTES (TH_MQTT_FIXED_HEADER_MAX_BYTES + TH_MQTT_REMAINING_MAX_BYTES)
#define TH_MQTT_STRING_MAX_BYTES 65535

/* The reason codes the rooms themselves act upon or send; the table in mqtt.c has all of them. */
enum th_mqtt_reason {
    TH_MQTT_SUCCESS = 0x00,
    TH_MQTT_DISCONNECT_WITH_WILL = 0x04,
    TH_MQTT_NO_MATCHING_SUBSCRIBERS = 0x10,
    TH_MQTT_CONTINUE_AUTHENTICATION = 0x18,
    TH_MQTT_REAUTHENTICATE = 0x19,
    TH_MQTT_FAILURES = 0x80, /* this and everything above it is a failure */
    TH_MQTT_UNSPECIFIED_ERROR = 0x80,
    TH_MQTT_MALFORMED_PACKET = 0x81,
    TH_MQTT_PROTOCOL_ERROR = 0x82,
    TH_MQTT_UNSUPPORTED_VERSION = 0x84,
    TH_MQTT_NOT_AUTHORIZED = 0x87,
    TH_MQTT_PACKET_ID_NOT_FOUND = 0x92,
    TH_MQTT_RECEIVE_MAXIMUM_EXCEEDED = 0x93,
    TH_MQTT_TOPIC_ALIAS_INVALID = 0x94,
    TH_MQTT_PACKET_TOO_LARGE = 0x95,
    TH_MQTT_QUOTA_EXCEEDED = 0x97,
};

/* Whether the standard allows a server (or a client) to send this code in that packet. */
bool th_mqtt_reason_from_server(int version, unsigned type, unsigned code);
bool th_mqtt_reason_from_client(unsigned type, unsigned code); /* MQTT 5 */

#endif
