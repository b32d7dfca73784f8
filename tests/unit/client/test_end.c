/* Ends: asked for or not, in every phase and from every callback. */
#include "device.h"

static struct device device;
static struct broker broker;

static void plain_device(enum th_mqtt_version version)
{
    broker_open(&broker);
    assert_int_equal(device_open(&device, NULL, plain_config(broker.port, version)), 0);
    device.broker = &broker;
}

/* ---- phases ---------------------------------------------------------------------------------- */

/* Each brings the device into a phase where it has to wait. */

static int sink = -1;          /* a UDP port that swallows questions */
static int full = -1;          /* a listener that takes no more connections */
static int filling[8];
static char resolv[64];

static void into_resting(void)
{
    plain_device(TH_MQTT_3_1_1);
    assert_int_equal(th_connect(device.client), 0);
}

static void into_finding(void)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    sink = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(sink, (struct sockaddr *)&at, sizeof at), 0);
    write_hosts(resolv, "nameserver 127.0.0.1\n");
    struct th_config config = plain_config(1, TH_MQTT_3_1_1);
    config.host = "nobody.test";
    assert_int_equal(device_open(&device, NULL, config), 0);
    device.client->link.lookup.resolv_path = resolv;
    device.client->link.lookup.server_port = port_of(sink);
    assert_int_equal(th_connect(device.client), 0);
    UNTIL(&device, th_phase(device.client) == TH_PHASE_FINDING);
    step(&device);
}

static void into_dialing(void)
{
    full = listen_at("127.0.0.1", 0, 0);
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(port_of(full)),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    for (size_t i = 0; i < COUNT_OF(filling); i++) {
        filling[i] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        connect(filling[i], (struct sockaddr *)&at, sizeof at);
    }
    assert_int_equal(device_open(&device, NULL, plain_config(port_of(full), TH_MQTT_3_1_1)), 0);
    assert_int_equal(th_connect(device.client), 0);
    UNTIL(&device, th_phase(device.client) == TH_PHASE_DIALING);
}

static struct th_context *context;

static void into_shaking(void)
{
    broker_open(&broker);
    context = context_of(trust("ec"));
    assert_int_equal(device_open(&device, context, tls_config(broker.port, TH_MQTT_3_1_1)), 0);
    device.broker = &broker;
    assert_int_equal(th_connect(device.client), 0);
    UNTIL(&device, broker.in_bytes > 0);
    assert_int_equal(th_phase(device.client), TH_PHASE_SHAKING);
}

static void into_greeting(void)
{
    plain_device(TH_MQTT_3_1_1);
    assert_int_equal(th_connect(device.client), 0);
    gets(&device, CONNECT_4);
    assert_int_equal(th_phase(device.client), TH_PHASE_GREETING);
}

static void into_up(void)
{
    device_up(&device, &broker, TH_MQTT_3_1_1);
}

static void into_closing(void)
{
    device_up(&device, &broker, TH_MQTT_3_1_1);
    assert_int_equal(th_disconnect(device.client, 0, NULL), 0);
    gets(&device, "e0 00");
    assert_int_equal(th_phase(device.client), TH_PHASE_CLOSING);
}

static void out_of_all(void)
{
    device_close(&device);
    if (broker.listener)
        broker_close(&broker);
    memset(&broker, 0, sizeof broker);
    for (size_t i = 0; full >= 0 && i < COUNT_OF(filling); i++)
        close(filling[i]);
    close(full);
    close(sink);
    full = sink = -1;
    if (context)
        context_free(context);
    context = NULL;
    if (*resolv)
        unlink(resolv);
    *resolv = '\0';
}

static void (*const phases[])(void) = {
    into_resting, into_finding, into_dialing, into_shaking, into_greeting, into_up, into_closing,
};

static unsigned count_descriptors(void)
{
    unsigned count = 0;
    for (int fd = 0; fd < 256; fd++)
        count += fcntl(fd, F_GETFD) >= 0;
    return count;
}

static void disconnecting_ends_every_phase(void **state)
{
    (void)state;
    unsigned descriptors = count_descriptors();
    for (size_t i = 0; i < COUNT_OF(phases); i++) {
        phases[i]();
        assert_int_equal(th_disconnect(device.client, 0, NULL), 0);
        assert_int_equal(th_disconnect(device.client, 0, NULL), 0);
        if (phases[i] == into_up)
            gets(&device, "e0 00");
        if (phases[i] == into_up || phases[i] == into_closing)
            broker_drops(&broker);
        ends_as_asked(&device);
        assert_int_equal(count_events(&device, TH_EVENT_DISCONNECTED), 1);
        out_of_all();
        assert_int_equal(count_descriptors(), descriptors);
    }
}

