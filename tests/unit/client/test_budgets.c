/* Every pool made smaller and smaller, until it is refused: named, clean, and the next attempt in
 * the same process works. */
#include "device.h"

static struct device device;
static struct broker broker;

/* ---- TLS heap -------------------------------------------------------------------------------- */

static struct th_context *context;
static struct server server;

/* Up and a message there and back, within this much heap. */
static bool works_within(size_t heap_bytes)
{
    struct th_config config = tls_config(server.port, TH_MQTT_3_1_1);
    config.heap_budget_bytes = heap_bytes;
    broker_behind(&broker, &server);
    assert_int_equal(device_open(&device, context, config), 0);
    device.broker = &broker;
    th_connect(device.client);
    UNTIL(&device, broker.in_bytes >= 15 || device.result < 0);
    if (device.result < 0)
        return false;
    gets(&device, CONNECT_4);
    broker_sends(&broker, "20 02 00 00 30 05 0001't' 'hi'");
    UNTIL(&device, device.deliveries == 1 || device.result < 0);
    return device.result >= 0;
}

static void done(void)
{
    if (device.result >= 0)
        th_disconnect(device.client, 0, NULL);
    UNTIL(&device, device.result < 0);
    assert_nothing_held(&device);
    both_close(&device, &broker);
}

static void expect_named(size_t heap_bytes)
{
    char needed[32];
    struct th_report report;
    const struct th_fault *fault = th_fault(device.client);
    th_report(device.client, &report);
    snprintf(needed, sizeof needed, "%u bytes", (unsigned)report.last_refusal.needed_bytes);
    bool told = strstr(fault->text, "TLS heap") && strstr(fault->text, needed) &&
                strstr(fault->text, th_phase_name(fault->phase));
    if (device.result != TH_E_MEMORY || fault->code != TH_E_MEMORY || !told)
        fail_msg("with %zu: %d %s", heap_bytes, device.result, fault->text);
    assert_string_equal(report.last_refusal.pool, "TLS heap");
    assert_int_equal(report.last_refusal.phase, fault->phase);
    assert_true(report.last_refusal.needed_bytes > 0);
    assert_true(report.last_refusal.budget_bytes <= heap_bytes);
    assert_true(report.last_refusal.live_bytes <= heap_bytes);
    assert_true(report.pools[TH_REPORT_TLS_HEAP].peak_bytes <= heap_bytes);
    assert_true(report.refused > 0);
    assert_int_equal(report.taken, report.returned);
    assert_true(last_event(&device)->redial_in_ms == -1);
}

/* Steps of 300 bytes from where it works down to nothing. */
static void lower_heap(const char *kind, enum th_tls_version version, size_t from_bytes)
{
    struct th_context_config config = trust(kind);
    config.tls_max = version;
    context = context_of(config);
    server = serve_mutually(kind, "");
    size_t least_bytes = 0;
    uint32_t shared_bytes = context->payer.ledger.live_bytes;
    for (size_t bytes = from_bytes; bytes > 300; bytes -= 300) {
        bool works = works_within(bytes);
        least_bytes = works ? bytes : least_bytes;
        if (!works)
            expect_named(bytes);
        done();
        assert_int_equal(context->payer.ledger.live_bytes, shared_bytes);
    }
    assert_true(works_within(0));
    done();
    print_message("%s, TLS 1.%d: works within %zu bytes of heap\n", kind, version - 10,
                  least_bytes);
    assert_in_range(least_bytes, 1, from_bytes);
    context_free(context);
    stop(&server);
}

static void the_tls_heap_is_lowered(void **state)
{
    (void)state;
    lower_heap("ec", TH_TLS_1_3, 14000);
    lower_heap("ec", TH_TLS_1_2, 14000);
    lower_heap("rsa", TH_TLS_1_3, 26000);
    lower_heap("rsa", TH_TLS_1_2, 26000);
}

/* ---- shared heap ----------------------------------------------------------------------------- */

static int context_within(const char *kind, size_t bytes, struct th_fault *fault)
{
    struct th_context *opened;
    struct th_context_config config = trust(kind);
    config.heap_budget_bytes = bytes;
    void *block = aligned_alloc(16, (th_context_need_bytes() + 15) & ~(size_t)15);
    int result = th_context_open(&opened, block, th_context_need_bytes(), &config, fault);
    const struct th_payer *payer = &((struct th_context *)block)->payer;
    assert_int_equal(result == 0, opened != NULL);
    assert_int_equal(th_payer_strays(payer), 0);
    th_context_close(opened);
    assert_int_equal(payer->ledger.live_bytes, 0);
    assert_int_equal(payer->ledger.taken, payer->ledger.returned);
    free(block);
    return result;
}

