#include "wire.h"

#include "mqtt/encode.h"
#include "mqtt/sent.h"

static struct th_packet_note note;
static struct wire wire; /* what it points into */

static void assert_note(const char *packet, int version, unsigned type, unsigned id,
                        unsigned reason)
{
    wire = wire_of(packet);
    assert_int_equal(th_mqtt_note_sent(wire_slice(&wire), version, &note), wire.len);
    assert_true(note.sent);
    assert_int_equal(note.type, type);
    assert_int_equal(note.packet_id, id);
    assert_int_equal(note.reason, reason);
    assert_int_equal(note.flags, wire.bytes[0] & 0xf);
}

static void assert_text(struct th_slice slice, const char *text)
{
    struct wire expected = wire_of(text);
    assert_true(th_slice_equal(slice, wire_slice(&expected)));
}

static void requests_and_acknowledgements_are_read_back(void **state)
{
    (void)state;
    assert_note("10 0d 0004'MQTT' 04 02 0000 0001'c'", 4, TH_MQTT_CONNECT, 0, 0);
    assert_note("40 02 1234", 4, TH_MQTT_PUBACK, 0x1234, 0);
    assert_note("40 03 1234 87", 5, TH_MQTT_PUBACK, 0x1234, 0x87);
    assert_note("50 02 0001", 5, TH_MQTT_PUBREC, 1, 0);
    assert_note("62 02 0001", 4, TH_MQTT_PUBREL, 1, 0);
    assert_note("70 03 0001 92", 5, TH_MQTT_PUBCOMP, 1, 0x92);
    assert_note("c0 00", 4, TH_MQTT_PINGREQ, 0, 0);
    assert_note("e0 00", 5, TH_MQTT_DISCONNECT, 0, 0);
    assert_note("e0 01 04", 5, TH_MQTT_DISCONNECT, 0, 4);
    assert_note("f0 07 18 05 15 0002'XY'", 5, TH_MQTT_AUTH, 0, 0x18);
}

static void messages_tell_topic_and_length(void **state)
{
    (void)state;
    assert_note("30 05 0001't' 'hi'", 4, TH_MQTT_PUBLISH, 0, 0);
    assert_text(note.topic, "'t'");
    assert_int_equal(note.payload_bytes, 2);
    assert_note("3d 0a 0003'a/b' 0007 'abc'", 4, TH_MQTT_PUBLISH, 7, 0);
    assert_text(note.topic, "'a/b'");
    assert_int_equal(note.payload_bytes, 3);
    assert_note("32 0c 0001't' 0009 03 230001 'abc'", 5, TH_MQTT_PUBLISH, 9, 0);
    assert_int_equal(note.payload_bytes, 3);
}

static void a_payload_need_not_be_there(void **state)
{
    (void)state;
    struct wire header = wire_of("30 83 80 01 0001't'");
    assert_int_equal(th_mqtt_note_sent(wire_slice(&header), 4, &note), 4 + 16387);
    assert_int_equal(note.payload_bytes, 16384);
}

static void filters_are_given_as_encoded(void **state)
{
    (void)state;
    assert_note("82 0a 0001 0001'a' 00 0001'b' 02", 4, TH_MQTT_SUBSCRIBE, 1, 0);
    assert_text(note.filters, "0001'a' 00 0001'b' 02");
    assert_note("82 09 0001 02 0b05 0001'a' 00", 5, TH_MQTT_SUBSCRIBE, 1, 0);
    assert_text(note.filters, "0001'a' 00");
    assert_note("a2 05 0002 0001'a'", 4, TH_MQTT_UNSUBSCRIBE, 2, 0);
    assert_text(note.filters, "0001'a'");
}

static void what_follows_is_left_alone(void **state)
{
    (void)state;
    struct wire two = wire_of("40 02 0001 40 02 0002");
    assert_int_equal(th_mqtt_note_sent(wire_slice(&two), 5, &note), 4);
    assert_int_equal(note.packet_id, 1);
    assert_int_equal(note.reason, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(requests_and_acknowledgements_are_read_back),
        cmocka_unit_test(messages_tell_topic_and_length),
        cmocka_unit_test(a_payload_need_not_be_there),
        cmocka_unit_test(filters_are_given_as_encoded),
        cmocka_unit_test(what_follows_is_left_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
