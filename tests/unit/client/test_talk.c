/* Connect, subscribe, publish, receive: every QoS, both versions, against a script. */
#include "device.h"

static struct device device;
static struct broker broker;

static const enum th_mqtt_version versions[] = {TH_MQTT_3_1, TH_MQTT_3_1_1, TH_MQTT_5};

#define FOR_EACH_VERSION(v) \
    for (const enum th_mqtt_version *v = versions; v < versions + COUNT_OF(versions); v++)

static bool is_5(void)
{
    return device.config.version == TH_MQTT_5;
}

/* The text of its version. */
static const char *either(const char *in_4, const char *in_5)
{
    return is_5() ? in_5 : in_4;
}

static void leave_in_order(void)
{
    assert_int_equal(th_disconnect(device.client, 0, NULL), 0);
    gets(&device, "e0 00");
    UNTIL(&device, broker.ended);
    assert_false(broker.reset);
    broker_drops(&broker);
    ends_as_asked(&device);
    both_close(&device, &broker);
}

/* ---- publishing ------------------------------------------------------------------------------ */

static void expect_published(int packet_id, unsigned reason)
{
    unsigned before = count_events(&device, TH_EVENT_PUBLISHED);
    UNTIL(&device, count_events(&device, TH_EVENT_PUBLISHED) > before);
    assert_int_equal(last_event(&device)->packet_id, packet_id);
    assert_int_equal(last_event(&device)->reason, reason);
    assert_int_equal(th_pending(device.client), 0);
}

static void publishes_at_qos_0(void **state)
{
    (void)state;
    FOR_EACH_VERSION(version) {
        device_up(&device, &broker, *version);
        assert_int_equal(publish(&device, "t", "hi", 0), 0);
        expect_published(0, 0);
        gets(&device, either("30 05 0001't' 'hi'", "30 06 0001't' 00 'hi'"));
        leave_in_order();
    }
}

static void publishes_at_qos_1(void **state)
{
    (void)state;
    FOR_EACH_VERSION(version) {
        device_up(&device, &broker, *version);
        assert_int_equal(publish(&device, "t", "hi", 1), 1);
        assert_int_equal(th_pending(device.client), 1);
        gets(&device, either("32 07 0001't' 0001 'hi'", "32 08 0001't' 0001 00 'hi'"));
        broker_sends(&broker, either("40 02 0001", "40 03 0001 10"));
        expect_published(1, is_5() ? 0x10 : 0);
        leave_in_order();
    }
}

static void publishes_at_qos_2(void **state)
{
    (void)state;
    FOR_EACH_VERSION(version) {
        device_up(&device, &broker, *version);
        assert_int_equal(publish(&device, "t", "hi", 2), 1);
        gets(&device, either("34 07 0001't' 0001 'hi'", "34 08 0001't' 0001 00 'hi'"));
        broker_sends(&broker, "50 02 0001");
        gets(&device, "62 02 0001");
        assert_int_equal(th_pending(device.client), 1);
        broker_sends(&broker, "70 02 0001");
        expect_published(1, 0);
        leave_in_order();
    }
}

static void a_refused_message_is_reported(void **state)
{
    (void)state;
    device_up(&device, &broker, TH_MQTT_5);
    assert_int_equal(publish(&device, "t", "a", 1), 1);
    gets(&device, "32 07 0001't' 0001 00 'a'");
    broker_sends(&broker, "40 03 0001 87");
    expect_published(1, 0x87);
    assert_int_equal(publish(&device, "t", "a", 2), 2);
    gets(&device, "34 07 0001't' 0002 00 'a'");
    broker_sends(&broker, "50 03 0002 97");
    expect_published(2, 0x97);
    leave_in_order();
}

static void what_is_published_before_connecting_is_sent_when_up(void **state)
{
    (void)state;
    broker_open(&broker);
    assert_int_equal(device_open(&device, NULL, plain_config(broker.port, TH_MQTT_3_1_1)), 0);
    device.broker = &broker;
    assert_int_equal(publish(&device, "t", "0", 0), 0);
    assert_int_equal(publish(&device, "t", "1", 1), 1);
    assert_int_equal(subscribe(&device, "f", 2), 2);
    assert_int_equal(th_connect(device.client), 0);
    UNTIL(&device, th_phase(device.client) == TH_PHASE_GREETING);
    assert_int_equal(publish(&device, "t", "2", 2), 3);
    gets(&device, CONNECT_4);
    FOR_MS(&device, 50);
    gets_nothing_more(&device);
    broker_sends(&broker, "20 02 00 00");
    gets(&device, "30 04 0001't' '0'  32 06 0001't' 0001 '1'  82 06 0002 0001'f' 02"
                  "34 06 0001't' 0003 '2'");
    assert_int_equal(th_pending(device.client), 3);
    leave_in_order();
}