static void closing_ends_every_phase(void **state)
{
    (void)state;
    unsigned descriptors = count_descriptors();
    for (size_t i = 0; i < COUNT_OF(phases); i++) {
        phases[i]();
        unsigned told = device.event_count;
        th_close(device.client);
        device.client = NULL;
        assert_int_equal(device.event_count, told);
        out_of_all();
        assert_int_equal(count_descriptors(), descriptors);
    }
    th_close(NULL);
}

static void every_phase_can_begin_again(void **state)
{
    (void)state;
    into_greeting();
    th_disconnect(device.client, 0, NULL);
    ends_as_asked(&device);
    broker_drops(&broker);
    assert_int_equal(th_connect(device.client), 0);
    greet(&device);
    assert_int_equal(th_fault(device.client)->code, 0);
    out_of_all();
}

static bool all_zero(const uint8_t *bytes, size_t len)
{
    size_t i = 0;
    while (i < len && !bytes[i])
        i++;
    return i == len;
}

/* Whatever there was, a password in the clear included, is gone. */
static void closing_wipes_every_byte(void **state)
{
    (void)state;
    struct th_config config = plain_config(0, TH_MQTT_3_1_1);
    broker_open(&broker);
    config.port = broker.port;
    config.username = "user";
    config.password = th_slice_text("correct horse battery staple");
    assert_int_equal(device_open(&device, NULL, config), 0);
    device.broker = &broker;
    th_connect(device.client);
    UNTIL(&device, broker.in_bytes > 30);
    broker_sends(&broker, "20 02 00 00  30 05 0001't' 'hi'");
    UNTIL(&device, device.deliveries == 1);
    size_t offset_bytes = sizeof(struct th_client);
    th_close(device.client);
    device.client = NULL;
    assert_null(memmem(device.block, th_need_bytes(), "battery", 7));
    assert_true(all_zero(device.block, offset_bytes));
    out_of_all();
}

/* ---- from callbacks -------------------------------------------------------------------------- */

static void leave_at_event(struct device *d, const struct th_event *event)
{
    if ((int)event->kind == d->number)
        assert_int_equal(th_disconnect(d->client, 0, NULL), 0);
}

static void leave_at_delivery(struct device *d, const struct th_delivery *delivery)
{
    (void)delivery;
    assert_int_equal(th_disconnect(d->client, 0, NULL), 0);
}

static void up_with_leaving_at(int kind)
{
    plain_device(TH_MQTT_3_1_1);
    device.on_event = leave_at_event;
    device.number = kind;
    th_connect(device.client);
    gets(&device, CONNECT_4);
    broker_sends(&broker, "20 02 00 00");
}

static void left(void)
{
    UNTIL(&device, broker.ended);
    assert_false(broker.reset);
    broker_drops(&broker);
    ends_as_asked(&device);
    out_of_all();
}

static void disconnecting_from_every_event(void **state)
{
    (void)state;
    up_with_leaving_at(TH_EVENT_CONNECTED);
    gets(&device, "e0 00");
    left();

    up_with_leaving_at(TH_EVENT_SUBSCRIBED);
    UNTIL(&device, th_phase(device.client) == TH_PHASE_UP);
    subscribe(&device, "t", 0);
    gets(&device, "82 06 0001 0001't' 00");
    broker_sends(&broker, "90 03 0001 00");
    gets(&device, "e0 00");
    left();

    up_with_leaving_at(TH_EVENT_UNSUBSCRIBED);
    UNTIL(&device, th_phase(device.client) == TH_PHASE_UP);
    unsubscribe(&device, "t");
    gets(&device, "a2 05 0001 0001't'");
    broker_sends(&broker, "b0 02 0001");
    gets(&device, "e0 00");
    left();

    up_with_leaving_at(TH_EVENT_PUBLISHED);
    UNTIL(&device, th_phase(device.client) == TH_PHASE_UP);
    publish(&device, "t", "", 0);
    gets(&device, "30 03 0001't' e0 00");
    left();
}

static void disconnecting_from_a_delivery(void **state)
{
    (void)state;
    device_up(&device, &broker, TH_MQTT_3_1_1);
    device.on_delivery = leave_at_delivery;
    broker_sends(&broker, "32 06 0001't' 0001 'a'");
    gets(&device, "40 02 0001 e0 00");
    left();
}

