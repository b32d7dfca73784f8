/* Every wait has an end, with its phase and its sentence; addresses are tried in turn. */
#include "device.h"

static struct device device;
static struct broker broker;

/* How late an end may be: the machine is shared, and a deadline that is not given is 30 s. */
#define LATE_MS 20000

static uint64_t began_ms;

static void begin(void)
{
    began_ms = clock_ms();
    assert_int_equal(th_connect(device.client), 0);
}

static void expect_timeout(unsigned after_ms, enum th_phase phase, const char *sentence)
{
    ends_with(&device, TH_E_TIMEOUT, phase, sentence);
    assert_in_range(clock_ms() - began_ms + 1, after_ms, after_ms + LATE_MS);
}

static void open_device(struct th_config config)
{
    config.port = config.port ? config.port : broker.port;
    assert_int_equal(device_open(&device, NULL, config), 0);
    device.broker = &broker;
}

/* ---- phases ---------------------------------------------------------------------------------- */

static int bind_udp(const char *address)
{
    struct sockaddr_in at = {.sin_family = AF_INET};
    inet_pton(AF_INET, address, &at.sin_addr);
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&at, sizeof at), 0);
    return fd;
}

/* The name server takes the question and says nothing. */
static void a_lookup_ends(void **state)
{
    (void)state;
    char resolv[64];
    int server = bind_udp("127.0.0.1");
    write_hosts(resolv, "nameserver 127.0.0.1\n");
    struct th_config config = plain_config(1, TH_MQTT_3_1_1);
    config.host = "nobody.test";
    config.deadlines.lookup_ms = 200;
    assert_int_equal(device_open(&device, NULL, config), 0);
    device.client->link.lookup.resolv_path = resolv;
    device.client->link.lookup.server_port = port_of(server);
    begin();
    expect_timeout(200, TH_PHASE_FINDING, "no answer to the name lookup within 200 ms");
    device_close(&device);
    close(server);
    unlink(resolv);
}

static int filling[8];

/* A listener whose queue is full: connecting to it waits. */
static int listen_full(const char *address)
{
    int fd = listen_at(address, 0, 0);
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(port_of(fd))};
    inet_pton(AF_INET, address, &at.sin_addr);
    for (size_t i = 0; i < COUNT_OF(filling); i++) {
        filling[i] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        connect(filling[i], (struct sockaddr *)&at, sizeof at);
    }
    return fd;
}

static void close_full(int fd)
{
    for (size_t i = 0; i < COUNT_OF(filling); i++)
        close(filling[i]);
    close(fd);
}

static void dialing_ends(void **state)
{
    (void)state;
    int full = listen_full("127.0.0.1");
    struct th_config config = plain_config(port_of(full), TH_MQTT_3_1_1);
    config.deadlines.tcp_ms = 200;
    assert_int_equal(device_open(&device, NULL, config), 0);
    begin();
    expect_timeout(200, TH_PHASE_DIALING, "no answer from 127.0.0.1:");
    device_close(&device);
    close_full(full);
}

static void a_handshake_ends(void **state)
{
    (void)state;
    struct th_context *context = context_of(trust("ec"));
    broker_open(&broker);
    struct th_config config = tls_config(broker.port, TH_MQTT_3_1_1);
    config.deadlines.tls_ms = 200;
    assert_int_equal(device_open(&device, context, config), 0);
    device.broker = &broker;
    begin();
    expect_timeout(200, TH_PHASE_SHAKING, "the TLS handshake was not completed within 200 ms");
    both_close(&device, &broker);
    context_free(context);
}

static void a_greeting_ends(void **state)
{
    (void)state;
    struct th_config config = plain_config(0, TH_MQTT_3_1_1);
    config.deadlines.connack_ms = 200;
    broker_open(&broker);
    open_device(config);
    begin();
    expect_timeout(200, TH_PHASE_GREETING, "no CONNACK from the broker within 200 ms");
    both_close(&device, &broker);
}

/* Each byte of CONNACK does not begin the deadline anew. */
static void a_slow_greeting_ends_too(void **state)
{
    (void)state;
    enum { REASON_BYTES = 121 };
    struct th_config config = plain_config(0, TH_MQTT_5);
    config.deadlines.connack_ms = 400;
    broker_open(&broker);
    open_device(config);
    begin();
    gets(&device, CONNECT_5);
    broker_sends(&broker, "20 7f 00 00 7c 1f 0079");
    int sent = 0;
    for (; sent < REASON_BYTES - 1 && device.result >= 0; sent++) {
        broker_sends(&broker, "'x'");
        FOR_MS(&device, 50);
    }
    assert_in_range(sent, 1, REASON_BYTES - 2);
    expect_timeout(400, TH_PHASE_GREETING, "no CONNACK");
    both_close(&device, &broker);
}

