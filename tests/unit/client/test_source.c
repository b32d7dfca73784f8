/* Messages whose payload is read while they are sent. */
#include "device.h"

static struct device device;
static struct broker broker;

#define VERSIONS ((const enum th_mqtt_version[]){TH_MQTT_3_1_1, TH_MQTT_5})

/* ---- the source ------------------------------------------------------------------------------ */

struct source {
    uint64_t next_bytes; /* the offset it expects */
    uint64_t fails_at;   /* UINT64_MAX: never */
    int error;
    size_t most_bytes;   /* for each read; 0: as many as asked for */
    unsigned begun;      /* how often it was read from its beginning */
};

static struct source source;

static uint8_t byte_at(uint64_t offset)
{
    return (uint8_t)(offset * 31 + (offset >> 8));
}

static int read_pattern(void *arg, uint64_t offset_bytes, uint8_t *out, size_t bytes)
{
    struct source *from = arg;
    if (offset_bytes == 0) {
        from->begun++;
        from->next_bytes = 0;
    }
    assert_int_equal(offset_bytes, from->next_bytes);
    assert_true(bytes >= 1);
    if (offset_bytes >= from->fails_at)
        return from->error;
    bytes = from->most_bytes && from->most_bytes < bytes ? from->most_bytes : bytes;
    for (size_t i = 0; i < bytes; i++)
        out[i] = byte_at(offset_bytes + i);
    from->next_bytes += bytes;
    return (int)bytes;
}

static void fresh_source(void)
{
    source = (struct source){.fails_at = UINT64_MAX};
}

static int publish_from(uint32_t total_bytes, unsigned qos)
{
    struct th_message message = {
        .topic = th_slice_text("topic"), .qos = (uint8_t)qos,
        .source = {read_pattern, &source, total_bytes, NULL},
    };
    return th_publish(device.client, &message);
}

/* ---- what the broker gets -------------------------------------------------------------------- */

static uint8_t header[32];
static size_t header_bytes;

static void add(unsigned byte)
{
    header[header_bytes++] = (uint8_t)byte;
}

static void compose(unsigned first_byte, unsigned packet_id, size_t payload_bytes)
{
    bool is_5 = device.config.version == TH_MQTT_5;
    size_t remaining = 7 + (packet_id ? 2 : 0) + is_5 + payload_bytes;
    header_bytes = 0;
    add(first_byte);
    for (; remaining > 127; remaining >>= 7)
        add((remaining & 127) | 128);
    add(remaining);
    memcpy(header + header_bytes, "\0\5topic", 7);
    header_bytes += 7;
    if (packet_id)
        add(packet_id >> 8), add(packet_id);
    if (is_5)
        add(0);
}

static void gets_header(unsigned first_byte, unsigned packet_id, size_t payload_bytes)
{
    compose(first_byte, packet_id, payload_bytes);
    UNTIL(&device, broker.in_bytes >= header_bytes || broker.ended);
    assert_memory_equal(broker.in, header, header_bytes);
    broker_forget(&broker, header_bytes);
}

static void gets_payload(size_t from, size_t to)
{
    while (from < to) {
        UNTIL(&device, broker.in_bytes || broker.ended);
        assert_true(broker.in_bytes > 0);
        size_t bytes = broker.in_bytes < to - from ? broker.in_bytes : to - from;
        for (size_t i = 0; i < bytes; i++)
            if (broker.in[i] != byte_at(from + i))
                fail_msg("byte %zu is wrong", from + i);
        broker_forget(&broker, bytes);
        from += bytes;
    }
}

static void gets_message(unsigned first_byte, unsigned packet_id, size_t payload_bytes)
{
    gets_header(first_byte, packet_id, payload_bytes);
    gets_payload(0, payload_bytes);
}

/* ---- every QoS, every size ------------------------------------------------------------------- */

static void finishes(unsigned qos)
{
    if (qos == 1)
        broker_sends(&broker, "40 02 0001");
    if (qos == 2) {
        broker_sends(&broker, "50 02 0001");
        gets(&device, "62 02 0001");
        broker_sends(&broker, "70 02 0001");
    }
    UNTIL(&device, count_events(&device, TH_EVENT_PUBLISHED) == 1);
    assert_int_equal(last_event(&device)->reason, 0);
    assert_int_equal(th_pending(device.client), 0);
}

static void passes(enum th_mqtt_version version, unsigned qos, size_t payload_bytes)
{
    fresh_source();
    source.most_bytes = payload_bytes % 7 ? 0 : 1 + payload_bytes / 3;
    device_up(&device, &broker, version);
    size_t peak_bytes = device.client->outbox.peak_bytes;
    assert_int_equal(publish_from((uint32_t)payload_bytes, qos), qos ? 1 : 0);
    assert_true(device.client->outbox.peak_bytes < peak_bytes + 100);
    gets_message(0x30 | qos << 1, qos ? 1 : 0, payload_bytes);
    finishes(qos);
    assert_int_equal(source.next_bytes, payload_bytes);
    both_close(&device, &broker);
}

