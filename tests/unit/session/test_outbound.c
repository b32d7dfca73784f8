/* What we ask of the broker. */
#include "bench.h"

#include "base/err.h"
#include "mqtt/encode.h"
#include "mqtt/property.h"

static const enum th_mqtt_version versions[] = {TH_MQTT_3_1, TH_MQTT_3_1_1, TH_MQTT_5};

static bool is_5(unsigned v)
{
    return versions[v] == TH_MQTT_5;
}

static const char *for_version(const char *v3_1_1, const char *v5)
{
    return bench.config.version == TH_MQTT_5 ? v5 : v3_1_1;
}

/* ---- flows -------------------------------------------------------------------------------- */

static void test_qos_0(void **state)
{
    (void)state;
    for (unsigned v = 0; v < COUNT_OF(versions); v++) {
        bench_up(versions[v]);
        assert_int_equal(publish(0), 0);
        assert_sends(for_version("30 04 0001't' 'p'", "30 05 0001't' 00 'p'"));
        assert_int_equal(th_outbox_pending(&bench.outbox), 0);
    }
}

static void test_qos_1(void **state)
{
    (void)state;
    for (unsigned v = 0; v < COUNT_OF(versions); v++) {
        bench_up(versions[v]);
        assert_int_equal(publish(1), 1);
        assert_sends(for_version("32 06 0001't' 0001 'p'", "32 07 0001't' 0001 00 'p'"));
        assert_event("40 02 0001", TH_EVENT_PUBLISHED, 1, 0);
        assert_nothing("40 02 0001");
        assert_int_equal(bench.session.strays.acknowledgements, 1);
    }
}

static void test_qos_2(void **state)
{
    (void)state;
    for (unsigned v = 0; v < COUNT_OF(versions); v++) {
        bench_up(versions[v]);
        assert_int_equal(publish(2), 1);
        assert_sends(for_version("34 06 0001't' 0001 'p'", "34 07 0001't' 0001 00 'p'"));
        assert_nothing("50 02 0001");
        assert_sends("62 02 0001");
        assert_nothing("50 02 0001");
        assert_int_equal(bench.session.strays.duplicates, 1);
        assert_sends("");
        assert_event("70 02 0001", TH_EVENT_PUBLISHED, 1, 0);
    }
}

static void test_subscribe_and_unsubscribe(void **state)
{
    (void)state;
    for (unsigned v = 0; v < COUNT_OF(versions); v++) {
        bench_up(versions[v]);
        assert_int_equal(subscribe_to("a/#"), 1);
        assert_sends(for_version("82 08 0001 0003'a/#' 01", "82 09 0001 00 0003'a/#' 01"));
        assert_event(for_version("90 03 0001 80", "90 04 0001 00 87"), TH_EVENT_SUBSCRIBED, 1, 0);
        assert_int_equal(bench.out.event.codes.len_bytes, 1);
        assert_int_equal(bench.out.event.codes.data[0], is_5(v) ? 0x87 : 0x80);
        assert_int_equal(unsubscribe_from("a/#"), 2);
        assert_sends(for_version("a2 07 0002 0003'a/#'", "a2 08 0002 00 0003'a/#'"));
        assert_event(for_version("b0 02 0002", "b0 04 0002 00 11"), TH_EVENT_UNSUBSCRIBED, 2, 0);
        assert_int_equal(th_outbox_pending(&bench.outbox), 0);
    }
}

static void test_properties_of_requests(void **state)
{
    (void)state;
    const struct th_property user = {.id = TH_PROPERTY_USER, .text = th_slice_text("n"),
                                     .value = th_slice_text("v")};
    const struct th_properties properties = {&user, 1};
    const struct th_slice name = th_slice_text("a");
    const struct th_filter filter = {.filter = name};
    bench_up(TH_MQTT_5);
    assert_int_equal(th_session_subscribe(&bench.session, &filter, 1, &properties, NULL), 1);
    assert_int_equal(th_session_unsubscribe(&bench.session, &name, 1, &properties, NULL), 2);
    assert_sends("82 0e 0001 07 26 0001'n' 0001'v' 0001'a' 00 "
                 "a2 0d 0002 07 26 0001'n' 0001'v' 0001'a'");
}

