/* What CONNECT and CONNACK announce: topic aliases are resolved, larger packets are not taken, and
 * what the broker decides counts. */
#include "device.h"

static struct device device;
static struct broker broker;

/* Connects with one property in CONNECT, and the Receive Maximum that is always there. */
static void up_with(struct th_property property, const char *connect)
{
    static struct th_property announced;
    announced = property;
    struct th_config config = plain_config(0, TH_MQTT_5);
    config.properties = (struct th_properties){&announced, 1};
    broker_open(&broker);
    config.port = broker.port;
    assert_int_equal(device_open(&device, NULL, config), 0);
    device.broker = &broker;
    assert_int_equal(th_connect(device.client), 0);
    gets(&device, connect);
    broker_sends(&broker, "20 03 00 00 00");
    UNTIL(&device, th_phase(device.client) == TH_PHASE_UP);
}

static void up_with_aliases(void)
{
    up_with((struct th_property){.id = 0x22, .number = 5},
            "10 14 0004'MQTT' 05 02 0000 06 220005 210040 0001'c'");
}

static void up_with_maximum(unsigned bytes)
{
    char connect[128];
    snprintf(connect, sizeof connect, "10 16 0004'MQTT' 05 02 0000 08 27%08x 210040 0001'c'",
             bytes);
    up_with((struct th_property){.id = 0x27, .number = bytes}, connect);
}

static void arrives(const char *packet, const char *topic)
{
    unsigned before = device.deliveries;
    broker_sends(&broker, packet);
    UNTIL(&device, device.deliveries == before + 1);
    assert_string_equal(device.topic, topic);
}

static void aliases_stand_for_topics(void **state)
{
    (void)state;
    up_with_aliases();
    arrives("30 0b 0003'a/b' 03 230001 'hi'", "a/b");
    arrives("30 08 0000 03 230001 'ho'", "a/b");
    arrives("32 0a 0000 0009 03 230001 'hu'", "a/b");
    gets(&device, "40 02 0009");
    broker_sends(&broker, "30 06 0000 03 230002");
    gets(&device, "e0 01 94");
    broker_drops(&broker);
    ends_with(&device, TH_E_PROTOCOL, TH_PHASE_UP, "never given a topic");
    both_close(&device, &broker);
}

/* Its topic lies in the pool while the payload passes through the window. */
static void an_alias_stands_for_the_topic_of_a_large_message(void **state)
{
    (void)state;
    static uint8_t payload[3 * TH_PACKET_WINDOW_BYTES];
    up_with_aliases();
    arrives("30 0b 0003'a/b' 03 230001 'hi'", "a/b");
    struct wire header = wire_of("30 86 60 0000 03 230001");
    broker_send_bytes(&broker, header.bytes, header.len);
    broker_send_bytes(&broker, payload, sizeof payload);
    UNTIL(&device, device.deliveries == 2);
    assert_true(device.pieces > 3);
    assert_string_equal(device.topic, "a/b");
    both_close(&device, &broker);
}

static void expect_too_large(const char *packet)
{
    broker_sends(&broker, packet);
    gets(&device, "e0 01 95");
    broker_drops(&broker);
    ends_with(&device, TH_E_PROTOCOL, TH_PHASE_UP, "our Maximum Packet Size is 20");
    assert_int_equal(th_fault(device.client)->reason, 0x95);
    assert_int_equal(device.deliveries, 0);
    both_close(&device, &broker);
}

static void larger_packets_than_announced_are_not_taken(void **state)
{
    (void)state;
    up_with_maximum(20);
    arrives("30 12 0001't' 00 '12345678901234'", "t");
    device.deliveries = 0;
    expect_too_large("30 13 0001't' 00 '123456789012345'");
    up_with_maximum(20);
    expect_too_large("90 13 0001"); /* it is known before the rest comes */
    up_with_maximum(20);
    expect_too_large("30 80 80 01 0001't' 00 '1'"); /* nor one that would pass in pieces */
}

static void a_refusal_tells_why_and_where_else(void **state)
{
    (void)state;
    broker_open(&broker);
    assert_int_equal(device_open(&device, NULL, plain_config(broker.port, TH_MQTT_5)), 0);
    device.broker = &broker;
    th_connect(device.client);
    gets(&device, CONNECT_5);
    broker_sends(&broker, "20 11 00 9d 0e 1c 0003'b:2' 1f 0005'moved'");
    ends_with(&device, TH_E_REFUSED, TH_PHASE_GREETING, "CONNACK: moved; it refers to b:2");
    both_close(&device, &broker);
}

/* An identifier and a keep alive of the broker's choice are told, kept and obeyed. */
static void what_the_broker_decides_counts(void **state)
{
    (void)state;
    struct th_config config = plain_config(0, TH_MQTT_5);
    broker_open(&broker);
    config.port = broker.port;
    config.client_id = NULL;
    config.redial = (struct th_redial){.attempts = 1, .first_ms = 1, .max_ms = 1};
    assert_int_equal(device_open(&device, NULL, config), 0);
    device.broker = &broker;
    th_connect(device.client);
    gets(&device, "10 10 0004'MQTT' 05 02 0000 03 210040 0000");
    broker_sends(&broker, "20 0c 00 00 09 12 0003'abc' 13 0001");
    UNTIL(&device, th_phase(device.client) == TH_PHASE_UP);
    gets(&device, "c0 00");
    broker_drops(&broker);
    UNTIL(&device, broker.fd >= 0);
    gets(&device, "10 13 0004'MQTT' 05 00 0000 03 210040 0003'abc'");
    both_close(&device, &broker);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(aliases_stand_for_topics),
        cmocka_unit_test(an_alias_stands_for_the_topic_of_a_large_message),
        cmocka_unit_test(larger_packets_than_announced_are_not_taken),
        cmocka_unit_test(a_refusal_tells_why_and_where_else),
        cmocka_unit_test(what_the_broker_decides_counts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
