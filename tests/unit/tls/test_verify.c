#include "harness.h"

static const char weak_allowed[] = "-cipher ALL:@SECLEVEL=0";

/* Connects to a server with the given certificate; nothing is sent but the handshake. */
static int meets(struct client *client, const char *leaf, const char *key, const char *version,
                 const char *host)
{
    char options[128];
    snprintf(options, sizeof options, "%s %s", version, weak_allowed);
    struct server server = serve(leaf, key, options);
    dial(client, server.port);
    int result = begin(client, host);
    if (result == 0)
        result = shake(client);
    assert_true(result != 0 || client->stream.shaken);
    assert_int_equal(client->fault.code, result);
    if (result < 0)
        print_message("%s %s: %s\n", leaf, version, client->fault.text);
    struct th_fault fault = client->fault;
    hang_up(client);
    client->fault = fault;
    stop(&server);
    return result;
}

static void refused(const char *leaf, const char *key, const char *host, int code,
                    const char *sentence)
{
    static const char *const versions[] = {"-tls1_3", "-tls1_2"};
    for (int i = 0; i < 2; i++) {
        struct client *client = new_client(config_for("ec"));
        int result = meets(client, leaf, key, versions[i], host);
        assert_int_equal(result, code);
        assert_non_null(strstr(client->fault.text, sentence));
        free_client(client);
    }
}

static void accepted(const char *leaf, const char *host)
{
    static const char *const versions[] = {"-tls1_3", "-tls1_2"};
    for (int i = 0; i < 2; i++) {
        struct client *client = new_client(config_for("ec"));
        assert_int_equal(meets(client, leaf, "ec/server", versions[i], host), 0);
        free_client(client);
    }
}

static void accepts_names_and_addresses(void **state)
{
    (void)state;
    accepted("ec/server", "broker.test");
    accepted("ec/server", "BROKER.test.");
    accepted("ec/server", "any.wild.test");
    accepted("ec/server", "127.0.0.1");
    accepted("ec/server", "::1");
    accepted("ec/server", "[0:0:0:0:0:0:0:1]");
    accepted("ec/anyeku", "broker.test");
}

static void refuses_names_that_are_not_there(void **state)
{
    (void)state;
    refused("ec/wrongname", "ec/server", "broker.test", TH_E_SERVER_NAME, "not for this name");
    refused("ec/server", "ec/server", "wild.test", TH_E_SERVER_NAME, "not for");
    refused("ec/server", "ec/server", "a.b.wild.test", TH_E_SERVER_NAME, "not for");
    refused("ec/server", "ec/server", "127.0.0.2", TH_E_SERVER_NAME, "not for");
    refused("ec/server", "ec/server", "::2", TH_E_SERVER_NAME, "not for");
    refused("ec/otherip", "ec/server", "127.0.0.1", TH_E_SERVER_NAME, "not for");
    refused("ec/cnonly", "ec/server", "broker.test", TH_E_SERVER_NAME, "common name");
    refused("ec/partial", "ec/server", "broker.test", TH_E_SERVER_NAME, "not for");
}

static void refuses_chains_that_do_not_hold(void **state)
{
    (void)state;
    refused("other/server", "other/server", "broker.test", TH_E_CERTIFICATE, "not issued by any");
    refused("ec/leaf", "ec/server", "broker.test", TH_E_CERTIFICATE, "not issued by any");
    refused("ec/expired", "ec/server", "broker.test", TH_E_CERTIFICATE, "has expired (the clock");
    refused("ec/future", "ec/server", "broker.test", TH_E_CERTIFICATE,
            "is not yet valid (the clock");
    refused("ec/clienteku", "ec/server", "broker.test", TH_E_CERTIFICATE, "not made for servers");
    refused("ec/underclientca", "ec/server", "broker.test", TH_E_CERTIFICATE,
            "not made for servers");
}

static void refuses_weak_certificates(void **state)
{
    (void)state;
    refused("ec/sha1", "ec/server", "broker.test", TH_E_CERTIFICATE, "");
    refused("ec/rsa1024", "ec/rsa1024", "broker.test", TH_E_CERTIFICATE, "");
    struct client *client = new_client(config_for("ec"));
    assert_true(meets(client, "ec/p224", "ec/p224", "-tls1_2", "broker.test") < 0);
    free_client(client);
}

static void insecure(struct th_context_config config, const char *leaf, int code)
{
    struct client *client = new_client(config);
    assert_int_equal(meets(client, leaf, strchr(leaf, 'o') == leaf ? "other/server" : "ec/server",
                           "-tls1_3", "broker.test"), code);
    assert_non_null(strstr(client->log, "verified"));
    free_client(client);
}

static void skips_the_name_only_when_told(void **state)
{
    (void)state;
    struct th_context_config config = config_for("ec");
    config.insecure_no_name_check = true;
    insecure(config, "ec/wrongname", 0);
    insecure(config, "ec/cnonly", 0);
    insecure(config, "ec/expired", TH_E_CERTIFICATE);
    insecure(config, "other/server", TH_E_CERTIFICATE);
    insecure(config, "ec/clienteku", TH_E_CERTIFICATE);
}

static void skips_everything_only_when_told(void **state)
{
    (void)state;
    struct th_context_config config = config_for("ec");
    config.insecure_no_verify = true;
    insecure(config, "ec/wrongname", 0);
    insecure(config, "ec/expired", 0);
    insecure(config, "ec/clienteku", 0);
    insecure(config, "other/server", 0);
    config.roots.path = NULL;
    insecure(config, "other/server", 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(accepts_names_and_addresses),
        cmocka_unit_test(refuses_names_that_are_not_there),
        cmocka_unit_test(refuses_chains_that_do_not_hold),
        cmocka_unit_test(refuses_weak_certificates),
        cmocka_unit_test(skips_the_name_only_when_told),
        cmocka_unit_test(skips_everything_only_when_told),
    };
    return cmocka_run_group_tests(tests, make_pki, NULL);
}