static void test_refused_messages_are_reported(void **state)
{
    (void)state;
    bench_up(TH_MQTT_5);
    publish(1);
    publish(2);
    publish(2);
    forget_sent();
    assert_event("40 03 0001 97", TH_EVENT_PUBLISHED, 1, 0x97);
    assert_event("50 03 0002 87", TH_EVENT_PUBLISHED, 2, 0x87);
    assert_sends("");
    assert_nothing("50 03 0003 10");
    assert_sends("62 02 0003");
    assert_event("70 03 0003 92", TH_EVENT_PUBLISHED, 3, 0x92);
    assert_int_equal(th_outbox_pending(&bench.outbox), 0);
}

/* ---- acknowledgements that do not fit ------------------------------------------------------ */

static void test_unknown_identifiers_are_counted(void **state)
{
    (void)state;
    bench_up(TH_MQTT_5);
    assert_nothing("40 02 0009");
    assert_nothing("70 02 0009");
    assert_nothing("90 04 0009 00 00");
    assert_nothing("b0 04 0009 00 00");
    assert_int_equal(bench.session.strays.acknowledgements, 4);
    assert_sends("");
    assert_nothing("50 02 0009");
    assert_sends("62 03 0009 92");
    assert_nothing("50 03 0009 87");
    assert_sends("");
    bench_up(TH_MQTT_3_1_1);
    assert_nothing("50 02 0009");
    assert_sends("62 02 0009");
}

/* A PUBREL for a message that is not sent yet would end it before it began. */
static void test_pubrec_before_publish_is_sent(void **state)
{
    (void)state;
    bench_up(TH_MQTT_5);
    bench.outbox.receive_maximum = 1;
    publish(1);
    publish(2);
    forget_sent();
    assert_nothing("50 02 0002");
    assert_sends("");
    assert_event("40 02 0001", TH_EVENT_PUBLISHED, 1, 0);
    assert_sends("34 07 0001't' 0002 00 'p'");
}

static void test_wrong_acknowledgements(void **state)
{
    (void)state;
    static const char *const wrong[4][4] = {
        {"50 02 0001", "70 02 0001", "90 04 0001 00 00", "b0 04 0001 00 00"}, /* QoS 1 */
        {"40 02 0001", "70 02 0001", "90 04 0001 00 00", "b0 04 0001 00 00"}, /* QoS 2 */
        {"40 02 0001", "50 02 0001", "70 02 0001", "b0 04 0001 00 00"},       /* SUBSCRIBE */
        {"40 02 0001", "50 03 0001 80", "70 02 0001", "90 04 0001 00 00"},    /* UNSUBSCRIBE */
    };
    for (unsigned request = 0; request < 4; request++)
        for (unsigned i = 0; i < 4; i++) {
            bench_up(TH_MQTT_5);
            int id = request < 2 ? publish(request + 1)
                                 : request == 2 ? subscribe_to("t") : unsubscribe_from("t");
            assert_int_equal(id, 1);
            forget_sent();
            assert_protocol_error(wrong[request][i], 0x82, "does not fit");
            assert_sends("e0 01 82");
            assert_int_equal(th_outbox_pending(&bench.outbox), 1);
        }
}

static void test_suback_has_one_code_for_each_filter(void **state)
{
    (void)state;
    const struct th_filter filters[2] = {{.filter = th_slice_text("a")},
                                         {.filter = th_slice_text("b")}};
    static const char *const few_and_many[2][2] = {
        {"90 03 0001 00", "90 05 0001 00 00 00"}, {"90 04 0001 00 00", "90 06 0001 00 00 00 00"}};
    for (unsigned v = 0; v < COUNT_OF(versions); v++)
        for (unsigned i = 0; i < 2; i++) {
            bench_up(versions[v]);
            assert_int_equal(th_session_subscribe(&bench.session, filters, 2, NULL, NULL), 1);
            forget_sent();
            assert_protocol_error(few_and_many[is_5(v)][i], 0x82, "each topic filter");
        }
    const struct th_slice names[2] = {th_slice_text("a"), th_slice_text("b")};
    bench_up(TH_MQTT_5);
    assert_int_equal(th_session_unsubscribe(&bench.session, names, 2, NULL, NULL), 1);
    forget_sent();
    assert_protocol_error("b0 04 0001 00 00", 0x82, "each topic filter");
}

