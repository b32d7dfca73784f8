#include "harness.h"

#include "tls/session.h"

#include <wolfssl/wolfcrypt/settings.h>

#include <wolfssl/internal.h>

static struct server serve_mutually(const char *kind, const char *more)
{
    char leaf[64], options[256];
    snprintf(leaf, sizeof leaf, "%s/server", kind);
    snprintf(options, sizeof options,
             "-Verify 3 -verify_return_error -verify_quiet -CAfile %s/root.pem %s", kind, more);
    return serve(leaf, leaf, options);
}

static void keep(struct client *client, struct th_tls_session *session)
{
    struct th_payer *before = th_payer_enter(&client->payer);
    th_tls_session_keep(session, &client->stream);
    th_tls_stream_close(&client->stream);
    th_payer_leave(before);
    close(client->fd);
    client->fd = -1;
}

static void forget(struct client *client, struct th_tls_session *session)
{
    struct th_payer *before = th_payer_enter(&client->payer);
    th_tls_session_forget(session);
    th_payer_leave(before);
}

static void offer(struct client *client, struct th_tls_session *session, uint16_t port)
{
    dial(client, port);
    assert_int_equal(begin(client, "broker.test"), 0);
    struct th_payer *before = th_payer_enter(&client->payer);
    th_tls_session_offer(session, &client->stream);
    th_payer_leave(before);
    assert_null(session->kept);
}

/* A handshake that offers what is kept. */
static int take_up(struct client *client, struct th_tls_session *session, uint16_t port)
{
    offer(client, session, port);
    return shake(client);
}

static bool is_resumed(struct client *client)
{
    struct th_tls_facts facts;
    th_tls_stream_facts(&client->stream, &facts);
    return facts.resumed;
}

static struct client *met_once(struct server *server, const char *kind,
                               struct th_tls_session *session)
{
    struct client *client = new_client(config_for(kind));
    assert_int_equal(attempt(client, server->port, "broker.test"), 0);
    assert_false(is_resumed(client));
    keep(client, session);
    return client;
}

static void resumes(const char *kind, const char *option)
{
    struct th_tls_session session = {0};
    struct server server = serve_mutually(kind, option);
    struct client *client = met_once(&server, kind, &session);
    for (int turn = 0; turn < 5; turn++) {
        assert_non_null(session.kept);
        assert_int_equal(take_up(client, &session, server.port), 0);
        assert_true(is_resumed(client));
        assert_true(client->stream.verified);
        assert_int_equal(echo(client), 0);
        keep(client, &session);
    }
    forget(client, &session);
    free_client(client);
    stop(&server);
}

static void resumes_in_every_version_with_every_key(void **state)
{
    (void)state;
    resumes("ec", "-tls1_3");
    resumes("ec", "-tls1_2");
    resumes("rsa", "-tls1_3");
    resumes("rsa", "-tls1_2");
}

static void keeps_nothing_of_a_server_that_gave_nothing(void **state)
{
    (void)state;
    struct th_tls_session session = {0};
    struct server server = serve_mutually("ec", "-tls1_3 -num_tickets 0");
    struct client *client = met_once(&server, "ec", &session);
    assert_null(session.kept);
    free_client(client);
    stop(&server);
}

static void keeps_nothing_of_a_server_that_said_nothing(void **state)
{
    (void)state;
    struct th_tls_session session = {0};
    struct server server = serve_mutually("ec", "-tls1_2");
    struct client *client = new_client(config_for("ec"));
    assert_int_equal(dial_and_shake(client, server.port, "broker.test"), 0);
    keep(client, &session);
    assert_null(session.kept);
    free_client(client);
    stop(&server);
}

static void keeps_nothing_unverified(void **state)
{
    (void)state;
    struct th_tls_session session = {0};
    struct server server = serve_mutually("ec", "");
    struct th_context_config config = config_for("ec");
    config.insecure_no_verify = true;
    struct client *client = new_client(config);
    assert_int_equal(attempt(client, server.port, "broker.test"), 0);
    keep(client, &session);
    assert_null(session.kept);
    free_client(client);
    stop(&server);
}

/* The server that comes back has forgotten everything; its certificate counts again. */
static void is_verified_anew(const char *leaf, const char *option, int expected)
{
    struct th_tls_session session = {0};
    struct server server = serve_mutually("ec", option);
    struct client *client = met_once(&server, "ec", &session);
    stop(&server);
    server = serve(leaf, leaf, option);
    assert_int_equal(take_up(client, &session, server.port), expected);
    assert_int_equal(client->stream.verified, expected == 0);
    assert_false(is_resumed(client));
    free_client(client);
    stop(&server);
}

