/* What follows a lost connection. */
#include "device.h"

static struct device device;
static struct broker broker;

static struct th_config redialling(uint32_t first_ms, uint32_t max_ms, int attempts)
{
    struct th_config config = plain_config(0, TH_MQTT_3_1_1);
    config.redial = (struct th_redial){.first_ms = first_ms, .max_ms = max_ms,
                                       .attempts = attempts};
    return config;
}

static void open_at(uint16_t port, struct th_config config)
{
    config.port = port;
    assert_int_equal(device_open(&device, NULL, config), 0);
    device.broker = &broker;
}

/* ---- waits ----------------------------------------------------------------------------------- */

/* The waits of one series of failures, without waiting: the clock of the redial is set back. What is
 * said is what is left of a wait; of one that was told late, not much can be said. */
static void expect_series(uint32_t first_ms, uint32_t max_ms, unsigned failures, uint32_t least[],
                          uint32_t most[])
{
    struct th_config config = redialling(first_ms, max_ms, -1);
    config.redial.first_too = true;
    open_at(deaf_port(), config);
    device.broker = NULL;
    th_connect(device.client);
    uint32_t expected_ms = first_ms;
    for (unsigned i = 0; i < failures; i++) {
        uint64_t began_ms = clock_ms();
        UNTIL(&device, device.event_count == 1);
        uint32_t late_ms = (uint32_t)(clock_ms() - began_ms);
        uint32_t wait_ms = (uint32_t)device.events[0].redial_in_ms;
        assert_in_range(wait_ms + late_ms + 2, expected_ms / 2, expected_ms + late_ms + 2);
        bool counts = late_ms <= expected_ms / 100 + 1;
        least[i] = counts && wait_ms < least[i] ? wait_ms : least[i];
        most[i] = counts && wait_ms > most[i] ? wait_ms : most[i];
        expected_ms = expected_ms * 2 < max_ms ? expected_ms * 2 : max_ms;
        device.event_count = 0;
        device.client->redial.due_ms = 0;
    }
    device_close(&device);
}

static void waits_double_and_are_drawn_from_their_upper_half(void **state)
{
    (void)state;
    enum { FAILURES = 8, SAMPLES = 150 };
    static const uint32_t expected_ms[FAILURES] = {1000, 2000, 4000, 8000, 16000, 32000, 60000,
                                                   60000};
    uint32_t least[FAILURES], most[FAILURES] = {0};
    memset(least, 0xff, sizeof least);
    for (int i = 0; i < SAMPLES; i++)
        expect_series(1000, 60000, FAILURES, least, most);
    for (int i = 0; i < FAILURES; i++) {
        assert_in_range(least[i], expected_ms[i] * 49 / 100 - 2, expected_ms[i] * 6 / 10);
        assert_in_range(most[i], expected_ms[i] * 9 / 10, expected_ms[i]);
    }
}

/* What is set back is the client's own time: no test waits so long. */
static uint32_t wait_of_failure(struct th_client *client)
{
    UNTIL(&device, device.event_count == 1);
    uint32_t wait_ms = (uint32_t)device.events[0].redial_in_ms;
    device.event_count = 0;
    client->redial.due_ms = 0;
    return wait_ms;
}

static void full_jitter_draws_from_all_of_it(void **state)
{
    (void)state;
    enum { FAILURES = 5, SAMPLES = 150 };
    static const uint32_t limit_ms[FAILURES] = {1000, 2000, 4000, 5000, 5000};
    uint32_t least[FAILURES], most[FAILURES] = {0};
    memset(least, 0xff, sizeof least);
    struct th_config config = redialling(1000, 5000, -1);
    config.redial.first_too = config.redial.full_jitter = true;
    for (int sample = 0; sample < SAMPLES; sample++) {
        open_at(deaf_port(), config);
        device.broker = NULL;
        th_connect(device.client);
        for (int i = 0; i < FAILURES; i++) {
            uint32_t wait_ms = wait_of_failure(device.client);
            least[i] = wait_ms < least[i] ? wait_ms : least[i];
            most[i] = wait_ms > most[i] ? wait_ms : most[i];
        }
        device_close(&device);
    }
    for (int i = 0; i < FAILURES; i++) {
        assert_in_range(least[i], 0, limit_ms[i] / 10);
        assert_in_range(most[i], limit_ms[i] * 9 / 10, limit_ms[i]);
    }
}

