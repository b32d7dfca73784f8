/* Messages larger than the packet window: every window, every split, every QoS. */
#include "device.h"

static struct device device;
static struct broker broker;

#define PATTERN_BYTES 40000

static uint8_t pattern[PATTERN_BYTES];

static int make_pattern(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof pattern; i++)
        pattern[i] = (uint8_t)(i * 31 + (i >> 8));
    return 0;
}

static void up_with_window(size_t window_bytes, enum th_mqtt_version version)
{
    struct th_config config = plain_config(0, version);
    config.window_budget_bytes = window_bytes;
    device_up_with(&device, &broker, config);
}

/* ---- a PUBLISH ------------------------------------------------------------------------------- */

struct bytes {
    size_t len;
    uint8_t data[PATTERN_BYTES + 64];
};

static struct bytes packet;

static void add(unsigned byte)
{
    packet.data[packet.len++] = (uint8_t)byte;
}

static void add_length(size_t length)
{
    for (; length > 127; length >>= 7)
        add((length & 127) | 128);
    add(length);
}

/* "topic" is the topic; MQTT 5: a user property "k", "v". */
static size_t compose(unsigned first_byte, unsigned packet_id, size_t payload_bytes)
{
    bool is_5 = device.config.version == TH_MQTT_5;
    bool has_id = first_byte & 6;
    packet.len = 0;
    add(first_byte);
    add_length(7 + (has_id ? 2 : 0) + (is_5 ? 8 : 0) + payload_bytes);
    memcpy(packet.data + packet.len, "\0\5topic", 7);
    packet.len += 7;
    if (has_id)
        add(packet_id >> 8), add(packet_id);
    if (is_5)
        memcpy(packet.data + packet.len, "\7\46\0\1k\0\1v", 8), packet.len += 8;
    size_t header_bytes = packet.len;
    memcpy(packet.data + packet.len, pattern, payload_bytes);
    packet.len += payload_bytes;
    return header_bytes;
}

static void sends_all(void)
{
    broker_send_bytes(&broker, packet.data, packet.len);
}

static void expect_message(unsigned deliveries, size_t payload_bytes)
{
    UNTIL(&device, device.deliveries == deliveries);
    assert_string_equal(device.topic, "topic");
    assert_int_equal(device.last.total_bytes, payload_bytes);
    assert_int_equal(device.payload_bytes, payload_bytes);
    assert_memory_equal(device.payload, pattern, payload_bytes);
}

static void check_properties(struct device *d, const struct th_delivery *delivery)
{
    struct th_received_properties rest = delivery->properties;
    struct th_property property;
    if (d->config.version != TH_MQTT_5)
        return;
    assert_int_equal(th_property_next(&rest, &property), 1);
    assert_int_equal(property.id, 0x26);
    assert_memory_equal(property.text.data, "k", 1);
    assert_memory_equal(property.value.data, "v", 1);
}

/* ---- windows --------------------------------------------------------------------------------- */

static size_t checked_bytes;

/* The message stands between two small ones, so that it begins anywhere in the window. */
static void passes(size_t payload_bytes, size_t before_bytes, unsigned qos)
{
    unsigned first = device.deliveries;
    compose(0x30, 0, before_bytes);
    sends_all();
    compose(0x30 | qos << 1, 5, payload_bytes);
    sends_all();
    compose(0x30, 0, 1);
    sends_all();
    UNTIL(&device, device.deliveries == first + 3);
    assert_int_equal(device.payload_bytes, 1);
    assert_int_equal(checked_bytes, payload_bytes + before_bytes + 1);
    checked_bytes = 0;
}

static void check_middle(struct device *d, const struct th_delivery *delivery)
{
    check_properties(d, delivery);
    assert_string_equal(d->topic, "topic");
    assert_memory_equal(delivery->payload.data, pattern + delivery->offset_bytes,
                        delivery->payload.len_bytes);
    checked_bytes += delivery->payload.len_bytes;
}