/* ---- messages that expire ------------------------------------------------------------------ */

static int publish_expiring(unsigned qos, uint32_t interval_s)
{
    const struct th_property properties[] = {
        {.id = TH_PROPERTY_USER, .text = th_slice_text("n"), .value = th_slice_text("v")},
        {.id = TH_PROPERTY_MESSAGE_EXPIRY_S, .number = interval_s},
        {.id = TH_PROPERTY_PAYLOAD_FORMAT, .number = 1},
    };
    return th_session_publish(&bench.session, &(struct th_message){
        .topic = th_slice_text("t"), .payload = th_slice_text("p"), .qos = (uint8_t)qos,
        .properties = {properties, 3}}, &bench.fault);
}

static void wait_ms(uint64_t ms)
{
    th_outbox_expire(&bench.outbox, bench.now_ms);
    bench.now_ms += ms;
    th_outbox_expire(&bench.outbox, bench.now_ms);
    check_bench();
}

static void assert_sends_expiring(unsigned first_byte, unsigned interval_s)
{
    char text[128];
    snprintf(text, sizeof text, "%02x 15 0001't' 0001 0e 26 0001'n' 0001'v' 02 %08x 01 01 'p'",
             first_byte, interval_s);
    assert_sends(text);
}

static void assert_expired(unsigned packet_id)
{
    struct th_event event;
    assert_int_equal(th_session_next_refused(&bench.session, &event), 1);
    assert_int_equal(event.kind, TH_EVENT_PUBLISHED);
    assert_int_equal(event.packet_id, packet_id);
    assert_int_equal(event.reason, TH_REASON_EXPIRED);
    assert_int_equal(th_session_next_refused(&bench.session, &event), 0);
    check_bench();
}

static void test_waiting_is_taken_off_the_expiry_interval(void **state)
{
    (void)state;
    static const struct { uint64_t waited_ms; unsigned left_s; } cases[] = {
        {0, 300}, {999, 300}, {1000, 299}, {2500, 298}, {299999, 1}};
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        bench_up(TH_MQTT_5);
        assert_int_equal(publish_expiring(1, 300), 1);
        wait_ms(cases[i].waited_ms);
        assert_sends_expiring(0x32, cases[i].left_s);
    }
}

static void test_parts_of_seconds_add_up(void **state)
{
    (void)state;
    bench_up(TH_MQTT_5);
    publish_expiring(1, 300);
    for (unsigned i = 0; i < 10; i++)
        wait_ms(1900);
    assert_sends_expiring(0x32, 281);
}

static void test_what_expired_is_not_sent(void **state)
{
    (void)state;
    for (unsigned qos = 0; qos < 3; qos++) {
        bench_up(TH_MQTT_5);
        th_session_lost(&bench.session);
        int id = publish_expiring(qos, 3);
        publish_expiring(qos, 4);
        wait_ms(3000);
        assert_expired((unsigned)id);
        connect_with("20 03 00 00 00");
        wait_ms(1000);
        assert_int_equal(th_outbox_pending(&bench.outbox), 1);
        assert_expired(qos ? 2 : 0);
        assert_sends("");
        assert_int_equal(th_outbox_pending(&bench.outbox), 0);
        wait_ms(0);
        assert_false(bench.outbox.expiring);
    }
}

static void test_an_interval_of_nothing(void **state)
{
    (void)state;
    bench_up(TH_MQTT_5);
    publish_expiring(1, 0);
    wait_ms(999);
    assert_sends_expiring(0x32, 0);
    publish_expiring(1, 0);
    wait_ms(1000);
    assert_expired(2);
}

