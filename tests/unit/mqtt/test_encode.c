#include "wire.h"

#include "mqtt/decode.h"
#include "mqtt/encode.h"
#include "mqtt/property.h"

#define TEXT(literal) {(const uint8_t *)(literal), sizeof(literal) - 1}
#define LIST(array) {array, COUNT_OF(array)}

static uint8_t long_text[65536];

static int make_long_text(void **state)
{
    (void)state;
    memset(long_text, 'a', sizeof long_text);
    return 0;
}

/* Where a packet of that size may be written, flush against memory that may not. */
static uint8_t *room(size_t bytes)
{
    static const uint8_t blank[WIRE_MAX_BYTES];

    assert_true(bytes <= sizeof blank);
    return (uint8_t *)(uintptr_t)at_the_edge(blank, bytes);
}

static void assert_wire(const uint8_t *bytes, size_t len, const char *expected)
{
    struct wire wire = wire_of(expected);

    assert_int_equal(len, wire.len);
    assert_memory_equal(bytes, wire.bytes, wire.len);
}

/* Encodes into exactly the size announced and compares with what the wire must show. */
#define ASSERT_ENCODED(name, argument, expected)                                               \
    do {                                                                                       \
        const char *why_ = NULL;                                                               \
        int size_ = th_mqtt_##name##_bytes(argument, &why_);                                   \
        if (size_ <= 0)                                                                        \
            fail_msg("%s", why_);                                                              \
        uint8_t *to_ = room((size_t)size_);                                                    \
        assert_int_equal(th_mqtt_##name##_encode(to_, argument), size_);                       \
        assert_wire(to_, (size_t)size_, expected);                                             \
    } while (0)

#define ASSERT_REFUSED(name, argument, error, rule)                                            \
    do {                                                                                       \
        const char *why_ = "";                                                                 \
        assert_int_equal(th_mqtt_##name##_bytes(argument, &why_), error);                      \
        assert_int_equal(th_mqtt_##name##_bytes(argument, NULL), error);                       \
        if (!strstr(why_, rule))                                                               \
            fail_msg("line %d: \"%s\"", __LINE__, why_);                                       \
    } while (0)

/* ---- CONNECT ------------------------------------------------------------------------------ */

static struct th_mqtt_connect plain_connect(enum th_mqtt_version version)
{
    return (struct th_mqtt_connect){.version = version,
                                    .clean_start = true,
                                    .keep_alive_s = 60,
                                    .client_id = TEXT("me")};
}

static void connect_3_1_has_another_name(void **state)
{
    struct th_mqtt_connect connect = plain_connect(TH_MQTT_3_1);

    (void)state;
    ASSERT_ENCODED(connect, &connect, "10 10 0006'MQIsdp' 03 02 003c 0002'me'");
}

/* As mosquitto_pub 2.0 wrote it to a socket. */
static void connect_3_1_1_with_everything(void **state)
{
    const struct th_message will = {
        .topic = TEXT("w"), .payload = TEXT("gone"), .qos = 2, .retain = true};
    struct th_mqtt_connect connect = plain_connect(TH_MQTT_3_1_1);

    (void)state;
    connect.will = &will;
    connect.username = (struct th_slice)TEXT("user");
    connect.password = (struct th_slice)TEXT("pass");
    ASSERT_ENCODED(connect, &connect,
                   "102300044d51545404f6003c00026d650001770004676f6e65000475736572000470617373");
}

static void connect_3_1_1_variants(void **state)
{
    struct th_mqtt_connect connect = plain_connect(TH_MQTT_3_1_1);

    (void)state;
    ASSERT_ENCODED(connect, &connect, "10 0e 0004'MQTT' 04 02 003c 0002'me'");
    connect.client_id = th_slice_of(NULL, 0);
    ASSERT_ENCODED(connect, &connect, "10 0c 0004'MQTT' 04 02 003c 0000");
    connect.client_id = th_slice_text("me");
    connect.clean_start = false;
    connect.keep_alive_s = 30;
    ASSERT_ENCODED(connect, &connect, "10 0e 0004'MQTT' 04 00 001e 0002'me'");
    connect.username = th_slice_text("");
    ASSERT_ENCODED(connect, &connect, "10 10 0004'MQTT' 04 80 001e 0002'me' 0000");
}

/* As mosquitto_pub 2.0 wrote it, but for the order of the properties. */
static void connect_5_with_will_and_properties(void **state)
{
    const struct th_property delay[] = {{.id = TH_PROPERTY_WILL_DELAY_S, .number = 5}};
    const struct th_property user[] = {{.id = TH_PROPERTY_RECEIVE_MAXIMUM, .number = 7}};
    const struct th_property ours[] = {{.id = TH_PROPERTY_SESSION_EXPIRY_S, .number = 3600}};
    const struct th_message will = {
        .topic = TEXT("w"), .payload = TEXT("gone"), .qos = 1, .properties = LIST(delay)};
    struct th_mqtt_connect connect = plain_connect(TH_MQTT_5);

    (void)state;
    connect.will = &will;
    connect.properties = (struct th_properties)LIST(user);
    connect.more_properties = (struct th_properties)LIST(ours);
    ASSERT_ENCODED(connect, &connect,
                   "102600044d515454050e003c082100071100000e1000026d650518000000050001770004676f"
                   "6e65");
}

static void connect_5_variants(void **state)
{
    struct th_mqtt_connect connect = plain_connect(TH_MQTT_5);

    (void)state;
    connect.clean_start = false;
    connect.client_id = th_slice_of(NULL, 0);
    ASSERT_ENCODED(connect, &connect, "10 0d 0004'MQTT' 05 00 003c 00 0000");
    connect.password = (struct th_slice)TEXT("\xff\x00");
    ASSERT_ENCODED(connect, &connect, "10 11 0004'MQTT' 05 40 003c 00 0000 0002ff00");
}

static void connect_refusals(void **state)
{
    const struct th_property expiry[] = {{.id = TH_PROPERTY_SESSION_EXPIRY_S, .number = 1}};
    const struct th_property alias[] = {{.id = TH_PROPERTY_TOPIC_ALIAS, .number = 1}};
    struct th_message will = {.topic = TEXT("w")};
    struct th_mqtt_connect connect = plain_connect(TH_MQTT_3_1_1);

    (void)state;
    connect.version = 2;
    ASSERT_REFUSED(connect, &connect, TH_E_ARGUMENT, "version");
    connect = plain_connect(TH_MQTT_3_1);
    connect.client_id.len_bytes = 0;
    ASSERT_REFUSED(connect, &connect, TH_E_ARGUMENT, "demands");
    connect = plain_connect(TH_MQTT_3_1_1);
    connect.client_id.len_bytes = 0;
    connect.clean_start = false;
    ASSERT_REFUSED(connect, &connect, TH_E_ARGUMENT, "clean");
    connect = plain_connect(TH_MQTT_3_1_1);
    connect.password = th_slice_text("p");
    ASSERT_REFUSED(connect, &connect, TH_E_ARGUMENT, "user name");
    connect = plain_connect(TH_MQTT_3_1_1);
    connect.properties = (struct th_properties)LIST(expiry);
    ASSERT_REFUSED(connect, &connect, TH_E_ARGUMENT, "only MQTT 5");
    connect.properties.count = 0;
    connect.more_properties = (struct th_properties)LIST(expiry);
    ASSERT_REFUSED(connect, &connect, TH_E_ARGUMENT, "only MQTT 5");
    connect.version = TH_MQTT_5;
    connect.properties = (struct th_properties)LIST(expiry);
    ASSERT_REFUSED(connect, &connect, TH_E_ARGUMENT, "twice");
    connect = plain_connect(TH_MQTT_5);
    connect.client_id = th_slice_of(long_text, 65536);
    ASSERT_REFUSED(connect, &connect, TH_E_ARGUMENT, "65,535");
    connect.client_id = th_slice_text("\xff");
    ASSERT_REFUSED(connect, &connect, TH_E_ARGUMENT, "UTF-8");
    connect = plain_connect(TH_MQTT_5);
    connect.username = (struct th_slice)TEXT("a\0b");
    ASSERT_REFUSED(connect, &connect, TH_E_ARGUMENT, "U+0000");
    connect = plain_connect(TH_MQTT_5);
    connect.password = th_slice_of(long_text, 65536);
    ASSERT_REFUSED(connect, &connect, TH_E_ARGUMENT, "65,535");
    connect = plain_connect(TH_MQTT_5);
    connect.will = &will;
    will.qos = 3;
    ASSERT_REFUSED(connect, &connect, TH_E_ARGUMENT, "QoS of the will");
    will.qos = 0;
    will.topic = th_slice_text("w/#");
    ASSERT_REFUSED(connect, &connect, TH_E_ARGUMENT, "topic of the will");
    will.topic = th_slice_text("w");
    will.payload = th_slice_of(long_text, 65536);
    ASSERT_REFUSED(connect, &connect, TH_E_ARGUMENT, "65,535");
    will.payload.len_bytes = 0;
    will.properties = (struct th_properties)LIST(alias);
    ASSERT_REFUSED(connect, &connect, TH_E_ARGUMENT, "not allowed in this packet");
}

static void the_longest_strings_are_taken(void **state)
{
    struct th_mqtt_connect connect = plain_connect(TH_MQTT_3_1_1);
    struct th_message will = {.topic = TEXT("w"), .payload = {long_text, 65535}};

    (void)state;
    connect.client_id = connect.username = connect.password = th_slice_of(long_text, 65535);
    connect.will = &will;
    assert_int_equal(th_mqtt_connect_bytes(&connect, NULL), 1 + 3 + 10 + 4 * 65537 + 3);
}

/* ---- PUBLISH ------------------------------------------------------------------------------ */

static void publish_headers(void **state)
{
    const struct th_property properties[] = {
        {.id = TH_PROPERTY_USER, .text = TEXT("k"), .value = TEXT("v")},
        {.id = TH_PROPERTY_CONTENT_TYPE, .text = TEXT("text")},
    };
    struct th_message message = {.topic = TEXT("a/b"), .payload = TEXT("hi")};
    struct th_mqtt_publish publish = {TH_MQTT_3_1_1, &message, 0x6200};

    (void)state;
    ASSERT_ENCODED(publish_header, &publish, "30 07 0003'a/b'");
    message.qos = 1;
    ASSERT_ENCODED(publish_header, &publish, "32 09 0003'a/b' 6200");
    message.retain = true;
    message.qos = 2;
    ASSERT_ENCODED(publish_header, &publish, "35 09 0003'a/b' 6200");
    publish.version = TH_MQTT_5;
    publish.packet_id = 1;
    message.properties = (struct th_properties)LIST(properties);
    ASSERT_ENCODED(publish_header, &publish,
                   "35180003612f6200010e2600016b00017603000474657874");
    message = (struct th_message){.topic = TEXT("t"), .payload = {NULL, 200}};
    ASSERT_ENCODED(publish_header, &publish, "30 cc01 0001't' 00");
}

static void an_alias_may_stand_for_the_topic(void **state)
{
    const struct th_property alias[] = {{.id = TH_PROPERTY_TOPIC_ALIAS, .number = 9}};
    const struct th_property other[] = {{.id = TH_PROPERTY_MESSAGE_EXPIRY_S, .number = 9}};
    struct th_message message = {.properties = LIST(alias)};
    struct th_mqtt_publish publish = {TH_MQTT_5, &message, 0};

    (void)state;
    ASSERT_ENCODED(publish_header, &publish, "30 06 0000 03 230009");
    message.properties = (struct th_properties)LIST(other);
    ASSERT_REFUSED(publish_header, &publish, TH_E_ARGUMENT, "topic name");
    message.properties = (struct th_properties)LIST(alias);
    publish.version = TH_MQTT_3_1_1;
    ASSERT_REFUSED(publish_header, &publish, TH_E_ARGUMENT, "only MQTT 5");
}

static void publish_refusals(void **state)
{
    const struct th_property id[] = {{.id = TH_PROPERTY_SUBSCRIPTION_ID, .number = 1}};
    struct th_message message = {.topic = TEXT("a/+")};
    struct th_mqtt_publish publish = {TH_MQTT_5, &message, 1};

    (void)state;
    ASSERT_REFUSED(publish_header, &publish, TH_E_ARGUMENT, "topic name");
    message.topic = th_slice_of(long_text, 65536);
    ASSERT_REFUSED(publish_header, &publish, TH_E_ARGUMENT, "topic name");
    message.topic = th_slice_text("a");
    message.qos = 3;
    ASSERT_REFUSED(publish_header, &publish, TH_E_ARGUMENT, "QoS");
    message.qos = 0;
    message.properties = (struct th_properties)LIST(id);
    ASSERT_REFUSED(publish_header, &publish, TH_E_ARGUMENT, "not allowed");
    message.properties.count = 0;
    publish.version = 0;
    ASSERT_REFUSED(publish_header, &publish, TH_E_ARGUMENT, "version");
}

static void the_largest_packet_is_the_last_one_taken(void **state)
{
    struct th_message message = {.topic = TEXT("t")};
    struct th_mqtt_publish publish = {TH_MQTT_3_1_1, &message, 0};

    (void)state;
    message.payload.len_bytes = TH_MQTT_REMAINING_MAX_BYTES - 3;
    ASSERT_ENCODED(publish_header, &publish, "30 ffffff7f 0001't'");
    message.payload.len_bytes++;
    ASSERT_REFUSED(publish_header, &publish, TH_E_TOO_LARGE, "268,435,455");
    message.payload.len_bytes = SIZE_MAX;
    ASSERT_REFUSED(publish_header, &publish, TH_E_TOO_LARGE, "268,435,455");
    message.payload.len_bytes = SIZE_MAX - 3;
    ASSERT_REFUSED(publish_header, &publish, TH_E_TOO_LARGE, "268,435,455");
}

static void remaining_lengths_grow_at_their_limits(void **state)
{
    const struct limit {
        size_t remaining;
        const char *header;
    } limits[] = {
        {127, "30 7f 0001't'"},           {128, "30 8001 0001't'"},
        {16383, "30 ff7f 0001't'"},       {16384, "30 808001 0001't'"},
        {2097151, "30 ffff7f 0001't'"},   {2097152, "30 80808001 0001't'"},
    };
    struct th_message message = {.topic = TEXT("t")};
    struct th_mqtt_publish publish = {TH_MQTT_3_1_1, &message, 0};

    (void)state;
    for (size_t i = 0; i < COUNT_OF(limits); i++) {
        message.payload.len_bytes = limits[i].remaining - 3;
        ASSERT_ENCODED(publish_header, &publish, limits[i].header);
    }
}

static void dup_is_set_in_place(void **state)
{
    struct wire wire = wire_of("32 07 0001'a' 0001 'hi'");

    (void)state;
    th_mqtt_set_dup(wire.bytes);
    assert_wire(wire.bytes, wire.len, "3a 07 0001'a' 0001 'hi'");
    th_mqtt_set_dup(wire.bytes);
    assert_wire(wire.bytes, wire.len, "3a 07 0001'a' 0001 'hi'");
}

/* ---- acknowledgements --------------------------------------------------------------------- */

static void acknowledgements(void **state)
{
    const struct th_property why[] = {{.id = TH_PROPERTY_REASON_STRING, .text = TEXT("no")}};
    struct th_mqtt_ack ack = {TH_MQTT_3_1_1, TH_MQTT_PUBACK, 0x1234, 0, {NULL, 0}};

    (void)state;
    ASSERT_ENCODED(ack, &ack, "40 02 1234");
    ack.type = TH_MQTT_PUBREC;
    ASSERT_ENCODED(ack, &ack, "50 02 1234");
    ack.type = TH_MQTT_PUBREL;
    ASSERT_ENCODED(ack, &ack, "62 02 1234");
    ack.type = TH_MQTT_PUBCOMP;
    ASSERT_ENCODED(ack, &ack, "70 02 1234");
    ack.version = TH_MQTT_5;
    ASSERT_ENCODED(ack, &ack, "70 02 1234");
    ack.reason = TH_MQTT_PACKET_ID_NOT_FOUND;
    ASSERT_ENCODED(ack, &ack, "70 03 1234 92");
    assert_int_equal(th_mqtt_ack_bytes(&ack, NULL), TH_MQTT_ACK_MAX_BYTES);
    ack.properties = (struct th_properties)LIST(why);
    ASSERT_ENCODED(ack, &ack, "70 09 1234 92 05 1f0002'no'");
    ack.type = TH_MQTT_PUBREC;
    ack.reason = 0;
    ASSERT_ENCODED(ack, &ack, "50 09 1234 00 05 1f0002'no'");
}

static void acknowledgement_refusals(void **state)
{
    struct th_mqtt_ack ack = {TH_MQTT_3_1_1, TH_MQTT_PUBACK, 1, 0x80, {NULL, 0}};

    (void)state;
    ASSERT_REFUSED(ack, &ack, TH_E_ARGUMENT, "only MQTT 5");
    ack.version = TH_MQTT_5;
    ack.reason = 0x92;
    ASSERT_REFUSED(ack, &ack, TH_E_ARGUMENT, "reason code");
    ack.reason = 0;
    ack.type = TH_MQTT_SUBACK;
    ASSERT_REFUSED(ack, &ack, TH_E_ARGUMENT, "not an acknowledgement");
    ack.type = TH_MQTT_PUBLISH;
    ASSERT_REFUSED(ack, &ack, TH_E_ARGUMENT, "not an acknowledgement");
    ack.type = TH_MQTT_PUBACK;
    ack.version = 6;
    ASSERT_REFUSED(ack, &ack, TH_E_ARGUMENT, "version");
}

/* What a client may acknowledge with, a server may too, so the decoder can read it back. */
static void acknowledgements_are_read_back(void **state)
{
    (void)state;
    for (unsigned type = TH_MQTT_PUBACK; type <= TH_MQTT_PUBCOMP; type++)
        for (unsigned reason = 0; reason < 256; reason++) {
            struct th_mqtt_ack ack = {TH_MQTT_5, type, 0xfffe, (uint8_t)reason, {NULL, 0}};
            struct th_mqtt_packet packet;
            uint8_t bytes[TH_MQTT_ACK_MAX_BYTES];
            int size = th_mqtt_ack_bytes(&ack, NULL);
            if (size < 0)
                continue;
            th_mqtt_ack_encode(bytes, &ack);
            assert_int_equal(th_mqtt_decode(bytes, (size_t)size, TH_MQTT_5, &packet), size);
            assert_int_equal(packet.type, type);
            assert_int_equal(packet.reason, reason);
            assert_int_equal(packet.packet_id, 0xfffe);
        }
}

/* ---- SUBSCRIBE, UNSUBSCRIBE --------------------------------------------------------------- */

/* Both as mosquitto_sub 2.0 wrote them. */
static void subscribe_as_others_do(void **state)
{
    const struct th_property id[] = {{.id = TH_PROPERTY_SUBSCRIPTION_ID, .number = 200}};
    const struct th_filter filters_5[] = {{.filter = TEXT("a/#"), .qos = 1},
                                          {.filter = TEXT("$share/g/b"), .qos = 1}};
    const struct th_filter filters_3[] = {{.filter = TEXT("a/+"), .qos = 2},
                                          {.filter = TEXT("b"), .qos = 2}};
    const struct th_mqtt_subscribe five = {TH_MQTT_5, 1, filters_5, 2, LIST(id)};
    const struct th_mqtt_subscribe three = {TH_MQTT_3_1_1, 1, filters_3, 2, {NULL, 0}};

    (void)state;
    ASSERT_ENCODED(subscribe, &five,
                   "82190001030bc8010003612f2301000a2473686172652f672f6201");
    ASSERT_ENCODED(subscribe, &three, "820c00010003612f2b0200016202");
}

static void every_subscription_option_has_its_bits(void **state)
{
    struct th_filter filter = {.filter = TEXT("a"), .qos = 2};
    const struct th_mqtt_subscribe subscribe = {TH_MQTT_5, 0xabcd, &filter, 1, {NULL, 0}};

    (void)state;
    ASSERT_ENCODED(subscribe, &subscribe, "82 07 abcd 00 0001'a' 02");
    filter.no_local = true;
    ASSERT_ENCODED(subscribe, &subscribe, "82 07 abcd 00 0001'a' 06");
    filter.retain_as_published = true;
    ASSERT_ENCODED(subscribe, &subscribe, "82 07 abcd 00 0001'a' 0e");
    filter.retain_handling = 1;
    ASSERT_ENCODED(subscribe, &subscribe, "82 07 abcd 00 0001'a' 1e");
    filter.retain_handling = 2;
    filter.qos = 0;
    ASSERT_ENCODED(subscribe, &subscribe, "82 07 abcd 00 0001'a' 2c");
}

static void subscribe_refusals(void **state)
{
    struct th_filter filters[2] = {{.filter = TEXT("a")}, {.filter = TEXT("$share/g/a")}};
    struct th_mqtt_subscribe subscribe = {TH_MQTT_5, 1, filters, 0, {NULL, 0}};

    (void)state;
    ASSERT_REFUSED(subscribe, &subscribe, TH_E_ARGUMENT, "no topic filter");
    subscribe.count = 2;
    filters[1].no_local = true;
    ASSERT_REFUSED(subscribe, &subscribe, TH_E_ARGUMENT, "no-local");
    filters[1] = (struct th_filter){.filter = TEXT("a"), .qos = 3};
    ASSERT_REFUSED(subscribe, &subscribe, TH_E_ARGUMENT, "QoS");
    filters[1] = (struct th_filter){.filter = TEXT("a"), .retain_handling = 3};
    ASSERT_REFUSED(subscribe, &subscribe, TH_E_ARGUMENT, "retain handling");
    filters[1] = (struct th_filter){.filter = TEXT("a"), .retain_handling = 16};
    ASSERT_REFUSED(subscribe, &subscribe, TH_E_ARGUMENT, "retain handling");
    filters[1] = (struct th_filter){.filter = TEXT("a/#/b")};
    ASSERT_REFUSED(subscribe, &subscribe, TH_E_ARGUMENT, "filter");
    subscribe.version = TH_MQTT_3_1_1;
    filters[1] = (struct th_filter){.filter = TEXT("a"), .no_local = true};
    ASSERT_REFUSED(subscribe, &subscribe, TH_E_ARGUMENT, "only MQTT 5");
    filters[1] = (struct th_filter){.filter = TEXT("a"), .retain_as_published = true};
    ASSERT_REFUSED(subscribe, &subscribe, TH_E_ARGUMENT, "only MQTT 5");
    subscribe.version = 0;
    ASSERT_REFUSED(subscribe, &subscribe, TH_E_ARGUMENT, "version");
}

/* Filters of full length, as many as fit and one more. */
static void too_many_filters_are_too_large(void **state)
{
    static struct th_filter filters[4097];
    struct th_mqtt_subscribe subscribe = {TH_MQTT_3_1_1, 1, filters, 0, {NULL, 0}};

    (void)state;
    for (size_t i = 0; i < COUNT_OF(filters); i++)
        filters[i].filter = th_slice_of(long_text, 65535);
    subscribe.count = (TH_MQTT_REMAINING_MAX_BYTES - 2) / 65538;
    assert_int_equal(th_mqtt_subscribe_bytes(&subscribe, NULL), 5 + 2 + subscribe.count * 65538);
    subscribe.count++;
    ASSERT_REFUSED(subscribe, &subscribe, TH_E_TOO_LARGE, "268,435,455");
}

static void unsubscribe_both_versions(void **state)
{
    const struct th_property user[] = {{.id = TH_PROPERTY_USER, .text = TEXT("k")}};
    const struct th_slice filters[] = {TEXT("a/b"), TEXT("c/+")};
    struct th_mqtt_unsubscribe unsubscribe = {TH_MQTT_3_1_1, 10, filters, 2, {NULL, 0}};

    (void)state;
    ASSERT_ENCODED(unsubscribe, &unsubscribe, "a2 0c 000a 0003'a/b' 0003'c/+'");
    unsubscribe.version = TH_MQTT_5;
    ASSERT_ENCODED(unsubscribe, &unsubscribe, "a2 0d 000a 00 0003'a/b' 0003'c/+'");
    unsubscribe.count = 1;
    unsubscribe.properties = (struct th_properties)LIST(user);
    ASSERT_ENCODED(unsubscribe, &unsubscribe, "a2 0e 000a 06 26 0001'k' 0000 0003'a/b'");
}

static void unsubscribe_refusals(void **state)
{
    const struct th_property id[] = {{.id = TH_PROPERTY_SUBSCRIPTION_ID, .number = 1}};
    const struct th_slice filters[] = {TEXT("a"), TEXT("#/")};
    struct th_mqtt_unsubscribe unsubscribe = {TH_MQTT_5, 1, filters, 0, {NULL, 0}};

    (void)state;
    ASSERT_REFUSED(unsubscribe, &unsubscribe, TH_E_ARGUMENT, "no topic filter");
    unsubscribe.count = 2;
    ASSERT_REFUSED(unsubscribe, &unsubscribe, TH_E_ARGUMENT, "filter");
    unsubscribe.count = 1;
    unsubscribe.properties = (struct th_properties)LIST(id);
    ASSERT_REFUSED(unsubscribe, &unsubscribe, TH_E_ARGUMENT, "not allowed");
}

/* ---- PINGREQ, DISCONNECT, AUTH ------------------------------------------------------------ */

static void pingreq(void **state)
{
    uint8_t *to = room(TH_MQTT_PINGREQ_BYTES);

    (void)state;
    assert_int_equal(th_mqtt_pingreq_encode(to), TH_MQTT_PINGREQ_BYTES);
    assert_wire(to, TH_MQTT_PINGREQ_BYTES, "c0 00");
}

static void disconnect(void **state)
{
    const struct th_property expiry[] = {{.id = TH_PROPERTY_SESSION_EXPIRY_S, .number = 0}};
    const struct th_property reference[] = {{.id = TH_PROPERTY_SERVER_REFERENCE}};
    struct th_mqtt_disconnect disconnect = {TH_MQTT_3_1_1, 0, {NULL, 0}};

    (void)state;
    ASSERT_ENCODED(disconnect, &disconnect, "e0 00");
    disconnect.reason = 4;
    ASSERT_REFUSED(disconnect, &disconnect, TH_E_ARGUMENT, "only MQTT 5");
    disconnect.version = TH_MQTT_5;
    ASSERT_ENCODED(disconnect, &disconnect, "e0 01 04");
    disconnect.reason = 0x8b;
    ASSERT_REFUSED(disconnect, &disconnect, TH_E_ARGUMENT, "reason code");
    disconnect.reason = 0;
    ASSERT_ENCODED(disconnect, &disconnect, "e0 00");
    disconnect.properties = (struct th_properties)LIST(expiry);
    ASSERT_ENCODED(disconnect, &disconnect, "e0 07 00 05 1100000000");
    disconnect.properties = (struct th_properties)LIST(reference);
    ASSERT_REFUSED(disconnect, &disconnect, TH_E_ARGUMENT, "not allowed");
}

static void auth(void **state)
{
    const struct th_property properties[] = {
        {.id = TH_PROPERTY_AUTHENTICATION_METHOD, .text = TEXT("m")},
        {.id = TH_PROPERTY_AUTHENTICATION_DATA, .text = TEXT("\0\xff")},
    };
    struct th_mqtt_auth auth = {TH_MQTT_CONTINUE_AUTHENTICATION, LIST(properties)};

    (void)state;
    ASSERT_ENCODED(auth, &auth, "f0 0b 18 09 150001'm' 16000200ff");
    auth.reason = TH_MQTT_SUCCESS;
    ASSERT_REFUSED(auth, &auth, TH_E_ARGUMENT, "reason code");
    auth.reason = TH_MQTT_REAUTHENTICATE;
    auth.properties.count = 0;
    ASSERT_REFUSED(auth, &auth, TH_E_ARGUMENT, "authentication method");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(connect_3_1_has_another_name),
        cmocka_unit_test(connect_3_1_1_with_everything),
        cmocka_unit_test(connect_3_1_1_variants),
        cmocka_unit_test(connect_5_with_will_and_properties),
        cmocka_unit_test(connect_5_variants),
        cmocka_unit_test(connect_refusals),
        cmocka_unit_test(the_longest_strings_are_taken),
        cmocka_unit_test(publish_headers),
        cmocka_unit_test(an_alias_may_stand_for_the_topic),
        cmocka_unit_test(publish_refusals),
        cmocka_unit_test(the_largest_packet_is_the_last_one_taken),
        cmocka_unit_test(remaining_lengths_grow_at_their_limits),
        cmocka_unit_test(dup_is_set_in_place),
        cmocka_unit_test(acknowledgements),
        cmocka_unit_test(acknowledgement_refusals),
        cmocka_unit_test(acknowledgements_are_read_back),
        cmocka_unit_test(subscribe_as_others_do),
        cmocka_unit_test(every_subscription_option_has_its_bits),
        cmocka_unit_test(subscribe_refusals),
        cmocka_unit_test(too_many_filters_are_too_large),
        cmocka_unit_test(unsubscribe_both_versions),
        cmocka_unit_test(unsubscribe_refusals),
        cmocka_unit_test(pingreq),
        cmocka_unit_test(disconnect),
        cmocka_unit_test(auth),
    };
    return cmocka_run_group_tests_name("mqtt/encode", tests, make_long_text, NULL);
}
