/* Another identity on trial, in the block of the one in use, against mosquitto. */
#include "device.h"
#include "mosquitto.h"

static struct mosquitto mosquitto;
static struct th_context *context;
static struct device device;

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

/* ---- one device, as often as it likes -------------------------------------------------------- */

static void begin(enum listener listener)
{
    context = context_of(trust("ec"));
    struct th_config config = tls_config(mosquitto.ports[listener], TH_MQTT_3_1_1);
    config.redial = (struct th_redial){.first_ms = 1, .attempts = -1};
    assert_int_equal(device_open(&device, context, config), 0);
}

static void end(void)
{
    device_close(&device);
    context_free(context);
}

static void leave(void)
{
    assert_int_equal(th_disconnect(device.client, 0, NULL), 0);
    UNTIL(&device, device.result < 0 && th_phase(device.client) == TH_PHASE_RESTING);
}

static bool dial(void)
{
    device.result = 0;
    assert_int_equal(th_connect(device.client), 0);
    UNTIL(&device, device.result < 0 || th_phase(device.client) == TH_PHASE_UP);
    return device.result == 0;
}

static bool is_resumed(void)
{
    struct th_report report;
    th_report(device.client, &report);
    return report.tls.resumed;
}

/* What is held by the context, when nobody is connected. */
static uint32_t held_bytes(void)
{
    return context->payer.ledger.live_bytes;
}

static int renew(const char *kind)
{
    struct th_context_config config = trust(kind);
    return th_context_renew(context, &config, &device.fault);
}

/* ---- tests ----------------------------------------------------------------------------------- */

static void what_proves_itself_stays(void **state)
{
    (void)state;
    begin(GOOD_RSA);
    uint32_t before = held_bytes();
    assert_false(dial()); /* it trusts nobody there */
    assert_int_equal(renew("rsa"), 0);
    assert_true(held_bytes() > before);
    assert_true(dial());
    th_context_settle(context, true);
    leave();
    assert_true(dial());
    leave();
    struct th_context *fresh = context_of(trust("rsa"));
    assert_int_equal(held_bytes(), fresh->payer.ledger.live_bytes);
    context_free(fresh);
    end();
}

static void what_fails_goes(void **state)
{
    (void)state;
    begin(GOOD_EC);
    uint32_t before = held_bytes();
    assert_true(dial());
    assert_int_equal(renew("other"), 0);
    leave(); /* the connection was the old one's to its end */
    assert_false(dial());
    th_context_settle(context, false);
    assert_int_equal(held_bytes(), before);
    assert_true(dial());
    leave();
    end();
}

static void files_that_are_wrong_change_nothing(void **state)
{
    (void)state;
    begin(GOOD_EC);
    uint32_t before = held_bytes();
    struct th_context_config config = trust("ec");
    config.key.path = pki("other", "client.key");
    int result = th_context_renew(context, &config, &device.fault);
    assert_true(result < 0);
    assert_int_equal(device.fault.code, result);
    assert_int_equal(held_bytes(), before);
    th_context_settle(context, true);
    assert_true(dial());
    leave();
    end();
}

static void one_at_a_time(void **state)
{
    (void)state;
    begin(GOOD_EC);
    assert_int_equal(renew("ec"), 0);
    assert_int_equal(renew("ec"), TH_E_ARGUMENT);
    assert_non_null(strstr(device.fault.text, "settle"));
    end(); /* with a trial that was never settled */
}

static void lose_the_connection(void)
{
    unsigned before = count_events(&device, TH_EVENT_CONNECTED);
    shutdown(th_fd(device.client), SHUT_RDWR);
    UNTIL(&device, count_events(&device, TH_EVENT_CONNECTED) > before);
}

/* The broker was verified by the old roots, and knows the session's owner by the old
 * certificate. */
static void no_session_passes_from_one_to_the_other(void **state)
{
    (void)state;
    begin(GOOD_EC);
    assert_true(dial());
    lose_the_connection();
    assert_true(is_resumed());
    assert_int_equal(renew("ec"), 0);
    lose_the_connection();
    assert_false(is_resumed());
    th_context_settle(context, true);
    lose_the_connection();
    assert_true(is_resumed());
    leave();
    end();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_proves_itself_stays),
        cmocka_unit_test(what_fails_goes),
        cmocka_unit_test(files_that_are_wrong_change_nothing),
        cmocka_unit_test(one_at_a_time),
        cmocka_unit_test(no_session_passes_from_one_to_the_other),
    };
    return cmocka_run_group_tests(tests, start, finish);
}
