#include "wire.h"

#include "mqtt/mqtt.h"

/* The tables of MQTT 5.0 written down a second time, packet by packet. */
static const struct legal {
    int version;
    uint8_t type;
    const char *codes;
} from_server[] = {
    {4, TH_MQTT_CONNACK, "000102030405"},
    {4, TH_MQTT_SUBACK, "00010280"},
    {5, TH_MQTT_CONNACK, "00 808182838485868788898a8c 909597999a9b9c9d9f"},
    {5, TH_MQTT_PUBACK, "00 10 808387 90919799"},
    {5, TH_MQTT_PUBREC, "00 10 808387 90919799"},
    {5, TH_MQTT_PUBREL, "00 92"},
    {5, TH_MQTT_PUBCOMP, "00 92"},
    {5, TH_MQTT_SUBACK, "000102 8083878f 91979ea1a2"},
    {5, TH_MQTT_UNSUBACK, "00 11 8083878f 91"},
    {5, TH_MQTT_DISCONNECT, "00 80818283 87898b8d8e8f 909394959697 98999a9b9c9d9e9f a0a1a2"},
    {5, TH_MQTT_AUTH, "00 18"},
};

static const struct legal from_client[] = {
    {5, TH_MQTT_PUBACK, "00 10 808387 90919799"},
    {5, TH_MQTT_PUBREC, "00 10 808387 90919799"},
    {5, TH_MQTT_PUBREL, "00 92"},
    {5, TH_MQTT_PUBCOMP, "00 92"},
    {5, TH_MQTT_DISCONNECT, "00 04 80818283 90 9394959697 9899"},
    {5, TH_MQTT_AUTH, "18 19"},
};

static bool is_legal(const struct legal *table, size_t rows, int version, unsigned type,
                     unsigned code)
{
    for (size_t i = 0; i < rows; i++) {
        struct wire codes = wire_of(table[i].codes);
        if (table[i].version == version && table[i].type == type)
            return memchr(codes.bytes, (int)code, codes.len);
    }
    return false;
}

static void codes_are_legal_where_the_standard_lists_them(void **state)
{
    (void)state;
    for (int version = 4; version <= 5; version++)
        for (unsigned type = 0; type < 40; type++)
            for (unsigned code = 0; code < 256; code++)
                if (th_mqtt_reason_from_server(version, type, code) !=
                    is_legal(from_server, COUNT_OF(from_server), version, type, code))
                    fail_msg("server, version %d, type %u, code %02x", version, type, code);
    for (unsigned type = 0; type < 40; type++)
        for (unsigned code = 0; code < 256; code++)
            if (th_mqtt_reason_from_client(type, code) !=
                is_legal(from_client, COUNT_OF(from_client), 5, type, code))
                fail_msg("client, type %u, code %02x", type, code);
}

static void legal_codes_have_names(void **state)
{
    (void)state;
    for (int version = 4; version <= 5; version++)
        for (unsigned type = 0; type < 40; type++)
            for (unsigned code = 0; code < 256; code++) {
                bool legal = th_mqtt_reason_from_server(version, type, code) ||
                             (version == 5 && th_mqtt_reason_from_client(type, code));
                const char *name = th_mqtt_reason_name(version, type, code);
                assert_int_equal(legal, strcmp(name, "unknown reason") != 0);
            }
}

static void the_same_number_has_the_name_of_its_place(void **state)
{
    (void)state;
    assert_string_equal(th_mqtt_reason_name(4, TH_MQTT_CONNACK, 5), "not authorized");
    assert_string_equal(th_mqtt_reason_name(4, TH_MQTT_CONNACK, 4), "bad user name or password");
    assert_string_equal(th_mqtt_reason_name(5, TH_MQTT_CONNACK, 0x86), "bad user name or password");
    assert_string_equal(th_mqtt_reason_name(5, TH_MQTT_CONNACK, 0), "success");
    assert_string_equal(th_mqtt_reason_name(5, TH_MQTT_DISCONNECT, 0), "normal disconnection");
    assert_string_equal(th_mqtt_reason_name(5, TH_MQTT_DISCONNECT, 4),
                        "disconnect with will message");
    assert_string_equal(th_mqtt_reason_name(5, TH_MQTT_SUBACK, 0), "granted QoS 0");
    assert_string_equal(th_mqtt_reason_name(4, TH_MQTT_SUBACK, 0x80), "failure");
    assert_string_equal(th_mqtt_reason_name(5, TH_MQTT_SUBACK, 0x80), "unspecified error");
    assert_string_equal(th_mqtt_reason_name(5, TH_MQTT_PUBACK, 0x10), "no matching subscribers");
    assert_string_equal(th_mqtt_reason_name(4, TH_MQTT_PUBACK, 0x10), "unknown reason");
}

static void types_have_names(void **state)
{
    (void)state;
    assert_string_equal(th_mqtt_type_name(0), "reserved");
    assert_string_equal(th_mqtt_type_name(TH_MQTT_CONNECT), "CONNECT");
    assert_string_equal(th_mqtt_type_name(TH_MQTT_PUBLISH), "PUBLISH");
    assert_string_equal(th_mqtt_type_name(TH_MQTT_UNSUBACK), "UNSUBACK");
    assert_string_equal(th_mqtt_type_name(TH_MQTT_PINGRESP), "PINGRESP");
    assert_string_equal(th_mqtt_type_name(TH_MQTT_AUTH), "AUTH");
    assert_string_equal(th_mqtt_type_name(16), "reserved");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(codes_are_legal_where_the_standard_lists_them),
        cmocka_unit_test(legal_codes_have_names),
        cmocka_unit_test(the_same_number_has_the_name_of_its_place),
        cmocka_unit_test(types_have_names),
    };
    return cmocka_run_group_tests_name("mqtt/mqtt", tests, NULL, NULL);
}