static void the_very_first_attempt_may_wait(void **state)
{
    (void)state;
    enum { SAMPLES = 100 };
    int least_ms = INT32_MAX, most_ms = 0;
    struct th_config config = redialling(1, 1, -1);
    config.redial.delay_ms = 10000;
    for (int i = 0; i < SAMPLES; i++) {
        open_at(deaf_port(), config);
        th_connect(device.client);
        int wait_ms = th_wait_ms(device.client);
        least_ms = wait_ms < least_ms ? wait_ms : least_ms;
        most_ms = wait_ms > most_ms ? wait_ms : most_ms;
        device_close(&device);
    }
    assert_in_range(least_ms, 0, 1000);
    assert_in_range(most_ms, 9000, 10000);
}

/* Of a broker that has too much to do. */
static uint32_t patience_after(const char *connack, bool full_jitter)
{
    struct th_config config = redialling(1, 40000, -1);
    config.redial.first_too = true;
    config.redial.full_jitter = full_jitter;
    config.version = strlen(connack) > 11 ? TH_MQTT_5 : TH_MQTT_3_1_1;
    broker_open(&broker);
    open_at(broker.port, config);
    th_connect(device.client);
    gets(&device, config.version == TH_MQTT_5 ? CONNECT_5 : CONNECT_4);
    broker_sends(&broker, connack);
    UNTIL(&device, count_events(&device, TH_EVENT_DISCONNECTED) || broker.ended);
    broker_drops(&broker);
    UNTIL(&device, count_events(&device, TH_EVENT_DISCONNECTED));
    uint32_t wait_ms = (uint32_t)last_event(&device)->redial_in_ms;
    both_close(&device, &broker);
    return wait_ms;
}

static void a_busy_broker_is_left_alone(void **state)
{
    (void)state;
    assert_in_range(patience_after("20 02 00 03", true), 19990, 40000);
    assert_in_range(patience_after("20 03 00 89 00", true), 19990, 40000);
    assert_in_range(patience_after("20 03 00 97 00", true), 19990, 40000);
    assert_in_range(patience_after("20 03 00 9f 00", true), 19990, 40000);
    assert_in_range(patience_after("20 03 00 88 00", true), 0, 1);
    assert_in_range(patience_after("20 03 00 89 00", false), 0, 1);
}

/* ---- another broker -------------------------------------------------------------------------- */

/* What was under way is sent anew, not again, though the other one says that it has a session. */
static void another_broker_knows_nothing_of_us(void **state)
{
    (void)state;
    static struct broker other;
    struct th_config config = redialling(1, 1, -1);
    config.clean_start = false;
    broker_open(&other);
    broker_open(&broker);
    open_at(broker.port, config);
    th_connect(device.client);
    gets(&device, "10 0d 0004'MQTT' 04 00 0000 0001'c'");
    broker_sends(&broker, "20 02 00 00");
    publish(&device, "t", "a", 1);
    publish(&device, "t", "b", 2);
    gets(&device, "32 06 0001't' 0001 'a'  34 06 0001't' 0002 'b'");
    broker_sends(&broker, "50 02 0002");
    gets(&device, "62 02 0002");
    assert_int_equal(th_redirect(device.client, "127.0.0.1", other.port), TH_E_ARGUMENT);
    broker_drops(&broker);
    UNTIL(&device, count_events(&device, TH_EVENT_DISCONNECTED) == 1);
    broker_close(&broker);
    static const char there[] = "127.0.0.1";
    assert_int_equal(th_redirect(device.client, there, other.port), 0);
    device.broker = &other;
    gets(&device, "10 0d 0004'MQTT' 04 00 0000 0001'c'");
    broker_sends(&other, "20 02 01 00");
    gets(&device, "32 06 0001't' 0001 'a'");
    assert_int_equal(last_event(&device)->reason, TH_REASON_UNCERTAIN);
    for (unsigned i = 0; i < device.event_count; i++)
        assert_false(device.events[i].session_present);
    device_close(&device);
    broker_close(&other);
}

