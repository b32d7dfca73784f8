/* What the broker sends to us. */
#include "bench.h"

#include "mqtt/encode.h"

static const enum th_mqtt_version versions[] = {TH_MQTT_3_1, TH_MQTT_3_1_1, TH_MQTT_5};

static void assert_arrives(const char *text, enum th_session_outcome_kind kind)
{
    assert_int_equal(got(text), 0);
    assert_int_equal(bench.out.kind, kind);
}

static const char *for_version(const char *v3_1_1, const char *v5)
{
    return bench.config.version == TH_MQTT_5 ? v5 : v3_1_1;
}

static const char *publish_of(unsigned qos, unsigned id, bool dup)
{
    static char text[64];
    bool is_5 = bench.config.version == TH_MQTT_5;
    snprintf(text, sizeof text, "%02x %02x 0001't' %04x %s", 0x30 | qos << 1 | (dup ? 8 : 0),
             is_5 ? 6 : 5, id, is_5 ? "00" : "");
    return text;
}

/* ---- flows -------------------------------------------------------------------------------- */

static void test_qos_0(void **state)
{
    (void)state;
    for (unsigned v = 0; v < COUNT_OF(versions); v++) {
        bench_up(versions[v]);
        assert_arrives(for_version("30 03 0001't'", "30 04 0001't' 00"), TH_SESSION_DELIVER);
        th_session_delivered(&bench.session);
        assert_sends("");
    }
}

static void test_qos_1_is_acknowledged_after_delivery(void **state)
{
    (void)state;
    for (unsigned v = 0; v < COUNT_OF(versions); v++) {
        bench_up(versions[v]);
        assert_arrives(publish_of(1, 5, false), TH_SESSION_DELIVER);
        assert_sends("");
        th_session_delivered(&bench.session);
        th_session_delivered(&bench.session);
        assert_sends("40 02 0005");
        assert_arrives(publish_of(1, 5, true), TH_SESSION_DELIVER);
    }
}

static void test_qos_2_is_delivered_once(void **state)
{
    (void)state;
    for (unsigned v = 0; v < COUNT_OF(versions); v++) {
        bench_up(versions[v]);
        assert_arrives(publish_of(2, 5, false), TH_SESSION_DELIVER);
        assert_sends("");
        th_session_delivered(&bench.session);
        assert_sends("50 02 0005");
        assert_arrives(publish_of(2, 5, true), TH_SESSION_SKIP);
        th_session_delivered(&bench.session);
        assert_sends("50 02 0005");
        assert_int_equal(bench.session.strays.duplicates, 1);
        assert_nothing("62 02 0005");
        assert_sends("70 02 0005");
        assert_arrives(publish_of(2, 5, false), TH_SESSION_DELIVER);
    }
}

static void test_unknown_pubrel_is_answered(void **state)
{
    (void)state;
    bench_up(TH_MQTT_3_1_1);
    assert_nothing("62 02 0009");
    assert_sends("70 02 0009");
    bench_up(TH_MQTT_5);
    assert_nothing("62 02 0009");
    assert_sends("70 03 0009 92");
    assert_nothing("62 03 0009 92");
    assert_sends("70 03 0009 92");
}

/* ---- a connection lost at every point of QoS 2 -------------------------------------------- */

static void test_lost_before_delivery(void **state)
{
    (void)state;
    for (unsigned v = 0; v < COUNT_OF(versions); v++) {
        bench_up(versions[v]);
        assert_arrives(publish_of(2, 5, false), TH_SESSION_DELIVER);
        redial(true);
        th_session_delivered(&bench.session);
        assert_sends("");
        assert_arrives(publish_of(2, 5, true), TH_SESSION_DELIVER);
    }
}

static void test_lost_before_pubrec_was_sent(void **state)
{
    (void)state;
    for (unsigned v = 0; v < COUNT_OF(versions); v++) {
        bench_up(versions[v]);
        assert_arrives(publish_of(2, 5, false), TH_SESSION_DELIVER);
        th_session_delivered(&bench.session);
        redial(true);
        assert_sends("");
        assert_arrives(publish_of(2, 5, true), TH_SESSION_SKIP);
        th_session_delivered(&bench.session);
        assert_sends("50 02 0005");
    }
}

static void test_lost_before_pubcomp_was_sent(void **state)
{
    (void)state;
    for (unsigned v = 0; v < COUNT_OF(versions); v++) {
        bench_up(versions[v]);
        assert_arrives(publish_of(2, 5, false), TH_SESSION_DELIVER);
        th_session_delivered(&bench.session);
        assert_nothing("62 02 0005");
        redial(true);
        assert_nothing("62 02 0005");
        assert_sends(for_version("70 02 0005", "70 03 0005 92"));
    }
}

