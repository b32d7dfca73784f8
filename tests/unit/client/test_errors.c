/* Every error kind is produced, and has its number, its name, its phase and its sentence. */
#include "device.h"

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>

static struct device device;
static struct broker broker;
static struct th_context *context;

/* What a producer hands back: the result of the call, and the story. */
struct outcome {
    int result;
    struct th_fault fault;
};

static struct outcome outcome_of(int result, const struct th_fault *fault)
{
    return (struct outcome){result, *fault};
}

static struct outcome end_of_device(void)
{
    ends(&device);
    assert_int_equal(last_event(&device)->fault_code, device.result);
    struct outcome outcome = outcome_of(device.result, th_fault(device.client));
    device_close(&device);
    return outcome;
}

/* ---- plain connections ----------------------------------------------------------------------- */

static struct outcome end_of_plain(void)
{
    struct outcome outcome = end_of_device();
    broker_close(&broker);
    return outcome;
}

static void open_plain(const char *host, uint16_t port)
{
    struct th_config config = plain_config(port, TH_MQTT_3_1_1);
    config.host = host;
    assert_int_equal(device_open(&device, NULL, config), 0);
    th_connect(device.client);
}

static void greeting(void)
{
    broker_open(&broker);
    open_plain("127.0.0.1", broker.port);
    device.broker = &broker;
    gets(&device, CONNECT_4);
}

static struct outcome closed(void)
{
    device_up(&device, &broker, TH_MQTT_3_1_1);
    broker_drops(&broker);
    return end_of_plain();
}

static struct outcome protocol(void)
{
    device_up(&device, &broker, TH_MQTT_3_1_1);
    broker_sends(&broker, "20 02 00 00");
    return end_of_plain();
}

static struct outcome receive(void)
{
    device_up(&device, &broker, TH_MQTT_3_1_1);
    broker_resets(&broker);
    return end_of_plain();
}

static struct outcome tcp(void)
{
    open_plain("127.0.0.1", deaf_port());
    return end_of_device();
}

static struct outcome system_error(void)
{
    struct rlimit before, none;
    getrlimit(RLIMIT_NOFILE, &before);
    none = before;
    none.rlim_cur = 3;
    open_plain("127.0.0.1", deaf_port());
    setrlimit(RLIMIT_NOFILE, &none);
    step(&device);
    setrlimit(RLIMIT_NOFILE, &before);
    return end_of_device();
}

static struct outcome no_socket(void)
{
    assert_int_equal(device_open(&device, NULL, plain_config(1, TH_MQTT_3_1_1)), 0);
    struct outcome outcome = outcome_of(th_step(device.client), th_fault(device.client));
    device_close(&device);
    return outcome;
}

static struct outcome invalid_name(void)
{
    open_plain("no name", 1);
    return end_of_device();
}

static struct outcome timeout(void)
{
    greeting();
    device.client->link.deadline_ms = 0;
    return end_of_plain();
}

static struct outcome refused(void)
{
    greeting();
    broker_sends(&broker, "20 02 00 05");
    return end_of_plain();
}

static struct outcome proxy_error(void)
{
    broker_open(&broker);
    struct th_config config = plain_config(1, TH_MQTT_3_1_1);
    config.route.proxy = (struct th_proxy){.host = "127.0.0.1", .port = broker.port};
    assert_int_equal(device_open(&device, NULL, config), 0);
    device.broker = &broker;
    th_connect(device.client);
    gets(&device, "05 01 00");
    broker_sends(&broker, "05 ff");
    return end_of_plain();
}

/* A broker that lets us in without having proved that it knows the password. */
static struct outcome authentication(void)
{
    broker_open(&broker);
    struct th_config config = plain_config(broker.port, TH_MQTT_5);
    config.username = "user";
    config.password = th_slice_text("pencil");
    config.authentication = TH_AUTHENTICATION_SCRAM_SHA_256;
    assert_int_equal(device_open(&device, NULL, config), 0);
    device.broker = &broker;
    th_connect(device.client);
    UNTIL(&device, broker.in_bytes > 0);
    broker_sends(&broker, "20 03 00 00 00");
    return end_of_plain();
}