/* Where no attempt would follow, one does, and not at once for ever. */
static void a_failure_for_good_is_none_elsewhere(void **state)
{
    (void)state;
    struct th_config config = redialling(400, 800, -1);
    config.redial.full_jitter = config.redial.first_too = true;
    broker_open(&broker);
    open_at(broker.port, config);
    th_connect(device.client);
    gets(&device, CONNECT_4);
    broker_sends(&broker, "20 02 00 05");
    UNTIL(&device, count_events(&device, TH_EVENT_DISCONNECTED));
    assert_int_equal(last_event(&device)->redial_in_ms, -1);
    assert_int_equal(th_redirect(device.client, "127.0.0.1", broker.port), 0);
    assert_in_range(th_wait_ms(device.client), 0, 400);
    assert_int_equal(device.client->redial.failures, 1);
    both_close(&device, &broker);
}

/* ---- other settings -------------------------------------------------------------------------- */

static struct th_config next;

/* Which the broker keeps. */
static void connect_to_a_session(void)
{
    struct th_config config = redialling(1, 1, -1);
    config.clean_start = false;
    broker_open(&broker);
    open_at(broker.port, config);
    th_connect(device.client);
    gets(&device, "10 0d 0004'MQTT' 04 00 0000 0001'c'");
    broker_sends(&broker, "20 02 00 00");
}

/* A message of QoS 1 is under way, the connection is lost, and the next attempts are made with
 * `next`, which begins as what there is. */
static void lose_one_under_way(void)
{
    connect_to_a_session();
    publish(&device, "t", "a", 1);
    gets(&device, "32 06 0001't' 0001 'a'");
    next = device.config;
    assert_int_equal(th_reconfigure(device.client, &next), TH_E_ARGUMENT);
    broker_drops(&broker);
    UNTIL(&device, count_events(&device, TH_EVENT_DISCONNECTED) == 1);
}

static void other_settings_count_from_the_next_attempt_on(void **state)
{
    (void)state;
    static char same_host[] = "127.0.0.1"; /* by another pointer */
    lose_one_under_way();
    next.host = same_host;
    next.keep_alive_s = 7;
    next.username = "u";
    assert_int_equal(th_reconfigure(device.client, &next), 0);
    gets(&device, "10 10 0004'MQTT' 04 80 0007 0001'c' 0001'u'");
    assert_int_equal(th_reconfigure(device.client, &device.config), TH_E_ARGUMENT);
    broker_sends(&broker, "20 02 01 00");
    gets(&device, "3a 06 0001't' 0001 'a'"); /* in the session that the broker has kept */
    assert_true(last_event(&device)->session_present);
    both_close(&device, &broker);
}

static void settings_of_another_broker_take_no_session_along(void **state)
{
    (void)state;
    static struct broker other;
    broker_open(&other);
    lose_one_under_way();
    next.port = other.port;
    assert_int_equal(th_reconfigure(device.client, &next), 0);
    device.broker = &other;
    gets(&device, "10 0d 0004'MQTT' 04 00 0000 0001'c'");
    broker_sends(&other, "20 02 01 00");
    gets(&device, "32 06 0001't' 0001 'a'");
    assert_false(last_event(&device)->session_present);
    both_close(&device, &other);
    broker_close(&broker);
}

static void small_waits_are_possible(void **state)
{
    (void)state;
    uint32_t least[3] = {9, 9, 9}, most[3] = {0};
    expect_series(1, 1, 3, least, most);
    expect_series(5, 2, 3, (uint32_t[]){9, 9, 9}, (uint32_t[3]){0});
}