static void test_lost_session_forgets_identifiers(void **state)
{
    (void)state;
    for (unsigned v = 0; v < COUNT_OF(versions); v++) {
        bench_up(versions[v]);
        assert_arrives(publish_of(2, 5, false), TH_SESSION_DELIVER);
        th_session_delivered(&bench.session);
        redial(false);
        assert_arrives(publish_of(2, 5, false), TH_SESSION_DELIVER);
    }
}

/* ---- bounds ------------------------------------------------------------------------------- */

static void take(unsigned id)
{
    assert_arrives(publish_of(2, id, false), TH_SESSION_DELIVER);
    th_session_delivered(&bench.session);
    forget_sent();
}

static void take_again(unsigned id)
{
    assert_arrives(publish_of(2, id, true), TH_SESSION_SKIP);
    th_session_delivered(&bench.session);
    char pubrec[32];
    snprintf(pubrec, sizeof pubrec, "50 02 %04x", id);
    assert_sends(pubrec);
}

static void release(unsigned id)
{
    char pubrel[32];
    snprintf(pubrel, sizeof pubrel, "62 02 %04x", id);
    assert_nothing(pubrel);
    forget_sent();
}

/* Messages of QoS 2 without a PUBREL, whatever was announced, until there is no identifier left. */
static void test_qos_2_flood(void **state)
{
    (void)state;
    for (unsigned v = 0; v < COUNT_OF(versions); v++) {
        bench_open(&(struct th_config){.version = versions[v], .client_id = "c",
                                       .receive_maximum = 1});
        connect_with(for_version("20 02 00 00", "20 03 00 00 00"));
        for (unsigned id = 65535; id > 0; id--)
            take(id);
        assert_int_equal(bench.session.received.ids.count, 65535);
        take_again(1), take_again(30000), take_again(65535);
        for (unsigned id = 1; id <= 65535; id++)
            release(id);
        assert_int_equal(bench.session.received.ids.count, 0);
    }
}

/* As mosquitto 2.0.11 sends when QoS 1 and 2 come in a flood: every second one is of QoS 2, and
 * those that are under way are finished in no order, over a redial, too. */
static void test_thousands_in_no_order(void **state)
{
    (void)state;
    for (unsigned v = 0; v < COUNT_OF(versions); v++) {
        bench_up(versions[v]);
        for (unsigned id = 1; id <= 20000; id += 2) {
            take(id);
            assert_arrives(publish_of(1, id + 1, false), TH_SESSION_DELIVER);
            th_session_delivered(&bench.session);
            forget_sent();
        }
        for (unsigned id = 1; id <= 20000; id += 4)
            release(id);
        redial(true);
        for (unsigned id = 3; id <= 20000; id += 4)
            take_again(id);
        for (unsigned id = 3; id <= 20000; id += 4)
            release(id);
        assert_int_equal(bench.session.received.ids.count, 0);
    }
}

static void test_identifiers_leave_the_table_in_any_order(void **state)
{
    (void)state;
    bench_up(TH_MQTT_5);
    for (unsigned id = 1; id <= 5; id++) {
        got(publish_of(2, id, false));
        th_session_delivered(&bench.session);
    }
    forget_sent();
    static const char *const pubrels[] = {"62 02 0003", "62 02 0001", "62 02 0005"};
    for (unsigned i = 0; i < COUNT_OF(pubrels); i++)
        assert_nothing(pubrels[i]);
    assert_sends("70 02 0003 70 02 0001 70 02 0005");
    assert_arrives(publish_of(2, 2, true), TH_SESSION_SKIP);
    assert_arrives(publish_of(2, 4, true), TH_SESSION_SKIP);
    assert_arrives(publish_of(2, 3, false), TH_SESSION_DELIVER);
}

/* ---- back pressure ------------------------------------------------------------------------ */

static unsigned receive_until_full(void)
{
    unsigned id = 0;
    while (got(publish_of(1, ++id, false)) == 0)
        th_session_delivered(&bench.session);
    return id;
}