/* A name server that knows nobody. */
static struct outcome lookup(void)
{
    char resolv[64];
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int server = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    assert_int_equal(bind(server, (struct sockaddr *)&at, sizeof at), 0);
    write_hosts(resolv, "nameserver 127.0.0.1\n");
    open_plain("nobody.test", 1);
    device.client->link.lookup.resolv_path = resolv;
    device.client->link.lookup.server_port = port_of(server);
    while (device.result >= 0) {
        uint8_t bytes[512];
        socklen_t at_bytes = sizeof at;
        turn(&device, 5);
        ssize_t got = recvfrom(server, bytes, sizeof bytes, 0, (struct sockaddr *)&at, &at_bytes);
        bytes[2] = 0x81, bytes[3] = 0x83; /* NXDOMAIN */
        if (got > 12)
            sendto(server, bytes, (size_t)got, 0, (struct sockaddr *)&at, at_bytes);
    }
    close(server);
    unlink(resolv);
    return end_of_device();
}

/* ---- requests -------------------------------------------------------------------------------- */

static struct outcome publish_outcome(size_t payload_bytes, unsigned times)
{
    static uint8_t payload[TH_OUTBOX_BYTES];
    struct th_message message = {.topic = th_slice_text("t"), .payload = {payload, payload_bytes}};
    assert_int_equal(device_open(&device, NULL, plain_config(1, TH_MQTT_3_1_1)), 0);
    int result = 0;
    while (times-- && result >= 0)
        result = th_publish(device.client, &message);
    struct outcome outcome = outcome_of(result, th_request_fault(device.client));
    device_close(&device);
    return outcome;
}

static struct outcome too_large(void)
{
    return publish_outcome(TH_OUTBOX_BYTES, 1);
}

static struct outcome send_full(void)
{
    return publish_outcome(4000, 10);
}

static struct outcome argument(void)
{
    struct th_config config = plain_config(1, TH_MQTT_3_1_1);
    config.host = NULL;
    int result = device_open(&device, NULL, config);
    struct outcome outcome = outcome_of(result, &device.fault);
    device_close(&device);
    return outcome;
}

static struct outcome file(void)
{
    struct outcome outcome;
    struct th_context *none;
    struct th_context_config config = trust("ec");
    config.roots.path = "/nowhere/root.pem";
    void *block = aligned_alloc(16, (th_context_need_bytes() + 15) & ~(size_t)15);
    outcome.result = th_context_open(&none, block, th_context_need_bytes(), &config,
                                     &outcome.fault);
    assert_null(none);
    free(block);
    return outcome;
}

/* ---- TLS ------------------------------------------------------------------------------------- */

static struct outcome end_of_tls(uint16_t port, size_t heap_bytes)
{
    struct th_config config = tls_config(port, TH_MQTT_3_1_1);
    config.heap_budget_bytes = heap_bytes;
    assert_int_equal(device_open(&device, context, config), 0);
    th_connect(device.client);
    return end_of_device();
}

static struct outcome served(const char *leaf, const char *key, const char *options,
                             size_t heap_bytes)
{
    struct server server = serve(leaf, key, options);
    struct outcome outcome = end_of_tls(server.port, heap_bytes);
    stop(&server);
    return outcome;
}

static struct outcome certificate(void)
{
    return served("other/server", "other/server", "", 0);
}

static struct outcome wrong_name(void)
{
    return served("ec/wrongname", "ec/server", "", 0);
}

static struct outcome clock_of_1970(void)
{
    th_calendar_set(1);
    struct outcome outcome = served("ec/server", "ec/server", "", 0);
    th_calendar_set(0);
    return outcome;
}

static struct outcome cipher_suite(void)
{
    return served("ec/server", "ec/server", "-tls1_2 -cipher ECDHE-ECDSA-AES128-SHA", 0);
}

static struct outcome client_certificate(void)
{
    return served("ec/server", "ec/server", "-Verify 3 -verify_return_error -verify_quiet "
                                            "-CAfile other/root.pem", 0);
}

static struct outcome memory(void)
{
    return served("ec/server", "ec/server", "", 4000);
}

static struct outcome handshake(void)
{
    broker_open(&broker);
    assert_int_equal(device_open(&device, context, tls_config(broker.port, 0)), 0);
    device.broker = &broker;
    th_connect(device.client);
    UNTIL(&device, broker.in_bytes > 0);
    broker_sends(&broker, "'HTTP/1.1 400 Bad Request' 0d0a 0d0a");
    return end_of_plain();
}