/* What the broker may have is delivered, however late. */
static void test_unacknowledged_messages_do_not_expire(void **state)
{
    (void)state;
    bench_up(TH_MQTT_5);
    publish_expiring(1, 10);
    wait_ms(2000);
    assert_sends_expiring(0x32, 8);
    wait_ms(60000);
    assert_int_equal(th_outbox_pending(&bench.outbox), 1);
    th_session_lost(&bench.session);
    connect_with("20 03 01 00 00");
    wait_ms(0);
    assert_sends_expiring(0x3a, 1);
    assert_event("40 02 0001", TH_EVENT_PUBLISHED, 1, 0);
}

static void test_redelivery_takes_off_what_passed_since(void **state)
{
    (void)state;
    bench_up(TH_MQTT_5);
    publish_expiring(2, 100);
    wait_ms(10000);
    assert_sends_expiring(0x34, 90);
    wait_ms(5000);
    th_session_lost(&bench.session);
    connect_with("20 03 00 00 00");
    wait_ms(2000);
    assert_sends_expiring(0x34, 83);
    assert_int_equal(th_session_deadline_ms(&bench.session), bench.now_ms + 30000);
}

static void test_what_is_lent_is_left_alone(void **state)
{
    (void)state;
    bench_up(TH_MQTT_5);
    publish_expiring(1, 1);
    th_outbox_next(&bench.outbox);
    wait_ms(5000);
    assert_sends_expiring(0x32, 1);
}

/* Its time of queueing is no time of sending. */
static void test_waiting_messages_have_no_deadline(void **state)
{
    (void)state;
    bench_open(&(struct th_config){.client_id = "c", .version = TH_MQTT_5});
    connect_with("20 06 00 00 03 21 0001");
    publish_expiring(1, 1000);
    forget_sent();
    publish_expiring(1, 1000);
    assert_event("40 02 0001", TH_EVENT_PUBLISHED, 1, 0);
    wait_ms(100000);
    assert_int_equal(th_session_deadline_ms(&bench.session), TH_NEVER);
}

/* ---- a connection lost at every point ----------------------------------------------------- */

enum point { QUEUED, SENT, RECEIVED, RELEASED, POINTS };

static void go_to(enum point point)
{
    publish(2);
    if (point >= SENT)
        forget_sent();
    if (point >= RECEIVED)
        assert_nothing("50 02 0001");
    if (point >= RELEASED)
        forget_sent();
}

static void test_qos_2_redialled(void **state)
{
    (void)state;
    static const char *const repeated[2][POINTS] = {
        {"34 06 0001't' 0001 'p'", "3c 06 0001't' 0001 'p'", "62 02 0001", "62 02 0001"},
        {"34 07 0001't' 0001 00 'p'", "3c 07 0001't' 0001 00 'p'", "62 02 0001", "62 02 0001"}};
    for (unsigned v = 0; v < COUNT_OF(versions); v++)
        for (unsigned point = 0; point < POINTS; point++) {
            bench_up(versions[v]);
            go_to((enum point)point);
            redial(true);
            assert_sends(repeated[is_5(v)][point]);
            if (point < RECEIVED) {
                assert_nothing("50 02 0001");
                assert_sends("62 02 0001");
            }
            assert_event("70 02 0001", TH_EVENT_PUBLISHED, 1, 0);
        }
}

static void test_qos_2_redialled_without_session(void **state)
{
    (void)state;
    struct th_event event;
    for (unsigned v = 0; v < COUNT_OF(versions); v++)
        for (unsigned point = 0; point < POINTS; point++) {
            bench_up(versions[v]);
            go_to((enum point)point);
            redial(false);
            bool lost = point >= RECEIVED;
            assert_int_equal(th_session_next_refused(&bench.session, &event), lost);
            assert_sends(lost ? ""
                              : for_version("34 06 0001't' 0001 'p'", "34 07 0001't' 0001 00 'p'"));
            if (!lost)
                continue;
            assert_int_equal(event.kind, TH_EVENT_PUBLISHED);
            assert_int_equal(event.packet_id, 1);
            assert_int_equal(event.reason, 0xf2);
            assert_int_equal(th_outbox_pending(&bench.outbox), 0);
        }
}

