#include "bench.h"

#include "base/clock.h"
#include "mqtt/property.h"

/* ---- CONNECT ------------------------------------------------------------------------------ */

static void test_connect_3_1_1(void **state)
{
    (void)state;
    bench_open(&(struct th_config){.client_id = "c", .clean_start = true, .keep_alive_s = 60});
    assert_int_equal(th_session_greet(&bench.session, 0, &bench.fault), 0);
    assert_sends("10 0d 0004'MQTT' 04 02 003c 0001'c'");
}

static void test_connect_with_everything(void **state)
{
    (void)state;
    const struct th_property will_delay = {.id = TH_PROPERTY_WILL_DELAY_S, .number = 5};
    const struct th_property expiry = {.id = TH_PROPERTY_SESSION_EXPIRY_S, .number = 9};
    bench_open(&(struct th_config){
        .version = TH_MQTT_5,
        .client_id = "c",
        .username = "u",
        .password = th_slice_text("secret"),
        .will.message = {.topic = th_slice_text("w"), .payload = th_slice_text("x"), .qos = 1,
                         .retain = true, .properties = {&will_delay, 1}},
        .properties = {&expiry, 1},
        .receive_maximum = 10,
    });
    assert_int_equal(th_session_greet(&bench.session, 0, &bench.fault), 0);
    assert_sends("10 2d 0004'MQTT' 05 ec 0000 08 11 00000009 21 000a 0001'c' "
                 "05 18 00000005 0001'w' 0001'x' 0001'u' 0006'secret'");
    assert_null(memmem(bench.block, sizeof bench.block, "secret", 6));
}

static void test_password_is_wiped_with_a_lost_connection(void **state)
{
    (void)state;
    bench_open(&(struct th_config){.client_id = "c", .username = "u",
                                   .password = th_slice_text("secret")});
    assert_int_equal(th_session_greet(&bench.session, 0, &bench.fault), 0);
    assert_non_null(memmem(bench.block, sizeof bench.block, "secret", 6));
    th_session_lost(&bench.session);
    assert_null(memmem(bench.block, sizeof bench.block, "secret", 6));
    assert_int_equal(th_outbox_next(&bench.outbox).len_bytes, 0);
}

static int greeting_bytes(const struct th_config *config)
{
    memset(&bench.fault, 0, sizeof bench.fault);
    return th_session_greeting_bytes(config, &bench.fault);
}

static void test_greeting_bytes(void **state)
{
    (void)state;
    struct th_config config = {.client_id = "c", .clean_start = true};
    assert_int_equal(greeting_bytes(&config), 15);
    config.version = TH_MQTT_5;
    assert_int_equal(greeting_bytes(&config), 19);
    config.client_id = NULL;
    assert_int_equal(greeting_bytes(&config), 18 + TH_SESSION_ASSIGNED_ID_BYTES);
}

static void test_bad_configurations_are_refused(void **state)
{
    (void)state;
    assert_int_equal(greeting_bytes(&(struct th_config){.client_id = ""}), TH_E_ARGUMENT);
    assert_non_null(strstr(bench.fault.text, "CONNECT: "));
    assert_int_equal(greeting_bytes(&(struct th_config){.client_id = "c",
                         .password = th_slice_text("p")}), TH_E_ARGUMENT);
}

static void test_what_connect_announces(void **state)
{
    (void)state;
    const struct th_property own[] = {{.id = TH_PROPERTY_TOPIC_ALIAS_MAXIMUM, .number = 9},
                                      {.id = TH_PROPERTY_MAXIMUM_PACKET_SIZE, .number = 500},
                                      {.id = TH_PROPERTY_RECEIVE_MAXIMUM, .number = 5}};
    bench_open(&(struct th_config){.version = TH_MQTT_5, .client_id = "c",
                                   .topic_alias_maximum = 7});
    assert_int_equal(th_session_greet(&bench.session, 0, &bench.fault), 0);
    assert_sends("10 14 0004'MQTT' 05 00 0000 06 210040 220007 0001'c'");
    bench_open(&(struct th_config){.version = TH_MQTT_5, .client_id = "c",
                                   .topic_alias_maximum = 7, .properties = {own, 3}});
    assert_int_equal(th_session_greet(&bench.session, 0, &bench.fault), 0);
    assert_sends("10 19 0004'MQTT' 05 00 0000 0b 220009 27000001f4 210005 0001'c'");
    assert_int_equal(bench.session.alias_maximum, 9);
    assert_int_equal(bench.session.packet_max_bytes, 500);
    bench_open(&(struct th_config){.client_id = "c", .topic_alias_maximum = 7});
    assert_int_equal(bench.session.alias_maximum, 0);
    assert_int_equal(bench.session.packet_max_bytes, UINT32_MAX);
}

