/* Every single allocation of a whole life is refused, once and from there on: context open,
 * connect, subscribe, publish, receive, disconnect, close. It must end in a clean error or be
 * tolerated, the books at zero, nothing ever accepted from a wrong server, and the next attempt
 * must work.
 *
 * The default run takes every STRIDE-th allocation, THIMBLE_ALL=1 takes all. */
#include "device.h"
#include "mosquitto.h"

#include "mem/failing.h"

#define STRIDE 3

static struct mosquitto mosquitto;
static struct device device;
static struct th_context *context;
static void *context_block;
static struct th_fault context_fault;

static size_t stride;
static unsigned points, refused_points, tolerated;

static int start(void **state)
{
    const char *all = getenv("THIMBLE_ALL"), *check = getenv("THIMBLE_CHECK");
    stride = (all && *all == '1') || (check && !strcmp(check, "all")) ? 1 : STRIDE;
    if (make_pki(state) != 0)
        return -1;
    mosquitto_start(&mosquitto);
    context_block = aligned_alloc(16, (th_context_need_bytes() + 15) & ~(size_t)15);
    return 0;
}

static int finish(void **state)
{
    (void)state;
    mosquitto_stop(&mosquitto);
    free(context_block);
    print_message("%u points (%s), %u ended in an error, %u were tolerated\n", points,
                  stride == 1 ? "all" : "a sample; THIMBLE_ALL=1 runs all", refused_points,
                  tolerated);
    return 0;
}

/* ---- one life -------------------------------------------------------------------------------- */

/* What an earlier connection could not send goes out first. */
static bool subscribing;
static unsigned left_behind; /* messages */

static int requests(struct device *d, const struct th_event *event)
{
    if (event->kind == TH_EVENT_CONNECTED && !subscribing) {
        subscribing = true;
        return subscribe(d, "sweep", 1);
    }
    if (event->kind == TH_EVENT_SUBSCRIBED) {
        subscribing = false;
        return publish(d, "sweep", "message", 1);
    }
    return 0;
}

static void live(struct device *d, const struct th_event *event)
{
    assert_true(requests(d, event) >= 0);
    if (d->deliveries && event->kind == TH_EVENT_PUBLISHED && !th_pending(d->client))
        assert_int_equal(th_disconnect(d->client, 0, NULL), 0);
}

static void leave_when_all_is_done(struct device *d, const struct th_delivery *delivery)
{
    (void)delivery;
    if (count_events(d, TH_EVENT_PUBLISHED) && !th_pending(d->client))
        assert_int_equal(th_disconnect(d->client, 0, NULL), 0);
}

/* From th_connect() to its end. */
static int one_connection(void)
{
    left_behind = (unsigned)th_pending(device.client) - subscribing;
    device.event_count = device.deliveries = device.pieces = 0;
    assert_int_equal(th_connect(device.client), 0);
    device.result = 0;
    UNTIL(&device, device.result < 0);
    assert_nothing_held(&device);
    return th_fault(device.client)->code;
}

static bool lived(void)
{
    return device.deliveries == 1 && count_events(&device, TH_EVENT_PUBLISHED) == 1 + left_behind &&
           count_events(&device, TH_EVENT_DISCONNECTED) == 1;
}

static int open_both(enum listener listener, enum th_tls_version version)
{
    struct th_context_config trusted = trust(listener == GOOD_RSA ? "rsa" : "ec");
    trusted.tls_max = version;
    int result = th_context_open(&context, context_block, th_context_need_bytes(), &trusted,
                                 &context_fault);
    if (result < 0)
        return result;
    subscribing = false;
    struct th_config config = tls_config(mosquitto.ports[listener], TH_MQTT_3_1_1);
    config.client_id = NULL;
    assert_int_equal(device_open(&device, context, config), 0);
    device.on_event = live;
    device.on_delivery = leave_when_all_is_done;
    return 0;
}

