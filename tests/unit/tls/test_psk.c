/* Pre-shared keys against `openssl s_server`. */
#include "harness.h"

#define KEY_HEX "00112233445566778899aabbccddeeff"

static const uint8_t key[] = {0x00, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77,
                              0x88, 0x99, 0xaa, 0xbb, 0xcc, 0xdd, 0xee, 0xff};

static struct th_context_config psk_config(void)
{
    return (struct th_context_config){.psk_identity = "device-7", .psk = {key, sizeof key}};
}

static struct server serve_psk(const char *options)
{
    char all[256];
    snprintf(all, sizeof all, "-psk_identity device-7 -psk " KEY_HEX " %s", options);
    return serve("ec/server", "ec/server", all);
}

static void talks(struct th_context_config config, const char *options, const char *version,
                  const char *suite)
{
    struct server server = serve_psk(options);
    struct client *client = new_client(config);
    struct th_tls_facts facts;
    assert_int_equal(attempt(client, server.port, "broker.test"), 0);
    th_tls_stream_facts(&client->stream, &facts);
    print_message("%s %s %s\n", facts.version, facts.suite, facts.group);
    assert_string_equal(facts.version, version);
    assert_string_equal(facts.suite, suite);
    free_client(client);
    stop(&server);
}

static void fails(struct th_context_config config, struct server server, int code,
                  const char *sentence)
{
    struct client *client = new_client(config);
    int result = attempt(client, server.port, "broker.test");
    print_message("%d %d %s\n", result, client->fault.tls_code, client->fault.text);
    assert_int_equal(result, code);
    assert_non_null(strstr(client->fault.text, sentence));
    free_client(client);
    stop(&server);
}

static struct th_context_config only(enum th_tls_version version)
{
    struct th_context_config config = psk_config();
    config.tls_min = config.tls_max = version;
    return config;
}

static void proves_both_sides_in_either_version(void **state)
{
    (void)state;
    const char *chacha = "TLS_CHACHA20_POLY1305_SHA256", *aes = "TLS_AES_128_GCM_SHA256";
    const char *ecdhe = "TLS_ECDHE_PSK_WITH_CHACHA20_POLY1305_SHA256";
    talks(psk_config(), "-nocert", "TLSv1.3", chacha);
    talks(psk_config(), "-nocert -tls1_2", "TLSv1.2", ecdhe);
    talks(only(TH_TLS_1_3), "-nocert", "TLSv1.3", chacha);
    talks(only(TH_TLS_1_2), "-nocert", "TLSv1.2", ecdhe);
    talks(psk_config(), "", "TLSv1.3", chacha);
    talks(psk_config(), "-tls1_2", "TLSv1.2", ecdhe);
    talks(psk_config(), "-nocert -tls1_2 -psk_hint who", "TLSv1.2", ecdhe);
    talks(psk_config(), "-ciphersuites TLS_AES_128_GCM_SHA256", "TLSv1.3", aes);
    talks(psk_config(), "-nocert -groups P-384", "TLSv1.3", chacha);
    talks(psk_config(), "-nocert -tls1_2 -groups X25519", "TLSv1.2", ecdhe);
}

static void goes_on_after_a_retry_of_the_hello(void **state)
{
    (void)state;
    talks(psk_config(), "-nocert -groups X25519 -ciphersuites TLS_AES_128_GCM_SHA256", "TLSv1.3",
          "TLS_AES_128_GCM_SHA256");
}

static void refuses_a_server_that_does_not_use_the_key(void **state)
{
    (void)state;
    const char *cert = "ec/server";
    fails(only(TH_TLS_1_3), serve(cert, cert, "-tls1_3"), TH_E_AUTHENTICATION, "did not use");
    fails(only(TH_TLS_1_2), serve(cert, cert, "-tls1_2"), TH_E_AUTHENTICATION, "did not use");
    fails(psk_config(), serve(cert, cert, ""), TH_E_AUTHENTICATION, "did not use");
    fails(psk_config(), serve(cert, cert, "-ciphersuites TLS_AES_256_GCM_SHA384"),
          TH_E_AUTHENTICATION, "in TLS 1.3 or with ECDHE-PSK");
}

static void tells_a_key_or_identity_that_is_not_the_servers(void **state)
{
    (void)state;
    struct th_context_config config = psk_config();
    config.psk.len_bytes--;
    config.tls_max = TH_TLS_1_2;
    fails(config, serve_psk("-nocert"), TH_E_AUTHENTICATION, "device-7");
    config.tls_max = TH_TLS_ANY;
    fails(config, serve_psk("-nocert"), TH_E_AUTHENTICATION, "device-7");
    fails(config, serve_psk(""), TH_E_AUTHENTICATION, "device-7");
    config = psk_config();
    config.psk_identity = "device-8";
    fails(config, serve_psk(""), TH_E_AUTHENTICATION, "device-8");
    fails(config, serve_psk("-nocert"), TH_E_AUTHENTICATION, "device-8");
}

/* ---- a server that chooses what was not offered ---------------------------------------------- */

static void answer_with(int listener, uint16_t suite)
{
    uint8_t hello[] = {22, 3, 3, 0, 42, 2, 0, 0, 38, 3, 3, [43] = 0, 0, 0, 0};
    uint8_t scrap[2048];
    int fd = accept(listener, NULL, NULL);
    hello[44] = (uint8_t)(suite >> 8);
    hello[45] = (uint8_t)suite;
    if (read(fd, scrap, sizeof scrap) > 0 && write(fd, hello, sizeof hello) > 0)
        while (read(fd, scrap, sizeof scrap) > 0)
            ;
    _exit(0);
}

