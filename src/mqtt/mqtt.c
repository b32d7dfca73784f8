#include "mqtt/mqtt.h"

#include "base/text.h"

#include <string.h>

const char *th_mqtt_type_name(unsigned type)
{
    static const char names[] = "reserved\0" "CONNECT\0" "CONNACK\0" "PUBLISH\0" "PUBACK\0"
                                "PUBREC\0" "PUBREL\0" "PUBCOMP\0" "SUBSCRIBE\0" "SUBACK\0"
                                "UNSUBSCRIBE\0" "UNSUBACK\0" "PINGREQ\0" "PINGRESP\0"
                                "DISCONNECT\0" "AUTH";
    return th_text_nth(names, type <= TH_MQTT_AUTH ? type : 0);
}

/* Where a code may stand. Packet types without codes lend their bits to what else differs: the
 * codes of MQTT 3.1.1, and those only a client may send. */
enum place {
    CONNACK_3 = 1u << TH_MQTT_CONNECT,
    SUBACK_3 = 1u << TH_MQTT_SUBSCRIBE,
    DISCONNECT_OURS = 1u << TH_MQTT_PINGREQ,
    AUTH_OURS = 1u << TH_MQTT_PINGRESP,

    CONNACK = 1u << TH_MQTT_CONNACK,
    RECEIPT = 1u << TH_MQTT_PUBACK | 1u << TH_MQTT_PUBREC,
    RELEASE = 1u << TH_MQTT_PUBREL | 1u << TH_MQTT_PUBCOMP,
    SUBACK = 1u << TH_MQTT_SUBACK,
    UNSUBACK = 1u << TH_MQTT_UNSUBACK,
    DISCONNECT = 1u << TH_MQTT_DISCONNECT,
    AUTH = 1u << TH_MQTT_AUTH,
    DISCONNECT_BOTH = DISCONNECT | DISCONNECT_OURS,
    AUTH_BOTH = AUTH | AUTH_OURS,
};

/* 5.0 section 2.4 with the tables of 3.2.2.2, 3.4.2.1, 3.5.2.1, 3.6.2.1, 3.7.2.1, 3.9.3, 3.11.3,
 * 3.14.2.1 and 3.15.2.1; 3.1.1 sections 3.2.2.3 and 3.9.3. Code 0 in a DISCONNECT is listed as the
 * client's; a server that omits the code says 0 too, so it may also write it. */
#define EACH_MEANING(_)                                                                           \
    _(0x00, CONNACK_3, "connection accepted")                                                     \
    _(0x01, CONNACK_3, "unacceptable protocol version")                                           \
    _(0x02, CONNACK_3, "identifier rejected")                                                     \
    _(0x03, CONNACK_3, "server unavailable")                                                      \
    _(0x04, CONNACK_3, "bad user name or password")                                               \
    _(0x05, CONNACK_3, "not authorized")                                                          \
    _(0x00, CONNACK | RECEIPT | RELEASE | UNSUBACK | AUTH, "success")                             \
    _(0x00, DISCONNECT_BOTH, "normal disconnection")                                              \
    _(0x00, SUBACK | SUBACK_3, "granted QoS 0")                                                   \
    _(0x01, SUBACK | SUBACK_3, "granted QoS 1")                                                   \
    _(0x02, SUBACK | SUBACK_3, "granted QoS 2")                                                   \
    _(0x80, SUBACK_3, "failure")                                                                  \
    _(0x04, DISCONNECT_OURS, "disconnect with will message")                                      \
    _(0x10, RECEIPT, "no matching subscribers")                                                   \
    _(0x11, UNSUBACK, "no subscription existed")                                                  \
    _(0x18, AUTH_BOTH, "continue authentication")                                                 \
    _(0x19, AUTH_OURS, "re-authenticate")                                                         \
    _(0x80, CONNACK | RECEIPT | SUBACK | UNSUBACK | DISCONNECT_BOTH, "unspecified error")         \
    _(0x81, CONNACK | DISCONNECT_BOTH, "malformed packet")                                        \
    _(0x82, CONNACK | DISCONNECT_BOTH, "protocol error")                                          \
    _(0x83, CONNACK | RECEIPT | SUBACK | UNSUBACK | DISCONNECT_BOTH,                              \
      "implementation specific error")                                                            \
    _(0x84, CONNACK, "unsupported protocol version")                                              \
    _(0x85, CONNACK, "client identifier not valid")                                               \
    _(0x86, CONNACK, "bad user name or password")                                                 \
    _(0x87, CONNACK | RECEIPT | SUBACK | UNSUBACK | DISCONNECT, "not authorized")                 \
    _(0x88, CONNACK, "server unavailable")                                                        \
    _(0x89, CONNACK | DISCONNECT, "server busy")                                                  \
    _(0x8a, CONNACK, "banned")                                                                    \
    _(0x8b, DISCONNECT, "server shutting down")                                                   \
    _(0x8c, CONNACK, "bad authentication method")                                                 \
    _(0x8d, DISCONNECT, "keep alive timeout")                                                     \
    _(0x8e, DISCONNECT, "session taken over")                                                     \
    _(0x8f, SUBACK | UNSUBACK | DISCONNECT, "topic filter invalid")                               \
    _(0x90, CONNACK | RECEIPT | DISCONNECT_BOTH, "topic name invalid")                            \
    _(0x91, RECEIPT | SUBACK | UNSUBACK, "packet identifier in use")                              \
    _(0x92, RELEASE, "packet identifier not found")                                               \
    _(0x93, DISCONNECT_BOTH, "receive maximum exceeded")                                          \
    _(0x94, DISCONNECT_BOTH, "topic alias invalid")                                               \
    _(0x95, CONNACK | DISCONNECT_BOTH, "packet too large")                                        \
    _(0x96, DISCONNECT_BOTH, "message rate too high")                                             \
    _(0x97, CONNACK | RECEIPT | SUBACK | DISCONNECT_BOTH, "quota exceeded")                       \
    _(0x98, DISCONNECT_BOTH, "administrative action")                                             \
    _(0x99, CONNACK | RECEIPT | DISCONNECT_BOTH, "payload format invalid")                        \
    _(0x9a, CONNACK | DISCONNECT, "retain not supported")                                         \
    _(0x9b, CONNACK | DISCONNECT, "QoS not supported")                                            \
    _(0x9c, CONNACK | DISCONNECT, "use another server")                                           \
    _(0x9d, CONNACK | DISCONNECT, "server moved")                                                 \
    _(0x9e, SUBACK | DISCONNECT, "shared subscriptions not supported")                            \
    _(0x9f, CONNACK | DISCONNECT, "connection rate exceeded")                                     \
    _(0xa0, DISCONNECT, "maximum connect time")                                                   \
    _(0xa1, SUBACK | DISCONNECT, "subscription identifiers not supported")                        \
    _(0xa2, SUBACK | DISCONNECT, "wildcard subscriptions not supported")