static void passes_in_every_size(void **state)
{
    (void)state;
    static const size_t sizes[] = {0, 1, 117, 118, 256, 4083, 4084, 4085, 4086, 4087, 4096, 8192,
                                   100000, 3000000};
    for (unsigned v = 0; v < 2; v++)
        for (unsigned qos = 0; qos < 3; qos++)
            for (size_t i = 0; i < COUNT_OF(sizes); i++)
                passes(VERSIONS[v], qos, sizes[i]);
}

/* Control packets and other messages stand in front of it or behind it, never within. */
static void others_wait_until_it_is_sent(void **state)
{
    (void)state;
    fresh_source();
    device_up(&device, &broker, TH_MQTT_3_1_1);
    assert_int_equal(publish(&device, "t", "before", 0), 0);
    assert_int_equal(publish_from(1000000, 1), 1);
    assert_int_equal(publish(&device, "t", "behind", 1), 2);
    assert_int_equal(publish_from(5, 0), 0);
    gets(&device, "30 09 0001't' 'before'");
    gets_header(0x32, 1, 1000000);
    broker_sends(&broker, "32 06 0001't' 0007 'x'");
    gets_payload(0, 1000000);
    gets(&device, "40 02 0007");
    gets(&device, "32 0b 0001't' 0002 'behind'");
    gets_message(0x30, 0, 5);
    assert_int_equal(device.deliveries, 1);
    both_close(&device, &broker);
}

static void goes_out_before_a_farewell(void **state)
{
    (void)state;
    fresh_source();
    device_up(&device, &broker, TH_MQTT_3_1_1);
    publish_from(50000, 0);
    assert_int_equal(th_disconnect(device.client, 0, NULL), 0);
    gets_message(0x30, 0, 50000);
    gets(&device, "e0 00");
    broker_drops(&broker);
    ends_as_asked(&device);
    both_close(&device, &broker);
}

/* ---- a connection lost in the middle --------------------------------------------------------- */

static void up_redialling(enum th_mqtt_version version)
{
    struct th_config config = plain_config(0, version);
    config.redial = (struct th_redial){.first_ms = 1, .max_ms = 1, .attempts = -1};
    config.clean_start = false;
    broker_open(&broker);
    config.port = broker.port;
    assert_int_equal(device_open(&device, NULL, config), 0);
    device.broker = &broker;
    th_connect(device.client);
}

/* What it has not looked at is lost, too. */
static void drops(void)
{
    broker_drops(&broker);
    broker.in_bytes = 0;
}

static void comes_back(bool session_present)
{
    bool is_5 = device.config.version == TH_MQTT_5;
    gets(&device, is_5 ? "10 11 0004'MQTT' 05 00 0000 03 210040 0001'c'"
                       : "10 0d 0004'MQTT' 04 00 0000 0001'c'");
    broker_sends(&broker, session_present ? (is_5 ? "20 03 01 00 00" : "20 02 01 00")
                                          : (is_5 ? "20 03 00 00 00" : "20 02 00 00"));
}

static void cut_and_redialled(enum th_mqtt_version version, unsigned qos, bool session_present)
{
    fresh_source();
    up_redialling(version);
    comes_back(false);
    publish_from(300000, qos);
    gets_header(0x30 | qos << 1, qos ? 1 : 0, 300000);
    gets_payload(0, 100000);
    drops();
    comes_back(session_present);
    unsigned dup = qos && session_present ? 8 : 0;
    gets_message(0x30 | dup | qos << 1, qos ? 1 : 0, 300000);
    finishes(qos);
    assert_int_equal(source.begun, 2);
    both_close(&device, &broker);
}

static void begins_again_after_a_redial(void **state)
{
    (void)state;
    for (unsigned v = 0; v < 2; v++)
        for (unsigned qos = 0; qos < 3; qos++) {
            cut_and_redialled(VERSIONS[v], qos, true);
            cut_and_redialled(VERSIONS[v], qos, false);
        }
}

static void is_sent_again_until_it_is_acknowledged(void **state)
{
    (void)state;
    fresh_source();
    up_redialling(TH_MQTT_3_1_1);
    comes_back(false);
    publish_from(9000, 2);
    gets_message(0x34, 1, 9000);
    drops();
    comes_back(true);
    gets_message(0x3c, 1, 9000);
    broker_sends(&broker, "50 02 0001");
    gets(&device, "62 02 0001");
    drops();
    comes_back(true);
    gets(&device, "62 02 0001");
    broker_sends(&broker, "70 02 0001");
    UNTIL(&device, count_events(&device, TH_EVENT_PUBLISHED) == 1);
    assert_int_equal(source.begun, 2);
    both_close(&device, &broker);
}

