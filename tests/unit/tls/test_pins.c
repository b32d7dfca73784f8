#include "harness.h"

#include <thimble/identity.h>

/* The pin of a key of the test PKI, by openssl. */
static const char *pin_of(const char *key)
{
    static char pins[4][64];
    static int next;
    char command[512], *pin = pins[next++ % 4];
    snprintf(command, sizeof command, "openssl pkey -in %s -pubout -outform DER 2>/dev/null |"
             " openssl dgst -sha256 -binary | openssl base64 -A", pki(key));
    FILE *pipe = popen(command, "r");
    strcpy(pin, "sha256//");
    assert_non_null(fgets(pin + 8, 56, pipe));
    pclose(pipe);
    assert_int_equal(strlen(pin), 52);
    return pin;
}

static int meets(struct client *client, const char *version, const char *leaf)
{
    char key[64];
    snprintf(key, sizeof key, "%s/server", strchr(leaf, 'o') == leaf ? "other" : "ec");
    struct server server = serve(leaf, key, version);
    dial(client, server.port);
    int result = begin(client, "broker.test");
    if (result == 0)
        result = shake(client);
    struct th_fault fault = client->fault;
    hang_up(client);
    client->fault = fault;
    stop(&server);
    return result;
}

static void gives(struct th_context_config config, const char *leaf, int code)
{
    static const char *const versions[] = {"-tls1_3", "-tls1_2"};
    for (int i = 0; i < 2; i++) {
        struct client *client = new_client(config);
        assert_int_equal(meets(client, versions[i], leaf), code);
        assert_int_equal(client->fault.code, code);
        if (code)
            assert_int_equal(client->fault.reason, TH_PIN_MISMATCH);
        free_client(client);
    }
}

static void holds_the_servers_key(void **state)
{
    (void)state;
    struct th_context_config config = config_for("ec");
    config.pins = pin_of("ec/server.key");
    gives(config, "ec/server", 0);
    config.pins = pin_of("ec/client.key");
    gives(config, "ec/server", TH_E_CERTIFICATE);
}

static void takes_a_list(void **state)
{
    (void)state;
    char list[160];
    struct th_context_config config = config_for("ec");
    config.pins = list;
    snprintf(list, sizeof list, "%s;%s", pin_of("ec/client.key"), pin_of("ec/server.key"));
    gives(config, "ec/server", 0);
    snprintf(list, sizeof list, "%s;%s", pin_of("ec/client.key"), pin_of("ec/root.key"));
    gives(config, "ec/server", TH_E_CERTIFICATE);
}

static void holds_keys_above(void **state)
{
    (void)state;
    struct th_context_config config = config_for("ec");
    config.ca_pins = pin_of("ec/root.key");
    gives(config, "ec/server", 0);
    config.ca_pins = pin_of("ec/intermediate.key");
    gives(config, "ec/server", 0);
    config.ca_pins = pin_of("ec/server.key");
    gives(config, "ec/server", TH_E_CERTIFICATE);
    config.ca_pins = pin_of("other/root.key");
    gives(config, "ec/server", TH_E_CERTIFICATE);
}

static void wants_both_where_both_are_given(void **state)
{
    (void)state;
    struct th_context_config config = config_for("ec");
    config.ca_pins = pin_of("ec/root.key");
    config.pins = pin_of("ec/server.key");
    gives(config, "ec/server", 0);
    config.pins = pin_of("ec/root.key");
    gives(config, "ec/server", TH_E_CERTIFICATE);
}

static void shows_what_was_seen(void **state)
{
    (void)state;
    struct th_context_config config = config_for("ec");
    config.pins = pin_of("ec/client.key");
    struct client *client = new_client(config);
    assert_int_equal(meets(client, "-tls1_3", "ec/server"), TH_E_CERTIFICATE);
    assert_non_null(strstr(client->fault.text, pin_of("ec/server.key")));
    free_client(client);
}

static void is_never_instead_of_verification(void **state)
{
    (void)state;
    struct th_context_config config = config_for("ec");
    config.pins = pin_of("other/server.key");
    struct client *client = new_client(config);
    assert_int_equal(meets(client, "-tls1_3", "other/server"), TH_E_CERTIFICATE);
    assert_int_equal(client->fault.reason, TH_UNKNOWN_CA);
    free_client(client);
}

static void holds_where_nothing_else_is_verified(void **state)
{
    (void)state;
    struct th_context_config config = config_for("ec");
    config.insecure_no_verify = true;
    config.pins = pin_of("other/server.key");
    gives(config, "other/server", 0);
    config.pins = pin_of("ec/server.key");
    gives(config, "other/server", TH_E_CERTIFICATE);
}

static void refuses(struct th_context_config config, const char *sentence)
{
    struct th_tls_context context;
    struct th_fault fault = {0};
    assert_int_equal(th_tls_context_open(&context, &config, &fault), TH_E_ARGUMENT);
    assert_non_null(strstr(fault.text, sentence));
}

static void refuses_what_is_no_pin(void **state)
{
    (void)state;
    static const char *const wrong[] = {
        "", "sha256//", "sha1//4s8Z4p7vfcs3rd9ASbQtLrvB33xYK8K1S4AUUtD79+A=",
        "sha256/4s8Z4p7vfcs3rd9ASbQtLrvB33xYK8K1S4AUUtD79+A=",
        "sha256//4s8Z4p7vfcs3rd9ASbQtLrvB33xYK8K1S4AUUtD79+AA", /* 33 bytes */
        "sha256//4s8Z4p7vfcs3rd9ASbQtLrvB33xYK8K1S4AUUtD79+",
        "sha256//4s8Z4p7vfcs3rd9ASbQtLrvB33xYK8K1S4AUUtD7!+A=",
        "sha256//4s8Z4p7vfcs3rd9ASbQtLrvB33xYK8K1S4AUUtD79+A=;",
        "sha256//4s8Z4p7vfcs3rd9ASbQtLrvB33xYK8K1S4AUUtD79+A= ",
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct th_context_config config = config_for("ec");
        config.pins = wrong[i];
        refuses(config, "is no pin");
        config.pins = NULL;
        config.ca_pins = wrong[i];
        refuses(config, "is no pin");
    }
}

static void refuses_what_cannot_hold(void **state)
{
    (void)state;
    struct th_context_config config = config_for("ec");
    config.insecure_no_verify = true;
    config.ca_pins = pin_of("ec/root.key");
    refuses(config, "nothing is verified");
    config = (struct th_context_config){.psk_identity = "me", .psk = {(const uint8_t *)"secret", 6},
                                        .pins = pin_of("ec/server.key")};
    refuses(config, "no certificate");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(holds_the_servers_key),
        cmocka_unit_test(takes_a_list),
        cmocka_unit_test(holds_keys_above),
        cmocka_unit_test(wants_both_where_both_are_given),
        cmocka_unit_test(shows_what_was_seen),
        cmocka_unit_test(is_never_instead_of_verification),
        cmocka_unit_test(holds_where_nothing_else_is_verified),
        cmocka_unit_test(refuses_what_is_no_pin),
        cmocka_unit_test(refuses_what_cannot_hold),
    };
    return cmocka_run_group_tests(tests, make_pki, NULL);
}