static void up_with_ack_ms(uint32_t ack_ms, uint16_t keep_alive_s)
{
    struct th_config config = plain_config(0, TH_MQTT_3_1_1);
    config.deadlines.ack_ms = ack_ms;
    config.keep_alive_s = keep_alive_s;
    broker_open(&broker);
    open_device(config);
    begin();
    gets(&device, keep_alive_s == 1 ? "10 0d 0004'MQTT' 04 02 0001 0001'c'" : CONNECT_4);
    broker_sends(&broker, "20 02 00 00");
    UNTIL(&device, th_phase(device.client) == TH_PHASE_UP);
    began_ms = clock_ms();
}

static void acknowledgements_end(void **state)
{
    (void)state;
    up_with_ack_ms(200, 0);
    publish(&device, "t", "", 1);
    expect_timeout(200, TH_PHASE_UP, "no PUBACK for packet 1 in 200 ms");
    both_close(&device, &broker);

    up_with_ack_ms(200, 0);
    publish(&device, "t", "", 2);
    expect_timeout(200, TH_PHASE_UP, "no PUBREC for packet 1");
    both_close(&device, &broker);

    up_with_ack_ms(200, 0);
    publish(&device, "t", "", 2);
    gets(&device, "34 05 0001't' 0001");
    FOR_MS(&device, 100);
    broker_sends(&broker, "50 02 0001");
    began_ms = clock_ms();
    expect_timeout(200, TH_PHASE_UP, "no PUBCOMP for packet 1");
    both_close(&device, &broker);

    up_with_ack_ms(200, 0);
    subscribe(&device, "t", 0);
    expect_timeout(200, TH_PHASE_UP, "no SUBACK for packet 1");
    both_close(&device, &broker);

    up_with_ack_ms(200, 0);
    unsubscribe(&device, "t");
    expect_timeout(200, TH_PHASE_UP, "no UNSUBACK for packet 1");
    both_close(&device, &broker);
}

/* Behind the client's back its descriptor becomes one that takes no more, for ever. */
static int fill_socket(void)
{
    static uint8_t bytes[4096];
    int ends[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends), 0);
    dup2(ends[0], th_fd(device.client));
    close(ends[0]);
    while (send(th_fd(device.client), bytes, sizeof bytes, MSG_NOSIGNAL) > 0)
        ;
    return ends[1];
}

/* The broker does not read: what is to be sent before the end cannot be sent. */
static void a_goodbye_ends(void **state)
{
    (void)state;
    up_with_ack_ms(300, 0);
    device.broker = NULL;
    int peer = fill_socket();
    assert_int_equal(publish(&device, "t", "the last", 0), 0);
    assert_int_equal(th_disconnect(device.client, 0, NULL), 0);
    step(&device);
    assert_int_equal(th_phase(device.client), TH_PHASE_CLOSING);
    assert_int_equal(th_poll_events(device.client) & POLLOUT, POLLOUT);
    assert_in_range(th_wait_ms(device.client), 1, 300);
    expect_timeout(300, TH_PHASE_CLOSING, "could not be closed in order within 300 ms");
    both_close(&device, &broker);
    close(peer);
}

/* The broker does not close its side. */
static void lingering_ends(void **state)
{
    (void)state;
    up_with_ack_ms(30000, 0);
    began_ms = clock_ms();
    th_disconnect(device.client, 0, NULL);
    gets(&device, "e0 00");
    UNTIL(&device, broker.ended);
    ends_as_asked(&device);
    assert_in_range(clock_ms() - began_ms + 1, 1000, 1000 + LATE_MS);
    both_close(&device, &broker);
}

/* ---- keep alive ------------------------------------------------------------------------------ */

static void an_idle_connection_is_kept_alive(void **state)
{
    (void)state;
    uint64_t before_ms = clock_ms(); /* each second counts from what was sent last, first CONNECT */
    up_with_ack_ms(30000, 1);
    for (unsigned i = 1; i <= 2; i++) {
        gets(&device, "c0 00");
        assert_in_range(clock_ms() - before_ms + 1, i * 1000, i * 1000 + LATE_MS);
        broker_sends(&broker, "d0 00");
    }
    both_close(&device, &broker);
}

static void no_pingresp_is_the_end(void **state)
{
    (void)state;
    uint64_t before_ms = clock_ms();
    up_with_ack_ms(200, 1);
    gets(&device, "c0 00");
    began_ms = before_ms;
    expect_timeout(1200, TH_PHASE_UP, "no PINGRESP in 200 ms");
    both_close(&device, &broker);
}