static void close_both(void)
{
    if (context)
        device_close(&device);
    th_context_close(context);
    const struct th_payer *payer = &((struct th_context *)context_block)->payer;
    assert_int_equal(payer->ledger.live_bytes, 0);
    assert_int_equal(payer->ledger.taken, payer->ledger.returned);
    assert_int_equal(th_payer_strays(payer), 0);
    context = NULL;
}

/* ---- one point ------------------------------------------------------------------------------- */

static bool is_wrong(enum listener listener)
{
    return listener == WRONG_NAME || listener == WRONG_AUTHORITY;
}

static void expect_never_accepted(int code)
{
    assert_true(code == TH_E_MEMORY || code == TH_E_SERVER_NAME || code == TH_E_CERTIFICATE);
    assert_int_equal(count_events(&device, TH_EVENT_CONNECTED), 0);
    assert_int_equal(device.pieces, 0);
    assert_true(device.client->link.socket.written_bytes < 3000);
}

static const char *refused_purpose(void)
{
    const struct th_ledger *own = &device.client->link.payer.ledger;
    const struct th_ledger *shared = &context->payer.ledger;
    return th_purpose_name(own->refused ? own->refusal.purpose : shared->refusal.purpose);
}

static void note(enum listener listener, enum th_tls_version version, size_t n, int code)
{
    points++;
    refused_points += code != 0;
    if (code || is_wrong(listener))
        return;
    tolerated++;
    print_message("tolerated: TLS 1.%d, allocation %zu (%s)\n", version - 10, n,
                  refused_purpose());
}

static void judge(enum listener listener, int code)
{
    if (is_wrong(listener))
        expect_never_accepted(code);
    else if (code)
        assert_int_equal(code, TH_E_MEMORY);
    else
        assert_true(lived());
}

/* In the same client: with memory it works, or is refused for the right reason. */
static void retry(enum listener listener)
{
    int code = one_connection();
    if (listener == WRONG_NAME)
        assert_int_equal(code, TH_E_SERVER_NAME);
    else if (listener == WRONG_AUTHORITY)
        assert_int_equal(code, TH_E_CERTIFICATE);
    else
        assert_true(code == 0 && lived());
}

/* The n-th allocation is refused, or all from the n-th. Returns the number of refusals. */
static size_t try_point(enum listener listener, enum th_tls_version version, size_t n, bool from)
{
    th_failing_at(n, from);
    int code = open_both(listener, version);
    if (code == 0)
        judge(listener, code = one_connection());
    else
        assert_int_equal(code, TH_E_MEMORY);
    size_t injected = th_failing_injected();
    th_failing_stop();
    if (injected)
        note(listener, version, n, code);
    if (!context)
        assert_int_equal(open_both(listener, version), 0);
    retry(listener);
    close_both();
    return injected;
}

static void sweep(enum listener listener, enum th_tls_version version)
{
    for (size_t n = 1; try_point(listener, version, n, false) > 0; n += stride)
        ;
    for (size_t n = 1 + stride / 2; try_point(listener, version, n, true) > 0; n += stride)
        ;
}

/* ---- all of them ----------------------------------------------------------------------------- */

static void a_good_server(void **state)
{
    (void)state;
    sweep(GOOD_EC, TH_TLS_1_3);
    sweep(GOOD_EC, TH_TLS_1_2);
}

static void a_good_server_with_rsa(void **state)
{
    (void)state;
    sweep(GOOD_RSA, TH_TLS_1_3);
    sweep(GOOD_RSA, TH_TLS_1_2);
}

static void a_wrong_name_is_never_accepted(void **state)
{
    (void)state;
    sweep(WRONG_NAME, TH_TLS_1_3);
    sweep(WRONG_NAME, TH_TLS_1_2);
}

static void a_wrong_authority_is_never_accepted(void **state)
{
    (void)state;
    sweep(WRONG_AUTHORITY, TH_TLS_1_3);
    sweep(WRONG_AUTHORITY, TH_TLS_1_2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_good_server),
        cmocka_unit_test(a_good_server_with_rsa),
        cmocka_unit_test(a_wrong_name_is_never_accepted),
        cmocka_unit_test(a_wrong_authority_is_never_accepted),
    };
    return cmocka_run_group_tests(tests, start, finish);
}