static void test_qos_1_redialled(void **state)
{
    (void)state;
    for (unsigned v = 0; v < COUNT_OF(versions); v++)
        for (unsigned present = 0; present < 2; present++) {
            bench_up(versions[v]);
            publish(1);
            forget_sent();
            redial(present);
            assert_sends(present ? for_version("3a 06 0001't' 0001 'p'",
                                               "3a 07 0001't' 0001 00 'p'")
                                 : for_version("32 06 0001't' 0001 'p'",
                                               "32 07 0001't' 0001 00 'p'"));
            assert_event("40 02 0001", TH_EVENT_PUBLISHED, 1, 0);
        }
}

/* 0x92 in PUBCOMP is no error after a redial: the first PUBCOMP was lost. */
static void test_pubcomp_that_knows_nothing_after_a_redial(void **state)
{
    (void)state;
    bench_up(TH_MQTT_5);
    go_to(RELEASED);
    redial(true);
    assert_sends("62 02 0001");
    assert_event("70 03 0001 92", TH_EVENT_PUBLISHED, 1, 0);
}

static void test_requests_are_repeated(void **state)
{
    (void)state;
    bench_up(TH_MQTT_3_1_1);
    subscribe_to("a");
    unsubscribe_from("b");
    forget_sent();
    redial(true);
    assert_sends("82 06 0001 0001'a' 01 a2 05 0002 0001'b'");
}

static void test_what_the_next_broker_cannot_take(void **state)
{
    (void)state;
    struct th_event event;
    bench_up(TH_MQTT_5);
    publish(0);
    publish(2);
    subscribe_to("a/long/topic");
    unsubscribe_from("a/long/topic");
    th_session_lost(&bench.session);
    greet();
    assert_event("20 0a 01 00 07 24 01 27 00000009", TH_EVENT_CONNECTED, 0, 0);
    static const struct {
        enum th_event_kind kind;
        uint16_t packet_id;
        uint8_t reason;
    } refused[] = {{TH_EVENT_PUBLISHED, 1, 0x9b}, {TH_EVENT_SUBSCRIBED, 2, 0x95},
                   {TH_EVENT_UNSUBSCRIBED, 3, 0x95}};
    for (unsigned i = 0; i < COUNT_OF(refused); i++) {
        assert_int_equal(th_session_next_refused(&bench.session, &event), 1);
        assert_int_equal(event.kind, refused[i].kind);
        assert_int_equal(event.packet_id, refused[i].packet_id);
        assert_int_equal(event.reason, refused[i].reason);
        assert_int_equal(event.codes.len_bytes, 0);
    }
    assert_int_equal(th_session_next_refused(&bench.session, &event), 0);
    assert_sends("30 05 0001't' 00 'p'");
}

/* ---- identifiers -------------------------------------------------------------------------- */

#define LAST_ID (TH_PACKET_ID_OWN - 1) /* of the library's */

static void test_identifiers_wrap_and_skip_those_in_use(void **state)
{
    (void)state;
    bench_up(TH_MQTT_3_1_1);
    assert_int_equal(publish(1), 1);
    assert_int_equal(publish(1), 2);
    bench.session.next_id = LAST_ID;
    assert_int_equal(publish(1), LAST_ID);
    assert_int_equal(publish(1), 3);
    forget_sent();
    assert_event("40 02 0001", TH_EVENT_PUBLISHED, 1, 0);
    bench.session.next_id = LAST_ID;
    assert_int_equal(subscribe_to("t"), 1);
}

/* 32,767 messages in flight: the next has to wait for an identifier. */
static void test_identifiers_run_out(void **state)
{
    (void)state;
    static uint64_t block[360000];
    bench_open(&(struct th_config){.client_id = "c"});
    assert_int_equal(th_outbox_open(&bench.outbox, block, sizeof block, 0, NULL), 0);
    uint8_t *place;
    for (unsigned id = 1; id < LAST_ID; id++) {
        assert_int_equal(th_outbox_reserve(&bench.outbox, TH_SLOT_PUBLISH_1, 8, &place, NULL), 0);
        memcpy(place, "\x32\x06\0\1t\0\0p", 8);
        th_outbox_commit(&bench.outbox, TH_SLOT_PUBLISH_1, 8, (uint16_t)id, 0);
    }
    assert_int_equal(publish(1), LAST_ID);
    assert_true(th_session_room_for(&bench.session, 2));
    assert_int_equal(publish(1), TH_E_SEND_FULL);
}