static void refuses_what_is_wrong_and_says_why(void **state)
{
    (void)state;
    device_up(&device, &broker, TH_MQTT_3_1_1);
    assert_int_equal(publish(&device, "a/#", "", 0), TH_E_ARGUMENT);
    assert_non_null(strstr(th_request_fault(device.client)->text, "PUBLISH"));
    assert_int_equal(publish(&device, "t", "", 3), TH_E_ARGUMENT);
    assert_int_equal(subscribe(&device, "a/#/b", 0), TH_E_ARGUMENT);
    assert_non_null(strstr(th_request_fault(device.client)->text, "SUBSCRIBE"));
    assert_int_equal(unsubscribe(&device, ""), TH_E_ARGUMENT);
    assert_int_equal(th_request_fault(device.client)->phase, TH_PHASE_UP);
    assert_int_equal(th_fault(device.client)->code, 0);
    assert_int_equal(publish(&device, "t", "x", 0), 0);
    gets(&device, "30 04 0001't' 'x'");
    assert_int_equal(th_request_fault(device.client)->code, 0);
    leave_in_order();
}

static void keeps_to_what_the_broker_announced(void **state)
{
    (void)state;
    broker_open(&broker);
    assert_int_equal(device_open(&device, NULL, plain_config(broker.port, TH_MQTT_5)), 0);
    device.broker = &broker;
    struct th_message retained = message_of("t", "x", 0);
    retained.retain = true;
    assert_int_equal(publish(&device, "t", "too much", 2), 1);
    assert_int_equal(th_connect(device.client), 0);
    gets(&device, CONNECT_5);
    broker_sends(&broker, "20 0c 00 00 09 24 01 25 00 27 00000010");
    UNTIL(&device, last_event(&device) && last_event(&device)->kind == TH_EVENT_PUBLISHED);
    assert_int_equal(last_event(&device)->reason, 0x9b);
    assert_int_equal(last_event(&device)->packet_id, 1);
    assert_int_equal(publish(&device, "t", "x", 2), TH_E_REFUSED);
    assert_int_equal(th_request_fault(device.client)->reason, 0x9b);
    assert_int_equal(th_publish(device.client, &retained), TH_E_REFUSED);
    assert_int_equal(publish(&device, "t", "sixteen and more", 0), TH_E_REFUSED);
    assert_int_equal(th_request_fault(device.client)->reason, 0x95);
    assert_int_equal(publish(&device, "t", "x", 1), 2);
    gets(&device, "32 07 0001't' 0002 00 'x'");
    leave_in_order();
}

/* ---- subscribing ----------------------------------------------------------------------------- */

static void subscribes_and_unsubscribes(void **state)
{
    (void)state;
    FOR_EACH_VERSION(version) {
        device_up(&device, &broker, *version);
        assert_int_equal(subscribe(&device, "a/+", 2), 1);
        gets(&device, either("82 08 0001 0003'a/+' 02", "82 09 0001 00 0003'a/+' 02"));
        broker_sends(&broker, either("90 03 0001 01", "90 04 0001 00 01"));
        UNTIL(&device, last_event(&device)->kind == TH_EVENT_SUBSCRIBED);
        assert_int_equal(last_event(&device)->packet_id, 1);
        assert_int_equal(last_event(&device)->codes_bytes, 1);
        assert_int_equal(last_event(&device)->codes[0], 1);
        assert_int_equal(unsubscribe(&device, "a/+"), 2);
        gets(&device, either("a2 07 0002 0003'a/+'", "a2 08 0002 00 0003'a/+'"));
        broker_sends(&broker, either("b0 02 0002", "b0 04 0002 00 00"));
        UNTIL(&device, last_event(&device)->kind == TH_EVENT_UNSUBSCRIBED);
        leave_in_order();
    }
}

