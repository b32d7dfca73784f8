/* How a broker is reached: given addresses, a Unix socket, a road that is prescribed, a proxy,
 * SRV records. */
#include "device.h"

#include "../net/reply.h"

#include <sys/un.h>

static struct device device;
static struct broker broker;
static struct th_context *context;

static int make_context(void **state)
{
    if (make_pki(state) != 0)
        return -1;
    context = context_of(trust("ec"));
    return 0;
}

static int free_context(void **state)
{
    (void)state;
    context_free(context);
    return 0;
}

static int dial_port(uint16_t port)
{
    struct sockaddr_in there = {.sin_family = AF_INET, .sin_port = htons(port)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    there.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    assert_int_equal(connect(fd, (struct sockaddr *)&there, sizeof there), 0);
    return fd;
}

static void broker_send_all(int fd, struct broker *from)
{
    assert_int_equal(send(fd, from->in, from->in_bytes, 0), from->in_bytes);
    from->in_bytes = 0;
}

static void begin(struct th_config config)
{
    if (device_open(&device, config.insecure_plaintext ? NULL : context, config) != 0)
        fail_msg("%s", device.fault.text);
    device.broker = &broker;
    assert_int_equal(th_connect(device.client), 0);
}

static void is_refused(struct th_config config, const char *sentence)
{
    assert_int_equal(device_open(&device, context, config), TH_E_ARGUMENT);
    if (!strstr(device.fault.text, sentence))
        fail_msg("%s", device.fault.text);
    device_close(&device);
}

static void fails_with(struct th_config config, int code, const char *sentence)
{
    config.redial = (struct th_redial){.attempts = -1, .first_too = true, .first_ms = 60000};
    begin(config);
    device.broker = NULL;
    UNTIL(&device, count_events(&device, TH_EVENT_DISCONNECTED) == 1);
    const struct th_fault *fault = th_fault(device.client);
    if (fault->code != code || !strstr(fault->text, sentence))
        fail_msg("%s: %s", th_error_name(fault->code), fault->text);
}

static void fails_for_good(struct th_config config, int code, const char *sentence)
{
    fails_with(config, code, sentence);
    assert_int_equal(last_event(&device)->redial_in_ms, -1);
    device_close(&device);
}

/* ---- given addresses ------------------------------------------------------------------------- */

static void dials_the_address_instead_of_looking_the_host_up(void **state)
{
    (void)state;
    static const char *const addresses[] = {"127.0.0.1"};
    broker_open(&broker);
    struct th_config config = plain_config(broker.port, TH_MQTT_3_1_1);
    config.host = "no.such.host.invalid";
    config.route.addresses = addresses;
    config.route.addresses_count = 1;
    begin(config);
    greet(&device);
    both_close(&device, &broker);
}

static void dials_the_addresses_in_their_order(void **state)
{
    (void)state;
    static const char *const addresses[] = {"127.0.0.3", "::1", "127.0.0.2", "127.0.0.1"};
    broker_open(&broker);
    struct th_config config = plain_config(broker.port, TH_MQTT_3_1_1);
    config.route.addresses = addresses;
    config.route.addresses_count = COUNT_OF(addresses);
    begin(config);
    greet(&device);
    assert_int_equal(device.client->link.address_next, COUNT_OF(addresses));
    assert_int_equal(device.client->link.addresses.list[1].family, AF_INET6);
    both_close(&device, &broker);
}

static void the_name_stays_what_is_verified(void **state)
{
    (void)state;
    static const char *const addresses[] = {"127.0.0.1"};
    struct server server = serve_mutually("ec", "");
    struct th_config config = tls_config(server.port, TH_MQTT_3_1_1);
    config.host = "broker.test";
    config.route.addresses = addresses;
    config.route.addresses_count = 1;
    broker_behind(&broker, &server);
    begin(config);
    greet(&device);
    device_close(&device);
    config.host = "other.test";
    fails_for_good(config, TH_E_SERVER_NAME, "other.test");
    broker_close(&broker);
    stop(&server);
}

static void another_name_may_be_verified(void **state)
{
    (void)state;
    struct server server = serve_mutually("ec", "");
    struct th_config config = tls_config(server.port, TH_MQTT_3_1_1);
    config.server_name = "broker.test";
    broker_behind(&broker, &server);
    begin(config);
    greet(&device);
    device_close(&device);
    config.server_name = "other.test";
    fails_for_good(config, TH_E_SERVER_NAME, "other.test");
    broker_close(&broker);
    stop(&server);
}

static void a_name_is_no_address(void **state)
{
    (void)state;
    static const char *const addresses[] = {"127.0.0.1", "localhost"};
    struct th_config config = plain_config(1, TH_MQTT_3_1_1);
    config.route.addresses = addresses;
    config.route.addresses_count = COUNT_OF(addresses);
    fails_for_good(config, TH_E_ARGUMENT, "\"localhost\" is no numeric address");
}

/* ---- where the socket is bound --------------------------------------------------------------- */

static void leaves_from_a_given_address(void **state)
{
    (void)state;
    struct sockaddr_in peer;
    socklen_t bytes = sizeof peer;
    broker_open(&broker);
    struct th_config config = plain_config(broker.port, TH_MQTT_3_1_1);
    config.host = "localhost";
    config.route.bind_address = "127.0.0.2";
    begin(config);
    greet(&device);
    assert_int_equal(getpeername(broker.fd, (struct sockaddr *)&peer, &bytes), 0);
    assert_int_equal(ntohl(peer.sin_addr.s_addr), 0x7f000002);
    assert_int_equal(device.client->link.addresses.count, 1);
    both_close(&device, &broker);
}

static void the_families_must_match(void **state)
{
    (void)state;
    struct th_config config = plain_config(1, TH_MQTT_3_1_1);
    config.route.bind_address = "::1";
    fails_for_good(config, TH_E_ARGUMENT, "127.0.0.1 has no address of the family of ::1");
}

static void an_address_of_another_machine_is_not_tried_again(void **state)
{
    (void)state;
    struct th_config config = plain_config(1, TH_MQTT_3_1_1);
    config.route.bind_address = "192.0.2.1";
    fails_for_good(config, TH_E_ARGUMENT, "binding to 192.0.2.1 failed; it must be an address");
    config.route.bind_address = "lo";
    fails_for_good(config, TH_E_ARGUMENT, "\"lo\" is no numeric address");
}

static void an_interface_that_is_not_there_is_not_tried_again(void **state)
{
    (void)state;
    struct th_config config = plain_config(1, TH_MQTT_3_1_1);
    config.route.bind_interface = "none7";
    fails_for_good(config, TH_E_ARGUMENT, "binding to interface none7 failed");
}

/* ---- Unix sockets ---------------------------------------------------------------------------- */

static char path[TH_NET_UNIX_PATH_BYTES];

static struct th_config unix_config(enum th_mqtt_version version)
{
    struct th_config config = plain_config(0, version);
    config.host = NULL;
    config.route.unix_path = path;
    return config;
}

static void listen_at_path(void)
{
    struct sockaddr_un here = {.sun_family = AF_UNIX};
    snprintf(path, sizeof path, "/tmp/th_routes_%d", getpid());
    strcpy(here.sun_path, path);
    memset(&broker, 0, sizeof broker);
    broker.fd = -1;
    broker.listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    unlink(path);
    assert_int_equal(bind(broker.listener, (struct sockaddr *)&here, sizeof here), 0);
    assert_int_equal(listen(broker.listener, 4), 0);
}

static void speaks_over_a_unix_socket(void **state)
{
    (void)state;
    listen_at_path();
    begin(unix_config(TH_MQTT_5));
    greet(&device);
    assert_int_equal(publish(&device, "a", "b", 0), 0);
    gets(&device, "30 05 0001'a' 00 'b'");
    th_disconnect(device.client, 0, NULL);
    gets(&device, "e0 00");
    both_close(&device, &broker);
    unlink(path);
}

static void a_unix_socket_nobody_listens_at_is_named(void **state)
{
    (void)state;
    listen_at_path();
    broker_close(&broker);
    fails_with(unix_config(TH_MQTT_3_1_1), TH_E_TCP, "/tmp/th_routes_");
    assert_true(last_event(&device)->redial_in_ms > 0);
    device_close(&device);
    unlink(path);
}

static void a_path_that_is_too_long_is_refused(void **state)
{
    (void)state;
    char long_path[TH_NET_UNIX_PATH_BYTES + 1] = {0};
    struct th_config config = unix_config(TH_MQTT_3_1_1);
    memset(long_path, 'p', sizeof long_path - 1);
    config.route.unix_path = long_path;
    is_refused(config, "the path of a Unix socket has at most 107 bytes");
}

static void tls_over_a_unix_socket_needs_a_name(void **state)
{
    (void)state;
    listen_at_path();
    struct th_config config = unix_config(TH_MQTT_3_1_1);
    config.insecure_plaintext = false;
    fails_for_good(config, TH_E_SERVER_NAME, path);
    broker_close(&broker);
    unlink(path);
}

/* ---- a proxy --------------------------------------------------------------------------------- */

static struct th_config proxied_config(void)
{
    broker_open(&broker);
    struct th_config config = plain_config(8883, TH_MQTT_3_1_1);
    config.host = "broker.test";
    config.route.proxy = (struct th_proxy){
        .host = "localhost",
        .port = broker.port,
        .username = "joe",
        .password = th_slice_text("secret"),
    };
    return config;
}

static void reaches_the_broker_through_a_proxy(void **state)
{
    (void)state;
    begin(proxied_config());
    gets(&device, "05 02 00 02");
    broker_sends(&broker, "05 02");
    gets(&device, "01 03'joe' 06'secret'");
    broker_sends(&broker, "01 00");
    gets(&device, "05 01 00 03 0b'broker.test' 22b3");
    broker_sends(&broker, "05 00 00 04 00000000000000000000000000000000 0000");
    greet(&device);
    both_close(&device, &broker);
}

static void is_refused_by_the_proxy(const char *reply, bool again, const char *sentence)
{
    struct th_config config = proxied_config();
    config.route.proxy.username = NULL;
    config.redial = (struct th_redial){.attempts = -1, .first_too = true, .first_ms = 60000};
    begin(config);
    gets(&device, "05 01 00");
    broker_sends(&broker, reply);
    UNTIL(&device, count_events(&device, TH_EVENT_DISCONNECTED) == 1);
    assert_int_equal(last_event(&device)->fault_code, TH_E_PROXY);
    assert_int_equal(last_event(&device)->redial_in_ms >= 0, again);
    if (!strstr(th_fault(device.client)->text, sentence))
        fail_msg("%s", th_fault(device.client)->text);
    assert_int_equal(th_fault(device.client)->phase, TH_PHASE_DIALING);
    both_close(&device, &broker);
}

static void what_may_pass_is_tried_again(void **state)
{
    (void)state;
    is_refused_by_the_proxy("05 00 05 01 00 01 00000000 0000", true, "general failure");
    is_refused_by_the_proxy("05 00 05 05 00 01 00000000 0000", true, "connection refused");
    is_refused_by_the_proxy("05 00 05 02 00 01 00000000 0000", false, "not allowed");
    is_refused_by_the_proxy("05 00 05 07 00 01 00000000 0000", false, "unknown command");
    is_refused_by_the_proxy("05 ff", false, "the proxy wants a name and a password");
    is_refused_by_the_proxy("'HTTP/1.1 400'", false, "does not speak SOCKS5");
}

static void a_silent_proxy_is_overdue(void **state)
{
    (void)state;
    struct th_config config = proxied_config();
    config.deadlines.tcp_ms = 200;
    begin(config);
    gets(&device, "05 02 00 02");
    broker_sends(&broker, "05");
    unsigned steps = device.steps;
    ends_with(&device, TH_E_TIMEOUT, TH_PHASE_DIALING,
              "broker.test:8883: no answer from the proxy within 200 ms");
    assert_in_range(device.steps - steps, 0, 5);
    both_close(&device, &broker);
}

static void nobody_there_is_said_of_the_proxy(void **state)
{
    (void)state;
    char sentence[64];
    struct th_config config = proxied_config();
    snprintf(sentence, sizeof sentence, "connection refused by 127.0.0.1:%u", broker.port);
    broker_close(&broker);
    fails_with(config, TH_E_TCP, sentence);
    device_close(&device);
}

static void speaks_tls_through_a_proxy(void **state)
{
    (void)state;
    struct server server = serve_mutually("ec", "");
    struct th_config config = proxied_config();
    uint8_t bytes[4096];
    config.insecure_plaintext = false;
    config.route.proxy.username = NULL;
    begin(config);
    gets(&device, "05 01 00");
    broker_sends(&broker, "05 00");
    gets(&device, "05 01 00 03 0b'broker.test' 22b3");
    broker_sends(&broker, "05 00 00 01 00000000 0000");
    int end = dial_port(server.port);
    while (th_phase(device.client) < TH_PHASE_GREETING) {
        turn(&device, 10);
        broker_send_all(end, &broker);
        ssize_t got = recv(end, bytes, sizeof bytes, MSG_DONTWAIT);
        if (got > 0)
            broker_send_bytes(&broker, bytes, (size_t)got);
    }
    close(end);
    both_close(&device, &broker);
    stop(&server);
}

static void fields_of_the_proxy_have_bounds(void **state)
{
    (void)state;
    char field[257] = {0};
    struct th_config config = plain_config(1, TH_MQTT_3_1_1);
    config.route.proxy.host = "proxy.test";
    config.route.proxy.username = "";
    is_refused(config, "a proxy's username has 1 to 255 bytes");
    memset(field, 'f', 256);
    config.route.proxy.username = field;
    is_refused(config, "a proxy's username has 1 to 255 bytes");
    config.route.proxy.username = "joe";
    config.route.proxy.password = th_slice_text(field);
    is_refused(config, "its password at most as many");
    config.route.proxy.password = th_slice_text("secret");
    config.host = "a\r\nb";
    fails_for_good(config, TH_E_SERVER_NAME, "neither a host name nor an address");
}

/* ---- SRV records ----------------------------------------------------------------------------- */

enum { A = 1, SRV = 33, NXDOMAIN = 3 };

static struct {
    pid_t pid;
    uint16_t port;
    char resolv[64];
    const char *asked; /* the name that has SRV records */
    const char *const *targets;
    size_t count;
} names;

static void add_target(struct reply *reply, unsigned priority, const char *target)
{
    struct reply data = {.length = 0};
    append_number(&data, priority);
    append_number(&data, 0);
    append_number(&data, broker.port);
    append_name(&data, target);
    append_record(reply, NULL, SRV, data.bytes, data.length);
}

static bool asks_for(const uint8_t *query, const char *name)
{
    struct reply spelled = {.length = 0};
    append_name(&spelled, name);
    return !memcmp(query + 12, spelled.bytes, spelled.length);
}

/* dead.test is where nobody listens, live.test where the broker is; there are no others. */
static void answer(struct reply *reply, const uint8_t *query, size_t bytes)
{
    const uint8_t address[] = {127, 0, 0, asks_for(query, "live.test") ? 1 : 7};
    bool known = asks_for(query, "live.test") || asks_for(query, "dead.test");
    bool is_srv = question_type(query, bytes) == SRV && asks_for(query, names.asked);
    begin_reply(reply, query, bytes, known || is_srv ? 0 : NXDOMAIN);
    if (question_type(query, bytes) == A && known)
        append_record(reply, NULL, A, address, sizeof address);
    for (size_t i = 0; i < names.count && is_srv; i++)
        add_target(reply, (unsigned)i, names.targets[i]);
}

static void serve_names(int fd)
{
    uint8_t query[512];
    struct sockaddr_storage peer;
    for (;;) {
        struct reply reply;
        socklen_t peer_bytes = sizeof peer;
        ssize_t bytes = recvfrom(fd, query, sizeof query, 0, (struct sockaddr *)&peer, &peer_bytes);
        answer(&reply, query, (size_t)bytes);
        sendto(fd, reply.bytes, reply.length, 0, (struct sockaddr *)&peer, peer_bytes);
    }
}

static void start_names(const char *asked, const char *const *targets, size_t count)
{
    struct sockaddr_in here = {.sin_family = AF_INET};
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    here.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    assert_int_equal(bind(fd, (struct sockaddr *)&here, sizeof here), 0);
    names.port = port_of(fd);
    names.asked = asked;
    names.targets = targets;
    names.count = count;
    write_hosts(names.resolv, "nameserver 127.0.0.1\n");
    names.pid = fork();
    if (names.pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        serve_names(fd);
    }
    close(fd);
}

static void stop_names(void)
{
    kill(names.pid, SIGKILL);
    waitpid(names.pid, NULL, 0);
    unlink(names.resolv);
}

static struct th_config srv_config(uint16_t port)
{
    struct th_config config = plain_config(port, TH_MQTT_3_1_1);
    config.host = "example.test";
    config.route.srv = true;
    return config;
}

static void begin_with_names(struct th_config config)
{
    if (device_open(&device, config.insecure_plaintext ? NULL : context, config) != 0)
        fail_msg("%s", device.fault.text);
    device.client->link.lookup.hosts_path = "/no/such/file";
    device.client->link.lookup.resolv_path = names.resolv;
    device.client->link.lookup.server_port = names.port;
    device.broker = &broker;
    assert_int_equal(th_connect(device.client), 0);
}

static void the_first_host_that_answers_is_taken(void **state)
{
    (void)state;
    static const char *const targets[] = {"gone.test", "dead.test", "live.test"};
    broker_open(&broker);
    start_names("_mqtt._tcp.example.test", targets, COUNT_OF(targets));
    begin_with_names(srv_config(1));
    greet(&device);
    both_close(&device, &broker);
    stop_names();
}

static void when_no_host_answers_the_last_is_named(void **state)
{
    (void)state;
    static const char *const targets[] = {"gone.test", "dead.test"};
    broker_open(&broker);
    start_names("_mqtt._tcp.example.test", targets, COUNT_OF(targets));
    begin_with_names(srv_config(1));
    device.broker = NULL;
    ends_with(&device, TH_E_TCP, TH_PHASE_DIALING, "connection refused by 127.0.0.7:");
    both_close(&device, &broker);
    stop_names();
}

static void a_domain_without_brokers_is_named(void **state)
{
    (void)state;
    broker_open(&broker);
    start_names("_mqtt._tcp.example.test", (const char *const[]){""}, 1);
    begin_with_names(srv_config(1));
    device.broker = NULL;
    ends_with(&device, TH_E_LOOKUP, TH_PHASE_FINDING,
              "no SRV record \"_mqtt._tcp.example.test\" names a host");
    both_close(&device, &broker);
    stop_names();
}

/* Whoever answers for the name server could name any host: the domain is what is verified. */
static void the_domain_is_verified_not_the_host(void **state)
{
    (void)state;
    struct server server = serve_mutually("ec", "");
    broker_behind(&broker, &server);
    start_names("_secure-mqtt._tcp.broker.test", (const char *const[]){"live.test"}, 1);
    struct th_config config = srv_config(0);
    config.insecure_plaintext = false;
    config.host = "broker.test";
    begin_with_names(config);
    greet(&device);
    both_close(&device, &broker);
    stop_names();
    stop(&server);
}

static void a_host_of_another_domain_is_refused(void **state)
{
    (void)state;
    struct server server = serve_mutually("ec", "");
    broker_behind(&broker, &server);
    start_names("_secure-mqtt._tcp.example.test", (const char *const[]){"live.test"}, 1);
    struct th_config config = srv_config(0);
    config.insecure_plaintext = false;
    begin_with_names(config);
    ends_with(&device, TH_E_SERVER_NAME, TH_PHASE_SHAKING, "the certificate of example.test is not for");
    both_close(&device, &broker);
    stop_names();
    stop(&server);
}

/* ---- one at a time --------------------------------------------------------------------------- */

static void there_is_one_road_at_a_time(void **state)
{
    (void)state;
    struct th_config config = plain_config(1, TH_MQTT_3_1_1);
    config.route.unix_path = "/tmp/x";
    config.route.srv = true;
    is_refused(config, "one of these at a time");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(dials_the_address_instead_of_looking_the_host_up),
        cmocka_unit_test(dials_the_addresses_in_their_order),
        cmocka_unit_test(the_name_stays_what_is_verified),
        cmocka_unit_test(another_name_may_be_verified),
        cmocka_unit_test(a_name_is_no_address),
        cmocka_unit_test(leaves_from_a_given_address),
        cmocka_unit_test(the_families_must_match),
        cmocka_unit_test(an_address_of_another_machine_is_not_tried_again),
        cmocka_unit_test(an_interface_that_is_not_there_is_not_tried_again),
        cmocka_unit_test(speaks_over_a_unix_socket),
        cmocka_unit_test(a_unix_socket_nobody_listens_at_is_named),
        cmocka_unit_test(a_path_that_is_too_long_is_refused),
        cmocka_unit_test(tls_over_a_unix_socket_needs_a_name),
        cmocka_unit_test(reaches_the_broker_through_a_proxy),
        cmocka_unit_test(what_may_pass_is_tried_again),
        cmocka_unit_test(a_silent_proxy_is_overdue),
        cmocka_unit_test(nobody_there_is_said_of_the_proxy),
        cmocka_unit_test(speaks_tls_through_a_proxy),
        cmocka_unit_test(fields_of_the_proxy_have_bounds),
        cmocka_unit_test(the_first_host_that_answers_is_taken),
        cmocka_unit_test(when_no_host_answers_the_last_is_named),
        cmocka_unit_test(a_domain_without_brokers_is_named),
        cmocka_unit_test(the_domain_is_verified_not_the_host),
        cmocka_unit_test(a_host_of_another_domain_is_refused),
        cmocka_unit_test(there_is_one_road_at_a_time),
    };
    return cmocka_run_group_tests(tests, make_context, free_context);
}