/* ---- limits of the broker ------------------------------------------------------------------ */

static void assert_refused(int result, unsigned reason)
{
    assert_int_equal(result, TH_E_REFUSED);
    assert_int_equal(bench.fault.code, TH_E_REFUSED);
    assert_int_equal(bench.fault.reason, reason);
    assert_int_equal(th_outbox_pending(&bench.outbox), 0);
    th_fault_clear(&bench.fault);
}

static int publish_message(struct th_message message)
{
    return th_session_publish(&bench.session, &message, &bench.fault);
}

static void test_limits_are_kept(void **state)
{
    (void)state;
    const struct th_property alias = {.id = TH_PROPERTY_TOPIC_ALIAS, .number = 4};
    const struct th_property subscription = {.id = TH_PROPERTY_SUBSCRIPTION_ID, .number = 1};
    const struct th_properties with_id = {&subscription, 1};
    bench_open(&(struct th_config){.version = TH_MQTT_5, .client_id = "c"});
    connect_with("20 15 00 00 12 24 01 25 00 27 00000010 22 0003 28 00 29 00 2a 00");
    const struct th_slice topic = th_slice_text("t");
    assert_refused(publish(2), 0x9b);
    assert_refused(publish_message((struct th_message){.topic = topic, .retain = true}), 0x9a);
    assert_refused(publish_message((struct th_message){.topic = topic,
                       .payload = th_slice_text("eleven bytes")}), 0x95);
    assert_refused(publish_message((struct th_message){.topic = topic,
                       .properties = {&alias, 1}}), 0x94);
    assert_refused(subscribe_to("a/+/b"), 0xa2);
    assert_refused(subscribe_to("$share/g/t"), 0x9e);
    assert_refused(subscribe_to("a/long/topic"), 0x95);
    assert_refused(th_session_subscribe(&bench.session, &(struct th_filter){.filter = topic}, 1,
                                        &with_id, &bench.fault), 0xa1);
    assert_refused(unsubscribe_from("a/long/topic"), 0x95);
    assert_int_equal(publish_message((struct th_message){.topic = topic, .qos = 1,
                         .payload = th_slice_text("8 bytes!")}), 1);
    assert_int_equal(th_outbox_find(&bench.outbox, 1)->len_bytes, 16);
}

static void test_bad_requests(void **state)
{
    (void)state;
    const struct th_property alias = {.id = TH_PROPERTY_TOPIC_ALIAS, .number = 1};
    bench_up(TH_MQTT_5);
    assert_int_equal(publish_message((struct th_message){.topic = th_slice_text("a/#")}),
                     TH_E_ARGUMENT);
    assert_non_null(strstr(bench.fault.text, "PUBLISH: "));
    assert_int_equal(publish(3), TH_E_ARGUMENT);
    assert_int_equal(publish_message((struct th_message){.properties = {&alias, 1}}),
                     TH_E_ARGUMENT);
    assert_int_equal(subscribe_to("a/#/b"), TH_E_ARGUMENT);
    assert_int_equal(unsubscribe_from(""), TH_E_ARGUMENT);
    static struct th_filter many[UINT16_MAX + 1];
    assert_int_equal(th_session_subscribe(&bench.session, many, UINT16_MAX + 1, NULL, NULL),
                     TH_E_ARGUMENT);
    assert_int_equal(th_outbox_pending(&bench.outbox), 0);
}