static void waits_as_long_as_it_says(void **state)
{
    (void)state;
    device_up_with(&device, &broker, redialling(200, 200, 1));
    uint64_t began_ms = clock_ms();
    broker_drops(&broker);
    UNTIL(&device, count_events(&device, TH_EVENT_DISCONNECTED) == 1);
    unsigned wait_ms = (unsigned)last_event(&device)->redial_in_ms;
    assert_int_equal(th_phase(device.client), TH_PHASE_RESTING);
    assert_int_equal(th_fd(device.client), -1);
    assert_int_equal(device.result, 0);
    device.steps = 0;
    UNTIL(&device, broker.fd >= 0);
    assert_in_range(clock_ms() - began_ms + 2, wait_ms, wait_ms + PATIENCE_MS);
    assert_in_range(device.steps, 1, 10);
    greet(&device);
    both_close(&device, &broker);
}

/* ---- how often ------------------------------------------------------------------------------- */

static unsigned attempts_until_end(struct th_config config)
{
    open_at(deaf_port(), config);
    device.broker = NULL;
    th_connect(device.client);
    ends_with(&device, TH_E_TCP, TH_PHASE_DIALING, "refused");
    assert_int_equal(last_event(&device)->redial_in_ms, -1);
    unsigned attempts = device.client->link.attempts;
    assert_int_equal(count_events(&device, TH_EVENT_DISCONNECTED), attempts);
    device_close(&device);
    return attempts;
}

static void a_first_failure_is_final_unless_wanted(void **state)
{
    (void)state;
    struct th_config config = redialling(1, 1, 5);
    assert_int_equal(attempts_until_end(config), 1);
    config.redial.first_too = true;
    assert_int_equal(attempts_until_end(config), 6);
    config.redial.attempts = 0;
    assert_int_equal(attempts_until_end(config), 1);
}

static void no_limit_is_no_limit(void **state)
{
    (void)state;
    struct th_config config = redialling(1, 1, -1);
    config.redial.first_too = true;
    open_at(deaf_port(), config);
    device.broker = NULL;
    th_connect(device.client);
    UNTIL(&device, device.client->link.attempts == 200);
    assert_int_equal(device.result, 0);
    device_close(&device);
}

static void never_means_never(void **state)
{
    (void)state;
    device_up_with(&device, &broker, redialling(1, 1, 0));
    broker_drops(&broker);
    ends_with(&device, TH_E_CLOSED, TH_PHASE_UP, "closed");
    assert_int_equal(last_event(&device)->redial_in_ms, -1);
    both_close(&device, &broker);
}

/* Only a connection that held is a good one. */
static void a_stable_connection_forgives(void **state)
{
    (void)state;
    device_up_with(&device, &broker, redialling(1, 1, 2));
    for (int i = 0; i < 6; i++) {
        device.client->redial.up_since_ms -= 30000;
        broker_drops(&broker);
        greet(&device);
    }
    broker_drops(&broker);
    greet(&device);
    broker_drops(&broker);
    ends_with(&device, TH_E_CLOSED, TH_PHASE_UP, "");
    both_close(&device, &broker);
}

static void connecting_brings_a_redial_forward(void **state)
{
    (void)state;
    device_up_with(&device, &broker, redialling(60000, 60000, -1));
    broker_drops(&broker);
    UNTIL(&device, count_events(&device, TH_EVENT_DISCONNECTED) == 1);
    assert_true(th_wait_ms(device.client) > 20000);
    assert_int_equal(th_connect(device.client), 0);
    assert_int_equal(th_wait_ms(device.client), 0);
    greet(&device);
    both_close(&device, &broker);
}

/* ---- after what ------------------------------------------------------------------------------ */

static bool is_redialled(enum th_mqtt_version version, const char *sent)
{
    struct th_config config = redialling(1, 1, 1);
    config.redial.first_too = true;
    config.version = version;
    broker_open(&broker);
    open_at(broker.port, config);
    th_connect(device.client);
    gets(&device, version == TH_MQTT_5 ? CONNECT_5 : CONNECT_4);
    broker_sends(&broker, sent);
    UNTIL(&device, count_events(&device, TH_EVENT_DISCONNECTED) || broker.ended);
    broker_drops(&broker);
    UNTIL(&device, count_events(&device, TH_EVENT_DISCONNECTED));
    bool follows = last_event(&device)->redial_in_ms >= 0;
    both_close(&device, &broker);
    return follows;
}

