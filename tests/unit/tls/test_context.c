#include "harness.h"

#include "crypt/random.h"

static struct client *empty_client(void)
{
    struct client *client = malloc(sizeof *client);
    open_pools(client);
    return client;
}

static void opens(struct th_context_config config)
{
    struct client *client = new_client(config);
    assert_true(client->context.resident_bytes == client->shared.ledger.live_bytes);
    free_client(client);
}

static void fails(struct th_context_config config, int code, const char *sentence)
{
    struct client *client = empty_client();
    int result = open_context(client, config);
    print_message("%s\n", client->fault.text);
    assert_int_equal(result, code);
    assert_int_equal(client->fault.code, code);
    assert_non_null(strstr(client->fault.text, sentence));
    free_client(client);
}

static struct th_context_config with(const char *roots, const char *certificate, const char *key)
{
    struct th_context_config config = {0};
    config.roots.path = roots ? pki(roots) : NULL;
    config.certificate.path = certificate ? pki(certificate) : NULL;
    config.key.path = key ? pki(key) : NULL;
    return config;
}

static void takes_every_form(void **state)
{
    (void)state;
    opens(with("ec/root.pem", NULL, NULL));
    opens(with("ec/root.der", "ec/client.der", "ec/client.key.der"));
    opens(with("ec/root.pem", "ec/client.pem", "ec/client.key"));
    opens(with("ec/root.pem", "ec/client.pem", "ec/client.sec1"));
    opens(with("ec/root.pem", "ec/client.pem", "ec/client.sec1.der"));
    opens(with("ec/root.pem", "ec/client.pem", "ec/client.parameters.sec1"));
    opens(with("rsa/root.pem", "rsa/client.pem", "rsa/client.pkcs1"));
    opens(with("rsa/root.pem", "rsa/client.pem", "rsa/client.pkcs1.der"));
    opens(with("rsa/root.pem", "ec/client.pem", "ec/client.key"));
}

static void takes_bytes_from_memory(void **state)
{
    (void)state;
    static uint8_t bytes[4096];
    FILE *file = fopen(pki("ec/root.pem"), "r");
    size_t count = fread(bytes, 1, sizeof bytes, file);
    fclose(file);
    struct th_context_config config = {0};
    config.roots.bytes = (struct th_slice){bytes, count};
    opens(config);
}

static void names_the_file_and_the_remedy(void **state)
{
    (void)state;
    fails(with(NULL, NULL, NULL), TH_E_ARGUMENT, "no CA certificates");
    fails(with("ec/none.pem", NULL, NULL), TH_E_FILE, "No such file");
    fails(with("ec", NULL, NULL), TH_E_FILE, "is a directory");
    fails(with("ec/client.key", NULL, NULL), TH_E_FILE, "holds no certificate");
    fails(with("ec/root.pem", "ec/client.pem", NULL), TH_E_ARGUMENT, "without a private key");
    fails(with("ec/root.pem", NULL, "ec/client.key"), TH_E_ARGUMENT, "without a certificate");
    fails(with("ec/root.pem", "ec/client.key", "ec/client.key"), TH_E_FILE,
          "holds no certificate");
    fails(with("ec/root.pem", "ec/client.pem", "ec/client.pem"), TH_E_FILE,
          "holds no private key");
    fails(with("ec/root.pem", "ec/client.pem", "ec/server.key"), TH_E_FILE, "does not belong");
    fails(with("ec/root.pem", "ec/client.pem", "rsa/client.key"), TH_E_FILE, "private key");
    fails(with("ec/root.pem", "ec/client.pem", "ec/client.encrypted"), TH_E_FILE, "is encrypted");
    fails(with("ec/root.pem", "rsa/client.pem", "rsa/client.encrypted"), TH_E_FILE,
          "is encrypted");
    fails(with("ec/server.crt", NULL, NULL), TH_E_FILE, "is no CA certificate");
    fails(with("ec/root.pem", "rsa/long.pem", "rsa/server.key"), TH_E_FILE,
          "more than 9 certificates");
}

static void blames_the_clock_for_dates(void **state)
{
    (void)state;
    fails(with("ec/oldroot.crt", NULL, NULL), TH_E_CERTIFICATE, "the clock here says 2");
    fails(with("ec/newroot.crt", NULL, NULL), TH_E_CERTIFICATE, "is not yet valid");
}

