/* When the outbox is full, the socket takes no more, or the broker allows no more. */
#include "device.h"

static struct device device;
static struct broker broker;

/* ---- a full outbox --------------------------------------------------------------------------- */

static void a_full_outbox_says_so(void **state)
{
    (void)state;
    char payload[1000] = "";
    memset(payload, 'x', sizeof payload - 1);
    device_up(&device, &broker, TH_MQTT_3_1_1);
    int taken = 0, result;
    while ((result = publish(&device, "t", payload, 1)) > 0)
        taken++;
    assert_int_equal(result, TH_E_SEND_FULL);
    assert_int_equal(th_request_fault(device.client)->code, 0);
    assert_in_range(taken, 14, 16);
    assert_int_equal(th_pending(device.client), taken);
    assert_false(th_room_for(device.client, 1000));
    assert_int_equal(subscribe(&device, "t", 0) > 0, th_room_for(device.client, 1));
    UNTIL(&device, broker.in_bytes >= (size_t)taken * 1006);
    broker_sends(&broker, "40 02 0001");
    UNTIL(&device, count_events(&device, TH_EVENT_PUBLISHED) == 1);
    assert_true(th_room_for(device.client, 1000));
    assert_true(publish(&device, "t", payload, 1) > 0);
    both_close(&device, &broker);
}

/* What th_room_for() promises is kept, and nothing larger than ever fits is taken. */
static void room_for_keeps_its_promise(void **state)
{
    (void)state;
    static char payload[TH_OUTBOX_BYTES + 1];
    memset(payload, 'x', sizeof payload - 1);
    assert_int_equal(device_open(&device, NULL, plain_config(1, TH_MQTT_5)), 0);
    for (size_t bytes = 1; bytes < TH_OUTBOX_BYTES; bytes += 97) {
        struct th_message message = {.topic = th_slice_text("t"),
                                     .payload = {(uint8_t *)payload, bytes - 1}, .qos = 1};
        bool room = th_room_for(device.client, bytes);
        int result = th_publish(device.client, &message);
        assert_true(result > 0 || !room);
        if (result < 0)
            assert_true(result == TH_E_SEND_FULL || result == TH_E_TOO_LARGE);
        device_close(&device);
        assert_int_equal(device_open(&device, NULL, plain_config(1, TH_MQTT_5)), 0);
    }
    assert_int_equal(publish(&device, "t", payload, 0), TH_E_TOO_LARGE);
    assert_non_null(strstr(th_request_fault(device.client)->text, "outbox"));
    device_close(&device);
}

/* A publisher that always publishes as much as there is room for. */
static void a_stream_of_messages_passes(void **state)
{
    (void)state;
    device_up(&device, &broker, TH_MQTT_3_1_1);
    int published = 0, seen = 0;
    while (seen < 2000) {
        while (published < 2000 && th_room_for(device.client, 8))
            assert_true(publish(&device, "t", "1234567", 1) > 0), published++;
        turn(&device, 50);
        device.event_count = 0;
        while (broker.in_bytes >= 14) {
            uint8_t puback[] = {0x40, 2, broker.in[5], broker.in[6]};
            broker_send_bytes(&broker, puback, 4);
            assert_memory_equal(broker.in + 7, "1234567", 7);
            broker_forget(&broker, 14);
            seen++;
        }
    }
    UNTIL(&device, th_pending(device.client) == 0);
    both_close(&device, &broker);
}

/* ---- a socket that takes no more ------------------------------------------------------------- */

static size_t junk_bytes;

/* Behind the client's back its descriptor becomes another, which is full of junk. */
static void replace_socket(void)
{
    static uint8_t junk[4096];
    int ends[2];
    ssize_t sent;
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends), 0);
    dup2(ends[0], th_fd(device.client));
    close(ends[0]);
    broker_drops(&broker);
    broker.fd = ends[1];
    for (junk_bytes = 0; (sent = send(th_fd(device.client), junk, sizeof junk, 0)) > 0;)
        junk_bytes += (size_t)sent;
}

static void drop_junk(void)
{
    while (junk_bytes) {
        UNTIL(&device, broker.in_bytes > 0);
        size_t bytes = broker.in_bytes < junk_bytes ? broker.in_bytes : junk_bytes;
        broker_forget(&broker, bytes);
        junk_bytes -= bytes;
    }
}

enum { MESSAGES = 2000 };

/* Identifiers 1 to MESSAGES, at QoS 1. */
static void send_many(void)
{
    static uint8_t packets[MESSAGES][8];
    for (unsigned i = 0; i < MESSAGES; i++)
        memcpy(packets[i], (uint8_t[]){0x32, 6, 0, 1, 't', (uint8_t)((i + 1) >> 8),
                                       (uint8_t)(i + 1), 'a'}, 8);
    broker_send_bytes(&broker, packets, sizeof packets);
}