static void takes_messages_at_every_qos(void **state)
{
    (void)state;
    FOR_EACH_VERSION(version) {
        device_up(&device, &broker, *version);
        broker_sends(&broker, either("31 05 0001't' 'hi'", "31 06 0001't' 00 'hi'"));
        UNTIL(&device, device.deliveries == 1);
        assert_true(device.last.retain);
        assert_int_equal(device.last.packet_id, 0);
        assert_string_equal(device.topic, "t");
        assert_memory_equal(device.payload, "hi", 2);

        broker_sends(&broker, either("3a 05 0001't' 0007", "3a 06 0001't' 0007 00"));
        gets(&device, "40 02 0007");
        assert_int_equal(device.deliveries, 2);
        assert_true(device.last.dup && !device.last.retain && device.last.qos == 1);
        assert_int_equal(device.last.packet_id, 7);
        assert_int_equal(device.last.total_bytes, 0);

        broker_sends(&broker, either("34 06 0001't' 0008 'x'", "34 07 0001't' 0008 00 'x'"));
        gets(&device, "50 02 0008");
        broker_sends(&broker, either("3c 06 0001't' 0008 'x'", "3c 07 0001't' 0008 00 'x'"));
        gets(&device, "50 02 0008");
        assert_int_equal(device.deliveries, 3);
        broker_sends(&broker, "62 02 0008");
        gets(&device, "70 02 0008");
        assert_int_equal(device.deliveries, 3);
        leave_in_order();
    }
}

static void packets_come_byte_by_byte(void **state)
{
    (void)state;
    FOR_EACH_VERSION(version) {
        device_up(&device, &broker, *version);
        struct wire wire = wire_of(either("30 05 0001't' 'hi' 32 06 0001't' 0001 'a'",
                                          "30 06 0001't' 00 'hi' 32 07 0001't' 0001 00 'a'"));
        for (size_t i = 0; i < wire.len; i++) {
            broker_send_bytes(&broker, wire.bytes + i, 1);
            step(&device);
        }
        gets(&device, "40 02 0001");
        assert_int_equal(device.deliveries, 2);
        leave_in_order();
    }
}

static void a_hundred_packets_come_at_once(void **state)
{
    (void)state;
    device_up(&device, &broker, TH_MQTT_3_1_1);
    struct wire wire = {.len = 0};
    for (unsigned i = 1; i <= 100; i++) {
        struct wire packet = wire_of("32 06 0001't' 0000 'a'");
        packet.bytes[6] = (uint8_t)i;
        for (size_t k = 0; k < packet.len; k++)
            wire_add(&wire, packet.bytes[k]);
    }
    broker_send_bytes(&broker, wire.bytes, wire.len);
    UNTIL(&device, broker.in_bytes >= 400);
    assert_int_equal(device.deliveries, 100);
    for (unsigned i = 1; i <= 100; i++)
        assert_int_equal(broker.in[4 * i - 1], i);
    broker_forget(&broker, 400);
    leave_in_order();
}

/* ---- from callbacks -------------------------------------------------------------------------- */

static void answer(struct device *d, const struct th_delivery *delivery)
{
    (void)delivery;
    assert_int_equal(publish(d, "answer", "", 0), 0);
}

/* What a callback asks for is sent in the same step. */
static void a_callback_may_publish(void **state)
{
    (void)state;
    device_up(&device, &broker, TH_MQTT_3_1_1);
    device.on_delivery = answer;
    broker_sends(&broker, "30 04 0001't' 'x'");
    UNTIL(&device, device.deliveries == 1);
    broker_collect(&broker);
    gets(&device, "30 08 0006'answer'");
    leave_in_order();
}

static void subscribe_when_connected(struct device *d, const struct th_event *event)
{
    if (event->kind == TH_EVENT_CONNECTED)
        assert_int_equal(subscribe(d, "t", 0), 1);
    if (event->kind == TH_EVENT_SUBSCRIBED)
        assert_int_equal(publish(d, "t", "x", 1), 2);
    if (event->kind == TH_EVENT_PUBLISHED)
        assert_int_equal(unsubscribe(d, "t"), 3);
}

static void an_event_may_lead_to_the_next_request(void **state)
{
    (void)state;
    broker_open(&broker);
    assert_int_equal(device_open(&device, NULL, plain_config(broker.port, TH_MQTT_3_1_1)), 0);
    device.broker = &broker;
    device.on_event = subscribe_when_connected;
    assert_int_equal(th_connect(device.client), 0);
    gets(&device, CONNECT_4);
    broker_sends(&broker, "20 02 00 00");
    gets(&device, "82 06 0001 0001't' 00");
    broker_sends(&broker, "90 03 0001 00");
    gets(&device, "32 06 0001't' 0002 'x'");
    broker_sends(&broker, "40 02 0002");
    gets(&device, "a2 05 0003 0001't'");
    leave_in_order();
}

