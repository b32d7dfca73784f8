/* Messages of QoS 2 that were received and not released, over the end of a client. */
#include "device.h"

#include "base/err.h"

static struct device device;
static struct broker broker;

#define CONNECT "10 0d 0004'MQTT' 04 00 0000 0001'c'"
#define PUBLISH_7 "34 07 0001't' 0007 'ab'"
#define AGAIN_7 "3c 07 0001't' 0007 'ab'"
#define PUBREC_7 "50 02 0007"

/* ---- who keeps it ---------------------------------------------------------------------------- */

static uint32_t ids[TH_RECEIVED_WORDS], kept[TH_RECEIVED_WORDS];
static unsigned calls, syncs, failing;

static int keep(void *arg, bool synced, struct th_fault *fault)
{
    assert_ptr_equal(arg, &calls);
    assert_true(synced == (fault != NULL));
    broker_collect(&broker);
    assert_int_equal(broker.in_bytes, 0); /* nothing is answered yet */
    assert_int_equal(device.deliveries, 1);
    calls++;
    syncs += synced;
    if (failing && failing--)
        return th_fault_set(fault, TH_E_SYSTEM, "the disk");
    memset(kept, 0xa5, sizeof kept);
    memcpy(kept, ids, ids[0] * sizeof *ids); /* what is behind does not count */
    return 0;
}

static const struct th_received received = {.ids = ids, .keep = keep, .arg = &calls};

static void begin_with(const char *host, uint16_t port)
{
    struct th_config config = plain_config(port, TH_MQTT_3_1_1);
    config.host = host;
    config.clean_start = false;
    config.received = &received;
    config.redial = (struct th_redial){.first_ms = 1, .max_ms = 1, .attempts = -1};
    assert_int_equal(device_open(&device, NULL, config), 0);
    device.broker = &broker;
    assert_int_equal(th_connect(device.client), 0);
}

static void up(const char *connack)
{
    gets(&device, CONNECT);
    broker_sends(&broker, connack);
    UNTIL(&device, th_phase(device.client) == TH_PHASE_UP);
}

static void begin(const char *host, const char *connack)
{
    begin_with(host, broker.port);
    up(connack);
}

/* The process has gone; what was kept is there. */
static void end(void)
{
    device_close(&device);
    close(broker.fd);
    broker.fd = -1;
    memcpy(ids, kept, sizeof ids);
    calls = syncs = 0;
}

static void deliver_7(void)
{
    broker_sends(&broker, PUBLISH_7);
    UNTIL(&device, device.deliveries == 1);
}

static int set_up(void **state)
{
    (void)state;
    broker_open(&broker);
    memset(ids, 0, sizeof ids);
    memset(kept, 0, sizeof kept);
    calls = syncs = failing = 0;
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    device_close(&device);
    broker_close(&broker);
    return 0;
}

/* ---- the tests ------------------------------------------------------------------------------- */

static void it_is_kept_before_it_is_answered(void **state)
{
    (void)state;
    begin("127.0.0.1", "20 02 00 00");
    assert_int_equal(calls, 0);
    deliver_7();
    gets(&device, PUBREC_7);
    assert_int_equal(calls, 2);
    assert_int_equal(syncs, 1);
    assert_int_equal(ids[0], 70); /* one page, of 32 */
    broker_sends(&broker, "62 02 0007");
    gets(&device, "70 02 0007");
    assert_int_equal(syncs, 2);
    assert_int_equal(ids[0], 4);
    broker_sends(&broker, "30 04 0001't' 'x'");
    UNTIL(&device, device.deliveries == 2);
    assert_int_equal(calls, 3);
}

static void the_next_process_knows_it(void **state)
{
    (void)state;
    begin("127.0.0.1", "20 02 00 00");
    deliver_7();
    gets(&device, PUBREC_7);
    end();
    begin("127.0.0.1", "20 02 01 00");
    assert_int_equal(th_unreleased(device.client), 1);
    broker_sends(&broker, AGAIN_7);
    gets(&device, PUBREC_7);
    assert_int_equal(device.deliveries, 0);
    assert_int_equal(calls, 0);
}

static void is_new(const char *host, const char *connack)
{
    begin("127.0.0.1", "20 02 00 00");
    deliver_7();
    gets(&device, PUBREC_7);
    end();
    begin_with(host, broker.port);
    device.deliveries = 1; /* that it is forgotten is kept, too */
    up(connack);
    assert_int_equal(syncs, 1);
    assert_int_equal(th_unreleased(device.client), 0);
    device.deliveries = 0;
    broker_sends(&broker, AGAIN_7);
    gets(&device, PUBREC_7);
    assert_int_equal(device.deliveries, 1);
}

static void another_session_knows_nothing_of_it(void **state)
{
    (void)state;
    is_new("127.0.0.1", "20 02 00 00");
}

static void another_broker_knows_nothing_of_it(void **state)
{
    (void)state;
    is_new("localhost", "20 02 01 00");
}

/* What somebody else has written there harms nothing. */
static void what_is_no_set_is_left_alone(void **state)
{
    (void)state;
    begin("127.0.0.1", "20 02 00 00");
    deliver_7();
    gets(&device, PUBREC_7);
    end();
    ((struct th_session_kept *)ids)->pages = TH_SESSION_ID_PAGES + 1;
    begin_with("127.0.0.1", broker.port);
    device.deliveries = 1;
    up("20 02 01 00");
    assert_int_equal(th_unreleased(device.client), 0);
}

/* Once at the delivery and once before the answer; then as soon as there is a connection. */
static void what_cannot_be_kept_is_not_answered(void **state)
{
    (void)state;
    failing = 3;
    begin("127.0.0.1", "20 02 00 00");
    deliver_7();
    UNTIL(&device, count_events(&device, TH_EVENT_DISCONNECTED) == 1);
    assert_int_equal(last_event(&device)->fault_code, TH_E_SYSTEM);
    assert_true(last_event(&device)->redial_in_ms >= 0);
    broker_drops(&broker);
    gets(&device, CONNECT);
    broker_sends(&broker, "20 02 01 00");
    UNTIL(&device, count_events(&device, TH_EVENT_DISCONNECTED) == 2);
    broker_drops(&broker);
    up("20 02 01 00");
    broker_sends(&broker, AGAIN_7);
    gets(&device, PUBREC_7);
    assert_int_equal(device.deliveries, 1);
    assert_int_equal(failing, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(it_is_kept_before_it_is_answered, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_next_process_knows_it, set_up, tear_down),
        cmocka_unit_test_setup_teardown(another_session_knows_nothing_of_it, set_up, tear_down),
        cmocka_unit_test_setup_teardown(another_broker_knows_nothing_of_it, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_is_no_set_is_left_alone, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_cannot_be_kept_is_not_answered, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