static void assert_announces(const struct th_config *config, const char *connect)
{
    bench_open(config);
    assert_int_equal(th_session_greet(&bench.session, 0, &bench.fault), 0);
    assert_sends(connect);
}

static void test_which_receive_maximum_is_announced(void **state)
{
    (void)state;
    const struct th_property own = {.id = TH_PROPERTY_RECEIVE_MAXIMUM, .number = 7};
    struct th_config config = {.version = TH_MQTT_5, .client_id = "c"};
    assert_announces(&config, "10 11 0004'MQTT' 05 00 0000 03 210040 0001'c'");
    config.receive_maximum = 1000;
    assert_announces(&config, "10 11 0004'MQTT' 05 00 0000 03 2103e8 0001'c'");
    config.properties = (struct th_properties){&own, 1};
    assert_announces(&config, "10 11 0004'MQTT' 05 00 0000 03 210007 0001'c'");
    assert_announces(&(struct th_config){.client_id = "c", .receive_maximum = 3},
                     "10 0d 0004'MQTT' 04 00 0000 0001'c'");
}

/* A large CONNECT has its own room; a full queue does not keep it back. */
static void test_connect_fits_a_full_outbox(void **state)
{
    (void)state;
    static char password[1000];
    memset(password, 'x', sizeof password);
    bench_open(&(struct th_config){.client_id = "c", .username = "u",
                                   .password = th_slice_of(password, sizeof password)});
    while (publish(1) > 0)
        ;
    assert_int_equal(th_session_greet(&bench.session, 0, &bench.fault), 0);
    assert_int_equal(th_outbox_next(&bench.outbox).len_bytes, 1021);
}

static void test_connect_that_does_not_fit(void **state)
{
    (void)state;
    static char password[1000];
    bench_open(&(struct th_config){.client_id = "c"});
    bench.config.username = "u";
    bench.config.password = th_slice_of(password, sizeof password);
    assert_int_equal(th_session_greet(&bench.session, 0, &bench.fault), TH_E_TOO_LARGE);
    assert_non_null(strstr(bench.fault.text, "1021"));
    bench.config.username = NULL;
    memset(&bench.fault, 0, sizeof bench.fault);
    assert_int_equal(th_session_greet(&bench.session, 0, &bench.fault), TH_E_ARGUMENT);
    assert_int_equal(bench.session.state, TH_SESSION_RESTING);
}

/* ---- clean start and session present ------------------------------------------------------ */

static uint8_t flags_of_next_connect(void)
{
    assert_int_equal(th_session_greet(&bench.session, 0, &bench.fault), 0);
    uint8_t flags = th_outbox_next(&bench.outbox).data[9];
    forget_sent();
    return flags;
}

static void test_clean_start_is_asked_for_once(void **state)
{
    (void)state;
    bench_open(&(struct th_config){.version = TH_MQTT_5, .client_id = "c", .clean_start = true});
    assert_int_equal(flags_of_next_connect(), 2);
    assert_int_equal(flags_of_next_connect(), 2);
    assert_event("20 03 00 00 00", TH_EVENT_CONNECTED, 0, 0);
    assert_int_equal(flags_of_next_connect(), 0);
    assert_event("20 03 01 00 00", TH_EVENT_CONNECTED, 0, 0);
    assert_true(bench.out.event.session_present);
    assert_int_equal(th_session_farewell(&bench.session, 0, NULL, NULL), 0);
    assert_int_equal(flags_of_next_connect(), 2);
}

static void test_clean_session_stays_clean(void **state)
{
    (void)state;
    bench_open(&(struct th_config){.client_id = "c", .clean_start = true});
    assert_int_equal(flags_of_next_connect(), 2);
    assert_event("20 02 00 00", TH_EVENT_CONNECTED, 0, 0);
    assert_int_equal(flags_of_next_connect(), 2);
}

static void test_session_present_after_clean_start(void **state)
{
    (void)state;
    bench_open(&(struct th_config){.client_id = "c", .clean_start = true});
    greet();
    assert_protocol_error("20 02 01 00", 0x82, "session is present");
    assert_sends("");
    bench_open(&(struct th_config){.version = TH_MQTT_5, .client_id = "c", .clean_start = true});
    greet();
    assert_protocol_error("20 03 01 00 00", 0x82, "session is present");
    assert_sends("");
}

static void test_connack_refusals(void **state)
{
    (void)state;
    static const char *const refusals[] = {"20 02 00 01", "20 02 00 02", "20 02 00 03",
                                           "20 02 00 04", "20 02 00 05"};
    for (unsigned i = 0; i < COUNT_OF(refusals); i++) {
        bench_open(&(struct th_config){.client_id = "c"});
        greet();
        assert_int_equal(got(refusals[i]), TH_E_REFUSED);
        assert_int_equal(bench.out.reason, i + 1);
        assert_int_equal(bench.session.state, TH_SESSION_ENDED);
        assert_sends("");
    }
}

