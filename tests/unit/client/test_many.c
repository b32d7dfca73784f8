/* Many clients of one context: in turns on one thread, one thread for each, and one that reconnects
 * again and again. */
#include "device.h"
#include "mosquitto.h"

#include <pthread.h>

#define CLIENTS 4
#define MESSAGES 30

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

/* ---- one client's work ----------------------------------------------------------------------- */

/* Each subscribes to its own topic and publishes to it, at QoS 0, 1, 2 in turns. */
static void topic_of(const struct device *device, char topic[32])
{
    snprintf(topic, 32, "many/%p", (const void *)device);
}

static void publish_next(struct device *device)
{
    char topic[32], payload[32];
    topic_of(device, topic);
    snprintf(payload, sizeof payload, "%d", device->number);
    publish(device, topic, payload, (unsigned)device->number % 3);
}

static void begin_when_connected(struct device *device, const struct th_event *event)
{
    char topic[32];
    topic_of(device, topic);
    if (event->kind == TH_EVENT_CONNECTED)
        subscribe(device, topic, 2);
    if (event->kind == TH_EVENT_SUBSCRIBED)
        publish_next(device);
}

/* Only what belongs to it and comes in its order is counted. */
static void next_when_delivered(struct device *device, const struct th_delivery *delivery)
{
    char expected[32];
    size_t bytes = (size_t)snprintf(expected, sizeof expected, "%d", device->number);
    bool own = delivery->payload.len_bytes == bytes &&
               !memcmp(delivery->payload.data, expected, bytes);
    device->warnings += !own;
    if (++device->number < MESSAGES)
        publish_next(device);
    else
        th_disconnect(device->client, 0, NULL);
}

static int open_one(struct device *device)
{
    struct th_config config = tls_config(mosquitto.ports[GOOD_EC], TH_MQTT_5);
    config.client_id = NULL;
    int result = device_open(device, context, config);
    device->on_event = begin_when_connected;
    device->on_delivery = next_when_delivered;
    return result;
}

static bool did_all(const struct device *device)
{
    const struct th_payer *payer = &device->client->link.payer;
    return device->number == MESSAGES && device->warnings == 0 &&
           device->result == TH_E_CLOSED && th_fault(device->client)->code == 0 &&
           payer->ledger.live_bytes == 0 && th_payer_strays(payer) == 0;
}

/* ---- on one thread --------------------------------------------------------------------------- */

static bool all_ended(int count)
{
    bool ended = true;
    for (int i = 0; i < count; i++)
        ended &= devices[i].result < 0;
    return ended;
}

static void turn_all(int count)
{
    struct pollfd awaited[CLIENTS];
    int wait_ms = 1000;
    for (int i = 0; i < count; i++) {
        awaited[i] = (struct pollfd){.fd = th_fd(devices[i].client),
                                     .events = th_poll_events(devices[i].client)};
        wait_ms = sooner(devices[i].result < 0 ? -1 : th_wait_ms(devices[i].client), wait_ms);
    }
    poll(awaited, (nfds_t)count, wait_ms);
    for (int i = 0; i < count; i++)
        step(&devices[i]);
}

static void in_turns(int count)
{
    uint64_t until_ms = clock_ms() + PATIENCE_MS;
    for (int i = 0; i < count; i++) {
        assert_int_equal(open_one(&devices[i]), 0);
        assert_int_equal(th_connect(devices[i].client), 0);
    }
    while (!all_ended(count)) {
        turn_all(count);
        assert_true(clock_ms() < until_ms);
    }
    for (int i = 0; i < count; i++) {
        assert_true(did_all(&devices[i]));
        device_close(&devices[i]);
    }
}

static void clients_take_turns_on_one_thread(void **state)
{
    (void)state;
    uint32_t shared_bytes = context->payer.ledger.live_bytes;
    in_turns(2);
    in_turns(4);
    assert_int_equal(context->payer.ledger.live_bytes, shared_bytes);
}

/* ---- a thread for each ----------------------------------------------------------------------- */

static void *run_often(void *arg)
{
    struct device *device = arg;
    for (int connection = 0; connection < 5; connection++) {
        if (open_one(device) < 0 || th_connect(device->client) < 0)
            return NULL;
        while ((device->result = th_run(device->client, 1000)) >= 0)
            ;
        struct th_report report;
        th_report(device->client, &report);
        if (!did_all(device) || report.attempts != 1)
            return NULL;
        th_close(device->client);
        free(device->block);
    }
    return device;
}

static void a_thread_for_each_client(void **state)
{
    (void)state;
    pthread_t threads[CLIENTS];
    uint32_t shared_bytes = context->payer.ledger.live_bytes;
    for (int i = 0; i < CLIENTS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, run_often, &devices[i]), 0);
    for (int i = 0; i < CLIENTS; i++) {
        void *result;
        pthread_join(threads[i], &result);
        assert_ptr_equal(result, &devices[i]);
    }
    assert_int_equal(context->payer.ledger.live_bytes, shared_bytes);
    assert_int_equal(th_payer_strays(&context->payer), 0);
    assert_int_equal(th_payer_lost_strays(), 0);
}

/* ---- again and again ------------------------------------------------------------------------- */

static unsigned count_descriptors(void)
{
    unsigned count = 0;
    for (int fd = 0; fd < 256; fd++)
        count += fcntl(fd, F_GETFD) >= 0;
    return count;
}

/* After each: nothing live, the same number of descriptors, the same peak but for the length of the
 * signatures, and the process holds what it held. */
static void three_hundred_reconnects(void **state)
{
    (void)state;
    enum { RECONNECTS = 300 };
    struct device *device = &devices[0];
    struct th_config config = tls_config(mosquitto.ports[GOOD_EC], TH_MQTT_3_1_1);
    assert_int_equal(device_open(device, context, config), 0);
    const struct th_ledger *ledger = &device->client->link.payer.ledger;
    unsigned descriptors = count_descriptors();
    size_t process_bytes = th_ledger_process_live_bytes();
    uint32_t peak_bytes = 0, taken = 0;
    for (int i = 0; i < RECONNECTS; i++) {
        uint32_t before = ledger->taken;
        th_connect(device->client);
        step(device);
        UNTIL(device, th_phase(device->client) == TH_PHASE_UP);
        th_disconnect(device->client, 0, NULL);
        ends_as_asked(device);
        device->event_count = 0;
        assert_int_equal(ledger->taken, ledger->returned);
        assert_int_equal(th_ledger_process_live_bytes(), process_bytes);
        assert_int_equal(count_descriptors(), descriptors);
        peak_bytes = i ? peak_bytes : ledger->peak_bytes;
        taken = i ? taken : ledger->taken;
        assert_in_range(ledger->peak_bytes, peak_bytes, peak_bytes + 32);
        assert_in_range(ledger->taken - before, taken - 4, taken + 4);
    }
    struct th_report report;
    th_report(device->client, &report);
    assert_int_equal(report.attempts, RECONNECTS);
    device_close(device);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(clients_take_turns_on_one_thread),
        cmocka_unit_test(a_thread_for_each_client),
        cmocka_unit_test(three_hundred_reconnects),
    };
    return cmocka_run_group_tests(tests, start, finish);
}
