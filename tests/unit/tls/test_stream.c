#include "harness.h"

#include <wolfssl/version.h>

static struct server serve_mutually(const char *kind, const char *more)
{
    char leaf[64], options[256];
    snprintf(leaf, sizeof leaf, "%s/server", kind);
    snprintf(options, sizeof options,
             "-Verify 3 -verify_return_error -verify_quiet -CAfile %s/root.pem %s", kind, more);
    return serve(leaf, leaf, options);
}

static struct th_tls_facts facts_of(struct client *client)
{
    struct th_tls_facts facts;
    th_tls_stream_facts(&client->stream, &facts);
    return facts;
}

static void expect_success(struct client *client, int result)
{
    if (result < 0)
        print_message("%s\n", client->fault.text);
    assert_int_equal(result, 0);
    assert_int_equal(client->fault.code, 0);
}

static void expect_fault(struct client *client, int result, int code, const char *sentence)
{
    if (result != code || !strstr(client->fault.text, sentence))
        print_message("%d %s: %s\n", result, th_error_name(client->fault.code),
                      client->fault.text);
    assert_int_equal(result, code);
    assert_int_equal(client->fault.code, code);
    assert_non_null(strstr(client->fault.text, sentence));
}

/* ---- versions, keys, suites, groups --------------------------------------------------------- */

static void expect_bounds(struct client *client, unsigned peak_bytes, unsigned steady_bytes)
{
    const struct th_ledger *own = &client->payer.ledger;
    unsigned context_bytes = client->shared.ledger.live_bytes;
    unsigned peak = own->phases[TH_PHASE_SHAKING].peak_bytes + context_bytes;
    unsigned steady = own->live_bytes + context_bytes;
    print_message("context %u (transient %zu), handshake %u, steady %u, cell %u: %u and %u\n",
                  context_bytes, client->context.transient_peak_bytes,
                  own->phases[TH_PHASE_SHAKING].peak_bytes, own->live_bytes,
                  client->payer.cell.peak_bytes, peak, steady);
    if (strcmp(LIBWOLFSSL_VERSION_STRING, "5.9.2") != 0)
        return;
    assert_in_range(peak, 1, peak_bytes);
    assert_in_range(steady, 1, steady_bytes);
}

static void connects(const char *kind, const char *option, const char *version,
                     unsigned peak_bytes, unsigned steady_bytes)
{
    struct server server = serve_mutually(kind, option);
    struct client *client = new_client(config_for(kind));
    expect_success(client, attempt(client, server.port, "broker.test"));
    assert_string_equal(facts_of(client).version, version);
    assert_false(facts_of(client).resumed);
    expect_bounds(client, peak_bytes, steady_bytes);
    free_client(client);
    stop(&server);
}

static void connects_mutually_in_every_version_with_every_key(void **state)
{
    (void)state;
    connects("ec", "-tls1_3", "TLSv1.3", 14000, 9000);
    connects("ec", "-tls1_2", "TLSv1.2", 14000, 9000);
    connects("rsa", "-tls1_3", "TLSv1.3", 26000, 13000);
    connects("rsa", "-tls1_2", "TLSv1.2", 26000, 13000);
}

static void keeps_to_the_versions_allowed(void **state)
{
    (void)state;
    struct server server = serve_mutually("ec", "");
    struct th_context_config config = config_for("ec");
    config.tls_max = TH_TLS_1_2;
    struct client *client = new_client(config);
    expect_success(client, attempt(client, server.port, "broker.test"));
    assert_string_equal(facts_of(client).version, "TLSv1.2");
    free_client(client);
    stop(&server);

    server = serve_mutually("ec", "-tls1_2");
    config = config_for("ec");
    config.tls_min = TH_TLS_1_3;
    client = new_client(config);
    expect_fault(client, attempt(client, server.port, "broker.test"), TH_E_CIPHER_SUITE,
                 "none of the TLS versions");
    free_client(client);
    stop(&server);
}

static void negotiates(const char *kind, const char *option, const char *suite, const char *group)
{
    struct server server = serve_mutually(kind, option);
    struct client *client = new_client(config_for(kind));
    expect_success(client, attempt(client, server.port, "broker.test"));
    assert_string_equal(facts_of(client).suite, suite);
    assert_string_equal(facts_of(client).group, group);
    free_client(client);
    stop(&server);
}