static void every_window_size(enum th_mqtt_version version, unsigned qos)
{
    size_t header_bytes = version == TH_MQTT_5 ? 21 : 13;
    for (size_t window_bytes = header_bytes; window_bytes < 120; window_bytes++) {
        up_with_window(window_bytes, version);
        device.on_delivery = check_middle;
        checked_bytes = 0;
        for (size_t payload_bytes = 0; payload_bytes < 200; payload_bytes += 7)
            passes(payload_bytes, payload_bytes % 11, 0);
        passes(300, 0, qos);
        gets(&device, qos == 0 ? "" : qos == 1 ? "40 02 0005" : "50 02 0005");
        assert_int_equal(device.warnings, 0);
        assert_true(device.client->window.peak_bytes <= window_bytes);
        both_close(&device, &broker);
    }
}

static void passes_through_every_window(void **state)
{
    (void)state;
    every_window_size(TH_MQTT_3_1_1, 1);
    every_window_size(TH_MQTT_5, 2);
}

static void the_profile_s_window_takes_what_it_can_whole(void **state)
{
    (void)state;
    device_up(&device, &broker, TH_MQTT_3_1_1);
    size_t most = TH_PACKET_WINDOW_BYTES - 10;
    compose(0x30, 0, most);
    assert_int_equal(packet.len, TH_PACKET_WINDOW_BYTES);
    sends_all();
    expect_message(1, most);
    assert_int_equal(device.pieces, 1);
    compose(0x30, 0, most + 1);
    sends_all();
    expect_message(2, most + 1);
    assert_true(device.pieces > 2);
    both_close(&device, &broker);
}

/* ---- splits ---------------------------------------------------------------------------------- */

static void send_and_step(const uint8_t *data, size_t bytes)
{
    if (!bytes)
        return;
    broker_send_bytes(&broker, data, bytes);
    struct pollfd wait = {.fd = th_fd(device.client), .events = POLLIN};
    poll(&wait, 1, 1000);
    step(&device);
}

static void passes_at_every_split(void **state)
{
    (void)state;
    up_with_window(32, TH_MQTT_5);
    device.on_delivery = check_properties;
    compose(0x32, 0x0102, 150);
    for (size_t first = 0; first <= packet.len; first++) {
        send_and_step(packet.data, first);
        send_and_step(packet.data + first, packet.len - first);
        expect_message((unsigned)first + 1, 150);
        gets(&device, "40 02 0102");
        gets_nothing_more(&device);
    }
    both_close(&device, &broker);
}

static void passes_byte_by_byte(void **state)
{
    (void)state;
    up_with_window(24, TH_MQTT_3_1_1);
    compose(0x34, 9, 100);
    for (size_t i = 0; i < packet.len; i++)
        send_and_step(packet.data + i, 1);
    expect_message(1, 100);
    gets(&device, "50 02 0009");
    both_close(&device, &broker);
}

/* ---- QoS ------------------------------------------------------------------------------------- */

static void is_acknowledged_after_its_last_piece(void **state)
{
    (void)state;
    device_up(&device, &broker, TH_MQTT_3_1_1);
    compose(0x32, 7, 20000);
    broker_send_bytes(&broker, packet.data, packet.len - 1);
    UNTIL(&device, device.payload_bytes == 19999);
    gets_nothing_more(&device);
    broker_send_bytes(&broker, packet.data + packet.len - 1, 1);
    gets(&device, "40 02 0007");
    expect_message(1, 20000);
    both_close(&device, &broker);
}

static void a_duplicate_is_read_past(void **state)
{
    (void)state;
    device_up(&device, &broker, TH_MQTT_5);
    compose(0x34, 7, 20000);
    sends_all();
    gets(&device, "50 02 0007");
    expect_message(1, 20000);
    unsigned pieces = device.pieces;
    compose(0x3c, 7, 20000);
    sends_all();
    gets(&device, "50 02 0007");
    assert_int_equal(device.pieces, pieces);
    assert_int_equal(device.client->session.strays.duplicates, 1);
    broker_sends(&broker, "62 02 0007");
    gets(&device, "70 02 0007");
    compose(0x34, 7, 20000);
    sends_all();
    gets(&device, "50 02 0007");
    expect_message(2, 20000);
    both_close(&device, &broker);
}