static void lower_shared(const char *kind)
{
    struct th_fault fault;
    size_t least_bytes = 0;
    for (size_t bytes = 12000; bytes >= 100; bytes -= 100) {
        int result = context_within(kind, bytes, &fault);
        least_bytes = result == 0 ? bytes : least_bytes;
        if (result == 0)
            continue;
        if (result != TH_E_MEMORY || fault.code != TH_E_MEMORY ||
            !strstr(fault.text, "shared heap"))
            fail_msg("with %zu: %d %s", bytes, result, fault.text);
        assert_int_equal(context_within(kind, 0, &fault), 0);
    }
    print_message("%s: the context opens within %zu bytes\n", kind, least_bytes);
    assert_in_range(least_bytes, 1, 12000);
}

static void the_shared_heap_is_lowered(void **state)
{
    (void)state;
    lower_shared("ec");
    lower_shared("rsa");
}

/* ---- packet window --------------------------------------------------------------------------- */

static void the_window_is_lowered(void **state)
{
    (void)state;
    size_t least_bytes = 0;
    for (size_t bytes = 40; bytes > 0; bytes--) {
        broker_open(&broker);
        struct th_config config = plain_config(broker.port, TH_MQTT_5);
        config.window_budget_bytes = bytes;
        assert_int_equal(device_open(&device, NULL, config), 0);
        device.broker = &broker;
        th_connect(device.client);
        gets(&device, CONNECT_5);
        broker_sends(&broker, "20 03 00 00 00  30 0b 0005'topic' 00 'abc'");
        UNTIL(&device, device.deliveries || broker.ended);
        if (device.deliveries) {
            least_bytes = bytes;
            assert_memory_equal(device.payload, "abc", 3);
        } else {
            broker_drops(&broker);
            ends(&device);
            assert_int_equal(device.result, TH_E_MEMORY);
            assert_non_null(strstr(th_fault(device.client)->text, "packet window"));
            assert_non_null(strstr(th_fault(device.client)->text,
                                   th_phase_name(th_fault(device.client)->phase)));
        }
        both_close(&device, &broker);
    }
    assert_int_equal(least_bytes, 11);
}

/* ---- outbox ---------------------------------------------------------------------------------- */

static void the_outbox_is_lowered(void **state)
{
    (void)state;
    size_t least_bytes = 0;
    for (size_t bytes = 2000; bytes > 0; bytes -= 8) {
        struct th_config config = plain_config(1, TH_MQTT_5);
        config.outbox_budget_bytes = bytes;
        int result = device_open(&device, NULL, config);
        if (result == 0) {
            least_bytes = bytes;
            assert_true(publish(&device, "topic", "payload", 1) > 0);
        } else {
            assert_int_equal(result, TH_E_MEMORY);
            assert_non_null(strstr(device.fault.text, "outbox"));
            assert_null(device.client);
        }
        device_close(&device);
    }
    print_message("an outbox needs %zu bytes\n", least_bytes);
    assert_in_range(least_bytes, 256, 1200);
}

/* The smallest outbox still carries a conversation. */
static void the_smallest_outbox_works(void **state)
{
    (void)state;
    struct th_config config = plain_config(0, TH_MQTT_3_1_1);
    config.outbox_budget_bytes = 880;
    device_up_with(&device, &broker, config);
    assert_int_equal(subscribe(&device, "t", 2), 1);
    gets(&device, "82 06 0001 0001't' 02");
    broker_sends(&broker, "90 03 0001 02");
    for (int i = 0; i < 50; i++) {
        UNTIL(&device, th_pending(device.client) == 0);
        assert_true(publish(&device, "t", "0123456789", 2) > 0);
        UNTIL(&device, broker.in_bytes == 17);
        uint8_t id[2] = {broker.in[5], broker.in[6]};
        broker_forget(&broker, 17);
        broker_send_bytes(&broker, (uint8_t[]){0x50, 2, id[0], id[1]}, 4);
        UNTIL(&device, broker.in_bytes == 4);
        broker_forget(&broker, 4);
        broker_send_bytes(&broker, (uint8_t[]){0x70, 2, id[0], id[1]}, 4);
    }
    both_close(&device, &broker);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_tls_heap_is_lowered),
        cmocka_unit_test(the_shared_heap_is_lowered),
        cmocka_unit_test(the_window_is_lowered),
        cmocka_unit_test(the_outbox_is_lowered),
        cmocka_unit_test(the_smallest_outbox_works),
    };
    return cmocka_run_group_tests(tests, make_pki, NULL);
}
