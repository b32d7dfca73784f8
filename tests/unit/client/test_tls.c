/* The plain TLS stream: th_tls_*. */
#include "device.h"

struct line {
    struct th_tls *stream;
    struct th_tls_config config;
    struct th_fault fault;
    void *block;
    int result;
};

static struct line line;
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

static void prepare(const char *host, uint16_t port)
{
    line = (struct line){.config = {.host = host, .port = port}};
    line.block = aligned_alloc(16, (th_tls_need_bytes() + 15) & ~(size_t)15);
}

static int connect_once(void)
{
    return line.result = th_tls_connect(&line.stream, line.block, th_tls_need_bytes(), context,
                                        &line.config, &line.fault);
}

static bool is_wait(int result)
{
    return result == TH_WANT_READ || result == TH_WANT_WRITE;
}

static void await(void)
{
    struct pollfd wait = {.fd = th_tls_fd(line.stream), .events = th_tls_poll_events(line.stream)};
    poll(&wait, 1, sooner(th_tls_wait_ms(line.stream), PATIENCE_MS));
}

static int connect_all(void)
{
    while (is_wait(connect_once()))
        await();
    return line.result;
}

static void opens(const struct server *server)
{
    prepare("127.0.0.1", server->port);
    if (connect_all() != 0)
        fail_msg("%s", line.fault.text);
    assert_true(th_tls_is_open(line.stream));
}

static void line_closes(void)
{
    th_tls_close(line.stream);
    free(line.block);
    line.stream = NULL;
}

static void expect_refused(int code, enum th_phase phase, const char *sentence)
{
    if (connect_all() != code || line.fault.code != code || line.fault.phase != phase ||
        !strstr(line.fault.text, sentence))
        fail_msg("%d, %s while %s: %s", line.result, th_error_name(line.fault.code),
                 th_phase_name(line.fault.phase), line.fault.text);
    assert_null(line.stream);
    free(line.block);
}

static void write_all(const char *text)
{
    size_t done = 0, bytes = strlen(text);
    while (done < bytes) {
        int taken = th_tls_write(line.stream, text + done, bytes - done);
        if (is_wait(taken))
            await();
        else
            assert_true(taken > 0);
        done += taken > 0 ? (size_t)taken : 0;
    }
}

static int read_some(char *buffer, size_t bytes)
{
    int got;
    while (is_wait(got = th_tls_read(line.stream, buffer, bytes)))
        await();
    return got;
}

static void server_gets(const struct server *server, const char *text)
{
    char got[64] = {0};
    size_t bytes = 0;
    struct pollfd wait = {.fd = server->fd, .events = POLLIN};
    while (bytes < strlen(text) && poll(&wait, 1, PATIENCE_MS) == 1)
        bytes += (size_t)read(server->fd, got + bytes, sizeof got - 1 - bytes);
    assert_string_equal(got, text);
}

/* ---- life ------------------------------------------------------------------------------------ */

static void carries_bytes_both_ways(void **state)
{
    (void)state;
    static const char *const options[] = {"-tls1_2", "-tls1_3"};
    for (size_t i = 0; i < COUNT_OF(options); i++) {
        char buffer[16];
        struct th_report report;
        struct server server = serve_mutually("ec", options[i]);
        opens(&server);
        write_all("to the server");
        server_gets(&server, "to the server");
        assert_int_equal(write(server.fd, "and back", 8), 8);
        assert_int_equal(read_some(buffer, sizeof buffer), 8);
        assert_memory_equal(buffer, "and back", 8);
        assert_int_equal(th_tls_read(line.stream, buffer, sizeof buffer), TH_WANT_READ);
        assert_int_equal(th_tls_read(line.stream, buffer, 0), 0);
        assert_int_equal(th_tls_write(line.stream, buffer, 0), 0);
        assert_int_equal(th_tls_poll_events(line.stream), POLLIN);
        assert_int_equal(th_tls_wait_ms(line.stream), -1);
        assert_int_equal(connect_once(), 0);
        th_tls_report(line.stream, &report);
        assert_int_equal(report.static_bytes, th_tls_need_bytes() + th_context_need_bytes());
        assert_int_equal(report.attempts, 1);
        assert_true(report.times.tls_us > 0);
        line_closes();
        stop(&server);
    }
}