static void speaks_every_suite(void **state)
{
    (void)state;
    static const struct {
        const char *kind, *option, *suite;
    } suites[] = {
        {"ec", "-ciphersuites TLS_AES_128_GCM_SHA256", "TLS_AES_128_GCM_SHA256"},
        {"ec", "-ciphersuites TLS_AES_256_GCM_SHA384", "TLS_AES_256_GCM_SHA384"},
        {"rsa", "-ciphersuites TLS_CHACHA20_POLY1305_SHA256", "TLS_CHACHA20_POLY1305_SHA256"},
        {"ec", "-tls1_2 -cipher ECDHE-ECDSA-AES128-GCM-SHA256",
         "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256"},
        {"ec", "-tls1_2 -cipher ECDHE-ECDSA-AES256-GCM-SHA384",
         "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384"},
        {"ec", "-tls1_2 -cipher ECDHE-ECDSA-CHACHA20-POLY1305",
         "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256"},
        {"rsa", "-tls1_2 -cipher ECDHE-RSA-AES128-GCM-SHA256",
         "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"},
        {"rsa", "-tls1_2 -cipher ECDHE-RSA-AES256-GCM-SHA384",
         "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384"},
        {"rsa", "-tls1_2 -cipher ECDHE-RSA-CHACHA20-POLY1305",
         "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256"},
    };
    for (size_t i = 0; i < sizeof suites / sizeof *suites; i++)
        negotiates(suites[i].kind, suites[i].option, suites[i].suite, "P-256");
}

static void offers(const char *ciphers, const char *ciphersuites, const char *option,
                   const char *suite)
{
    struct server server = serve_mutually("rsa", option);
    struct th_context_config config = config_for("rsa");
    config.ciphers = ciphers;
    config.ciphersuites = ciphersuites;
    struct client *client = new_client(config);
    int result = attempt(client, server.port, "broker.test");
    if (suite)
        assert_string_equal(facts_of(client).suite, suite);
    else
        expect_fault(client, result, TH_E_CIPHER_SUITE, "");
    free_client(client);
    stop(&server);
}

static void offers_the_suites_it_is_told_to(void **state)
{
    (void)state;
    const char *aes = "ECDHE-RSA-AES256-GCM-SHA384", *aes13 = "TLS_AES_256_GCM_SHA384";
    offers(aes, NULL, "-tls1_2", "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384");
    offers(aes, NULL, "-tls1_2 -cipher ECDHE-RSA-CHACHA20-POLY1305", NULL);
    offers(aes, NULL, "", "TLS_CHACHA20_POLY1305_SHA256");
    offers(NULL, aes13, "", aes13);
    offers(NULL, aes13, "-tls1_3 -ciphersuites TLS_AES_128_GCM_SHA256", NULL);
    offers(NULL, aes13, "-tls1_2", "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256");
}

/* Servers that go by their own preference would take it. */
static void keeps_aes_256_for_those_that_have_nothing_else(void **state)
{
    (void)state;
    const char *every = "TLS_AES_256_GCM_SHA384:TLS_AES_128_GCM_SHA256:"
                        "TLS_CHACHA20_POLY1305_SHA256";
    negotiates("ec", "-tls1_3 -serverpref", "TLS_CHACHA20_POLY1305_SHA256", "P-256");
    negotiates("rsa", "-tls1_2 -serverpref", "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256",
               "X25519");
    negotiates("ec",
               "-tls1_3 -ciphersuites TLS_AES_256_GCM_SHA384:TLS_AES_128_GCM_SHA256 -serverpref",
               "TLS_AES_128_GCM_SHA256", "P-256");
    offers(NULL, every, "-tls1_3 -serverpref", "TLS_AES_256_GCM_SHA384");
}

static void offers_more_only_once(void **state)
{
    (void)state;
    struct server server = serve_mutually("ec", "-tls1_3 -ciphersuites TLS_AES_256_GCM_SHA384");
    struct client *client = new_client(config_for("ec"));
    expect_fault(client, dial_and_shake(client, server.port, "broker.test"), TH_E_CIPHER_SUITE, "");
    assert_string_equal(client->stream.again, "offering AES-256 as well");
    hang_up(client);
    assert_int_equal(dial_and_shake(client, server.port, "broker.test"), 0);
    hang_up(client);
    assert_int_equal(dial_and_shake(client, server.port, "broker.test"), 0);
    free_client(client);
    stop(&server);
}

