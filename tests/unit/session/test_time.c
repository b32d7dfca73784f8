#include "bench.h"

#include "base/clock.h"

#define UP_MS 1000 /* when bench_up() is connected */

static int tick(uint64_t now_ms)
{
    bench.now_ms = now_ms;
    return th_session_tick(&bench.session, now_ms, &bench.fault);
}

static uint64_t deadline(void)
{
    return th_session_deadline_ms(&bench.session);
}

static void test_no_deadline_without_a_connection(void **state)
{
    (void)state;
    bench_open(&(struct th_config){.client_id = "c", .keep_alive_s = 60});
    assert_int_equal(deadline(), TH_NEVER);
    greet();
    assert_int_equal(deadline(), TH_NEVER);
    assert_int_equal(tick(UINT64_MAX - 1), 0);
    assert_sends("");
}

static void test_no_keep_alive_no_ping(void **state)
{
    (void)state;
    bench_open(&(struct th_config){.client_id = "c"});
    connect_with("20 02 00 00");
    assert_int_equal(deadline(), TH_NEVER);
    assert_int_equal(tick(UP_MS + 1000000), 0);
    assert_sends("");
}

static void test_ping_after_keep_alive(void **state)
{
    (void)state;
    bench_up(TH_MQTT_3_1_1);
    assert_int_equal(deadline(), UP_MS + 60000);
    assert_int_equal(tick(UP_MS + 59999), 0);
    assert_sends("");
    assert_int_equal(tick(UP_MS + 60000), 0);
    assert_sends("c0 00");
    assert_int_equal(tick(UP_MS + 60001), 0);
    assert_sends("");
    assert_int_equal(deadline(), UP_MS + 90000);
    bench.now_ms = UP_MS + 70000;
    assert_nothing("d0 00");
    assert_int_equal(bench.session.strays.pingresps, 0);
    assert_int_equal(deadline(), UP_MS + 60000 + 60000);
}

/* Sending alone does not show that somebody is there. */
static void test_ping_when_nothing_is_received(void **state)
{
    (void)state;
    bench_up(TH_MQTT_3_1_1);
    bench.now_ms = UP_MS + 50000;
    publish(0);
    forget_sent();
    assert_int_equal(deadline(), UP_MS + 60000);
    bench.now_ms = UP_MS + 55000;
    assert_int_equal(got("30 03 0001't'"), 0);
    assert_int_equal(deadline(), UP_MS + 110000);
}

static void test_no_pingresp(void **state)
{
    (void)state;
    bench_up(TH_MQTT_3_1_1);
    assert_int_equal(tick(UP_MS + 60000), 0);
    forget_sent();
    assert_int_equal(tick(UP_MS + 89999), 0);
    assert_int_equal(tick(UP_MS + 90000), TH_E_TIMEOUT);
    assert_non_null(strstr(bench.fault.text, "PINGRESP in 30000 ms"));
}

static void test_server_keep_alive_wins(void **state)
{
    (void)state;
    bench_open(&(struct th_config){.version = TH_MQTT_5, .client_id = "c", .keep_alive_s = 60});
    connect_with("20 06 00 00 03 13 0005");
    assert_int_equal(deadline(), UP_MS + 5000);
    redial(true);
    assert_int_equal(deadline(), UP_MS + 60000);
}

static void test_pingresp_of_a_lost_connection(void **state)
{
    (void)state;
    bench_up(TH_MQTT_3_1_1);
    assert_int_equal(tick(UP_MS + 60000), 0);
    redial(true);
    assert_int_equal(deadline(), UP_MS + 120000);
}

static void assert_overdue(const char *awaited, uint64_t sent_ms)
{
    assert_int_equal(deadline(), sent_ms + 200);
    assert_int_equal(tick(sent_ms + 199), 0);
    assert_int_equal(tick(sent_ms + 200), TH_E_TIMEOUT);
    assert_non_null(strstr(bench.fault.text, awaited));
}

static void connect_impatient(void)
{
    bench_open(&(struct th_config){.client_id = "c", .deadlines.ack_ms = 200});
    connect_with("20 02 00 00");
    bench.now_ms = 5000;
}

static void test_acknowledgements_have_a_deadline(void **state)
{
    (void)state;
    connect_impatient();
    publish(1);
    assert_int_equal(deadline(), TH_NEVER);
    forget_sent();
    assert_overdue("no PUBACK for packet 1 in 200 ms", 5000);
    connect_impatient();
    publish(2);
    forget_sent();
    assert_overdue("no PUBREC for packet 1", 5000);
    connect_impatient();
    subscribe_to("t");
    forget_sent();
    assert_overdue("no SUBACK for packet 1", 5000);
    connect_impatient();
    unsubscribe_from("t");
    forget_sent();
    assert_overdue("no UNSUBACK for packet 1", 5000);
}

static void test_pubcomp_has_a_deadline_of_its_own(void **state)
{
    (void)state;
    connect_impatient();
    publish(2);
    forget_sent();
    bench.now_ms = 5100;
    assert_nothing("50 02 0001");
    assert_int_equal(deadline(), TH_NEVER);
    bench.now_ms = 5150;
    forget_sent();
    assert_overdue("no PUBCOMP for packet 1", 5150);
}

static void test_no_ping_after_farewell(void **state)
{
    (void)state;
    bench_up(TH_MQTT_3_1_1);
    assert_int_equal(th_session_farewell(&bench.session, 0, NULL, NULL), 0);
    forget_sent();
    assert_int_equal(deadline(), TH_NEVER);
    assert_int_equal(tick(UP_MS + 60000), 0);
    assert_sends("");
}

/* Nothing can overtake a packet that arrives in pieces. */
static void test_deadlines_wait_for_a_large_packet(void **state)
{
    (void)state;
    connect_impatient();
    publish(1);
    forget_sent();
    bench.now_ms = 5150;
    th_session_heard(&bench.session, 5150);
    assert_int_equal(deadline(), 5350);
    assert_overdue("no PUBACK", 5150);
    redial(true);
    forget_sent();
    assert_overdue("no PUBACK", bench.now_ms);
    bench_up(TH_MQTT_3_1_1);
    th_session_heard(&bench.session, UP_MS + 50000);
    publish(0);
    bench.now_ms = UP_MS + 50000;
    forget_sent();
    assert_int_equal(deadline(), UP_MS + 110000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_no_deadline_without_a_connection),
        cmocka_unit_test(test_no_keep_alive_no_ping),
        cmocka_unit_test(test_ping_after_keep_alive),
        cmocka_unit_test(test_ping_when_nothing_is_received),
        cmocka_unit_test(test_no_pingresp),
        cmocka_unit_test(test_server_keep_alive_wins),
        cmocka_unit_test(test_pingresp_of_a_lost_connection),
        cmocka_unit_test(test_acknowledgements_have_a_deadline),
        cmocka_unit_test(test_pubcomp_has_a_deadline_of_its_own),
        cmocka_unit_test(test_no_ping_after_farewell),
        cmocka_unit_test(test_deadlines_wait_for_a_large_packet),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
