/* More connections than leases, and allocations that are refused in the middle of it: each ends in
 * an error or comes up, every lease is given back, and afterwards all come up. */
#include "device.h"
#include "mosquitto.h"

#include "mem/failing.h"

#define CLIENTS (TH_LEASES + 3)
#define STRIDE 7

static struct mosquitto mosquitto;
static struct th_context *context;
static struct device devices[CLIENTS];

static int start(void **state)
{
    if (make_pki(state) != 0)
        return -1;
    mosquitto_start(&mosquitto);
    context = context_of(trust("ec"));
    return 0;
}

static int finish(void **state)
{
    (void)state;
    mosquitto_stop(&mosquitto);
    context_free(context);
    return 0;
}

/* ---- all of them ----------------------------------------------------------------------------- */

static bool is_settled(const struct device *device)
{
    return device->result < 0 || th_phase(device->client) == TH_PHASE_UP;
}

static bool all_settled(void)
{
    bool settled = true;
    for (int i = 0; i < CLIENTS; i++)
        settled &= is_settled(&devices[i]);
    return settled;
}

static void assert_leases_kept(void)
{
    assert_in_range(context->handshakes.held, 0, TH_LEASES);
    assert_in_range(context->records.held, 0, TH_LEASES);
    assert_true(context->handshakes.waiting == 0 || context->handshakes.held == TH_LEASES);
}

static void turn_all(void)
{
    struct pollfd awaited[CLIENTS];
    int wait_ms = 1000;
    for (int i = 0; i < CLIENTS; i++) {
        awaited[i] = (struct pollfd){.fd = th_fd(devices[i].client),
                                     .events = th_poll_events(devices[i].client)};
        wait_ms = sooner(devices[i].result < 0 ? -1 : th_wait_ms(devices[i].client), wait_ms);
    }
    poll(awaited, CLIENTS, wait_ms);
    for (int i = 0; i < CLIENTS; i++) {
        step(&devices[i]);
        assert_leases_kept();
    }
}

static void connect_all(void)
{
    uint64_t until_ms = clock_ms() + PATIENCE_MS;
    for (int i = 0; i < CLIENTS; i++) {
        struct th_config config = tls_config(mosquitto.ports[GOOD_EC], TH_MQTT_3_1_1);
        config.client_id = NULL;
        assert_int_equal(device_open(&devices[i], context, config), 0);
        assert_int_equal(th_connect(devices[i].client), 0);
        devices[i].result = 0;
    }
    while (!all_settled()) {
        turn_all();
        assert_true(clock_ms() < until_ms);
    }
}

static unsigned count_up(void)
{
    unsigned up = 0;
    for (int i = 0; i < CLIENTS; i++)
        up += devices[i].result >= 0;
    return up;
}

static void close_all(void)
{
    for (int i = 0; i < CLIENTS; i++)
        device_close(&devices[i]);
    assert_int_equal(context->handshakes.held, 0);
    assert_int_equal(context->handshakes.waiting, 0);
    assert_int_equal(context->records.held, 0);
    assert_int_equal(context->records.waiting, 0);
}

/* ---- tests ------------------------------------------------------------------------------------ */

static void all_come_up_in_turns(void **state)
{
    (void)state;
    connect_all();
    assert_int_equal(count_up(), CLIENTS);
    assert_int_equal(context->handshakes.held_peak, TH_LEASES);
    assert_in_range(context->handshakes.waits, 1, CLIENTS - TH_LEASES);
    assert_int_equal(context->handshakes.held, 0);
    close_all();
}

static void those_who_leave_give_their_place_to_others(void **state)
{
    (void)state;
    for (int gone = 0; gone < CLIENTS; gone++) {
        for (int i = 0; i < CLIENTS; i++) {
            struct th_config config = tls_config(mosquitto.ports[GOOD_EC], TH_MQTT_3_1_1);
            config.client_id = NULL;
            assert_int_equal(device_open(&devices[i], context, config), 0);
            assert_int_equal(th_connect(devices[i].client), 0);
            devices[i].result = 0;
        }
        while (!context->handshakes.waiting)
            turn_all();
        th_disconnect(devices[gone].client, 0, NULL);
        while (!all_settled())
            turn_all();
        assert_int_equal(count_up(), CLIENTS - 1);
        close_all();
    }
}

static void every_refused_allocation_is_survived(void **state)
{
    (void)state;
    unsigned points = 0, ended = 0;
    size_t injected = 1;
    for (size_t n = 1; injected > 0; n += STRIDE, points++) {
        th_failing_at(n, false);
        connect_all();
        injected = th_failing_injected();
        th_failing_stop();
        ended += count_up() < CLIENTS;
        assert_true(count_up() >= CLIENTS - 1);
        close_all();
    }
    assert_true(ended > points / 2);
    connect_all();
    assert_int_equal(count_up(), CLIENTS);
    close_all();
    print_message("%u points, every %dth; %u ended one connection\n", points, STRIDE, ended);
}

static void when_all_is_refused_all_ends(void **state)
{
    (void)state;
    for (size_t n = 1; n < 400; n += 29 * STRIDE) {
        th_failing_at(n, true);
        connect_all();
        th_failing_stop();
        close_all();
    }
    connect_all();
    assert_int_equal(count_up(), CLIENTS);
    close_all();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_come_up_in_turns),
        cmocka_unit_test(those_who_leave_give_their_place_to_others),
        cmocka_unit_test(every_refused_allocation_is_survived),
        cmocka_unit_test(when_all_is_refused_all_ends),
    };
    return cmocka_run_group_tests(tests, start, finish);
}
