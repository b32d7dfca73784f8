/* What goes out: through TLS to a slow reader; with topic aliases; before it expires; taken up from
 * an earlier process. */
#include "device.h"

static struct device device;
static struct broker broker;

/* ---- a broker that does not read ------------------------------------------------------------- */

#define STALLED_MESSAGES 4000

static unsigned published;

static void publish_numbered(void)
{
    char payload[104];
    memset(payload, '.', sizeof payload);
    snprintf(payload, 8, "%06u", published);
    payload[6] = '.';
    struct th_message message = {.topic = th_slice_text("topic"),
                                 .payload = {(const uint8_t *)payload, 100}};
    assert_int_equal(count_events(&device, TH_EVENT_DISCONNECTED), 0);
    device.event_count = 0;
    if (published < STALLED_MESSAGES && th_publish(device.client, &message) == 0)
        published++;
}

static void expect_numbered(unsigned number)
{
    char expected[32];
    UNTIL(&device, broker.in_bytes >= 109 || broker.ended);
    snprintf(expected, sizeof expected, "%06u", number);
    assert_memory_equal(broker.in, "\x30\x6b\0\5topic", 9);
    assert_memory_equal(broker.in + 9, expected, 6);
    broker_forget(&broker, 109);
    publish_numbered();
}

/* TLS keeps what it has encrypted, and the next write must begin with it. */
static void a_broker_that_reads_slowly_loses_nothing(void **state)
{
    (void)state;
    struct th_context *context = context_of(trust("ec"));
    struct server server = serve_mutually("ec", "-tls1_3");
    struct th_config config = tls_config(server.port, TH_MQTT_3_1_1);
    broker_behind(&broker, &server);
    assert_int_equal(device_open(&device, context, config), 0);
    device.broker = &broker;
    assert_int_equal(th_connect(device.client), 0);
    greet(&device);
    device.broker = NULL;
    published = 0;
    for (uint64_t until_ms = clock_ms() + PATIENCE_MS; clock_ms() < until_ms; step(&device)) {
        unsigned before = published;
        publish_numbered();
        if (before == published && device.client->wants_write)
            break;
    }
    assert_true(device.client->wants_write);
    device.broker = &broker;
    for (unsigned i = 0; i < STALLED_MESSAGES; i++)
        expect_numbered(i);
    both_close(&device, &broker);
    stop(&server);
    context_free(context);
}

/* ---- topic aliases --------------------------------------------------------------------------- */

static void up_with_aliases(uint16_t ours, const char *connack)
{
    struct th_config config = plain_config(0, TH_MQTT_5);
    config.topic_alias_send_maximum = ours;
    config.redial = (struct th_redial){.first_ms = 1, .max_ms = 1, .attempts = -1};
    broker_open(&broker);
    config.port = broker.port;
    assert_int_equal(device_open(&device, NULL, config), 0);
    device.broker = &broker;
    th_connect(device.client);
    gets(&device, CONNECT_5);
    broker_sends(&broker, connack);
    UNTIL(&device, th_phase(device.client) == TH_PHASE_UP);
}

static void the_least_recently_used_topic_gives_its_alias(void **state)
{
    (void)state;
    up_with_aliases(9, "20 06 00 00 03 22 0002");
    publish(&device, "a", "1", 0);
    publish(&device, "a", "2", 0);
    publish(&device, "b", "3", 0);
    publish(&device, "a", "4", 0);
    publish(&device, "c", "5", 0);
    publish(&device, "b", "6", 1);
    publish(&device, "b", "7", 2);
    gets(&device, "30 08 0001'a' 03 23 0001 '1'  30 07 0000 03 23 0001 '2'");
    gets(&device, "30 08 0001'b' 03 23 0002 '3'  30 07 0000 03 23 0001 '4'");
    gets(&device, "30 08 0001'c' 03 23 0002 '5'  32 0a 0001'b' 0001 03 23 0001 '6'");
    gets(&device, "34 09 0000 0002 03 23 0001 '7'");
    both_close(&device, &broker);
}

static void the_smaller_wish_counts(void **state)
{
    (void)state;
    static const char *const plain = "30 05 0001'a' 00 '1'  30 05 0001'a' 00 '2'";
    static const struct { uint16_t ours; const char *connack, *expected; } cases[] = {
        {0, "20 06 00 00 03 22 0002", plain},
        {5, "20 03 00 00 00", plain},
        {1, "20 06 00 00 03 22 ffff", "30 08 0001'a' 03 23 0001 '1'  30 07 0000 03 23 0001 '2'"},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        up_with_aliases(cases[i].ours, cases[i].connack);
        publish(&device, "a", "1", 0);
        publish(&device, "a", "2", 0);
        gets(&device, cases[i].expected);
        both_close(&device, &broker);
    }
}

