/* What goes out: through TLS, when the other side is slow. */
#include "device.h"

static struct device device;
static struct broker broker;

/* ---- a broker that does not read ------------------------------------------------------------- */

#define STALLED_MESSAGES 4000

static unsigned published;

static void publish_numbered(void)
{
    char payload[104];
    memset(payload, '.', sizeof payload);
    snprintf(payload, 8, "%06u", published);
    payload[6] = '.';
    struct th_message message = {.topic = th_slice_text("topic"),
                                 .payload = {(const uint8_t *)payload, 100}};
    assert_int_equal(count_events(&device, TH_EVENT_DISCONNECTED), 0);
    device.event_count = 0;
    if (published < STALLED_MESSAGES && th_publish(device.client, &message) == 0)
        published++;
}

static void expect_numbered(unsigned number)
{
    char expected[32];
    UNTIL(&device, broker.in_bytes >= 109 || broker.ended);
    snprintf(expected, sizeof expected, "%06u", number);
    assert_memory_equal(broker.in, "\x30\x6b\0\5topic", 9);
    assert_memory_equal(broker.in + 9, expected, 6);
    broker_forget(&broker, 109);
    publish_numbered();
}

/* TLS keeps what it has encrypted, and the next write must begin with it. */
static void a_broker_that_reads_slowly_loses_nothing(void **state)
{
    (void)state;
    struct th_context *context = context_of(trust("ec"));
    struct server server = serve_mutually("ec", "-tls1_3");
    struct th_config config = tls_config(server.port, TH_MQTT_3_1_1);
    broker_behind(&broker, &server);
    assert_int_equal(device_open(&device, context, config), 0);
    device.broker = &broker;
    assert_int_equal(th_connect(device.client), 0);
    greet(&device);
    device.broker = NULL;
    published = 0;
    for (uint64_t until_ms = clock_ms() + PATIENCE_MS; clock_ms() < until_ms; step(&device)) {
        unsigned before = published;
        publish_numbered();
        if (before == published && device.client->wants_write)
            break;
    }
    assert_true(device.client->wants_write);
    device.broker = &broker;
    for (unsigned i = 0; i < STALLED_MESSAGES; i++)
        expect_numbered(i);
    both_close(&device, &broker);
    stop(&server);
    context_free(context);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_broker_that_reads_slowly_loses_nothing),
    };
    return cmocka_run_group_tests(tests, make_pki, NULL);
}
