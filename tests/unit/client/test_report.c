/* The memory report of connections that really were: its sums agree, its times are plausible, it
 * outlives the connection and adds up over redials. */
#include "device.h"
#include "mosquitto.h"

#include <pthread.h>

static struct mosquitto mosquitto;
static struct device device;
static struct th_context *context;

static int start(void **state)
{
    if (make_pki(state) != 0)
        return -1;
    mosquitto_start(&mosquitto);
    return 0;
}

static int finish(void **state)
{
    (void)state;
    mosquitto_stop(&mosquitto);
    return 0;
}

/* ---- one connection -------------------------------------------------------------------------- */

static void open_with(const char *kind, enum th_tls_version version)
{
    struct th_context_config trusted = trust(kind);
    trusted.tls_max = version;
    context = context_of(trusted);
    enum listener listener = !strcmp(kind, "rsa") ? GOOD_RSA : GOOD_EC;
    struct th_config config = tls_config(mosquitto.ports[listener], TH_MQTT_3_1_1);
    assert_int_equal(device_open(&device, context, config), 0);
}

static void close_all(void)
{
    device_close(&device);
    context_free(context);
}

/* Up, one message there and back, and in order away. */
static void one_life(void)
{
    unsigned before = device.deliveries;
    assert_int_equal(th_connect(device.client), 0);
    device.result = 0;
    UNTIL(&device, th_phase(device.client) == TH_PHASE_UP);
    assert_true(subscribe(&device, "report", 1) > 0);
    assert_true(publish(&device, "report", "x", 1) > 0);
    UNTIL(&device, device.deliveries > before && th_pending(device.client) == 0);
}

static void leave(void)
{
    th_disconnect(device.client, 0, NULL);
    ends_as_asked(&device);
}

/* ---- sums ------------------------------------------------------------------------------------ */

static uint32_t sum_at_peak(const struct th_report *report)
{
    uint32_t bytes = 0;
    for (int i = 0; i < TH_REPORT_PURPOSES_MAX && report->purposes[i].name; i++)
        bytes += report->purposes[i].at_peak_bytes;
    return bytes;
}

static uint32_t sum_live(const struct th_report *report)
{
    uint32_t bytes = 0;
    for (int i = 0; i < TH_REPORT_PURPOSES_MAX && report->purposes[i].name; i++)
        bytes += report->purposes[i].live_bytes;
    return bytes;
}

static void expect_purposes_within_peak(const struct th_report *report)
{
    for (int i = 0; i < TH_REPORT_PURPOSES_MAX && report->purposes[i].name; i++) {
        assert_true(report->purposes[i].at_peak_bytes <= report->purposes[i].peak_bytes);
        assert_true(report->purposes[i].live_bytes <= report->purposes[i].peak_bytes);
        assert_true(report->purposes[i].peak_bytes <= report->pool_bytes);
    }
}

static void expect_phases_add_up(const struct th_report *report)
{
    uint32_t peak = 0, taken = 0, refused = 0;
    for (int i = 0; i < TH_PHASES; i++) {
        peak = report->phases[i].peak_bytes > peak ? report->phases[i].peak_bytes : peak;
        taken += report->phases[i].taken;
        refused += report->phases[i].refused;
    }
    assert_int_equal(peak, report->pool_bytes);
    assert_int_equal(taken, report->taken);
    assert_int_equal(refused, report->refused);
}

static void expect_pools_within_budget(const struct th_report *report)
{
    for (int i = 0; i < TH_REPORT_POOLS; i++) {
        const struct th_report_pool *pool = &report->pools[i];
        assert_true(pool->live_bytes <= pool->peak_bytes);
        assert_true(pool->peak_bytes <= pool->budget_bytes);
        assert_true(pool->budget_bytes <= pool->size_bytes);
    }
}