/* What waits for its acknowledgement is sent again with its topic. */
static void a_redial_begins_without_aliases(void **state)
{
    (void)state;
    up_with_aliases(4, "20 06 00 00 03 22 0004");
    publish(&device, "a", "1", 1);
    publish(&device, "a", "2", 1);
    gets(&device, "32 0a 0001'a' 0001 03 23 0001 '1'  32 09 0000 0002 03 23 0001 '2'");
    broker_drops(&broker);
    gets(&device, "10 11 0004'MQTT' 05 00 0000 03 210040 0001'c'");
    broker_sends(&broker, "20 03 01 00 00");
    gets(&device, "3a 07 0001'a' 0001 00 '1'  3a 07 0001'a' 0002 00 '2'");
    both_close(&device, &broker);
}

static void an_alias_of_the_caller_s_passes_and_is_learned(void **state)
{
    (void)state;
    const struct th_property alias = {.id = 0x23, .number = 1};
    struct th_message own = message_of("b", "2", 0);
    own.properties = (struct th_properties){&alias, 1};
    up_with_aliases(4, "20 06 00 00 03 22 0004");
    publish(&device, "a", "1", 0);
    assert_int_equal(th_publish(device.client, &own), 0);
    publish(&device, "a", "3", 0);
    publish(&device, "b", "4", 0);
    gets(&device, "30 08 0001'a' 03 23 0001 '1'  30 08 0001'b' 03 23 0001 '2'");
    gets(&device, "30 08 0001'a' 03 23 0002 '3'  30 07 0000 03 23 0001 '4'");
    both_close(&device, &broker);
}

static int read_letters(void *arg, uint64_t offset_bytes, uint8_t *out, size_t bytes)
{
    (void)arg;
    (void)offset_bytes;
    memset(out, 'z', bytes);
    return (int)bytes;
}

static void small_messages_are_one_write(void **state)
{
    (void)state;
    up_with_aliases(4, "20 06 00 00 03 22 0004");
    struct th_message streamed = message_of("a", "", 0);
    streamed.source = (struct th_payload_source){read_letters, NULL, 3, NULL};
    uint64_t writes = device.client->link.wire.calls_out;
    for (unsigned i = 0; i < 20; i++)
        publish(&device, "a", "1", 0);
    th_publish(device.client, &streamed);
    UNTIL(&device, count_events(&device, TH_EVENT_PUBLISHED) == 21);
    assert_int_equal(device.client->link.wire.calls_out, writes + 1);
    gets(&device, "30 08 0001'a' 03 23 0001 '1'");
    for (unsigned i = 1; i < 20; i++)
        gets(&device, "30 07 0000 03 23 0001 '1'");
    gets(&device, "30 09 0000 03 23 0001 'zzz'");
    both_close(&device, &broker);
}

/* ---- messages that expire -------------------------------------------------------------------- */

static void what_expires_before_the_broker_is_there_is_told(void **state)
{
    (void)state;
    const struct th_property interval = {.id = 0x02, .number = 1};
    struct th_message short_lived = message_of("t", "old", 1);
    short_lived.properties = (struct th_properties){&interval, 1};
    broker_open(&broker);
    assert_int_equal(device_open(&device, NULL, plain_config(broker.port, TH_MQTT_5)), 0);
    device.broker = &broker;
    assert_int_equal(th_publish(device.client, &short_lived), 1);
    assert_int_equal(publish(&device, "t", "new", 1), 2);
    th_connect(device.client);
    gets(&device, CONNECT_5);
    FOR_MS(&device, 1100);
    broker_sends(&broker, "20 03 00 00 00");
    gets(&device, "32 09 0001't' 0002 00 'new'");
    gets_nothing_more(&device);
    assert_int_equal(count_events(&device, TH_EVENT_PUBLISHED), 1);
    const struct noted *told = &device.events[0];
    assert_int_equal(told->kind, TH_EVENT_PUBLISHED);
    assert_int_equal(told->packet_id, 1);
    assert_int_equal(told->reason, TH_REASON_EXPIRED);
    assert_int_equal(told->fault_code, TH_E_TIMEOUT);
    assert_string_equal(th_request_fault(device.client)->text,
                        "message 1 expired while it waited to be sent");
    both_close(&device, &broker);
}

/* ---- messages of an earlier process ---------------------------------------------------------- */

static int take_up(unsigned packet_id, unsigned qos, enum th_taken_up how)
{
    struct th_message message = message_of("t", "x", qos);
    message.packet_id = (uint16_t)packet_id;
    message.taken_up = (uint8_t)how;
    return th_publish(device.client, &message);
}