static void large_writes_pass_a_slow_reader(void **state)
{
    (void)state;
    static char data[200000], got[200000];
    struct server server = serve_mutually("ec", "");
    opens(&server);
    for (size_t i = 0; i < sizeof data; i++)
        data[i] = (char)(i * 7 + (i >> 9));
    size_t sent = 0, back = 0;
    while (back < sizeof data) {
        int taken = sent < sizeof data
            ? th_tls_write(line.stream, data + sent, sizeof data - sent)
            : th_tls_read(line.stream, got, 1);
        assert_true(taken > 0 || is_wait(taken));
        sent += taken > 0 ? (size_t)taken : 0;
        ssize_t bytes = read(server.fd, got + back, 3000);
        back += bytes > 0 ? (size_t)bytes : 0;
        struct pollfd wait[] = {
            {.fd = th_tls_fd(line.stream), .events = th_tls_poll_events(line.stream)},
            {.fd = server.fd, .events = POLLIN}};
        if (is_wait(taken) && back < sizeof data)
            assert_true(poll(wait, 2, PATIENCE_MS) > 0);
    }
    assert_memory_equal(got, data, sizeof data);
    line_closes();
    stop(&server);
}

static void closing_ends_the_connection(void **state)
{
    (void)state;
    struct server server = serve_mutually("ec", "-naccept 1");
    opens(&server);
    write_all("bye");
    line_closes();
    server_gets(&server, "bye");
    int status;
    assert_int_equal(waitpid(server.pid, &status, 0), server.pid);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    close(server.fd);
    th_tls_close(NULL);
}

static void closing_at_any_moment(void **state)
{
    (void)state;
    struct server server = serve_mutually("ec", "");
    for (int calls = 0; calls < 8; calls++) {
        prepare("127.0.0.1", server.port);
        for (int i = 0; i <= calls && is_wait(connect_once()); i++)
            await();
        line_closes();
    }
    stop(&server);
}

/* ---- ends ------------------------------------------------------------------------------------ */

static const struct th_payer *payer(void)
{
    return &((struct th_link *)line.stream)->payer; /* a stream is its link */
}

static void expect_end(int got, int code, const char *sentence)
{
    if (got != code || th_tls_fault(line.stream)->code != code ||
        !strstr(th_tls_fault(line.stream)->text, sentence))
        fail_msg("%d, %s: %s", got, th_error_name(th_tls_fault(line.stream)->code),
                 th_tls_fault(line.stream)->text);
    assert_int_equal(th_tls_fault(line.stream)->phase, TH_PHASE_UP);
    assert_false(th_tls_is_open(line.stream));
    assert_int_equal(th_tls_fd(line.stream), -1);
    assert_int_equal(payer()->ledger.live_bytes, 0);
    assert_int_equal(th_payer_strays(payer()), 0);
    assert_int_equal(th_tls_read(line.stream, (char[1]){0}, 1), TH_E_NO_SOCKET);
    assert_int_equal(th_tls_write(line.stream, "x", 1), TH_E_NO_SOCKET);
    line_closes();
}

static void a_cut_is_a_receive_error(void **state)
{
    (void)state;
    char byte;
    struct server server = serve_mutually("ec", "");
    opens(&server);
    write_all("x");
    server_gets(&server, "x");
    stop(&server);
    expect_end(read_some(&byte, 1), TH_E_RECEIVE, "without TLS close_notify");
}

static void an_orderly_end_is_told_after_the_last_byte(void **state)
{
    (void)state;
    char buffer[512];
    int got, total = 0;
    struct server server = serve_mutually("ec", "-www");
    opens(&server);
    write_all("GET / HTTP/1.0\r\n\r\n");
    while ((got = read_some(buffer, sizeof buffer)) > 0)
        total += got;
    assert_true(total > 1000);
    expect_end(got, TH_E_CLOSED, "closed");
    stop(&server);
}

/* s_server waits for half a second until it really closes. */
static int write_until_it_fails(void)
{
    int taken = th_tls_write(line.stream, "x", 1);
    for (int i = 0; i < 30 && (taken >= 0 || is_wait(taken)); i++) {
        usleep(800000);
        taken = th_tls_write(line.stream, "x", 1);
    }
    return taken;
}

/* TLS 1.3 refuses a client certificate after the handshake: reading and writing say so. */
static void a_certificate_refused_late_is_told(void **state)
{
    (void)state;
    struct server server = serve("ec/server", "ec/server", "-tls1_3 -Verify 3 "
                                 "-verify_return_error -verify_quiet -CAfile other/root.pem");
    opens(&server);
    char byte;
    expect_end(read_some(&byte, 1), TH_E_CLIENT_CERTIFICATE, "client certificate");
    opens(&server);
    expect_end(write_until_it_fails(), TH_E_CLIENT_CERTIFICATE, "client certificate");
    stop(&server);
}

/* A stream that has ended is not opened again, but given back. */
static void connecting_a_broken_stream(void **state)
{
    (void)state;
    char byte;
    struct server server = serve_mutually("ec", "");
    opens(&server);
    stop(&server);
    assert_true(read_some(&byte, 1) < 0);
    expect_refused(TH_E_RECEIVE, TH_PHASE_UP, ""); /* cut by FIN or by RST */
}