static void a_forgetful_server_is_verified_anew(void **state)
{
    (void)state;
    is_verified_anew("ec/server", "-tls1_3", 0);
    is_verified_anew("other/server", "-tls1_3", TH_E_CERTIFICATE);
}

static void a_forgetful_server_of_tls_1_2_too(void **state)
{
    (void)state;
    is_verified_anew("ec/server", "-tls1_2", 0);
    is_verified_anew("other/server", "-tls1_2", TH_E_CERTIFICATE);
}

/* What is kept has gone bad: the server ends the handshake, and the next one begins anew. */
static void begins_anew_when_taking_up_fails(void **state)
{
    (void)state;
    static const char *const options[] = {"-tls1_3", "-tls1_2"};
    for (size_t i = 0; i < 2; i++) {
        struct th_tls_session session = {0};
        struct server server = serve_mutually("ec", options[i]);
        struct client *client = met_once(&server, "ec", &session);
        session.kept->masterSecret[0] ^= 1;
        assert_true(take_up(client, &session, server.port) < 0);
        assert_string_equal(client->stream.again, "beginning anew, with nothing resumed");
        hang_up(client);
        assert_int_equal(take_up(client, &session, server.port), 0);
        assert_false(is_resumed(client));
        assert_true(client->stream.verified);
        free_client(client);
        stop(&server);
    }
}

static int shake_with(struct client *client, uint32_t more_bytes)
{
    uint32_t whole = client->payer.budget_bytes;
    client->payer.budget_bytes = client->payer.ledger.live_bytes + more_bytes;
    int result = shake(client);
    client->payer.budget_bytes = whole;
    return result;
}

/* A ticket is as long as its server likes, and lies in the heap twice. */
static void begins_anew_when_there_is_no_memory_to_take_up(void **state)
{
    (void)state;
    struct th_tls_session session = {0};
    struct server server = serve_mutually("ec", "");
    struct client *client = met_once(&server, "ec", &session);
    offer(client, &session, server.port);
    assert_int_equal(shake_with(client, 100), TH_E_MEMORY);
    assert_string_equal(client->stream.again, "beginning anew, with nothing resumed");
    hang_up(client);
    offer(client, &session, server.port);
    assert_int_equal(shake_with(client, 100), TH_E_MEMORY);
    assert_null(client->stream.again);
    hang_up(client);
    assert_int_equal(take_up(client, &session, server.port), 0);
    assert_true(client->stream.verified);
    free_client(client);
    stop(&server);
}

static void an_expired_session_means_an_ordinary_handshake(void **state)
{
    (void)state;
    struct th_tls_session session = {0};
    struct server server = serve_mutually("ec", "-tls1_2");
    struct client *client = met_once(&server, "ec", &session);
    session.kept->timeout = 0;
    assert_int_equal(take_up(client, &session, server.port), 0);
    assert_false(client->stream.offered);
    assert_false(is_resumed(client));
    assert_true(client->stream.verified);
    free_client(client);
    stop(&server);
}

/* Resumptions do not renew it: the certificate was verified so long ago. */
static void a_day_later_the_certificate_counts_again(void **state)
{
    (void)state;
    struct th_tls_session session = {0};
    struct server server = serve_mutually("ec", "-tls1_3");
    struct client *client = met_once(&server, "ec", &session);
    uint64_t verified_ms = session.verified_ms;
    assert_int_equal(take_up(client, &session, server.port), 0);
    assert_true(is_resumed(client));
    assert_int_equal(echo(client), 0);
    keep(client, &session);
    assert_true(session.verified_ms == verified_ms);
    session.verified_ms -= 24 * 3600 * 1000;
    assert_int_equal(take_up(client, &session, server.port), 0);
    assert_false(client->stream.offered);
    assert_false(is_resumed(client));
    assert_true(client->stream.verified_ms >= verified_ms);
    free_client(client);
    stop(&server);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(resumes_in_every_version_with_every_key),
        cmocka_unit_test(keeps_nothing_of_a_server_that_gave_nothing),
        cmocka_unit_test(keeps_nothing_of_a_server_that_said_nothing),
        cmocka_unit_test(keeps_nothing_unverified),
        cmocka_unit_test(a_forgetful_server_is_verified_anew),
        cmocka_unit_test(a_forgetful_server_of_tls_1_2_too),
        cmocka_unit_test(begins_anew_when_taking_up_fails),
        cmocka_unit_test(begins_anew_when_there_is_no_memory_to_take_up),
        cmocka_unit_test(an_expired_session_means_an_ordinary_handshake),
        cmocka_unit_test(a_day_later_the_certificate_counts_again),
    };
    return cmocka_run_group_tests(tests, make_pki, NULL);
}