#define ROW(code, places, name) {code, places},
#define NAME(code, places, name) name "\0"

/* The names stand one after the other, in the order of the rows: pointers would cost 600 bytes. */
static const struct meaning {
    uint8_t code;
    uint16_t places;
} meanings[] = {EACH_MEANING(ROW)};

static const char names[] = EACH_MEANING(NAME);

#define MEANINGS (sizeof meanings / sizeof *meanings)

static unsigned place_in_3(unsigned type)
{
    if (type == TH_MQTT_CONNACK)
        return CONNACK_3;
    return type == TH_MQTT_SUBACK ? SUBACK_3 : 0;
}

static unsigned place_in_5(unsigned type)
{
    const unsigned with_codes = CONNACK | RECEIPT | RELEASE | SUBACK | UNSUBACK | DISCONNECT | AUTH;

    return type <= TH_MQTT_AUTH ? 1u << type & with_codes : 0;
}

static unsigned place_of_ours(unsigned type)
{
    if (type == TH_MQTT_DISCONNECT)
        return DISCONNECT_OURS;
    return type == TH_MQTT_AUTH ? AUTH_OURS : place_in_5(type) & (RECEIPT | RELEASE);
}

static unsigned place_from_server(int version, unsigned type)
{
    return version == TH_MQTT_5 ? place_in_5(type) : place_in_3(type);
}

/* MEANINGS if there is none. */
static size_t find_meaning(unsigned places, unsigned code)
{
    size_t i = 0;

    while (i < MEANINGS && (meanings[i].code != code || !(meanings[i].places & places)))
        i++;
    return i;
}

static const char *name_of(size_t meaning)
{
    const char *name = names;

    while (meaning-- > 0)
        name += strlen(name) + 1;
    return name;
}

const char *th_mqtt_reason_name(int version, unsigned type, unsigned code)
{
    unsigned ours = version == TH_MQTT_5 ? place_of_ours(type) : 0;
    size_t meaning = find_meaning(place_from_server(version, type) | ours, code);

    return meaning < MEANINGS ? name_of(meaning) : "unknown reason";
}

bool th_mqtt_reason_from_server(int version, unsigned type, unsigned code)
{
    return find_meaning(place_from_server(version, type), code) < MEANINGS;
}

bool th_mqtt_reason_from_client(unsigned type, unsigned code)
{
    return find_meaning(place_of_ours(type), code) < MEANINGS;
}
