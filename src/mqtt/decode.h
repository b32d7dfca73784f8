/* Reads what a server may send: CONNACK, PUBLISH, PUBACK, PUBREC, PUBREL, PUBCOMP, SUBACK,
 * UNSUBACK, PINGRESP and, in MQTT 5, DISCONNECT and AUTH. Every rule of the standard that can be
 * checked without knowing the session is checked.
 */
#ifndef TH_MQTT_DECODE_H
#define TH_MQTT_DECODE_H

#include "mqtt/mqtt.h"

/* Slices point into the bytes that were decoded. Members a packet does not have are zero. */
struct th_mqtt_packet {
    uint8_t type;        /* enum th_mqtt_type; set as soon as one byte is there */
    uint8_t flags;       /* the low four bits of that byte */
    uint8_t reason;      /* CONNACK (3.1.1: return code), PUBACK..PUBCOMP, DISCONNECT, AUTH */
    bool session_present;
    uint16_t packet_id;
    struct th_slice codes; /* SUBACK, UNSUBACK (MQTT 5): one code for each filter, at least one */
    struct th_received_properties properties;

    struct {
        struct th_slice topic;  /* empty only in MQTT 5 with a topic alias */
        size_t payload_bytes;   /* follow the bytes consumed; not looked at */
        uint16_t topic_alias;   /* 0: none; the session knows its maximum */
        uint8_t qos;
        bool dup;
        bool retain;
    } publish;

    size_t need_bytes;   /* with result 0: decode is pointless before so many bytes are there */
    const char *problem; /* with TH_E_PROTOCOL: a static sentence, the rule and its section */
};

/* `bytes` begins with a packet of which `len_bytes` have arrived (other packets may follow).
 * `version` is one of enum th_mqtt_version.
 *
 * Returns the bytes consumed (> 0): the whole packet, but of a PUBLISH all that stands before the
 * payload. 0: incomplete; need_bytes, counted from the start of the packet and greater than
 * len_bytes, is a lower bound of what must arrive before the result can change, so a packet that
 * will never fit the caller's window is known at once. TH_E_PROTOCOL: a rule is broken, as soon
 * as it can be seen. The result does not depend on how the bytes were split. */
int th_mqtt_decode(const uint8_t *bytes, size_t len_bytes, int version,
                   struct th_mqtt_packet *out);

#endif