/* Carries what there is from one to the other. */
static void relay(int from, int to)
{
    uint8_t bytes[4096];
    ssize_t got = recv(from, bytes, sizeof bytes, MSG_DONTWAIT);
    if (got > 0)
        assert_int_equal(send(to, bytes, (size_t)got, MSG_NOSIGNAL), got);
}

static void send_byte_string(int to, const char *text)
{
    struct wire wire = wire_of(text);
    assert_int_equal(send(to, wire.bytes, wire.len, MSG_NOSIGNAL), wire.len);
}

/* The fatal alert of TLS 1.3: an encrypted record of 2 bytes, its type and its tag. */
static void expect_alert(int from)
{
    uint8_t bytes[4096];
    ssize_t got = recv(from, bytes, sizeof bytes, MSG_DONTWAIT);
    assert_true(got >= 24);
    assert_memory_equal(bytes + got - 24, "\x17\x03\x03\x00\x13", 5);
}

/* Somebody between us and the server adds a record of his own after the handshake. The server is
 * told that it was wrong. */
static struct outcome tls(void)
{
    struct server server = serve("ec/server", "ec/server", "");
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(server.port),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int to_server = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(connect(to_server, (struct sockaddr *)&at, sizeof at), 0);
    broker_open(&broker);
    assert_int_equal(device_open(&device, context, tls_config(broker.port, 0)), 0);
    th_connect(device.client);
    while (th_phase(device.client) != TH_PHASE_GREETING) {
        turn(&device, 5);
        if (broker_accepts(&broker)) {
            relay(broker.fd, to_server);
            relay(to_server, broker.fd);
        }
    }
    send_byte_string(broker.fd, "17 0303 0020 '0123456789abcdef0123456789abcdef'");
    close(to_server);
    stop(&server);
    struct outcome outcome = end_of_device();
    expect_alert(broker.fd);
    broker_close(&broker);
    return outcome;
}

/* ---- no entropy ------------------------------------------------------------------------------ */

/* getrandom(2) answers "not ready", as early at boot. For the rest of the process' life. */
static void take_entropy_away(void)
{
    struct sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_getrandom, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EAGAIN),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = {COUNT_OF(code), code};
    assert_int_equal(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), 0);
    assert_int_equal(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program), 0);
}

static struct outcome entropy(void)
{
    broker_open(&broker);
    struct outcome *shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE,
                                  MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    pid_t child = fork();
    if (child == 0) {
        take_entropy_away();
        *shared = end_of_tls(broker.port, 0);
        _exit(0);
    }
    waitpid(child, NULL, 0);
    assert_true(broker_accepts(&broker));
    broker_collect(&broker);
    assert_true(broker.ended);
    assert_int_equal(broker.in_bytes, 0); /* nothing was sent */
    broker_close(&broker);
    return *shared;
}

/* ---- the table ------------------------------------------------------------------------------- */