static void leaves_unusable_roots_out(void **state)
{
    (void)state;
    static char command[512];
    snprintf(command, sizeof command, "cat %s %s %s >%s", pki("ec/oldroot.crt"),
             pki("ec/root.pem"), pki("ec/p224.crt"), pki("ec/bundle"));
    assert_int_equal(system(command), 0);
    struct client *client = new_client(with("ec/bundle", NULL, NULL));
    assert_non_null(strstr(client->log, "it is left out"));
    assert_int_equal(client->context.identity.roots, 3);
    free_client(client);
}

static void refuses_senseless_settings(void **state)
{
    (void)state;
    struct th_context_config config = with("ec/root.pem", NULL, NULL);
    config.tls_min = TH_TLS_1_3;
    config.tls_max = TH_TLS_1_2;
    fails(config, TH_E_ARGUMENT, "versions");
    config.tls_min = (enum th_tls_version)11;
    fails(config, TH_E_ARGUMENT, "versions");
    config = with("ec/root.pem", NULL, NULL);
    config.alpn = "0123456789012345678901234567890123456789012345678901234567890123456789";
    fails(config, TH_E_ARGUMENT, "ALPN");
    config.alpn = NULL;
    config.hwrng_path = "/nowhere/hwrng";
    fails(config, TH_E_FILE, "hardware random source");
    config.hwrng_path = "/dev/zero";
    fails(config, TH_E_ENTROPY, "failed its health test");
}

static void mixes_a_hardware_source(void **state)
{
    (void)state;
    struct th_context_config config = with("ec/root.pem", "ec/client.pem", "ec/client.key");
    config.hwrng_path = "/dev/urandom";
    struct server server = serve("ec/server", "ec/server", "");
    struct client *client = new_client(config);
    assert_int_equal(attempt(client, server.port, "broker.test"), 0);
    free_client(client);
    stop(&server);
}

/* The source passes its test when opened and then ends: no connection may begin. */
static void begins_nothing_without_entropy(void **state)
{
    (void)state;
    char path[] = "/tmp/th_ending_XXXXXX";
    uint8_t samples[1024];
    int file = mkstemp(path);
    assert_int_equal(th_crypt_random(samples, sizeof samples), 0);
    assert_int_equal(write(file, samples, sizeof samples), sizeof samples);
    struct th_context_config config = with("ec/root.pem", NULL, NULL);
    config.hwrng_path = path;
    struct client *client = new_client(config);
    assert_int_equal(begin(client, "broker.test"), TH_E_ENTROPY);
    assert_non_null(strstr(client->fault.text, "nothing was sent"));
    free_client(client);
    close(file);
    unlink(path);
}

static void refuses_hosts_that_are_none(void **state)
{
    (void)state;
    static const char *const hosts[] = {"", "a b", "-*.test", "1.2.3", "a..b", ".", "::g"};
    struct client *client = new_client(with("ec/root.pem", NULL, NULL));
    for (size_t i = 0; i < sizeof hosts / sizeof *hosts; i++)
        assert_int_equal(begin(client, hosts[i]), TH_E_SERVER_NAME);
    free_client(client);
}

/* Opens and closes with one allocation refused, then all from there on. */
static void survives_every_refusal(void **state)
{
    (void)state;
    static const char *const kinds[] = {"ec", "rsa"};
    for (int kind = 0; kind < 2; kind++)
        for (int from = 0; from < 2; from++) {
            size_t injected = 1;
            for (size_t n = 1; injected > 0; n++) {
                struct client *client = empty_client();
                th_failing_at(n, from);
                int result = open_context(client, config_for(kinds[kind]));
                injected = th_failing_injected();
                th_failing_stop();
                assert_int_equal(result, injected ? TH_E_MEMORY : 0);
                assert_true(result == 0 || strstr(client->fault.text, "memory") ||
                            strstr(client->fault.text, "too small"));
                close_context(client);
                assert_int_equal(open_context(client, config_for(kinds[kind])), 0);
                free_client(client);
            }
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(takes_every_form),
        cmocka_unit_test(takes_bytes_from_memory),
        cmocka_unit_test(names_the_file_and_the_remedy),
        cmocka_unit_test(blames_the_clock_for_dates),
        cmocka_unit_test(leaves_unusable_roots_out),
        cmocka_unit_test(refuses_senseless_settings),
        cmocka_unit_test(mixes_a_hardware_source),
        cmocka_unit_test(begins_nothing_without_entropy),
        cmocka_unit_test(refuses_hosts_that_are_none),
        cmocka_unit_test(survives_every_refusal),
    };
    return cmocka_run_group_tests(tests, make_pki, NULL);
}