static void expect_consistent(const struct th_report *report)
{
    assert_int_equal(sum_at_peak(report), report->pool_bytes);
    assert_int_equal(sum_live(report) == 0, report->taken == report->returned);
    expect_purposes_within_peak(report);
    expect_phases_add_up(report);
    expect_pools_within_budget(report);
    assert_int_equal(report->kernel_bytes, report->socket.receive_buffer_bytes +
                                               report->socket.send_buffer_bytes);
    assert_int_equal(report->static_bytes, th_need_bytes() + th_context_need_bytes());
    uint32_t heap_and_cell = report->pools[TH_REPORT_TLS_HEAP].peak_bytes +
                             report->pools[TH_REPORT_RECORD_CELL].peak_bytes;
    assert_true(report->pool_bytes <= heap_and_cell);
}

static void sums_agree(const char *kind, enum th_tls_version version)
{
    struct th_report report;
    open_with(kind, version);
    th_report(device.client, &report);
    assert_int_equal(report.pool_bytes, 0);
    assert_int_equal(report.attempts, 0);
    expect_pools_within_budget(&report);
    one_life();
    th_report(device.client, &report);
    expect_consistent(&report);
    assert_true(sum_live(&report) > 0);
    assert_int_equal(sum_live(&report), device.client->link.payer.ledger.live_bytes);
    assert_string_equal(report.tls.version, version == TH_TLS_1_3 ? "TLSv1.3" : "TLSv1.2");
    assert_true(report.process.live_bytes >= sum_live(&report));
    assert_true(report.process.peak_bytes >= report.pool_bytes);
    leave();
    th_report(device.client, &report);
    expect_consistent(&report);
    assert_int_equal(sum_live(&report), 0);
    assert_int_equal(report.taken, report.returned);
    close_all();
}

static void the_sums_agree(void **state)
{
    (void)state;
    sums_agree("ec", TH_TLS_1_3);
    sums_agree("ec", TH_TLS_1_2);
    sums_agree("rsa", TH_TLS_1_3);
    sums_agree("rsa", TH_TLS_1_2);
}

/* ---- figures --------------------------------------------------------------------------------- */

static void the_times_are_plausible(void **state)
{
    (void)state;
    struct th_report report;
    open_with("ec", TH_TLS_1_3);
    uint64_t began_ms = clock_ms();
    one_life();
    uint64_t took_us = (clock_ms() - began_ms + 1) * 1000;
    th_report(device.client, &report);
    const struct th_report_times *times = &report.times;
    assert_true(times->tls_us > 500);
    assert_true(times->connack_us > 0 && times->first_puback_us > 0 && times->tcp_us > 0);
    assert_in_range(times->lookup_us + times->tcp_us + times->tls_us + times->connack_us +
                        times->first_puback_us, 1, took_us);
    assert_in_range(times->longest_step_us, 1, took_us);
    assert_true(report.phases[TH_PHASE_SHAKING].duration_us >= times->tls_us);
    assert_true(report.phases[TH_PHASE_UP].duration_us >= times->first_puback_us);
    leave();
    close_all();
}

static void bytes_and_calls_are_counted(void **state)
{
    (void)state;
    struct th_report report;
    open_with("ec", TH_TLS_1_3);
    one_life();
    th_report(device.client, &report);
    assert_in_range(report.socket.written_bytes, 1000, 4000);
    assert_in_range(report.socket.read_bytes, 1000, 4000);
    assert_in_range(report.socket.write_calls, 4, 20);
    assert_in_range(report.socket.read_calls, 4, 40);
    assert_int_equal(report.socket.receive_buffer_bytes, 2 * TH_SOCKET_BUFFER_BYTES);
    assert_int_equal(report.socket.send_buffer_bytes, 2 * TH_SOCKET_BUFFER_BYTES);
    assert_true(report.identity_resident_bytes > 0);
    assert_true(report.identity_transient_bytes > 0);
    assert_true(report.pools[TH_REPORT_TCP_CELL].peak_bytes > 0);
    assert_true(report.pools[TH_REPORT_WINDOW].peak_bytes > 0);
    assert_true(report.pools[TH_REPORT_OUTBOX].peak_bytes > 0);
    leave();
    close_all();
}