/* The process slept, and the answer has long been there. */
static void what_came_while_asleep_is_heard_first(void **state)
{
    (void)state;
    up_with_ack_ms(2000, 0);
    publish(&device, "t", "", 1);
    gets(&device, "32 05 0001't' 0001");
    broker_sends(&broker, "40 02 0001");
    usleep(2200000);
    step(&device);
    assert_int_equal(th_phase(device.client), TH_PHASE_UP);
    assert_int_equal(th_pending(device.client), 0);
    both_close(&device, &broker);
}

/* ---- several addresses ----------------------------------------------------------------------- */

static void localhost_is_either(const char *address)
{
    broker_open_at(&broker, address, 0);
    struct th_config config = plain_config(0, TH_MQTT_3_1_1);
    config.host = "localhost";
    open_device(config);
    use_hosts(&device, "/dev/null");
    begin();
    greet(&device);
    assert_int_equal(th_fault(device.client)->code, 0);
    both_close(&device, &broker);
}

static void the_next_address_is_tried(void **state)
{
    (void)state;
    localhost_is_either("127.0.0.1");
    localhost_is_either("::1");
}

static char hosts[64];

static void open_with_hosts(const char *text, struct th_config config)
{
    write_hosts(hosts, text);
    config.host = "many.test";
    open_device(config);
    use_hosts(&device, hosts);
    begin();
}

static void the_last_of_many_answers(void **state)
{
    (void)state;
    broker_open_at(&broker, "127.0.0.5", 0);
    open_with_hosts("127.0.0.2 many.test\n127.0.0.3 many.test\n127.0.0.4 many.test\n"
                    "127.0.0.5 many.test\n", plain_config(0, TH_MQTT_3_1_1));
    greet(&device);
    both_close(&device, &broker);
    unlink(hosts);
}

static void none_of_many_answers(void **state)
{
    (void)state;
    open_with_hosts("127.0.0.2 many.test\n127.0.0.3 many.test\n",
                    plain_config(free_port(), TH_MQTT_3_1_1));
    device.broker = NULL;
    ends_with(&device, TH_E_TCP, TH_PHASE_DIALING, "connection refused by 127.0.0.");
    assert_int_equal(device.client->link.attempts, 1);
    device_close(&device);
    unlink(hosts);
}

/* One that swallows packets has its share of the time only. */
static void a_silent_address_does_not_keep_the_next(void **state)
{
    (void)state;
    int full = listen_full("127.0.0.2");
    broker_open_at(&broker, "127.0.0.3", port_of(full));
    struct th_config config = plain_config(port_of(full), TH_MQTT_3_1_1);
    config.deadlines.tcp_ms = 3000;
    open_with_hosts("127.0.0.2 many.test\n127.0.0.3 many.test\n", config);
    bool silent_first = device.client->link.addresses.count == 0;
    greet(&device);
    assert_true(silent_first);
    both_close(&device, &broker);
    close_full(full);
    unlink(hosts);
}

/* ---- a step does not block ------------------------------------------------------------------- */

#define SLOW_MS 2000

static void slow_callback(struct device *d, const struct th_event *event)
{
    (void)d, (void)event;
    usleep(1000 * SLOW_MS);
}

/* In no phase; and what the application takes is not ours. */
static void the_longest_step_is_short(void **state)
{
    (void)state;
    struct th_report report;
    int full = listen_full("127.0.0.1");
    struct th_config config = plain_config(port_of(full), TH_MQTT_3_1_1);
    config.deadlines.tcp_ms = SLOW_MS;
    assert_int_equal(device_open(&device, NULL, config), 0);
    device.on_event = slow_callback;
    begin();
    ends(&device);
    th_report(device.client, &report);
    assert_in_range(report.times.longest_step_us, 1, 900 * SLOW_MS);
    assert_in_range(report.times.tcp_us, 990 * SLOW_MS, 1000 * (SLOW_MS + LATE_MS));
    device_close(&device);
    close_full(full);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_lookup_ends),
        cmocka_unit_test(dialing_ends),
        cmocka_unit_test(a_handshake_ends),
        cmocka_unit_test(a_greeting_ends),
        cmocka_unit_test(a_slow_greeting_ends_too),
        cmocka_unit_test(acknowledgements_end),
        cmocka_unit_test(a_goodbye_ends),
        cmocka_unit_test(lingering_ends),
        cmocka_unit_test(an_idle_connection_is_kept_alive),
        cmocka_unit_test(no_pingresp_is_the_end),
        cmocka_unit_test(what_came_while_asleep_is_heard_first),
        cmocka_unit_test(the_next_address_is_tried),
        cmocka_unit_test(the_last_of_many_answers),
        cmocka_unit_test(none_of_many_answers),
        cmocka_unit_test(a_silent_address_does_not_keep_the_next),
        cmocka_unit_test(the_longest_step_is_short),
    };
    return cmocka_run_group_tests(tests, make_pki, NULL);
}