static const struct kind {
    int code;
    int number;
    const char *name;
    enum th_phase phase;
    const char *sentence; /* a part of it; NULL: the error is not a failure and has none */
    struct outcome (*produce)(void);
} kinds[] = {
    {TH_E_TLS, -10, "tls-error", TH_PHASE_GREETING, "changed on its way", tls},
    {TH_E_HANDSHAKE, -11, "handshake-failed", TH_PHASE_SHAKING, "sent no TLS", handshake},
    {TH_E_CERTIFICATE, -12, "certificate-error", TH_PHASE_SHAKING, "CA certificates", certificate},
    {TH_E_SERVER_NAME, -13, "invalid-server-name", TH_PHASE_FINDING, "\"no name\"", invalid_name},
    {TH_E_SERVER_NAME, -13, "invalid-server-name", TH_PHASE_SHAKING, "127.0.0.1", wrong_name},
    {TH_E_CIPHER_SUITE, -14, "unsupported-cipher-suite", TH_PHASE_SHAKING, "cipher suite",
     cipher_suite},
    {TH_E_CLOSED, -15, "connection-closed", TH_PHASE_UP, "closed", closed},
    {TH_E_PROTOCOL, -16, "protocol-error", TH_PHASE_UP, "CONNACK", protocol},
    {TH_E_TCP, -17, "tcp-connection-failed", TH_PHASE_DIALING, "refused by 127.0.0.1:", tcp},
    {TH_E_NO_SOCKET, -18, "no-such-socket", TH_PHASE_RESTING, "th_connect()", no_socket},
    {TH_E_SEND_FULL, -19, "send-buffer-full", TH_PHASE_RESTING, NULL, send_full},
    {TH_E_RECEIVE, -20, "receive-error", TH_PHASE_UP, "receiving failed", receive},
    {TH_E_LOOKUP, -30, "name-lookup-failed", TH_PHASE_FINDING, "nobody.test", lookup},
    {TH_E_TIMEOUT, -31, "timeout", TH_PHASE_GREETING, "no CONNACK", timeout},
    {TH_E_REFUSED, -32, "refused", TH_PHASE_GREETING, "not authorized", refused},
    {TH_E_MEMORY, -33, "out-of-memory", TH_PHASE_SHAKING, "TLS heap", memory},
    {TH_E_ARGUMENT, -34, "invalid-argument", TH_PHASE_RESTING, "host", argument},
    {TH_E_FILE, -35, "file-error", TH_PHASE_RESTING, "/nowhere/root.pem", file},
    {TH_E_ENTROPY, -36, "no-entropy", TH_PHASE_SHAKING, "random", entropy},
    {TH_E_TOO_LARGE, -37, "too-large", TH_PHASE_RESTING, "outbox", too_large},
    {TH_E_CLIENT_CERTIFICATE, -38, "client-certificate-refused", TH_PHASE_GREETING,
     "client certificate", client_certificate},
    {TH_E_SYSTEM, -39, "system-error", TH_PHASE_DIALING, "no socket", system_error},
    {TH_E_PROXY, -40, "proxy-failed", TH_PHASE_DIALING, "a name and a password", proxy_error},
    {TH_E_AUTHENTICATION, -41, "authentication-failed", TH_PHASE_GREETING, "does not prove",
     authentication},
    {TH_E_CLOCK, -42, "clock-implausible", TH_PHASE_SHAKING, "1970", clock_of_1970},
};

static void expect_kind(const struct kind *kind)
{
    struct outcome outcome = kind->produce();
    assert_int_equal(kind->code, kind->number);
    assert_string_equal(th_error_name(kind->code), kind->name);
    const struct th_fault *fault = &outcome.fault;
    bool told = !kind->sentence ? fault->code == 0
                                : fault->code == kind->code && strstr(fault->text, kind->sentence);
    if (outcome.result != kind->code || !told || fault->phase != kind->phase)
        fail_msg("%s: %d, %s while %s: %s", kind->name, outcome.result,
                 th_error_name(fault->code), th_phase_name(fault->phase), fault->text);
    assert_null(strchr(fault->text, '\n'));
}

static void every_kind_is_produced(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(kinds); i++)
        if (kinds[i].produce != entropy)
            expect_kind(&kinds[i]);
}

/* By itself: not everything that runs programs knows seccomp(2). */
static void no_entropy_is_produced_too(void **state)
{
    (void)state;
    size_t i = 0;
    while (kinds[i].produce != entropy)
        i++;
    expect_kind(&kinds[i]);
}

/* No kind of the header is missing here. */
static void the_table_is_complete(void **state)
{
    (void)state;
    for (int number = -100; number < -3; number++) {
        bool known = strcmp(th_error_name(number), "unknown") != 0, listed = false;
        for (size_t i = 0; i < COUNT_OF(kinds); i++)
            listed |= kinds[i].code == number;
        assert_int_equal(known, listed);
    }
}

static void what_else_the_fault_holds(void **state)
{
    (void)state;
    assert_int_equal(refused().fault.reason, 5);
    assert_int_equal(tcp().fault.sys_errno, ECONNREFUSED);
    assert_int_equal(receive().fault.sys_errno, ECONNRESET);
    assert_int_equal(system_error().fault.sys_errno, EMFILE);
    assert_int_equal(file().fault.sys_errno, ENOENT);
    assert_int_not_equal(certificate().fault.tls_code, 0);
    assert_int_equal(protocol().fault.reason, 0x82);
}

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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_kind_is_produced),
        cmocka_unit_test(no_entropy_is_produced_too),
        cmocka_unit_test(the_table_is_complete),
        cmocka_unit_test(what_else_the_fault_holds),
    };
    return cmocka_run_group_tests(tests, make_context, free_context);
}