static void test_room_for_a_message(void **state)
{
    (void)state;
    static char payload[BENCH_BLOCK_BYTES];
    bench_up(TH_MQTT_5);
    size_t most = 0;
    while (th_session_room_for(&bench.session, most + 1))
        most++;
    assert_false(th_session_room_for(&bench.session, SIZE_MAX));
    const struct th_message message = {.topic = th_slice_text("t"), .qos = 1,
                                       .payload = th_slice_of(payload, most - 1)};
    assert_int_equal(publish_message(message), 1);
    assert_false(th_session_room_for(&bench.session, most));
    struct th_message larger = message;
    larger.payload.len_bytes = sizeof payload;
    assert_int_equal(publish_message(larger), TH_E_TOO_LARGE);
    th_fault_clear(&bench.fault);
    assert_int_equal(publish_message(message), TH_E_SEND_FULL);
    assert_int_equal(bench.fault.code, 0);
}

static void assert_told_why(const char *packet, enum th_event_kind kind, unsigned reason)
{
    struct th_property why;
    assert_event(packet, kind, 1, reason);
    assert_int_equal(th_property_find(bench.out.event.properties, TH_PROPERTY_REASON_STRING, &why),
                     1);
    assert_true(th_slice_equal(why.text, th_slice_text("no")));
}

/* What was refused is told with the broker's words. */
static void test_a_refusal_keeps_its_reason_string(void **state)
{
    (void)state;
    bench_up(TH_MQTT_5);
    publish(1);
    forget_sent();
    assert_told_why("40 09 0001 87 05 1f 0002'no'", TH_EVENT_PUBLISHED, 0x87);
    bench_up(TH_MQTT_5);
    publish(2);
    forget_sent();
    assert_told_why("50 09 0001 97 05 1f 0002'no'", TH_EVENT_PUBLISHED, 0x97);
    bench_up(TH_MQTT_5);
    subscribe_to("a");
    forget_sent();
    assert_told_why("90 09 0001 05 1f 0002'no' 87", TH_EVENT_SUBSCRIBED, 0);
    assert_int_equal(bench.out.event.codes.data[0], 0x87);
    bench_up(TH_MQTT_5);
    unsubscribe_from("a");
    forget_sent();
    assert_told_why("b0 09 0001 05 1f 0002'no' 87", TH_EVENT_UNSUBSCRIBED, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_qos_0),
        cmocka_unit_test(test_qos_1),
        cmocka_unit_test(test_qos_2),
        cmocka_unit_test(test_subscribe_and_unsubscribe),
        cmocka_unit_test(test_properties_of_requests),
        cmocka_unit_test(test_refused_messages_are_reported),
        cmocka_unit_test(test_waiting_is_taken_off_the_expiry_interval),
        cmocka_unit_test(test_parts_of_seconds_add_up),
        cmocka_unit_test(test_what_expired_is_not_sent),
        cmocka_unit_test(test_an_interval_of_nothing),
        cmocka_unit_test(test_unacknowledged_messages_do_not_expire),
        cmocka_unit_test(test_redelivery_takes_off_what_passed_since),
        cmocka_unit_test(test_what_is_lent_is_left_alone),
        cmocka_unit_test(test_waiting_messages_have_no_deadline),
        cmocka_unit_test(test_unknown_identifiers_are_counted),
        cmocka_unit_test(test_pubrec_before_publish_is_sent),
        cmocka_unit_test(test_wrong_acknowledgements),
        cmocka_unit_test(test_suback_has_one_code_for_each_filter),
        cmocka_unit_test(test_qos_2_redialled),
        cmocka_unit_test(test_qos_2_redialled_without_session),
        cmocka_unit_test(test_qos_1_redialled),
        cmocka_unit_test(test_pubcomp_that_knows_nothing_after_a_redial),
        cmocka_unit_test(test_requests_are_repeated),
        cmocka_unit_test(test_what_the_next_broker_cannot_take),
        cmocka_unit_test(test_identifiers_wrap_and_skip_those_in_use),
        cmocka_unit_test(test_identifiers_run_out),
        cmocka_unit_test(test_limits_are_kept),
        cmocka_unit_test(test_bad_requests),
        cmocka_unit_test(test_room_for_a_message),
        cmocka_unit_test(test_a_refusal_keeps_its_reason_string),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