/* A request outside a step wakes the loop. */
static void a_request_wakes_the_loop(void **state)
{
    (void)state;
    device_up(&device, &broker, TH_MQTT_3_1_1);
    UNTIL(&device, th_wait_ms(device.client) == -1);
    assert_int_equal(th_poll_events(device.client), POLLIN);
    publish(&device, "t", "", 0);
    assert_int_equal(th_wait_ms(device.client), 0);
    step(&device);
    assert_int_equal(th_wait_ms(device.client), -1);
    gets(&device, "30 03 0001't'");
    assert_int_equal(th_disconnect(device.client, 0, NULL), 0);
    assert_int_equal(th_wait_ms(device.client), 0);
    gets(&device, "e0 00");
    broker_drops(&broker);
    ends_as_asked(&device);
    both_close(&device, &broker);
}

static void publish_for_ever(struct device *d, const struct th_event *event)
{
    if (event->kind == TH_EVENT_PUBLISHED && d->number++ < 100000) {
        publish(d, "t", "", 0);
        broker_collect(d->broker);
        broker_forget(d->broker, d->broker->in_bytes);
    }
    d->event_count = 1;
}

/* Whoever publishes the next message when the last one is written does not hold the thread. */
static void a_step_ends_though_there_is_always_more(void **state)
{
    (void)state;
    device_up(&device, &broker, TH_MQTT_3_1_1);
    device.on_event = publish_for_ever;
    publish(&device, "t", "", 0);
    step(&device);
    assert_in_range(device.number, 1, 1000);
    assert_int_equal(th_wait_ms(device.client), 0);
    int first = device.number;
    step(&device);
    assert_true(device.number > first);
    both_close(&device, &broker);
}

static void idle_is_idle(void **state)
{
    (void)state;
    device_up(&device, &broker, TH_MQTT_5);
    UNTIL(&device, th_wait_ms(device.client) == -1);
    device.steps = 0;
    FOR_MS(&device, 200);
    assert_int_equal(device.steps, 0);
    leave_in_order();
}

/* ---- th_run ---------------------------------------------------------------------------------- */

static void runs_with_poll(void **state)
{
    (void)state;
    broker_open(&broker);
    assert_int_equal(device_open(&device, NULL, plain_config(broker.port, TH_MQTT_3_1_1)), 0);
    assert_int_equal(th_connect(device.client), 0);
    while (th_phase(device.client) < TH_PHASE_GREETING)
        assert_int_equal(th_run(device.client, 1000), 0);
    uint64_t before_ms = clock_ms();
    assert_int_equal(th_run(device.client, 60), 0);
    assert_in_range(clock_ms() - before_ms, 59, PATIENCE_MS);
    assert_true(broker_accepts(&broker));
    broker_sends(&broker, "20 02 00 00");
    while (th_phase(device.client) < TH_PHASE_UP)
        assert_int_equal(th_run(device.client, 20), 0);
    th_disconnect(device.client, 0, NULL);
    assert_int_equal(th_run(device.client, 0), 0);
    assert_int_equal(th_phase(device.client), TH_PHASE_CLOSING);
    broker_drops(&broker);
    assert_int_equal(th_run(device.client, -1), TH_E_CLOSED);
    assert_int_equal(th_run(device.client, -1), TH_E_CLOSED);
    both_close(&device, &broker);
}

/* ---- configurations -------------------------------------------------------------------------- */

static void expect_no_client(struct th_config config, size_t block_bytes, int code,
                             const char *sentence)
{
    struct th_fault fault;
    struct th_client *client = (struct th_client *)&fault;
    void *block = aligned_alloc(16, (th_need_bytes() + 15) & ~(size_t)15);
    assert_int_equal(th_open(&client, block, block_bytes, NULL, &config, &fault), code);
    assert_null(client);
    assert_int_equal(fault.code, code);
    if (!strstr(fault.text, sentence))
        fail_msg("%s", fault.text);
    assert_int_equal(th_open(&client, block, block_bytes, NULL, &config, NULL), code);
    free(block);
}