static void refusals(void **state)
{
    (void)state;
    prepare("127.0.0.1", deaf_port());
    expect_refused(TH_E_TCP, TH_PHASE_DIALING, "refused");
    prepare("no name", 1);
    expect_refused(TH_E_SERVER_NAME, TH_PHASE_FINDING, "neither");
    struct server server = serve("ec/wrongname", "ec/server", "");
    prepare("127.0.0.1", server.port);
    expect_refused(TH_E_SERVER_NAME, TH_PHASE_SHAKING, "the certificate of 127.0.0.1 is not for this name");
    stop(&server);
    server = serve("other/server", "other/server", "");
    prepare("127.0.0.1", server.port);
    expect_refused(TH_E_CERTIFICATE, TH_PHASE_SHAKING, "not issued by");
    stop(&server);
}

static void a_silent_server_is_overdue(void **state)
{
    (void)state;
    int listener = listen_at("127.0.0.1", 0, 1);
    prepare("127.0.0.1", port_of(listener));
    line.config.deadlines.tls_ms = 150;
    uint64_t began_ms = clock_ms();
    expect_refused(TH_E_TIMEOUT, TH_PHASE_SHAKING, "TLS handshake was not completed within 150 ms");
    assert_in_range(clock_ms() - began_ms, 149, PATIENCE_MS);
    close(listener);
}

static void wrong_arguments(void **state)
{
    (void)state;
    prepare("127.0.0.1", 0);
    assert_int_equal(connect_once(), TH_E_ARGUMENT);
    assert_int_equal(line.fault.code, TH_E_ARGUMENT);
    line.config.port = 1;
    assert_int_equal(th_tls_connect(&line.stream, line.block, th_tls_need_bytes() - 1, context,
                                    &line.config, NULL), TH_E_MEMORY);
    assert_int_equal(th_tls_connect(&line.stream, line.block, th_tls_need_bytes(), NULL,
                                    &line.config, NULL), TH_E_ARGUMENT);
    assert_null(line.stream);
    assert_false(th_tls_is_open(NULL));
    free(line.block);
}

/* What the server saw of TLS, from the file it writes. */
static bool server_saw(const char *message)
{
    char text[16384] = "";
    FILE *file = fopen(PKI "/messages", "r");
    if (file) {
        text[fread(text, 1, sizeof text - 1, file)] = '\0';
        fclose(file);
    }
    return strstr(text, message) != NULL;
}

/* close_notify, not a cut: s_server itself treats both alike. */
static void closing_says_so(void **state)
{
    (void)state;
    static const char *const options[] = {"-tls1_2 -msg -msgfile messages",
                                          "-tls1_3 -msg -msgfile messages"};
    for (size_t i = 0; i < COUNT_OF(options); i++) {
        unlink(PKI "/messages");
        struct server server = serve_mutually("ec", options[i]);
        opens(&server);
        write_all("last words");
        server_gets(&server, "last words");
        assert_false(server_saw("close_notify"));
        line_closes();
        uint64_t until_ms = clock_ms() + PATIENCE_MS;
        while (!server_saw("close_notify") && clock_ms() < until_ms)
            usleep(5000);
        assert_true(server_saw("warning close_notify"));
        stop(&server);
    }
}

/* The first ClientHello has no AES-256; the second goes to the same address. */
static void a_server_that_has_only_aes_256(void **state)
{
    (void)state;
    static const char *const options[] = {"-tls1_3 -ciphersuites TLS_AES_256_GCM_SHA384",
                                          "-tls1_2 -cipher ECDHE-ECDSA-AES256-GCM-SHA384"};
    for (size_t i = 0; i < COUNT_OF(options); i++) {
        struct th_context *shared = context;
        struct th_report report;
        struct server server = serve_mutually("ec", options[i]);
        context = context_of(trust("ec")); /* it remembers what was offered */
        opens(&server);
        write_all("to the server");
        server_gets(&server, "to the server");
        th_tls_report(line.stream, &report);
        assert_int_equal(report.attempts, 1);
        assert_non_null(strstr(report.tls.cipher_suite, "AES_256_GCM"));
        line_closes();
        stop(&server);
        context_free(context);
        context = shared;
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(carries_bytes_both_ways),
        cmocka_unit_test(a_server_that_has_only_aes_256),
        cmocka_unit_test(closing_says_so),
        cmocka_unit_test(large_writes_pass_a_slow_reader),
        cmocka_unit_test(closing_ends_the_connection),
        cmocka_unit_test(closing_at_any_moment),
        cmocka_unit_test(a_cut_is_a_receive_error),
        cmocka_unit_test(an_orderly_end_is_told_after_the_last_byte),
        cmocka_unit_test(a_certificate_refused_late_is_told),
        cmocka_unit_test(connecting_a_broken_stream),
        cmocka_unit_test(refusals),
        cmocka_unit_test(a_silent_server_is_overdue),
        cmocka_unit_test(wrong_arguments),
    };
    return cmocka_run_group_tests(tests, make_context, free_context);
}
