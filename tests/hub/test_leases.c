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
static enum listener listener = GOOD_EC;

static int start(void **state)
{
    if (make_pki(state) != 0)
        return -1;
    mosquitto_start(&mosquitto);
    context = context_of(trust("ec"));
    return 0;
}

static void use(const char *kind, enum listener which, enum th_tls_version version)
{
    struct th_context_config config = trust(kind);
    config.tls_max = version;
    context_free(context);
    context = context_of(config);
    listener = which;
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

static void settle_all(void)
{
    uint64_t until_ms = clock_ms() + PATIENCE_MS;
    while (!all_settled()) {
        turn_all();
        assert_true(clock_ms() < until_ms);
    }
}

static void begin_all(void)
{
    for (int i = 0; i < CLIENTS; i++) {
        struct th_config config = tls_config(mosquitto.ports[listener], TH_MQTT_3_1_1);
        config.client_id = NULL;
        assert_int_equal(device_open(&devices[i], context, config), 0);
        assert_int_equal(th_connect(devices[i].client), 0);
        devices[i].result = 0;
    }
}

static void connect_all(void)
{
    begin_all();
    settle_all();
}

/* ---- the test as one who holds leases ---------------------------------------------------------- */

static struct th_lease taken[TH_LEASES];

static void take_all(struct th_leases *leases)
{
    for (int i = 0; i < TH_LEASES; i++)
        assert_true(th_lease_take(leases, &taken[i], clock_ms()));
}

static void give_all(struct th_leases *leases)
{
    for (int i = 0; i < TH_LEASES; i++)
        th_lease_give(leases, &taken[i], clock_ms());
}

/* All are in line at the same moment. */
static void line_up(void)
{
    uint64_t until_ms = clock_ms() + PATIENCE_MS;
    take_all(&context->handshakes);
    begin_all();
    while (context->handshakes.waiting < CLIENTS) {
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

/* Nothing that outlives a handshake lies in its heap: all are free while the connections are up. */
static void all_come_up(const char *kind, enum listener which, enum th_tls_version version)
{
    use(kind, which, version);
    line_up();
    give_all(&context->handshakes);
    settle_all();
    assert_int_equal(count_up(), CLIENTS);
    assert_int_equal(context->handshakes.held_peak, TH_LEASES);
    assert_int_equal(context->handshakes.waits, CLIENTS);
    assert_int_equal(context->handshakes.held, 0);
    close_all();
}

static void all_come_up_in_turns(void **state)
{
    (void)state;
    all_come_up("rsa", GOOD_RSA, TH_TLS_1_2);
    all_come_up("rsa", GOOD_RSA, TH_TLS_1_3);
    all_come_up("ec", GOOD_EC, TH_TLS_1_2);
    all_come_up("ec", GOOD_EC, TH_TLS_1_3);
}

static void those_who_leave_give_their_place_to_others(void **state)
{
    (void)state;
    for (int gone = 0; gone < CLIENTS; gone++) {
        line_up();
        th_disconnect(devices[gone].client, 0, NULL);
        step(&devices[gone]);
        assert_int_equal(context->handshakes.waiting, CLIENTS - 1);
        give_all(&context->handshakes);
        settle_all();
        assert_int_equal(count_up(), CLIENTS - 1);
        close_all();
    }
}

/* ---- the line -------------------------------------------------------------------------------- */

static struct device *up(void)
{
    struct th_config config = tls_config(mosquitto.ports[GOOD_EC], TH_MQTT_5);
    config.client_id = NULL;
    assert_int_equal(device_open(&devices[0], context, config), 0);
    assert_int_equal(th_connect(devices[0].client), 0);
    UNTIL(&devices[0], th_phase(devices[0].client) == TH_PHASE_UP);
    return &devices[0];
}

static void in_line_nothing_is_polled_and_nothing_is_overdue(void **state)
{
    (void)state;
    static char payload[6001];
    memset(payload, 'x', sizeof payload - 1);
    struct device *device = up();
    subscribe(device, "line", 1);
    UNTIL(device, count_events(device, TH_EVENT_SUBSCRIBED) == 1);
    take_all(&context->records);
    device->client->config.deadlines.ack_ms = 200;
    publish(device, "line", payload, 1);
    UNTIL(device, context->records.waiting == 1);
    FOR_MS(device, 300);
    assert_int_equal(th_fd(device->client), -1);
    assert_int_equal(th_wait_ms(device->client), -1);
    assert_int_equal(device->deliveries, 0);
    give_all(&context->records);
    assert_int_equal(th_wait_ms(device->client), 0);
    UNTIL(device, device->deliveries == 1);
    assert_int_equal(device->payload_bytes, sizeof payload - 1);
    assert_int_equal(count_events(device, TH_EVENT_DISCONNECTED), 0);
    device_close(device);
    assert_int_equal(context->records.held, 0);
}

/* Who leaves while in line does so in order. */
static void one_can_leave_from_the_line(void **state)
{
    (void)state;
    static char payload[6001];
    memset(payload, 'x', sizeof payload - 1);
    struct device *device = up();
    subscribe(device, "line", 0);
    UNTIL(device, count_events(device, TH_EVENT_SUBSCRIBED) == 1);
    take_all(&context->records);
    publish(device, "line", payload, 0);
    UNTIL(device, context->records.waiting == 1);
    assert_int_equal(th_disconnect(device->client, 0, NULL), 0);
    UNTIL(device, device->result < 0);
    assert_int_equal(th_fault(device->client)->code, 0);
    assert_int_equal(context->records.waiting, 0);
    device_close(device);
    give_all(&context->records);
}

static void a_stream_waits_for_its_handshake(void **state)
{
    (void)state;
    struct th_tls *stream = NULL;
    void *block = aligned_alloc(16, (th_tls_need_bytes() + 15) & ~(size_t)15);
    const struct th_config like = tls_config(mosquitto.ports[GOOD_EC], TH_MQTT_3_1_1);
    const struct th_tls_config config = {
        .host = like.host, .port = like.port, .server_name = like.server_name, .route = like.route};
    int result;
    take_all(&context->handshakes);
    while (!context->handshakes.waiting)
        result = th_tls_connect(&stream, block, th_tls_need_bytes(), context, &config, NULL);
    assert_int_equal(result, TH_WANT_READ);
    assert_int_equal(th_tls_fd(stream), -1);
    assert_int_equal(th_tls_wait_ms(stream), -1);
    give_all(&context->handshakes);
    assert_int_equal(th_tls_wait_ms(stream), 0);
    do {
        struct pollfd awaited = {th_tls_fd(stream), th_tls_poll_events(stream), 0};
        poll(&awaited, 1, th_tls_wait_ms(stream));
        result = th_tls_connect(&stream, block, th_tls_need_bytes(), context, &config, NULL);
    } while (result == TH_WANT_READ || result == TH_WANT_WRITE);
    assert_int_equal(result, 0);
    th_tls_close(stream);
    assert_int_equal(context->handshakes.held, 0);
    free(block);
}

/* ---- refusals ----------------------------------------------------------------------------------- */

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
        cmocka_unit_test(in_line_nothing_is_polled_and_nothing_is_overdue),
        cmocka_unit_test(one_can_leave_from_the_line),
        cmocka_unit_test(a_stream_waits_for_its_handshake),
        cmocka_unit_test(every_refused_allocation_is_survived),
        cmocka_unit_test(when_all_is_refused_all_ends),
    };
    return cmocka_run_group_tests(tests, start, finish);
}