static void test_answers_wait_for_room(void **state)
{
    (void)state;
    bench_up(TH_MQTT_5);
    unsigned id = receive_until_full();
    assert_true(id > 100);
    struct th_session before = bench.session;
    assert_int_equal(got(publish_of(1, id, false)), TH_WANT_WRITE);
    assert_int_equal(got(publish_of(2, id, false)), TH_WANT_WRITE);
    assert_int_equal(got("62 02 0001"), TH_WANT_WRITE);
    assert_int_equal(got("50 02 0001"), TH_WANT_WRITE);
    assert_memory_equal(&before, &bench.session, sizeof before);
    assert_arrives("30 04 0001't' 00", TH_SESSION_DELIVER);
    forget_sent();
    assert_arrives(publish_of(1, id, false), TH_SESSION_DELIVER);
}

/* Whatever goes on between receive and delivered, the acknowledgement has its room. */
static void test_promised_room_stays(void **state)
{
    (void)state;
    bench_up(TH_MQTT_5);
    for (unsigned i = 0; i < 10; i++)
        publish(2);
    forget_sent();
    assert_true(receive_until_full() > 100);
    th_outbox_sent(&bench.outbox, (th_outbox_next(&bench.outbox), 5), 0);
    for (unsigned i = 1; i <= 10; i++)
        th_outbox_acknowledge(&bench.outbox, TH_ACK_PUBREC, (uint16_t)i);
    assert_arrives(publish_of(2, 999, false), TH_SESSION_DELIVER);
    th_outbox_next(&bench.outbox);
    bench.now_ms += 100000;
    assert_int_equal(th_session_tick(&bench.session, bench.now_ms, &bench.fault), 0);
    th_outbox_next(&bench.outbox);
    uint32_t before = bench.outbox.control_end;
    th_session_delivered(&bench.session);
    assert_int_equal(bench.outbox.control_end, before + 4);
}

static void test_publish_inside_a_delivery(void **state)
{
    (void)state;
    bench_up(TH_MQTT_5);
    assert_arrives(publish_of(1, 5, false), TH_SESSION_DELIVER);
    assert_int_equal(publish(1), 1);
    th_session_delivered(&bench.session);
    assert_sends("40 02 0005 32 07 0001't' 0001 00 'p'");
}

static void test_abort_inside_a_delivery(void **state)
{
    (void)state;
    bench_up(TH_MQTT_5);
    assert_arrives(publish_of(2, 5, false), TH_SESSION_DELIVER);
    th_session_abort(&bench.session, 0x80);
    th_session_delivered(&bench.session);
    assert_sends("e0 01 80");
    redial(true);
    assert_arrives(publish_of(2, 5, true), TH_SESSION_SKIP);
}

/* ---- sequences that break the rules -------------------------------------------------------- */

static void test_topic_alias_was_not_offered(void **state)
{
    (void)state;
    bench_up(TH_MQTT_5);
    assert_protocol_error("30 07 0001't' 03 23 0001", 0x94, "Topic Alias Maximum");
    assert_sends("e0 01 94");
}

static void up_with_aliases(void)
{
    bench_open(&(struct th_config){.version = TH_MQTT_5, .client_id = "c",
                                   .topic_alias_maximum = 3});
    connect_with("20 03 00 00 00");
}

static void assert_topic(const char *packet, const char *topic)
{
    assert_arrives(packet, TH_SESSION_DELIVER);
    assert_int_equal(bench.out.topic.len_bytes, strlen(topic));
    assert_memory_equal(bench.out.topic.data, topic, strlen(topic));
    th_session_delivered(&bench.session);
}

static void test_topic_aliases_are_resolved(void **state)
{
    (void)state;
    up_with_aliases();
    assert_topic("30 07 0001't' 03 23 0001", "t");
    assert_topic("30 06 0000 03 23 0001", "t");
    assert_topic("30 09 0003'a/b' 03 23 0003", "a/b");
    assert_topic("32 0a 0001'u' 0001 03 23 0001 00", "u");
    assert_topic("30 06 0000 03 23 0003", "a/b");
    assert_topic("30 06 0000 03 23 0001", "u");
    assert_topic("30 0a 0005'other' 00", "other");
    assert_topic("30 0b 0005'longe' 03 23 0001 ", "longe");
    assert_topic("30 06 0000 03 23 0003", "a/b");
    assert_topic("30 06 0000 03 23 0001", "longe");
    assert_protocol_error("30 06 0000 03 23 0002", 0x94, "never given a topic");
    up_with_aliases();
    assert_protocol_error("30 07 0001't' 03 23 0004", 0x94, "Topic Alias Maximum");
}

