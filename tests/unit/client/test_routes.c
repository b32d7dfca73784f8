/* How a broker is reached: given addresses, a Unix socket, a road that is prescribed. */
#include "device.h"

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
    is_refused(config, "\"localhost\" is no numeric address");
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
    fails_for_good(config, TH_E_ARGUMENT, "\"127.0.0.1\" has no address of the family of ::1");
}

static void an_address_of_another_machine_is_not_tried_again(void **state)
{
    (void)state;
    struct th_config config = plain_config(1, TH_MQTT_3_1_1);
    config.route.bind_address = "192.0.2.1";
    fails_for_good(config, TH_E_ARGUMENT, "binding to 192.0.2.1 failed; it must be an address");
    config.route.bind_address = "lo";
    is_refused(config, "\"lo\" is no numeric address");
}

static void an_interface_that_is_not_there_is_not_tried_again(void **state)
{
    (void)state;
    struct th_config config = plain_config(1, TH_MQTT_3_1_1);
    config.route.bind_interface = "none7";
    fails_for_good(config, TH_E_ARGUMENT, "binding to the interface \"none7\" failed");
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
        cmocka_unit_test(there_is_one_road_at_a_time),
    };
    return cmocka_run_group_tests(tests, make_context, free_context);
}
