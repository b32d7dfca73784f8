#include "harness.h"

/* Every single allocation of opening, handshake and echo is refused, once and from there on:
 * it must end in a clean error, the books at zero, and the next attempt must work. */

static unsigned points, tolerated;

static struct server good, good_rsa, wrong_name, wrong_authority;

/* What the issuer says of the server of this hierarchy, made by openssl. */
static int make_answer(const char *kind)
{
    char command[640];
    snprintf(command, sizeof command, "cd " PKI "/%s && "
             "printf 'V\t400101000000Z\t\t%%s\tunknown\t/CN=x\n' "
             "$(openssl x509 -in server.crt -noout -serial | cut -d= -f2) >answers && "
             "openssl ocsp -index answers -noverify -issuer intermediate.crt -CA intermediate.crt "
             "-cert server.crt -rsigner intermediate.crt -rkey intermediate.key -ndays 9 "
             "-respout answer >/dev/null 2>&1", kind);
    return system(command);
}

static struct server serve_good(const char *kind)
{
    char options[192], server[32];
    snprintf(server, sizeof server, "%s/server", kind);
    snprintf(options, sizeof options, "-Verify 3 -verify_return_error -verify_quiet "
             "-CAfile %s/root.pem -status_file %s/answer", kind, kind);
    return serve(server, server, options);
}

static int serve_all(void **state)
{
    if (make_pki(state) != 0 || make_answer("ec") != 0 || make_answer("rsa") != 0)
        return -1;
    good = serve_good("ec");
    good_rsa = serve_good("rsa");
    wrong_name = serve("ec/wrongname", "ec/server", "-Verify 3 -verify_return_error -verify_quiet "
                       "-CAfile ec/root.pem");
    wrong_authority = serve("other/server", "other/server", "");
    return 0;
}

static int stop_all(void **state)
{
    (void)state;
    stop(&good);
    stop(&good_rsa);
    stop(&wrong_name);
    stop(&wrong_authority);
    print_message("%u points, %u failures tolerated\n", points, tolerated);
    return 0;
}

static void expect_never_accepted(const struct client *client, int result)
{
    assert_true(result < 0);
    assert_false(client->stream.shaken);
    assert_true(result == TH_E_MEMORY || result == TH_E_SERVER_NAME ||
                result == TH_E_CERTIFICATE);
}

static int finish(struct client *client)
{
    struct th_payer *before = th_payer_enter(&client->payer);
    int result = th_tls_stream_finish(&client->stream);
    th_payer_leave(before);
    return result;
}

/* One attempt with the n-th allocation refused. Returns the number of refusals. */
static size_t try_point(struct client *client, const struct server *server, size_t n, bool from)
{
    th_failing_at(n, from);
    int result = attempt(client, server->port, "broker.test");
    if (result == 0)
        result = finish(client);
    size_t injected = th_failing_injected();
    th_failing_stop();
    if (server == &wrong_name || server == &wrong_authority)
        expect_never_accepted(client, result);
    else if (result != 0)
        assert_int_equal(result, TH_E_MEMORY);
    tolerated += injected > 0 && result == 0;
    hang_up(client);
    points++;
    return injected;
}

static void retry_works(struct client *client, const struct server *server)
{
    assert_int_equal(attempt(client, server->port, "broker.test"), 0);
    hang_up(client);
}

static void sweep(const struct server *server, enum th_tls_version version, bool from)
{
    const struct server *retried = server == &good_rsa ? server : &good;
    struct th_context_config config = config_for(server == &good_rsa ? "rsa" : "ec");
    config.tls_max = version;
    config.stapling = retried == server ? TH_STAPLING_MUST : TH_STAPLING_ASK;
    struct client *client = new_client(config);
    uint32_t context_bytes = client->shared.ledger.live_bytes;
    for (size_t n = 1; try_point(client, server, n, from) > 0; n++) {
        assert_int_equal(client->shared.ledger.live_bytes, context_bytes);
        retry_works(client, retried);
    }
    free_client(client);
}

static void sweep_every_way(const struct server *server)
{
    sweep(server, TH_TLS_1_3, false);
    sweep(server, TH_TLS_1_3, true);
    sweep(server, TH_TLS_1_2, false);
    sweep(server, TH_TLS_1_2, true);
}

static void a_good_server(void **state)
{
    (void)state;
    sweep_every_way(&good);
}

static void a_good_server_with_rsa(void **state)
{
    (void)state;
    sweep_every_way(&good_rsa);
}

static void a_wrong_name_is_never_accepted(void **state)
{
    (void)state;
    sweep_every_way(&wrong_name);
}

static void a_wrong_authority_is_never_accepted(void **state)
{
    (void)state;
    sweep_every_way(&wrong_authority);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_good_server),
        cmocka_unit_test(a_good_server_with_rsa),
        cmocka_unit_test(a_wrong_name_is_never_accepted),
        cmocka_unit_test(a_wrong_authority_is_never_accepted),
    };
    return cmocka_run_group_tests(tests, serve_all, stop_all);
}
