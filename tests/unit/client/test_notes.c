/* Packet notes: one for each packet, in the order of the wire, however it is cut. */
#include "device.h"

static struct device device;
static struct broker broker;
static char told[2048];

static void note_packet(void *arg, const struct th_packet_note *note)
{
    (void)arg;
    size_t used = strlen(told);
    snprintf(told + used, sizeof told - used, "%s%s %u/%u", note->sent ? ">" : "<",
             th_mqtt_type_name(note->type), note->packet_id, note->reason);
    used = strlen(told);
    if (note->topic.len_bytes || note->payload_bytes)
        snprintf(told + used, sizeof told - used, " %x %.*s %zu", note->flags,
                 (int)note->topic.len_bytes, (const char *)note->topic.data, note->payload_bytes);
    if (note->filters.len_bytes)
        snprintf(told + strlen(told), sizeof told - strlen(told), " %zu",
                 note->filters.len_bytes);
    strcat(told, "; ");
}

static struct th_config with_notes(enum th_mqtt_version version)
{
    struct th_config config = plain_config(0, version);
    config.on_packet = note_packet;
    told[0] = '\0';
    return config;
}

static void assert_told(const char *expected)
{
    assert_string_equal(told, expected);
    told[0] = '\0';
}

#define UNTIL_TOLD(part) UNTIL(&device, strstr(told, part))

static void every_packet_is_noted_in_order(void **state)
{
    (void)state;
    device_up_with(&device, &broker, with_notes(TH_MQTT_5));
    assert_told(">CONNECT 0/0; <CONNACK 0/0; ");
    subscribe(&device, "a/#", 1);
    UNTIL_TOLD("SUBSCRIBE");
    broker_sends(&broker, "90 04 0001 00 01  32 0a 0003'a/b' 0007 00 'hi'");
    UNTIL_TOLD("PUBACK");
    publish(&device, "t", "hello", 2);
    UNTIL_TOLD(">PUBLISH");
    broker_sends(&broker, "50 03 0002 10");
    UNTIL_TOLD("PUBREL");
    broker_sends(&broker, "70 02 0002");
    UNTIL_TOLD("PUBCOMP");
    assert_told(">SUBSCRIBE 1/0 6; <SUBACK 1/0; <PUBLISH 7/0 2 a/b 2; >PUBACK 7/0; "
                ">PUBLISH 2/0 4 t 5; <PUBREC 2/16; >PUBREL 2/0; <PUBCOMP 2/0; ");
    th_disconnect(device.client, 0, NULL);
    UNTIL_TOLD("DISCONNECT");
    assert_told(">DISCONNECT 0/0; ");
    both_close(&device, &broker);
}

static void a_message_in_pieces_is_noted_once(void **state)
{
    (void)state;
    static uint8_t big[TH_PACKET_WINDOW_BYTES * 2];
    device_up_with(&device, &broker, with_notes(TH_MQTT_3_1_1));
    told[0] = '\0';
    struct wire header = wire_of("30 83 40 0001't'");
    broker_send_bytes(&broker, header.bytes, header.len);
    broker_send_bytes(&broker, big, 0x2000);
    UNTIL(&device, device.deliveries == 1);
    assert_true(device.pieces > 1);
    assert_told("<PUBLISH 0/0 0 t 8192; ");
    both_close(&device, &broker);
}

/* The socket takes less than a packet at a time. */
static void a_packet_sent_in_parts_is_noted_once(void **state)
{
    (void)state;
    static char payload[12000];
    struct th_config config = with_notes(TH_MQTT_3_1_1);
    config.socket_buffer_bytes = 1;
    device_up_with(&device, &broker, config);
    told[0] = '\0';
    memset(payload, 'x', sizeof payload - 1);
    for (int i = 0; i < 8; i++) {
        UNTIL(&device, publish(&device, "t", payload, 0) >= 0);
        turn(&device, 0);
    }
    UNTIL(&device, !th_pending(device.client));
    for (int i = 0; i < 8; i++)
        assert_int_equal(strncmp(told + i * 24, ">PUBLISH 0/0 0 t 11999; ", 24), 0);
    both_close(&device, &broker);
}

static void a_new_connection_begins_with_a_new_packet(void **state)
{
    (void)state;
    struct th_config config = with_notes(TH_MQTT_3_1_1);
    config.redial = (struct th_redial){.attempts = -1, .first_ms = 1, .max_ms = 1};
    device_up_with(&device, &broker, config);
    publish(&device, "t", "hello", 1);
    UNTIL_TOLD("PUBLISH");
    told[0] = '\0';
    broker_drops(&broker);
    UNTIL(&device, broker.fd >= 0);
    greet(&device);
    UNTIL_TOLD("PUBLISH");
    assert_told(">CONNECT 0/0; <CONNACK 0/0; >PUBLISH 1/0 2 t 5; ");
    both_close(&device, &broker);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_packet_is_noted_in_order),
        cmocka_unit_test(a_message_in_pieces_is_noted_once),
        cmocka_unit_test(a_packet_sent_in_parts_is_noted_once),
        cmocka_unit_test(a_new_connection_begins_with_a_new_packet),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