static void refusals_that_pass_are_redialled(void **state)
{
    (void)state;
    assert_true(is_redialled(TH_MQTT_3_1_1, "20 02 00 03"));
    assert_true(is_redialled(TH_MQTT_5, "20 03 00 88 00"));
    assert_true(is_redialled(TH_MQTT_5, "20 03 00 89 00"));
    assert_true(is_redialled(TH_MQTT_5, "20 03 00 9f 00"));
    assert_true(is_redialled(TH_MQTT_5, "20 03 00 00 00 e0 00"));
    assert_true(is_redialled(TH_MQTT_5, "20 03 00 00 00 e0 01 8b"));
    assert_true(is_redialled(TH_MQTT_5, "20 03 00 00 00 e0 01 8d"));
    assert_true(is_redialled(TH_MQTT_5, "20 03 00 00 00 e0 01 96"));
    assert_true(is_redialled(TH_MQTT_5, "20 03 00 00 00 e0 01 a0"));
}

static void what_will_not_pass_is_not(void **state)
{
    (void)state;
    static const char *const codes_4[] = {"01", "02", "04", "05"};
    static const char *const codes_5[] = {"81", "82", "84", "85", "86", "87", "8a", "8c", "97",
                                          "9d"};
    char packet[64];
    for (size_t i = 0; i < COUNT_OF(codes_4); i++) {
        snprintf(packet, sizeof packet, "20 02 00 %s", codes_4[i]);
        assert_false(is_redialled(TH_MQTT_3_1_1, packet));
    }
    for (size_t i = 0; i < COUNT_OF(codes_5); i++) {
        snprintf(packet, sizeof packet, "20 03 00 %s 00", codes_5[i]);
        assert_false(is_redialled(TH_MQTT_5, packet));
    }
    assert_false(is_redialled(TH_MQTT_5, "20 03 00 00 00 e0 01 8e")); /* taken over: no duel */
    assert_false(is_redialled(TH_MQTT_5, "20 03 00 00 00 e0 01 98"));
    assert_false(is_redialled(TH_MQTT_3_1_1, "20 02 00 00 20 02 00 00")); /* broken rule */
    assert_false(is_redialled(TH_MQTT_5, "20 03 00 00 00 f1 00"));
}

static void a_certificate_is_not_tried_again(void **state)
{
    (void)state;
    struct server server = serve("ec/wrongname", "ec/server", "");
    struct th_context *context = context_of(trust("ec"));
    struct th_config config = tls_config(server.port, TH_MQTT_3_1_1);
    config.redial = (struct th_redial){.first_ms = 1, .attempts = -1, .first_too = true};
    assert_int_equal(device_open(&device, context, config), 0);
    th_connect(device.client);
    ends_with(&device, TH_E_SERVER_NAME, TH_PHASE_SHAKING, "");
    assert_int_equal(device.client->link.attempts, 1);
    device_close(&device);
    context_free(context);
    stop(&server);
}

/* ---- what is sent again ---------------------------------------------------------------------- */

static void messages_under_way_are_sent_again(void **state)
{
    (void)state;
    connect_to_a_session();
    publish(&device, "t", "a", 1);
    publish(&device, "t", "b", 2);
    publish(&device, "t", "c", 2);
    gets(&device, "32 06 0001't' 0001 'a'  34 06 0001't' 0002 'b'  34 06 0001't' 0003 'c'");
    broker_sends(&broker, "50 02 0002");
    gets(&device, "62 02 0002");
    broker_drops(&broker);
    UNTIL(&device, count_events(&device, TH_EVENT_DISCONNECTED) == 1);
    publish(&device, "t", "d", 0);
    gets(&device, "10 0d 0004'MQTT' 04 00 0000 0001'c'");
    broker_sends(&broker, "20 02 01 00");
    gets(&device, "62 02 0002  3a 06 0001't' 0001 'a'  3c 06 0001't' 0003 'c'  30 04 0001't' 'd'");
    broker_sends(&broker, "40 02 0001 70 02 0002 50 02 0003");
    gets(&device, "62 02 0003");
    broker_sends(&broker, "70 02 0003");
    UNTIL(&device, count_events(&device, TH_EVENT_PUBLISHED) == 4);
    assert_int_equal(th_pending(device.client), 0);
    both_close(&device, &broker);
}