static struct server serve_hello(uint16_t suite)
{
    struct sockaddr_in at = {.sin_family = AF_INET};
    socklen_t bytes = sizeof at;
    struct server server = {.out = -1};
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    assert_int_equal(bind(listener, (struct sockaddr *)&at, sizeof at), 0);
    assert_int_equal(listen(listener, 1), 0);
    assert_int_equal(getsockname(listener, (struct sockaddr *)&at, &bytes), 0);
    server.port = ntohs(at.sin_port);
    server.pid = fork();
    if (server.pid == 0)
        answer_with(listener, suite);
    close(listener);
    return server;
}

static void refuses_suites_that_were_not_offered(void **state)
{
    (void)state;
    static const uint16_t suites[] = {0xC02F, 0xC02B, 0xCCA8, 0xCCAB, 0x00A8, 0xD001, 0xC037};
    for (size_t i = 0; i < sizeof suites / sizeof *suites; i++)
        fails(only(TH_TLS_1_2), serve_hello(suites[i]), TH_E_CIPHER_SUITE, "not offered");
}

/* ---- configuration --------------------------------------------------------------------------- */

static void refuses(struct th_context_config config, const char *sentence)
{
    struct client *client = malloc(sizeof *client);
    open_pools(client);
    assert_int_equal(open_context(client, config), TH_E_ARGUMENT);
    print_message("%s\n", client->fault.text);
    assert_non_null(strstr(client->fault.text, sentence));
    free_client(client);
}

static void refuses_half_a_key_and_one_that_is_too_long(void **state)
{
    (void)state;
    static const uint8_t bytes[65];
    static char identity[130];
    struct th_context_config config = psk_config();
    config.psk_identity = NULL;
    refuses(config, "belong together");
    config = (struct th_context_config){.psk_identity = "device-7"};
    refuses(config, "belong together");
    config.psk = (struct th_slice){bytes, 65};
    refuses(config, "1 to 64 bytes");
    config.psk.len_bytes = 0;
    refuses(config, "1 to 64 bytes");
    memset(identity, 'i', 129);
    config = psk_config();
    config.psk_identity = identity;
    refuses(config, "1 to 128 bytes");
    config.psk_identity = "";
    refuses(config, "1 to 128 bytes");
    config = psk_config();
    config.roots.path = pki("ec/root.pem");
    refuses(config, "one or the other");
    config = psk_config();
    config.ciphersuites = "TLS_AES_256_GCM_SHA384";
    refuses(config, "with a pre-shared key");
}

static void takes_the_longest_key_and_identity(void **state)
{
    (void)state;
    static uint8_t long_key[64];
    static char identity[129], options[512];
    memset(long_key, 0xa5, sizeof long_key);
    memset(identity, 'i', 128);
    int at = snprintf(options, sizeof options, "-nocert -psk_identity %s -psk ", identity);
    for (int i = 0; i < 64; i++)
        at += snprintf(options + at, sizeof options - (size_t)at, "a5");
    for (enum th_tls_version version = TH_TLS_1_2; version <= TH_TLS_1_3; version++) {
        struct server server = serve("ec/server", "ec/server", options);
        struct client *client = new_client((struct th_context_config){
            .psk_identity = identity, .psk = {long_key, 64},
            .tls_min = version, .tls_max = version});
        assert_int_equal(attempt(client, server.port, "broker.test"), 0);
        free_client(client);
        stop(&server);
    }
}

static void warns_of_a_weak_key(void **state)
{
    (void)state;
    struct th_context_config config = psk_config();
    struct client *client = new_client(config);
    assert_string_equal(client->log, "");
    free_client(client);
    config.psk.len_bytes = 15;
    client = new_client(config);
    assert_non_null(strstr(client->log, "15 bytes"));
    free_client(client);
}

/* Memory that was given back is poisoned, and looked at nevertheless. */
__attribute__((no_sanitize("address")))
static bool holds(const uint8_t *memory, size_t bytes)
{
    size_t equal = 0;
    for (size_t i = 0; i < bytes && equal < sizeof key; i++)
        equal = memory[i] == key[equal] ? equal + 1 : memory[i] == key[0];
    return equal == sizeof key;
}

static void keeps_no_copy_of_the_key(void **state)
{
    (void)state;
    struct server server = serve_psk("-nocert");
    struct client *client = new_client(psk_config());
    assert_int_equal(attempt(client, server.port, "broker.test"), 0);
    assert_true(holds(key, sizeof key));
    assert_false(holds(client->heap, sizeof client->heap));
    assert_false(holds(client->shared_heap, sizeof client->shared_heap));
    assert_false(holds(client->cell, sizeof client->cell));
    free_client(client);
    stop(&server);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(proves_both_sides_in_either_version),
        cmocka_unit_test(goes_on_after_a_retry_of_the_hello),
        cmocka_unit_test(refuses_a_server_that_does_not_use_the_key),
        cmocka_unit_test(tells_a_key_or_identity_that_is_not_the_servers),
        cmocka_unit_test(refuses_suites_that_were_not_offered),
        cmocka_unit_test(refuses_half_a_key_and_one_that_is_too_long),
        cmocka_unit_test(takes_the_longest_key_and_identity),
        cmocka_unit_test(warns_of_a_weak_key),
        cmocka_unit_test(keeps_no_copy_of_the_key),
    };
    return cmocka_run_group_tests(tests, make_pki, NULL);
}