/* ---- a message that is taken back ------------------------------------------------------------ */

static void withdrawn(unsigned qos)
{
    fresh_source();
    up_redialling(TH_MQTT_3_1_1);
    comes_back(false);
    publish_from(300000, qos);
    publish(&device, "t", "behind", 1);
    gets_header(0x30 | qos << 1, qos ? 1 : 0, 300000);
    assert_false(th_withdraw(device.client, &source));
    drops();
    UNTIL(&device, count_events(&device, TH_EVENT_DISCONNECTED) == 1);
    assert_false(th_withdraw(device.client, &device));
    assert_true(th_withdraw(device.client, &source));
    assert_false(th_withdraw(device.client, &source));
    comes_back(true);
    gets(&device, qos ? "32 0b 0001't' 0002 'behind'" : "32 0b 0001't' 0001 'behind'");
    assert_int_equal(source.begun, 1);
    assert_int_equal(count_events(&device, TH_EVENT_PUBLISHED), 1);
    assert_int_equal(last_event(&device)->reason, TH_REASON_WITHDRAWN);
    assert_int_equal(last_event(&device)->packet_id, qos ? 1 : 0);
    assert_int_equal(last_event(&device)->fault_code, 0);
    assert_int_equal(th_pending(device.client), 1);
    both_close(&device, &broker);
}

static void is_taken_back_between_connections(void **state)
{
    (void)state;
    for (unsigned qos = 0; qos < 3; qos++)
        withdrawn(qos);
}

/* The broker has it. */
static void is_not_taken_back_past_pubrec(void **state)
{
    (void)state;
    fresh_source();
    up_redialling(TH_MQTT_3_1_1);
    comes_back(false);
    publish_from(10, 2);
    gets_message(0x34, 1, 10);
    broker_sends(&broker, "50 02 0001");
    gets(&device, "62 02 0001");
    assert_false(th_withdraw(device.client, &source));
    drops();
    UNTIL(&device, count_events(&device, TH_EVENT_DISCONNECTED) == 1);
    assert_false(th_withdraw(device.client, &source));
    both_close(&device, &broker);
}

/* ---- a source that fails --------------------------------------------------------------------- */

static void fails(int error, int told, unsigned qos, uint64_t at_bytes)
{
    fresh_source();
    up_redialling(TH_MQTT_5);
    comes_back(false);
    source.fails_at = at_bytes;
    source.error = error;
    publish_from(200000, qos);
    publish(&device, "t", "behind", 1);
    ends_with(&device, told, TH_PHASE_UP, "payload");
    assert_int_equal(source.begun, 1);
    assert_int_equal(count_events(&device, TH_EVENT_PUBLISHED), 1);
    assert_int_equal(count_events(&device, TH_EVENT_DISCONNECTED), 1);
    assert_int_equal(last_event(&device)->redial_in_ms, -1);
    const struct noted *published = &device.events[device.event_count - 2];
    assert_int_equal(published->kind, TH_EVENT_PUBLISHED);
    assert_int_equal(published->reason, TH_REASON_UNREADABLE);
    assert_int_equal(published->fault_code, told);
    assert_int_equal(published->packet_id, qos ? 1 : 0);
    assert_int_equal(th_pending(device.client), 1);
    both_close(&device, &broker);
}

static void a_failing_source_ends_the_connection_once(void **state)
{
    (void)state;
    for (unsigned qos = 0; qos < 3; qos++) {
        fails(TH_E_FILE, TH_E_FILE, qos, 0);
        fails(TH_E_FILE, TH_E_FILE, qos, 100000);
        fails(0, TH_E_FILE, qos, 150000);
        fails(TH_WANT_READ, TH_E_FILE, qos, 5000);
        fails(INT32_MAX, TH_E_FILE, qos, 5000);
    }
}

/* The next connection goes on with what is left. */
static void others_survive_it(void **state)
{
    (void)state;
    fails(TH_E_FILE, TH_E_FILE, 1, 100000);
    fresh_source();
    up_redialling(TH_MQTT_5);
    comes_back(false);
    source.fails_at = 70000;
    source.error = TH_E_FILE;
    publish_from(200000, 1);
    publish(&device, "t", "behind", 1);
    ends_with(&device, TH_E_FILE, TH_PHASE_UP, "payload");
    drops();
    assert_int_equal(th_connect(device.client), 0);
    comes_back(true);
    gets(&device, "32 0c 0001't' 0002 00 'behind'");
    both_close(&device, &broker);
}

/* ---- limits ---------------------------------------------------------------------------------- */