static void all_are_answered(void)
{
    drop_junk();
    UNTIL(&device, broker.in_bytes >= 4 * MESSAGES);
    for (unsigned i = 1; i <= MESSAGES; i++)
        assert_int_equal(broker.in[4 * i - 2] << 8 | broker.in[4 * i - 1], i);
    broker_forget(&broker, 4 * MESSAGES);
}

/* More messages than there is room to acknowledge: reading waits, and goes on afterwards. */
static void reading_waits_for_room_to_answer(void **state)
{
    (void)state;
    device_up(&device, &broker, TH_MQTT_3_1_1);
    UNTIL(&device, th_wait_ms(device.client) == -1);
    replace_socket();
    device.broker = NULL;
    send_many();
    UNTIL(&device, device.client->answer_waits && th_wait_ms(device.client) == -1);
    assert_in_range(device.deliveries, 100, 1200);
    assert_int_equal(th_poll_events(device.client), POLLOUT);
    device.broker = &broker;
    all_are_answered();
    assert_int_equal(device.deliveries, MESSAGES);
    assert_int_equal(th_poll_events(device.client), POLLIN);
    both_close(&device, &broker);
}

/* A large message of QoS 2 that finds no room to be answered is delivered once there is. */
static void a_large_message_waits_for_room_to_answer(void **state)
{
    (void)state;
    static uint8_t payload[6000];
    device_up(&device, &broker, TH_MQTT_3_1_1);
    UNTIL(&device, th_wait_ms(device.client) == -1);
    replace_socket();
    device.broker = NULL;
    send_many();
    broker_sends(&broker, "34 f5 2e 0001't' 0002");
    broker_send_bytes(&broker, payload, sizeof payload);
    UNTIL(&device, device.client->answer_waits);
    device.broker = &broker;
    all_are_answered();
    gets(&device, "50 02 0002");
    assert_int_equal(device.deliveries, MESSAGES + 1);
    assert_int_equal(device.last.total_bytes, sizeof payload);
    both_close(&device, &broker);
}

/* The deliveries of one step need not be the last: what is left wakes the loop. */
static void requests_wait_for_the_socket(void **state)
{
    (void)state;
    device_up(&device, &broker, TH_MQTT_3_1_1);
    UNTIL(&device, th_wait_ms(device.client) == -1);
    replace_socket();
    device.broker = NULL;
    assert_int_equal(publish(&device, "t", "waits", 0), 0);
    step(&device);
    assert_int_equal(th_poll_events(device.client), POLLIN | POLLOUT);
    assert_int_equal(th_wait_ms(device.client), -1);
    device.steps = 0;
    FOR_MS(&device, 100);
    assert_int_equal(device.steps, 0);
    device.broker = &broker;
    drop_junk();
    gets(&device, "30 08 0001't' 'waits'");
    both_close(&device, &broker);
}

/* ---- Receive Maximum ------------------------------------------------------------------------- */

static void the_broker_s_receive_maximum_is_kept(void **state)
{
    (void)state;
    broker_open(&broker);
    assert_int_equal(device_open(&device, NULL, plain_config(broker.port, TH_MQTT_5)), 0);
    device.broker = &broker;
    th_connect(device.client);
    gets(&device, CONNECT_5);
    broker_sends(&broker, "20 06 00 00 03 21 0002");
    UNTIL(&device, th_phase(device.client) == TH_PHASE_UP);
    for (int i = 0; i < 4; i++)
        publish(&device, "t", "", 1);
    publish(&device, "t", "", 0);
    gets(&device, "32 06 0001't' 0001 00  32 06 0001't' 0002 00  30 04 0001't' 00");
    FOR_MS(&device, 30);
    gets_nothing_more(&device);
    broker_sends(&broker, "40 02 0002");
    gets(&device, "32 06 0001't' 0003 00");
    FOR_MS(&device, 30);
    gets_nothing_more(&device);
    assert_int_equal(th_pending(device.client), 3);
    both_close(&device, &broker);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_full_outbox_says_so),
        cmocka_unit_test(room_for_keeps_its_promise),
        cmocka_unit_test(a_stream_of_messages_passes),
        cmocka_unit_test(reading_waits_for_room_to_answer),
        cmocka_unit_test(a_large_message_waits_for_room_to_answer),
        cmocka_unit_test(requests_wait_for_the_socket),
        cmocka_unit_test(the_broker_s_receive_maximum_is_kept),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