/* Cut off in the middle, it comes again from its beginning. */
static void a_cut_message_begins_anew(void **state)
{
    (void)state;
    struct th_config config = plain_config(0, TH_MQTT_3_1_1);
    config.redial = (struct th_redial){.first_ms = 1, .max_ms = 1, .attempts = -1};
    config.clean_start = false;
    broker_open(&broker);
    config.port = broker.port;
    assert_int_equal(device_open(&device, NULL, config), 0);
    device.broker = &broker;
    th_connect(device.client);
    gets(&device, "10 0d 0004'MQTT' 04 00 0000 0001'c'");
    broker_sends(&broker, "20 02 00 00");
    compose(0x34, 3, 20000);
    broker_send_bytes(&broker, packet.data, 9000);
    UNTIL(&device, device.payload_bytes == 9000 - 13);
    broker_drops(&broker);
    gets(&device, "10 0d 0004'MQTT' 04 00 0000 0001'c'");
    broker_sends(&broker, "20 02 01 00");
    compose(0x3c, 3, 20000);
    sends_all();
    expect_message(1, 20000);
    gets(&device, "50 02 0003");
    both_close(&device, &broker);
}

/* A request of ours may go out between two pieces. */
static void publish_at_first_piece(struct device *d, const struct th_delivery *delivery)
{
    if (!delivery->offset_bytes)
        assert_int_equal(publish(d, "t", "between", 0), 0);
}

static void others_speak_between_the_pieces(void **state)
{
    (void)state;
    device_up(&device, &broker, TH_MQTT_3_1_1);
    device.on_delivery = publish_at_first_piece;
    compose(0x32, 1, 20000);
    broker_send_bytes(&broker, packet.data, 8000);
    gets(&device, "30 0a 0001't' 'between'");
    broker_send_bytes(&broker, packet.data + 8000, packet.len - 8000);
    gets(&device, "40 02 0001");
    both_close(&device, &broker);
}

/* ---- windows that are too small -------------------------------------------------------------- */

static void expect_too_small(size_t window_bytes, const char *sent, enum th_phase phase,
                             const char *sentence)
{
    broker_open(&broker);
    struct th_config config = plain_config(broker.port, TH_MQTT_5);
    config.window_budget_bytes = window_bytes;
    assert_int_equal(device_open(&device, NULL, config), 0);
    device.broker = &broker;
    th_connect(device.client);
    gets(&device, CONNECT_5);
    broker_sends(&broker, sent);
    if (phase == TH_PHASE_UP)
        gets(&device, "e0 01 95");
    broker_drops(&broker);
    ends_with(&device, TH_E_MEMORY, phase, sentence);
    both_close(&device, &broker);
}

static void a_window_that_is_too_small_is_named(void **state)
{
    (void)state;
    expect_too_small(4, "20 03 00 00 00", TH_PHASE_GREETING,
                     "the packet window of 4 bytes is too small while ");
    expect_too_small(4, "20 03 00 00 00", TH_PHASE_GREETING, "CONNACK needs 5");
    expect_too_small(8, "20 03 00 00 00  30 0b 0005'topic' 00 'abc'", TH_PHASE_UP,
                     "a PUBLISH header needs 9");
    expect_too_small(8, "20 03 00 00 00  90 0a 0001 00 00000000000000", TH_PHASE_UP,
                     "a SUBACK needs 12");
}

/* The header fits exactly, but then there is no room for a payload. */
static void a_header_needs_room_for_one_byte_more(void **state)
{
    (void)state;
    expect_too_small(10, "20 03 00 00 00  30 0b 0005'topic' 00 'abc'", TH_PHASE_UP,
                     "a PUBLISH header needs 11");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(passes_through_every_window),
        cmocka_unit_test(the_profile_s_window_takes_what_it_can_whole),
        cmocka_unit_test(passes_at_every_split),
        cmocka_unit_test(passes_byte_by_byte),
        cmocka_unit_test(is_acknowledged_after_its_last_piece),
        cmocka_unit_test(a_duplicate_is_read_past),
        cmocka_unit_test(a_cut_message_begins_anew),
        cmocka_unit_test(others_speak_between_the_pieces),
        cmocka_unit_test(a_window_that_is_too_small_is_named),
        cmocka_unit_test(a_header_needs_room_for_one_byte_more),
    };
    return cmocka_run_group_tests(tests, make_pattern, NULL);
}