static void wrong_configurations_are_refused(void **state)
{
    (void)state;
    struct th_config config = plain_config(1883, TH_MQTT_3_1_1);
    expect_no_client(config, th_need_bytes() - 1, TH_E_MEMORY, "are needed");
    config.host = "";
    expect_no_client(config, th_need_bytes(), TH_E_ARGUMENT, "no host");
    config = plain_config(1883, 6);
    expect_no_client(config, th_need_bytes(), TH_E_ARGUMENT, "version 6");
    config = plain_config(1883, 0);
    config.insecure_plaintext = false;
    expect_no_client(config, th_need_bytes(), TH_E_ARGUMENT, "needs a context");
    config = plain_config(1883, 0);
    config.will.message = message_of("will/#", "", 0);
    expect_no_client(config, th_need_bytes(), TH_E_ARGUMENT, "CONNECT");
    struct th_client *client;
    uint8_t unaligned[64];
    config = plain_config(1883, 0);
    assert_int_equal(th_open(&client, unaligned + 1, sizeof unaligned, NULL, &config, NULL),
                     TH_E_ARGUMENT);
}

/* Before th_connect() there is nothing to wait for, and th_step() says so. */
static void a_client_that_is_not_connected_does_not_wait(void **state)
{
    (void)state;
    assert_int_equal(device_open(&device, NULL, plain_config(1883, 0)), 0);
    assert_int_equal(th_phase(device.client), TH_PHASE_RESTING);
    assert_int_equal(th_step(device.client), TH_E_NO_SOCKET);
    assert_int_equal(th_fault(device.client)->code, TH_E_NO_SOCKET);
    assert_int_equal(th_run(device.client, -1), TH_E_NO_SOCKET);
    assert_int_equal(th_fd(device.client), -1);
    device_close(&device);
}

static void connecting_twice_is_refused(void **state)
{
    (void)state;
    device_up(&device, &broker, TH_MQTT_3_1_1);
    assert_int_equal(th_connect(device.client), TH_E_ARGUMENT);
    assert_int_equal(th_request_fault(device.client)->code, TH_E_ARGUMENT);
    assert_int_equal(th_fault(device.client)->code, 0);
    leave_in_order();
}

static void defaults(void **state)
{
    (void)state;
    assert_int_equal(device_open(&device, NULL, (struct th_config){
        .host = "127.0.0.1", .insecure_plaintext = true, .clean_start = true}), 0);
    assert_int_equal(device.client->config.port, 1883);
    assert_int_equal(device.client->config.version, TH_MQTT_3_1_1);
    assert_int_equal(th_link_allowed_ms(&device.client->link, TH_PHASE_SHAKING), 30000);
    assert_int_equal(device.client->config.redial.first_ms, 1000);
    assert_int_equal(device.client->config.redial.max_ms, 60000);
    device_close(&device);
}

static void credentials_and_will_are_sent(void **state)
{
    (void)state;
    struct th_config config = plain_config(0, TH_MQTT_3_1_1);
    config.username = "u";
    config.password = th_slice_text("secret");
    config.keep_alive_s = 10;
    config.will.message = message_of("w", "gone", 1);
    config.will.message.retain = true;
    broker_open(&broker);
    config.port = broker.port;
    assert_int_equal(device_open(&device, NULL, config), 0);
    device.broker = &broker;
    th_connect(device.client);
    gets(&device, "10 21 0004'MQTT' 04 ee 000a 0001'c' 0001'w' 0004'gone' 0001'u' 0006'secret'");
    broker_sends(&broker, "20 02 00 00");
    UNTIL(&device, th_phase(device.client) == TH_PHASE_UP);
    leave_in_order();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(publishes_at_qos_0),
        cmocka_unit_test(publishes_at_qos_1),
        cmocka_unit_test(publishes_at_qos_2),
        cmocka_unit_test(a_refused_message_is_reported),
        cmocka_unit_test(what_is_published_before_connecting_is_sent_when_up),
        cmocka_unit_test(refuses_what_is_wrong_and_says_why),
        cmocka_unit_test(keeps_to_what_the_broker_announced),
        cmocka_unit_test(subscribes_and_unsubscribes),
        cmocka_unit_test(takes_messages_at_every_qos),
        cmocka_unit_test(packets_come_byte_by_byte),
        cmocka_unit_test(a_hundred_packets_come_at_once),
        cmocka_unit_test(a_callback_may_publish),
        cmocka_unit_test(an_event_may_lead_to_the_next_request),
        cmocka_unit_test(a_request_wakes_the_loop),
        cmocka_unit_test(a_step_ends_though_there_is_always_more),
        cmocka_unit_test(idle_is_idle),
        cmocka_unit_test(runs_with_poll),
        cmocka_unit_test(wrong_configurations_are_refused),
        cmocka_unit_test(a_client_that_is_not_connected_does_not_wait),
        cmocka_unit_test(connecting_twice_is_refused),
        cmocka_unit_test(defaults),
        cmocka_unit_test(credentials_and_will_are_sent),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