/* In the middle of a message that comes in pieces: it is not acknowledged. */
static void disconnecting_from_a_piece(void **state)
{
    (void)state;
    static uint8_t payload[20000];
    device_up(&device, &broker, TH_MQTT_3_1_1);
    device.on_delivery = leave_at_delivery;
    broker_sends(&broker, "32 a5 9c 01 0001't' 0001");
    broker_send_bytes(&broker, payload, 6000);
    gets(&device, "e0 00");
    UNTIL(&device, broker.ended);
    broker_drops(&broker);
    ends_as_asked(&device);
    assert_int_equal(device.deliveries, 0);
    out_of_all();
}

/* Told that a redial follows, it says no. */
static void disconnecting_from_the_end_of_a_connection(void **state)
{
    (void)state;
    struct th_config config = plain_config(0, TH_MQTT_3_1_1);
    config.redial = (struct th_redial){.first_ms = 60000, .attempts = -1};
    device_up_with(&device, &broker, config);
    device.on_event = leave_at_event;
    device.number = TH_EVENT_DISCONNECTED;
    broker_drops(&broker);
    ends_as_asked(&device);
    assert_int_equal(count_events(&device, TH_EVENT_DISCONNECTED), 2);
    assert_in_range(device.events[1].redial_in_ms, 29000, 60000);
    assert_int_equal(device.events[1].fault_code, TH_E_CLOSED);
    out_of_all();
}

static void connect_again(struct device *d, const struct th_event *event)
{
    if (event->kind == TH_EVENT_DISCONNECTED && d->number-- > 0)
        assert_int_equal(th_connect(d->client), 0);
}

static void connecting_from_the_end_of_a_connection(void **state)
{
    (void)state;
    device_up(&device, &broker, TH_MQTT_3_1_1);
    device.on_event = connect_again;
    device.number = 1;
    broker_drops(&broker);
    greet(&device);
    out_of_all();
}

/* No recursion: every attempt is a step. */
static void an_end_that_connects_again_in_vain(void **state)
{
    (void)state;
    struct th_config config = plain_config(1, TH_MQTT_3_1_1);
    config.host = "not a name";
    assert_int_equal(device_open(&device, NULL, config), 0);
    device.on_event = connect_again;
    device.number = 50;
    th_connect(device.client);
    ends_with(&device, TH_E_SERVER_NAME, TH_PHASE_FINDING, "neither a host name nor an address");
    assert_int_equal(device.event_count, 51);
    device_close(&device);
}

/* ---- requests that are refused --------------------------------------------------------------- */

/* A refused th_disconnect() leaves everything as it was. */
static void a_refused_disconnect_changes_nothing(void **state)
{
    (void)state;
    struct th_config config = plain_config(0, TH_MQTT_3_1_1);
    config.redial = (struct th_redial){.first_ms = 1, .max_ms = 1, .attempts = 1};
    device_up_with(&device, &broker, config);
    assert_int_equal(th_disconnect(device.client, 4, NULL), TH_E_ARGUMENT);
    assert_int_equal(th_request_fault(device.client)->code, TH_E_ARGUMENT);
    broker_drops(&broker);
    greet(&device);
    out_of_all();
}

static void nothing_is_taken_while_leaving(void **state)
{
    (void)state;
    into_closing();
    assert_int_equal(publish(&device, "t", "", 0), 0); /* for the next connection */
    assert_int_equal(th_pending(device.client), 1);
    broker_drops(&broker);
    ends_as_asked(&device);
    out_of_all();

    device_up(&device, &broker, TH_MQTT_3_1_1);
    th_disconnect(device.client, 0, NULL);
    assert_int_equal(publish(&device, "t", "", 0), TH_E_SEND_FULL);
    assert_false(th_room_for(device.client, 1));
    broker_drops(&broker);
    ends(&device);
    out_of_all();
}

static void what_is_queued_goes_out_before(void **state)
{
    (void)state;
    device_up(&device, &broker, TH_MQTT_5);
    struct th_property why = {.id = 0x1f, .text = th_slice_text("tired")};
    publish(&device, "t", "0", 0);
    publish(&device, "t", "1", 1);
    assert_int_equal(th_disconnect(device.client, 4, &(struct th_properties){&why, 1}), 0);
    gets(&device, "30 05 0001't' 00 '0'  32 07 0001't' 0001 00 '1'  e0 0a 04 08 1f 0005'tired'");
    left();
}