/* Also when the message itself came before. */
static void test_a_duplicate_gives_its_alias_a_topic(void **state)
{
    (void)state;
    up_with_aliases();
    assert_topic("34 06 0001't' 0007 00", "t");
    assert_arrives("3c 09 0001't' 0007 03 23 0002", TH_SESSION_SKIP);
    th_session_delivered(&bench.session);
    assert_topic("30 06 0000 03 23 0002", "t");
}

static void test_aliases_end_with_their_connection(void **state)
{
    (void)state;
    up_with_aliases();
    assert_topic("30 07 0001't' 03 23 0001", "t");
    redial(true);
    assert_protocol_error("30 06 0000 03 23 0001", 0x94, "never given a topic");
}

/* Of the 64 bytes of the bench a topic of 30 takes 34. */
static void test_alias_topics_beyond_the_pool(void **state)
{
    (void)state;
    static const char first[] = "30 24 001e'123456789012345678901234567890' 03 23 0001";
    static const char second[] = "30 24 001e'123456789012345678901234567890' 03 23 0002";
    up_with_aliases();
    assert_topic(first, "123456789012345678901234567890");
    assert_topic(first, "123456789012345678901234567890");
    assert_int_equal(got(second), TH_E_MEMORY);
    assert_int_equal(bench.out.reason, 0x97);
    assert_non_null(strstr(bench.out.problem, "Topic Alias Maximum"));
    assert_sends("e0 01 97");
}

/* Every packet a server may send, before CONNACK. */
static void test_packets_before_connack(void **state)
{
    (void)state;
    static const char *const packets[] = {
        "30 04 0001't' 00", "32 06 0001't' 0001 00", "40 02 0001", "50 02 0001", "62 02 0001",
        "70 02 0001", "90 04 0001 00 00", "b0 04 0001 00 00", "d0 00", "e0 00",
    };
    for (unsigned i = 0; i < COUNT_OF(packets); i++) {
        bench_open(&(struct th_config){.version = TH_MQTT_5, .client_id = "c"});
        greet();
        assert_protocol_error(packets[i], 0x82, "before CONNACK");
        assert_sends("");
    }
}

static void test_second_connack(void **state)
{
    (void)state;
    bench_up(TH_MQTT_5);
    assert_protocol_error("20 03 00 00 00", 0x82, "second CONNACK");
    assert_sends("e0 01 82");
    bench_up(TH_MQTT_3_1_1);
    assert_protocol_error("20 02 00 00", 0x82, "second CONNACK");
    assert_sends("");
}

static void test_unasked_pingresp_is_counted(void **state)
{
    (void)state;
    bench_up(TH_MQTT_3_1_1);
    assert_nothing("d0 00");
    assert_int_equal(bench.session.strays.pingresps, 1);
}

static void test_nothing_is_heard_without_a_connection(void **state)
{
    (void)state;
    bench_up(TH_MQTT_3_1_1);
    th_session_lost(&bench.session);
    assert_int_equal(got("d0 00"), TH_E_PROTOCOL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_qos_0),
        cmocka_unit_test(test_qos_1_is_acknowledged_after_delivery),
        cmocka_unit_test(test_qos_2_is_delivered_once),
        cmocka_unit_test(test_unknown_pubrel_is_answered),
        cmocka_unit_test(test_lost_before_delivery),
        cmocka_unit_test(test_lost_before_pubrec_was_sent),
        cmocka_unit_test(test_lost_before_pubcomp_was_sent),
        cmocka_unit_test(test_lost_session_forgets_identifiers),
        cmocka_unit_test(test_qos_2_flood),
        cmocka_unit_test(test_thousands_in_no_order),
        cmocka_unit_test(test_identifiers_leave_the_table_in_any_order),
        cmocka_unit_test(test_answers_wait_for_room),
        cmocka_unit_test(test_promised_room_stays),
        cmocka_unit_test(test_publish_inside_a_delivery),
        cmocka_unit_test(test_abort_inside_a_delivery),
        cmocka_unit_test(test_topic_alias_was_not_offered),
        cmocka_unit_test(test_topic_aliases_are_resolved),
        cmocka_unit_test(test_a_duplicate_gives_its_alias_a_topic),
        cmocka_unit_test(test_aliases_end_with_their_connection),
        cmocka_unit_test(test_alias_topics_beyond_the_pool),
        cmocka_unit_test(test_packets_before_connack),
        cmocka_unit_test(test_second_connack),
        cmocka_unit_test(test_unasked_pingresp_is_counted),
        cmocka_unit_test(test_nothing_is_heard_without_a_connection),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
