#include "harness.h"

static const char *mutual(const char *version)
{
    static char options[256];
    snprintf(options, sizeof options,
             "%s -Verify 3 -verify_return_error -verify_quiet -CAfile %s", version, "root.pem");
    return options;
}

static struct server serve_mutually(const char *kind, const char *version)
{
    char leaf[64], options[256];
    snprintf(leaf, sizeof leaf, "%s/server", kind);
    snprintf(options, sizeof options,
             "%s -Verify 3 -verify_return_error -verify_quiet -CAfile %s/root.pem", version, kind);
    (void)mutual;
    return serve(leaf, leaf, options);
}

static struct th_tls_facts facts_of(struct client *client)
{
    struct th_tls_facts facts;
    th_tls_stream_facts(&client->stream, &facts);
    return facts;
}

static void print_peaks(const char *kind, const char *version, struct client *client)
{
    const struct th_ledger *own = &client->payer.ledger;
    print_message("%s %s: context %u (transient %zu), handshake peak %u, steady %u, cell %u\n",
                  kind, version, client->shared.ledger.live_bytes,
                  client->context.transient_peak_bytes, own->phases[TH_PHASE_SHAKING].peak_bytes,
                  own->live_bytes, client->payer.cell.peak_bytes);
}

static void connects(const char *kind, const char *version, const char *expected)
{
    struct server server = serve_mutually(kind, version);
    struct client *client = new_client(config_for(kind));
    if (attempt(client, server.port, "broker.test") < 0)
        print_message("%s\n", client->fault.text);
    assert_int_equal(client->fault.code, 0);
    assert_string_equal(facts_of(client).version, expected);
    print_peaks(kind, expected, client);
    free_client(client);
    stop(&server);
}

static void connects_mutually_in_every_version_with_every_key(void **state)
{
    (void)state;
    connects("ec", "-tls1_3", "TLSv1.3");
    connects("ec", "-tls1_2", "TLSv1.2");
    connects("rsa", "-tls1_3", "TLSv1.3");
    connects("rsa", "-tls1_2", "TLSv1.2");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(connects_mutually_in_every_version_with_every_key),
    };
    return cmocka_run_group_tests(tests, make_pki, NULL);
}