/* ---- the last bytes -------------------------------------------------------------------------- */

/* The broker is slow to read; everything arrives, then FIN, no reset. */
static void the_last_message_arrives_at_a_slow_broker(void **state)
{
    (void)state;
    static char payload[12001];
    memset(payload, 'x', sizeof payload - 1);
    device_up(&device, &broker, TH_MQTT_3_1_1);
    assert_int_equal(publish(&device, "t", payload, 0), 0);
    th_disconnect(device.client, 0, NULL);
    device.broker = NULL;
    broker_sends(&broker, "30 05 0001't' 'hi'"); /* unread bytes must not reset the connection */
    UNTIL(&device, th_phase(device.client) == TH_PHASE_CLOSING);
    FOR_MS(&device, 100);
    device.broker = &broker;
    UNTIL(&device, broker.ended);
    assert_false(broker.reset);
    assert_int_equal(broker.in_bytes, 4 + 2 + 1 - 1 + 12000 + 2);
    assert_memory_equal(broker.in + broker.in_bytes - 2, "\xe0\x00", 2);
    broker_drops(&broker);
    ends_as_asked(&device);
    out_of_all();
}

static void with_tls(const char *options)
{
    static char payload[12001];
    memset(payload, 'x', sizeof payload - 1);
    struct server server = serve_mutually("ec", options);
    context = context_of(trust("ec"));
    broker_behind(&broker, &server);
    assert_int_equal(device_open(&device, context, tls_config(server.port, TH_MQTT_3_1_1)), 0);
    device.broker = &broker;
    th_connect(device.client);
    greet(&device);
    assert_int_equal(publish(&device, "t", payload, 0), 0);
    th_disconnect(device.client, 0, NULL);
    UNTIL(&device, broker.in_bytes == 12008);
    assert_memory_equal(broker.in + broker.in_bytes - 2, "\xe0\x00", 2);
    ends_as_asked(&device);
    out_of_all();
    stop(&server);
}

static void the_last_message_arrives_through_tls(void **state)
{
    (void)state;
    with_tls("-tls1_3");
    with_tls("-tls1_2");
}

/* It was never sent to its end: that is no end in order. */
static void a_goodbye_that_cannot_be_sent_is_a_fault(void **state)
{
    (void)state;
    static char payload[12001];
    memset(payload, 'x', sizeof payload - 1);
    device_up(&device, &broker, TH_MQTT_3_1_1);
    device.broker = NULL;
    device.client->config.deadlines.ack_ms = device.client->link.config.deadlines.ack_ms = PATIENCE_MS;
    int narrow = 4096; /* a buffer that was set does not grow while we look */
    assert_int_equal(setsockopt(broker.fd, SOL_SOCKET, SO_RCVBUF, &narrow, sizeof narrow), 0);
    do
        FOR_MS(&device, 50);
    while (publish(&device, "t", payload, 0) == 0);
    th_disconnect(device.client, 0, NULL);
    FOR_MS(&device, 50);
    assert_int_equal(th_poll_events(device.client) & POLLOUT, POLLOUT);
    broker_resets(&broker);
    ends(&device);
    assert_int_equal(device.result, TH_E_CLOSED);
    assert_int_equal(th_fault(device.client)->code, TH_E_CLOSED);
    out_of_all();
}

static void a_broker_that_floods_while_we_leave(void **state)
{
    (void)state;
    static uint8_t flood[65536];
    uint64_t began_ms = clock_ms();
    into_closing();
    broker.ended = true; /* do not collect */
    while (device.result >= 0 && clock_ms() - began_ms < PATIENCE_MS) {
        send(broker.fd, flood, sizeof flood, MSG_NOSIGNAL | MSG_DONTWAIT);
        step(&device);
    }
    assert_in_range(clock_ms() - began_ms + 1, 1000, PATIENCE_MS - 1);
    assert_int_equal(th_fault(device.client)->code, 0);
    out_of_all();
}

/* ---- errors ---------------------------------------------------------------------------------- */

/* The broker reads late and finds the DISCONNECT and an orderly end, though it had sent more. */
static void expect_explained(const char *wrong, const char *disconnect, int code)
{
    static uint8_t more[3000];
    device_up(&device, &broker, TH_MQTT_5);
    device.broker = NULL;
    broker_sends(&broker, wrong);
    broker_send_bytes(&broker, more, sizeof more);
    FOR_MS(&device, 50);
    device.broker = &broker;
    gets(&device, disconnect);
    UNTIL(&device, broker.ended);
    assert_false(broker.reset);
    assert_int_equal(count_events(&device, TH_EVENT_DISCONNECTED), 0);
    broker_drops(&broker);
    ends_with(&device, code, TH_PHASE_UP, "");
    assert_int_equal(last_event(&device)->redial_in_ms, -1);
    out_of_all();
}