/* A plain connection takes nothing from the pools of TLS. */
static void a_plain_connection(void **state)
{
    (void)state;
    static struct broker broker;
    struct th_report report;
    device_up(&device, &broker, TH_MQTT_3_1_1);
    th_report(device.client, &report);
    assert_int_equal(report.pool_bytes, 0);
    assert_int_equal(report.taken, 0);
    assert_int_equal(report.static_bytes, th_need_bytes());
    assert_int_equal(report.pools[TH_REPORT_SHARED_HEAP].size_bytes, 0);
    assert_string_equal(report.tls.version, "");
    assert_int_equal(report.times.tls_us / 1000, 0);
    both_close(&device, &broker);
}

/* ---- the stack ------------------------------------------------------------------------------- */

static uint8_t stack[256 * 1024] __attribute__((aligned(4096)));

static void *on_that_stack(void *arg)
{
    struct th_report *report = arg;
    open_with("ec", TH_TLS_1_3);
    device.client->link.config.stack_low = stack;
    device.client->link.config.stack_bytes = sizeof stack;
    one_life();
    th_report(device.client, report);
    leave();
    close_all();
    return NULL;
}

static void the_stack_is_measured_for_each_phase(void **state)
{
    (void)state;
    struct th_report report;
    pthread_t thread;
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    pthread_attr_setstack(&attributes, stack, sizeof stack);
    assert_int_equal(pthread_create(&thread, &attributes, on_that_stack, &report), 0);
    pthread_join(thread, NULL);
    pthread_attr_destroy(&attributes);
    uint32_t deepest = report.phases[TH_PHASE_SHAKING].stack_peak_bytes;
    assert_in_range(deepest, 4000, sizeof stack);
    assert_int_equal(report.stack_bytes, deepest);
    assert_in_range(report.phases[TH_PHASE_UP].stack_peak_bytes, 1, deepest - 1);
}

/* ---- after the end --------------------------------------------------------------------------- */

static void figures_stay_after_the_end(void **state)
{
    (void)state;
    struct th_report up, over;
    open_with("ec", TH_TLS_1_2);
    one_life();
    th_report(device.client, &up);
    leave();
    th_report(device.client, &over);
    assert_string_equal(over.tls.cipher_suite, up.tls.cipher_suite);
    assert_int_equal(over.pool_bytes, up.pool_bytes);
    assert_int_equal(over.times.tls_us, up.times.tls_us);
    assert_int_equal(over.times.first_puback_us, up.times.first_puback_us);
    assert_int_equal(over.kernel_bytes, up.kernel_bytes);
    assert_true(over.socket.written_bytes > up.socket.written_bytes);
    assert_true(over.pools[TH_REPORT_TCP_CELL].peak_bytes >=
                up.pools[TH_REPORT_TCP_CELL].peak_bytes);
    assert_int_equal(over.pools[TH_REPORT_TCP_CELL].live_bytes, 0);
    close_all();
}

static void reconnects_add_up(void **state)
{
    (void)state;
    struct th_report first, third;
    open_with("ec", TH_TLS_1_3);
    one_life();
    leave();
    th_report(device.client, &first);
    for (int i = 0; i < 2; i++) {
        one_life();
        leave();
    }
    th_report(device.client, &third);
    expect_consistent(&third);
    assert_int_equal(third.attempts, 3);
    assert_in_range(third.taken, 3 * first.taken - 6, 3 * first.taken + 6);
    assert_in_range(third.socket.written_bytes, 2 * first.socket.written_bytes,
                    4 * first.socket.written_bytes);
    assert_in_range(third.pool_bytes, first.pool_bytes, first.pool_bytes + 32);
    assert_true(third.phases[TH_PHASE_SHAKING].duration_us >
                first.phases[TH_PHASE_SHAKING].duration_us);
    close_all();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_sums_agree),
        cmocka_unit_test(the_times_are_plausible),
        cmocka_unit_test(bytes_and_calls_are_counted),
        cmocka_unit_test(a_plain_connection),
        cmocka_unit_test(the_stack_is_measured_for_each_phase),
        cmocka_unit_test(figures_stay_after_the_end),
        cmocka_unit_test(reconnects_add_up),
    };
    return cmocka_run_group_tests(tests, start, finish);
}
