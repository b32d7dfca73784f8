/* Writes what a client sends. For each packet X:
 *
 * int th_mqtt_X_bytes(x, &problem)  the exact encoded size, or TH_E_ARGUMENT / TH_E_TOO_LARGE if
 *                                   the standard forbids it; `problem` (may be NULL) then gets a
 *                                   static sentence that names the rule.
 * size_t th_mqtt_X_encode(to, x)    writes exactly that many and returns them. The argument must
 *                                   have passed th_mqtt_X_bytes().
 *
 * Packet identifiers do not change a size and are not checked: never give 0.
 * Properties must be empty before MQTT 5.
 */
#ifndef TH_MQTT_ENCODE_H
#define TH_MQTT_ENCODE_H

#include "mqtt/mqtt.h"

struct th_mqtt_connect {
    enum th_mqtt_version version;
    bool clean_start;
    uint16_t keep_alive_s;
    struct th_slice client_id;
    const struct th_message *will; /* NULL: none; its payload is at most 65,535 bytes */
    struct th_slice username;      /* data NULL: none */
    struct th_slice password;      /* data NULL: none; before 5.0 with a username only */
    struct th_properties properties;
    struct th_properties more_properties; /* sent in the same list, for what the session adds */
};

/* The payload is not touched, the caller puts it behind the header; only its length counts. */
struct th_mqtt_publish {
    enum th_mqtt_version version;
    const struct th_message *message;
    uint16_t packet_id; /* not written at QoS 0 */
};

/* PUBACK, PUBREC, PUBREL, PUBCOMP. The reason is written only when it is not 0. */
struct th_mqtt_ack {
    enum th_mqtt_version version;
    enum th_mqtt_type type;
    uint16_t packet_id;
    uint8_t reason;
    struct th_properties properties;
};

struct th_mqtt_subscribe {
    enum th_mqtt_version version;
    uint16_t packet_id;
    const struct th_filter *filters;
    size_t count;
    struct th_properties properties;
};

struct th_mqtt_unsubscribe {
    enum th_mqtt_version version;
    uint16_t packet_id;
    const struct th_slice *filters;
    size_t count;
    struct th_properties properties;
};

struct th_mqtt_disconnect {
    enum th_mqtt_version version;
    uint8_t reason; /* 0 before 5.0 */
    struct th_properties properties;
};

struct th_mqtt_auth {
    uint8_t reason;
    struct th_properties properties;
};

#define TH_MQTT_PINGREQ_BYTES 2
#define TH_MQTT_ACK_MAX_BYTES 5 /* without properties */

int th_mqtt_connect_bytes(const struct th_mqtt_connect *connect, const char **problem);
size_t th_mqtt_connect_encode(uint8_t *to, const struct th_mqtt_connect *connect);

/* The size of all that stands before the payload; header and payload together may be at most
 * TH_MQTT_PACKET_MAX_BYTES. */
int th_mqtt_publish_header_bytes(const struct th_mqtt_publish *publish, const char **problem);
size_t th_mqtt_publish_header_encode(uint8_t *to, const struct th_mqtt_publish *publish);

struct th_mqtt_packet;

/* The header of a PUBLISH that was decoded, with this alias besides its properties, and without its
 * topic if the alias is known. Its payload goes on behind it. NULL only counts. */
size_t th_mqtt_publish_aliased_encode(uint8_t *to, const struct th_mqtt_packet *publish,
                                      uint16_t alias, bool known);
#define TH_MQTT_ALIAS_MORE_BYTES 5 /* a header may grow by so much */

/* Of the payload, in memory or from a source. */
size_t th_mqtt_payload_bytes(const struct th_message *message);

/* Marks an encoded PUBLISH as sent again (section 3.3.1.1); QoS 1 and 2 only. */
void th_mqtt_set_dup(uint8_t *publish_packet);

int th_mqtt_ack_bytes(const struct th_mqtt_ack *ack, const char **problem);
size_t th_mqtt_ack_encode(uint8_t *to, const struct th_mqtt_ack *ack);

int th_mqtt_subscribe_bytes(const struct th_mqtt_subscribe *subscribe, const char **problem);
size_t th_mqtt_subscribe_encode(uint8_t *to, const struct th_mqtt_subscribe *subscribe);

int th_mqtt_unsubscribe_bytes(const struct th_mqtt_unsubscribe *unsubscribe,
                              const char **problem);
size_t th_mqtt_unsubscribe_encode(uint8_t *to, const struct th_mqtt_unsubscribe *unsubscribe);

size_t th_mqtt_pingreq_encode(uint8_t *to); /* TH_MQTT_PINGREQ_BYTES */

int th_mqtt_disconnect_bytes(const struct th_mqtt_disconnect *disconnect, const char **problem);
size_t th_mqtt_disconnect_encode(uint8_t *to, const struct th_mqtt_disconnect *disconnect);

int th_mqtt_auth_bytes(const struct th_mqtt_auth *auth, const char **problem);
size_t th_mqtt_auth_encode(uint8_t *to, const struct th_mqtt_auth *auth);

#endif