static void the_broker_hears_what_it_did_wrong(void **state)
{
    (void)state;
    expect_explained("36 05 0001't' 0001", "e0 01 81", TH_E_PROTOCOL);
    expect_explained("20 03 00 00 00", "e0 01 82", TH_E_PROTOCOL);
    expect_explained("30 07 0001't' 03 230001", "e0 01 94", TH_E_PROTOCOL);
}

static void a_malformed_packet_behind_connack(void **state)
{
    (void)state;
    plain_device(TH_MQTT_5);
    th_connect(device.client);
    gets(&device, CONNECT_5);
    broker_sends(&broker, "20 03 00 00 00  f1 00");
    gets(&device, "e0 01 81");
    broker_drops(&broker);
    ends_with(&device, TH_E_PROTOCOL, TH_PHASE_UP, "");
    assert_int_equal(th_fault(device.client)->reason, 0x81);
    out_of_all();
}

/* MQTT 3.1.1 has no way to say why. */
static void without_reasons_the_end_is_at_once(void **state)
{
    (void)state;
    device_up(&device, &broker, TH_MQTT_3_1_1);
    broker_sends(&broker, "20 02 00 00");
    ends_with(&device, TH_E_PROTOCOL, TH_PHASE_UP, "second CONNACK");
    broker_collect(&broker);
    gets_nothing_more(&device);
    out_of_all();
}

static void the_broker_says_goodbye(void **state)
{
    (void)state;
    device_up(&device, &broker, TH_MQTT_5);
    broker_sends(&broker, "e0 0d 8e 0b 1f 0008'replaced'");
    ends_with(&device, TH_E_REFUSED, TH_PHASE_UP, "replaced");
    assert_int_equal(th_fault(device.client)->reason, 0x8e);
    assert_int_equal(last_event(&device)->reason, 0x8e);
    out_of_all();

    device_up(&device, &broker, TH_MQTT_5);
    broker_sends(&broker, "e0 00");
    ends_with(&device, TH_E_CLOSED, TH_PHASE_UP, "");
    out_of_all();
}

/* What the broker said is heard even when sending already fails. */
static void the_last_words_are_heard(void **state)
{
    (void)state;
    device_up(&device, &broker, TH_MQTT_5);
    broker_sends(&broker, "e0 01 8b");
    broker_drops(&broker);
    publish(&device, "t", "x", 1);
    device.broker = NULL;
    usleep(20000);
    ends_with(&device, TH_E_REFUSED, TH_PHASE_UP, "shutting down");
    out_of_all();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(disconnecting_ends_every_phase),
        cmocka_unit_test(closing_ends_every_phase),
        cmocka_unit_test(every_phase_can_begin_again),
        cmocka_unit_test(closing_wipes_every_byte),
        cmocka_unit_test(disconnecting_from_every_event),
        cmocka_unit_test(disconnecting_from_a_delivery),
        cmocka_unit_test(disconnecting_from_a_piece),
        cmocka_unit_test(disconnecting_from_the_end_of_a_connection),
        cmocka_unit_test(connecting_from_the_end_of_a_connection),
        cmocka_unit_test(an_end_that_connects_again_in_vain),
        cmocka_unit_test(a_refused_disconnect_changes_nothing),
        cmocka_unit_test(nothing_is_taken_while_leaving),
        cmocka_unit_test(what_is_queued_goes_out_before),
        cmocka_unit_test(the_last_message_arrives_at_a_slow_broker),
        cmocka_unit_test(the_last_message_arrives_through_tls),
        cmocka_unit_test(a_goodbye_that_cannot_be_sent_is_a_fault),
        cmocka_unit_test(a_broker_that_floods_while_we_leave),
        cmocka_unit_test(the_broker_hears_what_it_did_wrong),
        cmocka_unit_test(a_malformed_packet_behind_connack),
        cmocka_unit_test(without_reasons_the_end_is_at_once),
        cmocka_unit_test(the_broker_says_goodbye),
        cmocka_unit_test(the_last_words_are_heard),
    };
    return cmocka_run_group_tests(tests, make_pki, NULL);
}