static void speaks_every_group(void **state)
{
    (void)state;
    negotiates("ec", "-groups X25519", "TLS_CHACHA20_POLY1305_SHA256", "X25519");
    negotiates("ec", "-groups P-384", "TLS_CHACHA20_POLY1305_SHA256", "P-384");
    negotiates("ec", "-tls1_2 -serverpref -groups X25519:P-256",
               "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256", "X25519");
    negotiates("ec", "-tls1_2 -serverpref -groups P-384:P-256",
               "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256", "P-384");
}

static void shares_nothing(const char *kind, const char *option)
{
    struct server server = serve_mutually(kind, option);
    struct client *client = new_client(config_for(kind));
    expect_fault(client, attempt(client, server.port, "broker.test"), TH_E_CIPHER_SUITE, "");
    free_client(client);
    stop(&server);
}

static void refuses_what_it_does_not_offer(void **state)
{
    (void)state;
    shares_nothing("rsa", "-tls1_2 -cipher AES128-GCM-SHA256");
    shares_nothing("rsa", "-tls1_2 -cipher ECDHE-RSA-AES128-SHA256");
    shares_nothing("rsa", "-tls1_2 -cipher DHE-RSA-AES128-GCM-SHA256");
    shares_nothing("ec", "-tls1_2 -cipher ECDHE-ECDSA-AES128-CCM");
    shares_nothing("ec", "-ciphersuites TLS_AES_128_CCM_SHA256 -tls1_3");
    shares_nothing("ec", "-groups P-521 -tls1_3");
    shares_nothing("rsa", "-tls1_1 -cipher ALL:@SECLEVEL=0");
}

/* Waits for the first, and then until there is no more for a while. */
static void read_all_that_comes(int fd, char *text, size_t bytes)
{
    struct pollfd wait = {.fd = fd, .events = POLLIN};
    size_t done = 0;
    assert_int_equal(poll(&wait, 1, 30000), 1);
    while (done < bytes - 1 && poll(&wait, 1, 100) == 1) {
        ssize_t got = read(fd, text + done, bytes - 1 - done);
        assert_true(got > 0);
        done += (size_t)got;
    }
    text[done] = '\0';
}

static void sends_name_and_protocols(void **state)
{
    (void)state;
    char text[4096] = {0};
    struct th_context_config config = config_for("ec");
    config.alpn = "mqtt,x-amzn-mqtt-ca";
    struct server server = serve_mutually("ec", "-alpn other,mqtt -tlsextdebug");
    struct client *client = new_client(config);
    expect_success(client, attempt(client, server.port, "broker.test"));
    assert_string_equal(facts_of(client).alpn, "mqtt");
    hang_up(client);
    read_all_that_comes(server.out, text, sizeof text);
    assert_non_null(strstr(text, "broker.test"));
    expect_success(client, attempt(client, server.port, "127.0.0.1"));
    hang_up(client);
    read_all_that_comes(server.out, text, sizeof text);
    assert_null(strstr(text, "server name"));
    free_client(client);
    stop(&server);
}

/* ---- bytes ---------------------------------------------------------------------------------- */

static void lives_on_single_bytes(void **state)
{
    (void)state;
    static const char *const versions[] = {"-tls1_3", "-tls1_2"};
    for (int i = 0; i < 2; i++) {
        struct server server = serve_mutually("ec", versions[i]);
        struct client *client = new_client(config_for("ec"));
        client->single_bytes = true;
        expect_success(client, attempt(client, server.port, "broker.test"));
        free_client(client);
        stop(&server);
    }
}

static size_t read_to_the_end(struct client *client)
{
    static uint8_t buffer[65536];
    size_t total = 0;
    int got;
    while ((got = read_some(client, buffer, sizeof buffer)) > 0)
        total += (size_t)got;
    if (got != TH_E_CLOSED)
        print_message("%s\n", client->fault.text);
    assert_int_equal(got, TH_E_CLOSED);
    return total;
}

static void fetches(const char *options)
{
    struct server server = serve_mutually("ec", options);
    struct client *client = new_client(config_for("ec"));
    dial(client, server.port);
    assert_int_equal(begin(client, "broker.test"), 0);
    expect_success(client, shake(client));
    assert_true(write_all(client, "GET /big HTTP/1.0\r\n\r\n", 21) > 0);
    assert_in_range(read_to_the_end(client), 100000, 100200);
    print_message("%s: cell peak %u\n", options, client->payer.cell.peak_bytes);
    assert_in_range(client->payer.cell.peak_bytes, 16384 + 16, 16640);
    free_client(client);
    stop(&server);
}