static void test_connack_refusal_with_its_reason(void **state)
{
    (void)state;
    struct th_property reason;
    bench_open(&(struct th_config){.version = TH_MQTT_5, .client_id = "c"});
    greet();
    assert_int_equal(got("20 08 00 87 05 1f 0002'no'"), TH_E_REFUSED);
    assert_int_equal(bench.out.reason, 0x87);
    assert_int_equal(th_property_find(bench.out.event.properties, TH_PROPERTY_REASON_STRING,
                                      &reason), 1);
    assert_memory_equal(reason.text.data, "no", 2);
    assert_false(bench.session.established);
}

/* ---- what CONNACK announces --------------------------------------------------------------- */

static void test_limits_are_read(void **state)
{
    (void)state;
    bench_open(&(struct th_config){.version = TH_MQTT_5, .client_id = "c", .keep_alive_s = 60});
    connect_with("20 1b 00 00 18 21 0005 24 01 25 00 27 00000100 22 0003 13 000a 28 00 29 00 "
                 "2a 00");
    const struct th_session_limits *limits = &bench.session.limits;
    assert_int_equal(limits->receive_maximum, 5);
    assert_int_equal(limits->qos_maximum, 1);
    assert_false(limits->retain_available);
    assert_int_equal(limits->packet_max_bytes, 256);
    assert_int_equal(limits->topic_alias_maximum, 3);
    assert_int_equal(limits->keep_alive_s, 10);
    assert_false(limits->wildcard_available);
    assert_false(limits->subscription_id_available);
    assert_false(limits->shared_available);
    assert_int_equal(bench.outbox.receive_maximum, 5);
    th_session_lost(&bench.session);
    assert_int_equal(limits->receive_maximum, UINT16_MAX);
    assert_int_equal(limits->keep_alive_s, 60);
}

static void test_assigned_id_is_used_again(void **state)
{
    (void)state;
    bench_open(&(struct th_config){.version = TH_MQTT_5});
    connect_with("20 08 00 00 05 12 0002'id'");
    assert_int_equal(th_session_greet(&bench.session, 0, &bench.fault), 0);
    assert_sends("10 12 0004'MQTT' 05 00 0000 03 21 0040 0002'id'");
}

/* A CONNACK that assigns an identifier of so many bytes. */
static const char *connack_with_id(size_t id_bytes)
{
    static char text[256];
    int begin = snprintf(text, sizeof text, "20 %02zx 00 00 %02zx 12 %04zx'", id_bytes + 6,
                         id_bytes + 3, id_bytes);
    memset(text + begin, 'i', id_bytes);
    strcpy(text + begin + id_bytes, "'");
    return text;
}

static void test_assigned_id_too_long_to_keep(void **state)
{
    (void)state;
    bench_open(&(struct th_config){.version = TH_MQTT_5});
    connect_with(connack_with_id(TH_SESSION_ASSIGNED_ID_BYTES + 1));
    assert_int_equal(bench.session.assigned_id_bytes, 0);
    th_session_lost(&bench.session);
    connect_with(connack_with_id(TH_SESSION_ASSIGNED_ID_BYTES));
    assert_int_equal(bench.session.assigned_id_bytes, TH_SESSION_ASSIGNED_ID_BYTES);
    assert_int_equal(th_session_greet(&bench.session, 0, &bench.fault), 0);
}

/* ---- ending ------------------------------------------------------------------------------- */

static void test_farewell_goes_last(void **state)
{
    (void)state;
    bench_up(TH_MQTT_5);
    publish(0);
    assert_int_equal(th_session_farewell(&bench.session, 4, NULL, &bench.fault), 0);
    assert_sends("30 05 0001't' 00 'p' e0 01 04");
    assert_true(th_outbox_ended(&bench.outbox));
    bench_up(TH_MQTT_3_1_1);
    assert_int_equal(th_session_farewell(&bench.session, 4, NULL, &bench.fault), TH_E_ARGUMENT);
    assert_int_equal(th_session_farewell(&bench.session, 0, NULL, &bench.fault), 0);
    assert_int_equal(publish(1), TH_E_SEND_FULL);
    assert_sends("e0 00");
}