static void counts_as_a_whole_for_the_maximum_packet_size(void **state)
{
    (void)state;
    fresh_source();
    broker_open(&broker);
    struct th_config config = plain_config(broker.port, TH_MQTT_5);
    assert_int_equal(device_open(&device, NULL, config), 0);
    device.broker = &broker;
    assert_int_equal(publish_from(2000, 1), 1);
    assert_int_equal(publish_from(80, 1), 2);
    th_connect(device.client);
    gets(&device, CONNECT_5);
    broker_sends(&broker, "20 08 00 00 05 27 000003e8");
    gets_message(0x32, 2, 80);
    assert_int_equal(count_events(&device, TH_EVENT_PUBLISHED), 1);
    assert_int_equal(last_event(&device)->packet_id, 1);
    assert_int_equal(last_event(&device)->reason, 0x95);
    assert_int_equal(publish_from(990, 0), TH_E_REFUSED);
    assert_non_null(strstr(th_request_fault(device.client)->text, "1001 bytes"));
    assert_int_equal(publish_from(989, 0), 0);
    gets_message(0x30, 0, 989);
    both_close(&device, &broker);
}

static void is_bounded_by_the_standard(void **state)
{
    (void)state;
    fresh_source();
    device_up(&device, &broker, TH_MQTT_3_1_1);
    assert_int_equal(publish_from(268435455 - 6, 0), TH_E_TOO_LARGE);
    assert_int_equal(publish_from(UINT32_MAX, 0), TH_E_TOO_LARGE);
    assert_int_equal(publish_from(268435455 - 7, 0), 0);
    gets_header(0x30, 0, 268435455 - 7);
    gets_payload(0, 100000);
    both_close(&device, &broker);
}

static void there_is_room_for_a_header(void **state)
{
    (void)state;
    fresh_source();
    device_up(&device, &broker, TH_MQTT_5);
    broker.ended = true; /* it reads nothing */
    while (th_room_for(device.client, 5))
        assert_true(publish_from(1000, 1) > 0);
    assert_true(th_pending(device.client) > 150);
    both_close(&device, &broker);
}

/* ---- deadlines ------------------------------------------------------------------------------- */

/* Acknowledgements have a second, and the first message never gets its own. */
static void up_with_an_unacknowledged_message(void)
{
    struct th_config config = plain_config(0, TH_MQTT_3_1_1);
    config.deadlines.ack_ms = 1000;
    broker_open(&broker);
    config.port = broker.port;
    assert_int_equal(device_open(&device, NULL, config), 0);
    device.broker = &broker;
    th_connect(device.client);
    greet(&device);
    publish(&device, "t", "x", 1);
    gets(&device, "32 06 0001't' 0001 'x'");
}

/* While its bytes go out, nobody is overdue: acknowledgements of what went before, PINGRESP. */
static void deadlines_wait_for_it(void **state)
{
    (void)state;
    fresh_source();
    up_with_an_unacknowledged_message();
    publish_from(8000000, 1);
    gets_header(0x32, 2, 8000000);
    device.broker = NULL; /* nothing is read but what is asked for below */
    uint64_t began_ms = clock_ms();
    size_t got = 0;
    while (clock_ms() < began_ms + 3000) {
        FOR_MS(&device, 100);
        broker_collect(&broker);
        for (size_t i = 0; i < broker.in_bytes; i++)
            assert_int_equal(broker.in[i], byte_at(got + i));
        got += broker.in_bytes;
        broker.in_bytes = 0;
    }
    assert_int_equal(th_phase(device.client), TH_PHASE_UP);
    assert_true(got > 0 && got < 8000000);
    both_close(&device, &broker);
}

static void a_stalled_message_is_overdue(void **state)
{
    (void)state;
    fresh_source();
    up_with_an_unacknowledged_message();
    publish_from(100000000, 1);
    device.broker = NULL;
    UNTIL(&device, device.result < 0);
    assert_int_equal(device.result, TH_E_TIMEOUT);
    both_close(&device, &broker);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(passes_in_every_size),
        cmocka_unit_test(others_wait_until_it_is_sent),
        cmocka_unit_test(goes_out_before_a_farewell),
        cmocka_unit_test(begins_again_after_a_redial),
        cmocka_unit_test(is_sent_again_until_it_is_acknowledged),
        cmocka_unit_test(is_taken_back_between_connections),
        cmocka_unit_test(is_not_taken_back_past_pubrec),
        cmocka_unit_test(a_failing_source_ends_the_connection_once),
        cmocka_unit_test(others_survive_it),
        cmocka_unit_test(counts_as_a_whole_for_the_maximum_packet_size),
        cmocka_unit_test(is_bounded_by_the_standard),
        cmocka_unit_test(there_is_room_for_a_header),
        cmocka_unit_test(deadlines_wait_for_it),
        cmocka_unit_test(a_stalled_message_is_overdue),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