static void takes_the_largest_records(void **state)
{
    (void)state;
    fetches("-tls1_3 -WWW");
    fetches("-tls1_2 -WWW");
    fetches("-tls1_3 -WWW -record_padding 16384");
}

static void writes_large_payloads_in_small_records(void **state)
{
    (void)state;
    static char data[100001];
    struct server server = serve_mutually("ec", "");
    struct client *client = new_client(config_for("ec"));
    expect_success(client, attempt(client, server.port, "broker.test"));
    memset(data, 'a', sizeof data);
    data[sizeof data - 1] = '\n';
    uint32_t before = client->payer.ledger.live_bytes;
    assert_int_equal(write_all(client, data, sizeof data), sizeof data);
    uint32_t peak = client->payer.ledger.phases[TH_PHASE_UP].peak_bytes;
    print_message("writing: %u above steady\n", peak - before);
    assert_in_range(peak - before, 1, TH_TLS_PIECE_BYTES + 256);
    free_client(client);
    stop(&server);
}

/* A server made of bytes: each read hands out the script. */
struct script {
    const uint8_t *bytes;
    size_t count, at;
};

static int script_read(void *arg, uint8_t *buffer, size_t bytes)
{
    struct script *script = arg;
    size_t left = script->count - script->at;
    size_t count = bytes < left ? bytes : left;
    if (count == 0)
        return TH_E_CLOSED;
    memcpy(buffer, script->bytes + script->at, count);
    script->at += count;
    return (int)count;
}

static int script_write(void *arg, const uint8_t *data, size_t bytes)
{
    (void)arg, (void)data;
    return (int)bytes;
}

static void answers(const void *bytes, size_t count, int code, const char *sentence)
{
    struct script script = {bytes, count, 0};
    struct client *client = new_client(config_for("ec"));
    client->io = (struct th_tls_io){script_read, script_write, &script};
    assert_int_equal(begin(client, "broker.test"), 0);
    expect_fault(client, shake(client), code, sentence);
    free_client(client);
}

static int fault_read(void *arg, uint8_t *buffer, size_t bytes)
{
    (void)buffer, (void)bytes;
    errno = ENOBUFS;
    return th_fault_set_errno(arg, TH_E_RECEIVE, "receiving failed");
}

static void a_failure_of_our_own_is_not_the_servers(void **state)
{
    (void)state;
    struct client *client = new_client(config_for("ec"));
    client->io = (struct th_tls_io){fault_read, script_write, &client->fault};
    assert_int_equal(begin(client, "broker.test"), 0);
    expect_fault(client, shake(client), TH_E_RECEIVE, "receiving failed: No buffer space");
    free_client(client);
}

static void refuses_what_is_not_tls(void **state)
{
    (void)state;
    static const uint8_t mqtt[] = {0x20, 0x02, 0x00, 0x05, 0x00, 0x00};
    static const uint8_t alert[] = {21, 3, 3, 0, 2, 2, 40};
    static const uint8_t version[] = {21, 3, 1, 0, 2, 2, 70};
    answers("HTTP/1.1 400 Bad Request\r\n", 26, TH_E_HANDSHAKE, "TLS");
    answers(mqtt, sizeof mqtt, TH_E_HANDSHAKE, "TLS");
    answers("", 0, TH_E_CLOSED, "is it a TLS port?");
    answers(alert, sizeof alert, TH_E_CIPHER_SUITE, "handshake_failure");
    answers(version, sizeof version, TH_E_CIPHER_SUITE, "protocol_version");
}

/* RFC 8446 section 5.2: 2^14 + 256. The handshake message inside is too long, which only one that
 * has the whole record can know. */
static void takes_the_largest_record_of_the_standard(void **state)
{
    (void)state;
    static uint8_t record[5 + 16640] = {22, 3, 3, 0x41, 0x00, 2, 0xff, 0xff, 0xff};
    struct script script = {record, sizeof record, 0};
    struct client *client = new_client(config_for("ec"));
    client->io = (struct th_tls_io){script_read, script_write, &script};
    assert_int_equal(begin(client, "broker.test"), 0);
    assert_int_equal(shake(client), TH_E_HANDSHAKE);
    assert_null(strstr(client->fault.text, "larger than TLS allows"));
    assert_int_equal(client->payer.cell.peak_bytes, 16640);
    assert_int_equal(client->payer.ledger.refused, 0);
    free_client(client);
}