static void test_farewell_with_properties(void **state)
{
    (void)state;
    const struct th_property why = {.id = TH_PROPERTY_REASON_STRING, .text = th_slice_text("so")};
    bench_up(TH_MQTT_5);
    assert_int_equal(th_session_farewell(&bench.session, 0, &(struct th_properties){&why, 1},
                                         &bench.fault), 0);
    assert_int_equal(th_session_farewell(&bench.session, 0, NULL, &bench.fault), TH_E_SEND_FULL);
    assert_sends("e0 07 00 05 1f 0002'so'");
}

static void test_abort_overtakes(void **state)
{
    (void)state;
    bench_up(TH_MQTT_5);
    publish(1);
    th_session_abort(&bench.session, 0x81);
    th_session_abort(&bench.session, 0x81);
    assert_sends("e0 01 81");
    assert_true(th_outbox_ended(&bench.outbox));
    assert_nothing("d0 00");
    bench_up(TH_MQTT_3_1_1);
    publish(1);
    th_session_abort(&bench.session, 0x81);
    assert_sends("");
    assert_int_equal(th_outbox_pending(&bench.outbox), 1);
}

static void test_disconnect_from_the_broker(void **state)
{
    (void)state;
    bench_up(TH_MQTT_5);
    publish(1);
    assert_int_equal(got("e0 01 8b"), TH_E_REFUSED);
    assert_int_equal(bench.out.reason, 0x8b);
    assert_sends("");
    assert_nothing("30 04 0001't' 00");
    bench_up(TH_MQTT_5);
    assert_int_equal(got("e0 00"), TH_E_CLOSED);
    assert_int_equal(bench.session.state, TH_SESSION_ENDED);
}

static void test_auth(void **state)
{
    (void)state;
    bench_up(TH_MQTT_5);
    assert_protocol_error("f0 06 18 04 15 0001'm'", 0x82, "AUTH");
    assert_sends("e0 01 82");
    const struct th_property method = {.id = TH_PROPERTY_AUTHENTICATION_METHOD,
                                       .text = th_slice_text("m")};
    bench_open(&(struct th_config){.version = TH_MQTT_5, .client_id = "c",
                                   .properties = {&method, 1}});
    greet();
    assert_int_equal(got("f0 06 18 04 15 0001'm'"), TH_E_REFUSED);
    assert_int_equal(bench.out.reason, 0x8c);
}

static unsigned in_flight_with(enum th_mqtt_version version, uint16_t send_maximum,
                               const char *connack)
{
    bench_open(&(struct th_config){.version = version, .client_id = "c",
                                   .send_maximum = send_maximum});
    connect_with(connack);
    return bench.outbox.receive_maximum;
}

static void test_send_maximum_is_ours_or_the_broker_s(void **state)
{
    (void)state;
    const char *five = "20 06 00 00 03 21 0005";
    assert_int_equal(in_flight_with(TH_MQTT_5, 0, five), 5);
    assert_int_equal(in_flight_with(TH_MQTT_5, 3, five), 3);
    assert_int_equal(in_flight_with(TH_MQTT_5, 9, five), 5);
    assert_int_equal(in_flight_with(TH_MQTT_5, 9, "20 03 00 00 00"), 9);
    assert_int_equal(in_flight_with(TH_MQTT_3_1_1, 0, "20 02 00 00"), 20);
    assert_int_equal(in_flight_with(TH_MQTT_3_1_1, 3, "20 02 00 00"), 3);
    assert_int_equal(in_flight_with(TH_MQTT_3_1_1, 100, "20 02 00 00"), 100);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_connect_3_1_1),
        cmocka_unit_test(test_connect_with_everything),
        cmocka_unit_test(test_password_is_wiped_with_a_lost_connection),
        cmocka_unit_test(test_greeting_bytes),
        cmocka_unit_test(test_bad_configurations_are_refused),
        cmocka_unit_test(test_what_connect_announces),
        cmocka_unit_test(test_which_receive_maximum_is_announced),
        cmocka_unit_test(test_send_maximum_is_ours_or_the_broker_s),
        cmocka_unit_test(test_connect_fits_a_full_outbox),
        cmocka_unit_test(test_connect_that_does_not_fit),
        cmocka_unit_test(test_clean_start_is_asked_for_once),
        cmocka_unit_test(test_clean_session_stays_clean),
        cmocka_unit_test(test_session_present_after_clean_start),
        cmocka_unit_test(test_connack_refusals),
        cmocka_unit_test(test_connack_refusal_with_its_reason),
        cmocka_unit_test(test_limits_are_read),
        cmocka_unit_test(test_assigned_id_is_used_again),
        cmocka_unit_test(test_assigned_id_too_long_to_keep),
        cmocka_unit_test(test_farewell_goes_last),
        cmocka_unit_test(test_farewell_with_properties),
        cmocka_unit_test(test_abort_overtakes),
        cmocka_unit_test(test_disconnect_from_the_broker),
        cmocka_unit_test(test_auth),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