/* One of each, before the connection is up. */
static void take_all_up(const char *connack)
{
    struct th_config config = plain_config(0, TH_MQTT_3_1_1);
    config.clean_start = false;
    config.holds_pubrel = true;
    broker_open(&broker);
    config.port = broker.port;
    assert_int_equal(device_open(&device, NULL, config), 0);
    device.broker = &broker;
    assert_int_equal(take_up(0x8001, 2, TH_TAKEN_RELEASED), 0x8001);
    assert_int_equal(take_up(0x8002, 2, TH_TAKEN_SENT), 0x8002);
    assert_int_equal(take_up(0x8003, 1, TH_TAKEN_SENT), 0x8003);
    assert_int_equal(take_up(0x8004, 2, TH_TAKEN_NEW), 0x8004);
    th_connect(device.client);
    gets(&device, "10 0d 0004'MQTT' 04 00 0000 0001'c'");
    broker_sends(&broker, connack);
}

static void tells(enum th_event_kind kind, unsigned packet_id, unsigned reason)
{
    UNTIL(&device, device.event_count > 0);
    assert_int_equal(device.events[0].kind, kind);
    assert_int_equal(device.events[0].packet_id, packet_id);
    assert_int_equal(device.events[0].reason, reason);
    device.event_count = 0;
}

static void what_a_session_knows_goes_on_where_it_was(void **state)
{
    (void)state;
    take_all_up("20 02 01 00");
    gets(&device, "62 02 8001  3c 06 0001't' 8002 'x'  3a 06 0001't' 8003 'x'");
    gets(&device, "34 06 0001't' 8004 'x'");
    tells(TH_EVENT_CONNECTED, 0, 0);
    broker_sends(&broker, "70 02 8001");
    tells(TH_EVENT_PUBLISHED, 0x8001, 0);
    broker_sends(&broker, "50 02 8002");
    tells(TH_EVENT_RECEIVED, 0x8002, 0);
    FOR_MS(&device, 50);
    gets_nothing_more(&device); /* PUBREL waits until the PUBREC is kept */
    th_release(device.client);
    gets(&device, "62 02 8002");
    broker_sends(&broker, "70 02 8002  40 02 8003");
    UNTIL(&device, device.event_count == 2);
    assert_int_equal(device.events[0].packet_id, 0x8002);
    assert_int_equal(device.events[1].packet_id, 0x8003);
    both_close(&device, &broker);
}

static void a_session_that_is_gone_knows_nothing(void **state)
{
    (void)state;
    take_all_up("20 02 00 00");
    gets(&device, "34 06 0001't' 8002 'x'  32 06 0001't' 8003 'x'  34 06 0001't' 8004 'x'");
    gets_nothing_more(&device);
    assert_int_equal(count_events(&device, TH_EVENT_PUBLISHED), 1);
    const struct noted *told = &device.events[device.events[0].kind != TH_EVENT_PUBLISHED];
    assert_int_equal(told->packet_id, 0x8001);
    assert_int_equal(told->reason, TH_REASON_UNCERTAIN);
    both_close(&device, &broker);
}

static void identifiers_that_are_not_ours_to_give_are_refused(void **state)
{
    (void)state;
    assert_int_equal(device_open(&device, NULL, plain_config(1, TH_MQTT_3_1_1)), 0);
    for (int how = TH_TAKEN_NEW; how <= TH_TAKEN_RELEASED; how++) {
        assert_int_equal(take_up(TH_PACKET_ID_OWN - 1, 2, (enum th_taken_up)how), TH_E_ARGUMENT);
        assert_int_equal(take_up(TH_PACKET_ID_OWN, 0, (enum th_taken_up)how), TH_E_ARGUMENT);
    }
    assert_int_equal(take_up(0, 2, TH_TAKEN_SENT), TH_E_ARGUMENT);
    assert_int_equal(take_up(TH_PACKET_ID_OWN, 2, TH_TAKEN_RELEASED), TH_PACKET_ID_OWN);
    assert_int_equal(take_up(TH_PACKET_ID_OWN, 1, TH_TAKEN_NEW), TH_E_ARGUMENT);
    device_close(&device);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_broker_that_reads_slowly_loses_nothing),
        cmocka_unit_test(the_least_recently_used_topic_gives_its_alias),
        cmocka_unit_test(the_smaller_wish_counts),
        cmocka_unit_test(a_redial_begins_without_aliases),
        cmocka_unit_test(an_alias_of_the_caller_s_passes_and_is_learned),
        cmocka_unit_test(small_messages_are_one_write),
        cmocka_unit_test(what_expires_before_the_broker_is_there_is_told),
        cmocka_unit_test(what_a_session_knows_goes_on_where_it_was),
        cmocka_unit_test(a_session_that_is_gone_knows_nothing),
        cmocka_unit_test(identifiers_that_are_not_ours_to_give_are_refused),
    };
    return cmocka_run_group_tests(tests, make_pki, NULL);
}