static void refuses_records_beyond_the_standard(void **state)
{
    (void)state;
    static uint8_t record[5 + 16641] = {22, 3, 3, 0x41, 0x01};
    answers(record, sizeof record, TH_E_HANDSHAKE, "larger than TLS allows");
}

/* ---- the other side's ends ------------------------------------------------------------------ */

static void tells_close_from_cut(void **state)
{
    (void)state;
    uint8_t byte;
    struct server server = serve_mutually("ec", "");
    struct client *client = new_client(config_for("ec"));
    expect_success(client, attempt(client, server.port, "broker.test"));
    stop(&server);
    expect_fault(client, read_some(client, &byte, 1), TH_E_RECEIVE, "without TLS close_notify");
    free_client(client);

    server = serve_mutually("ec", "-WWW");
    client = new_client(config_for("ec"));
    dial(client, server.port);
    assert_int_equal(begin(client, "broker.test"), 0);
    expect_success(client, shake(client));
    assert_true(write_all(client, "GET /none HTTP/1.0\r\n\r\n", 22) > 0);
    read_to_the_end(client);
    expect_fault(client, TH_E_CLOSED, TH_E_CLOSED, "closed the connection");
    free_client(client);
    stop(&server);
}

static void finishes(void **state)
{
    (void)state;
    struct server server = serve_mutually("ec", "");
    struct client *client = new_client(config_for("ec"));
    expect_success(client, attempt(client, server.port, "broker.test"));
    struct th_payer *before = th_payer_enter(&client->payer);
    assert_int_equal(th_tls_stream_finish(&client->stream), 0);
    assert_int_equal(th_tls_stream_finish(&client->stream), 0);
    th_payer_leave(before);
    free_client(client);
    stop(&server);
}

static void refused_client(struct th_context_config config, const char *option,
                           const char *sentence)
{
    struct server server = serve_mutually("ec", option);
    struct client *client = new_client(config);
    expect_fault(client, attempt(client, server.port, "broker.test"), TH_E_CLIENT_CERTIFICATE,
                 sentence);
    free_client(client);
    stop(&server);
}

static struct th_context_config without_certificate(void)
{
    struct th_context_config config = config_for("ec");
    config.certificate.path = NULL;
    config.key.path = NULL;
    return config;
}

static struct th_context_config of_another_authority(void)
{
    struct th_context_config config = config_for("other");
    config.roots.path = pki("ec/root.pem");
    return config;
}

static void hears_why_its_certificate_is_refused(void **state)
{
    (void)state;
    refused_client(without_certificate(), "-tls1_3", "none was given");
    refused_client(without_certificate(), "-tls1_2", "none was given");
    refused_client(of_another_authority(), "-tls1_3", "unknown_ca");
    refused_client(of_another_authority(), "-tls1_2", "unknown_ca");
}

/* The server has closed before we write: the alert is found all the same. */
static void hears_why_after_a_failed_write(void **state)
{
    (void)state;
    struct server server = serve_mutually("ec", "-tls1_3");
    struct client *client = new_client(without_certificate());
    dial(client, server.port);
    assert_int_equal(begin(client, "broker.test"), 0);
    expect_success(client, shake(client));
    int result = 0;
    for (int i = 0; result >= 0 && i < 500; i++) {
        usleep(50000);
        result = write_all(client, "on\n", 3);
    }
    expect_fault(client, result, TH_E_CLIENT_CERTIFICATE, "none was given");
    free_client(client);
    stop(&server);
}

/* ---- one context, many threads -------------------------------------------------------------- */

struct visitor {
    struct client *client;
    uint16_t port;
    unsigned done;
};

static void *visit(void *arg)
{
    struct visitor *visitor = arg;
    for (int i = 0; i < 20; i++) {
        visitor->done += attempt(visitor->client, visitor->port, "broker.test") == 0;
        hang_up(visitor->client);
    }
    return NULL;
}