/* ---- the name is looked up again ------------------------------------------------------------- */

static void the_name_is_looked_up_each_time(void **state)
{
    (void)state;
    char path[64];
    struct th_config config = redialling(1, 1, -1);
    config.host = "moving.test";
    write_hosts(path, "127.0.0.1 moving.test\n");
    broker_open(&broker);
    open_at(broker.port, config);
    use_hosts(&device, path);
    th_connect(device.client);
    greet(&device);
    uint16_t port = broker.port;
    broker_close(&broker);
    FILE *hosts = fopen(path, "w");
    fputs("127.0.0.2 moving.test\n", hosts);
    fclose(hosts);
    broker_open_at(&broker, "127.0.0.2", port);
    greet(&device);
    both_close(&device, &broker);
    unlink(path);
}

/* ---- figures --------------------------------------------------------------------------------- */

static void the_first_puback_is_timed_for_each_connection(void **state)
{
    (void)state;
    struct th_report report;
    device_up_with(&device, &broker, redialling(1, 1, -1));
    publish(&device, "t", "a", 1);
    gets(&device, "32 06 0001't' 0001 'a'");
    FOR_MS(&device, 2000);
    broker_drops(&broker);
    UNTIL(&device, broker.fd >= 0);
    gets(&device, CONNECT_4);
    broker_sends(&broker, "20 02 00 00");
    gets(&device, "32 06 0001't' 0001 'a'"); /* the session was lost: no DUP */
    FOR_MS(&device, 30);
    broker_sends(&broker, "40 02 0001");
    UNTIL(&device, count_events(&device, TH_EVENT_PUBLISHED) == 1);
    th_report(device.client, &report);
    assert_in_range(report.times.first_puback_us, 29000, 1900000);
    broker_drops(&broker);
    greet(&device);
    th_report(device.client, &report);
    assert_int_equal(report.times.first_puback_us, 0);
    assert_int_equal(report.attempts, 3);
    both_close(&device, &broker);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(waits_double_and_are_drawn_from_their_upper_half),
        cmocka_unit_test(small_waits_are_possible),
        cmocka_unit_test(full_jitter_draws_from_all_of_it),
        cmocka_unit_test(the_very_first_attempt_may_wait),
        cmocka_unit_test(a_busy_broker_is_left_alone),
        cmocka_unit_test(another_broker_knows_nothing_of_us),
        cmocka_unit_test(a_failure_for_good_is_none_elsewhere),
        cmocka_unit_test(other_settings_count_from_the_next_attempt_on),
        cmocka_unit_test(settings_of_another_broker_take_no_session_along),
        cmocka_unit_test(waits_as_long_as_it_says),
        cmocka_unit_test(a_first_failure_is_final_unless_wanted),
        cmocka_unit_test(no_limit_is_no_limit),
        cmocka_unit_test(never_means_never),
        cmocka_unit_test(a_stable_connection_forgives),
        cmocka_unit_test(connecting_brings_a_redial_forward),
        cmocka_unit_test(refusals_that_pass_are_redialled),
        cmocka_unit_test(what_will_not_pass_is_not),
        cmocka_unit_test(a_certificate_is_not_tried_again),
        cmocka_unit_test(messages_under_way_are_sent_again),
        cmocka_unit_test(the_name_is_looked_up_each_time),
        cmocka_unit_test(the_first_puback_is_timed_for_each_connection),
    };
    return cmocka_run_group_tests(tests, make_pki, NULL);
}