static void is_shared_by_threads(void **state)
{
    (void)state;
    enum { THREADS = 3 };
    struct server servers[THREADS];
    struct visitor visitors[THREADS];
    pthread_t threads[THREADS];
    struct client *owner = new_client(config_for("ec"));
    uint32_t context_bytes = owner->shared.ledger.live_bytes;
    for (int i = 0; i < THREADS; i++) {
        servers[i] = serve_mutually("ec", i == 0 ? "-tls1_2" : "");
        visitors[i] = (struct visitor){new_guest(owner), servers[i].port, 0};
        pthread_create(&threads[i], NULL, visit, &visitors[i]);
    }
    for (int i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
        assert_int_equal(visitors[i].done, 20);
        free_guest(visitors[i].client);
        stop(&servers[i]);
    }
    assert_int_equal(owner->shared.ledger.live_bytes, context_bytes);
    free_client(owner);
}

/* ---- again and again ------------------------------------------------------------------------ */

static void stays_flat_over_reconnects(void **state)
{
    (void)state;
    struct server server = serve_mutually("ec", "");
    struct client *client = new_client(config_for("ec"));
    uint32_t context_bytes = client->shared.ledger.live_bytes;
    uint32_t reach_bytes = 0;
    for (int i = 0; i < 200; i++) {
        expect_success(client, attempt(client, server.port, "broker.test"));
        assert_int_equal(client->shared.ledger.live_bytes, context_bytes);
        hang_up(client);
        if (i == 20)
            reach_bytes = client->payer.heap.reach_bytes;
    }
    assert_in_range(client->payer.heap.reach_bytes, reach_bytes, reach_bytes + 256);
    free_client(client);
    stop(&server);
}

/* A second client of the context must not find the first one's intermediates. */
static void forgets_intermediates(void **state)
{
    (void)state;
    struct server whole = serve_mutually("ec", "");
    struct server leaf_only = serve("ec/leaf", "ec/server", "");
    struct client *client = new_client(config_for("ec"));
    expect_success(client, attempt(client, whole.port, "broker.test"));
    hang_up(client);
    expect_fault(client, attempt(client, leaf_only.port, "broker.test"), TH_E_CERTIFICATE,
                 "not issued by any of the CA certificates");
    free_client(client);
    stop(&whole);
    stop(&leaf_only);
}

static void ends_cleanly_when_the_pool_is_small(void **state)
{
    (void)state;
    struct server server = serve_mutually("rsa", "");
    struct client *client = new_client(config_for("rsa"));
    uint32_t whole = client->payer.budget_bytes;
    client->payer.budget_bytes = 10000;
    expect_fault(client, attempt(client, server.port, "broker.test"), TH_E_MEMORY,
                 "the connection pool is too small while shaking");
    print_message("%s\n", client->fault.text);
    hang_up(client);
    client->payer.budget_bytes = whole;
    expect_success(client, attempt(client, server.port, "broker.test"));
    free_client(client);
    stop(&server);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(connects_mutually_in_every_version_with_every_key),
        cmocka_unit_test(keeps_to_the_versions_allowed),
        cmocka_unit_test(speaks_every_suite),
        cmocka_unit_test(offers_the_suites_it_is_told_to),
        cmocka_unit_test(keeps_aes_256_for_those_that_have_nothing_else),
        cmocka_unit_test(offers_more_only_once),
        cmocka_unit_test(speaks_every_group),
        cmocka_unit_test(refuses_what_it_does_not_offer),
        cmocka_unit_test(sends_name_and_protocols),
        cmocka_unit_test(lives_on_single_bytes),
        cmocka_unit_test(takes_the_largest_records),
        cmocka_unit_test(writes_large_payloads_in_small_records),
        cmocka_unit_test(refuses_what_is_not_tls),
        cmocka_unit_test(a_failure_of_our_own_is_not_the_servers),
        cmocka_unit_test(takes_the_largest_record_of_the_standard),
        cmocka_unit_test(refuses_records_beyond_the_standard),
        cmocka_unit_test(tells_close_from_cut),
        cmocka_unit_test(finishes),
        cmocka_unit_test(hears_why_its_certificate_is_refused),
        cmocka_unit_test(hears_why_after_a_failed_write),
        cmocka_unit_test(is_shared_by_threads),
        cmocka_unit_test(stays_flat_over_reconnects),
        cmocka_unit_test(forgets_intermediates),
        cmocka_unit_test(ends_cleanly_when_the_pool_is_small),
    };
    return cmocka_run_group_tests(tests, make_pki, NULL);
}
