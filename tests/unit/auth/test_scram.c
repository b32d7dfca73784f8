/* SCRAM-SHA-256 against the example of RFC 7677 section 3, and against a server of our own. */
#include "server.h"

static struct th_auth_scram scram;
static uint8_t out[TH_AUTH_ANSWER_MAX_BYTES];
static const char *problem;

static void begin(const char *username, const char *password)
{
    static const uint8_t nonce[TH_AUTH_NONCE_BYTES] = {1, 2, 3, 4, 5};
    th_auth_scram_begin(&scram, th_slice_text(username), th_slice_text(password), nonce);
}

static void assert_bytes(const uint8_t *bytes, size_t len, const char *text)
{
    assert_int_equal(len, strlen(text));
    assert_memory_equal(bytes, text, len);
}

static void assert_first(const char *username, const char *text)
{
    uint8_t first[TH_AUTH_FIRST_MAX_BYTES];
    begin(username, "p");
    assert_bytes(first, th_auth_scram_first(&scram, first), text);
}

/* Until the work is done; how often it was asked. */
static int answer(const char *challenge, unsigned *calls)
{
    int result;
    *calls = 0;
    do {
        result = th_auth_scram_answer(&scram, th_slice_text(challenge), out, &problem);
        (*calls)++;
    } while (result == TH_WANT_READ);
    return result;
}

static void first_message(void **state)
{
    (void)state;
    assert_first("user", "n,,n=user,r=AQIDBAUAAAAAAAAAAAAAAAAA");
    assert_first("", "n,,n=,r=AQIDBAUAAAAAAAAAAAAAAAAA");
    assert_first("a,b=c", "n,,n=a=2Cb=3Dc,r=AQIDBAUAAAAAAAAAAAAAAAAA");
}

static void a_user_name_has_a_longest_length(void **state)
{
    (void)state;
    char name[TH_AUTH_FIRST_MAX_BYTES];
    uint8_t first[TH_AUTH_FIRST_MAX_BYTES];
    memset(name, 'x', sizeof name);
    size_t most = TH_AUTH_FIRST_MAX_BYTES - strlen("n,,n=,r=") - 24;
    name[most] = '\0';
    begin(name, "p");
    assert_int_equal(th_auth_scram_first(&scram, first), TH_AUTH_FIRST_MAX_BYTES);
    name[most] = 'x';
    name[most + 1] = '\0';
    begin(name, "p");
    assert_int_equal(th_auth_scram_first(&scram, first), 0);
}

/* Its nonce is shorter than ours. */
static void the_example_of_rfc_7677(void **state)
{
    (void)state;
    uint8_t first[TH_AUTH_FIRST_MAX_BYTES];
    unsigned calls;
    begin("user", "pencil");
    strcpy(scram.nonce, "rOprNGfwEbeRWgbNEkqO");
    assert_bytes(first, th_auth_scram_first(&scram, first), "n,,n=user,r=rOprNGfwEbeRWgbNEkqO");
    int bytes = answer("r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,"
                       "s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096", &calls);
    assert_true(bytes > 0);
    assert_bytes(out, (size_t)bytes, "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,"
                 "p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=");
    assert_true(th_auth_scram_verify(&scram, th_slice_text(
        "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=")));
}

static void challenges_that_are_not_acceptable(void **state)
{
    (void)state;
    static const struct {
        const char *challenge, *problem;
    } wrong[] = {
        {"", "nonce"},
        {"r=", "nonce"},
        {"r=AQIDBAUAAAAAAAAAAAAAAAAA,s=AAAA,i=4096", "nonce"}, /* nothing of its own */
        {"r=AQIDBAUAAAAAAAAAAAAAAAAB1,s=AAAA,i=4096", "nonce"},
        {"m=ext,r=AQIDBAUAAAAAAAAAAAAAAAAA1,s=AAAA,i=4096", "nonce"}, /* 5.1: must be known */
        {"e=other-error", "nonce"},
        {"r=AQIDBAUAAAAAAAAAAAAAAAAA1", "salt"},
        {"r=AQIDBAUAAAAAAAAAAAAAAAAA1,i=4096", "salt"},
        {"r=AQIDBAUAAAAAAAAAAAAAAAAA1,s=,i=4096", "salt"},
        {"r=AQIDBAUAAAAAAAAAAAAAAAAA1,s=AAA,i=4096", "salt"},
        {"r=AQIDBAUAAAAAAAAAAAAAAAAA1,s=A%AA,i=4096", "salt"},
        {"r=AQIDBAUAAAAAAAAAAAAAAAAA1,s=AAAA", "iterations"},
        {"r=AQIDBAUAAAAAAAAAAAAAAAAA1,s=AAAA,i=", "iterations"},
        {"r=AQIDBAUAAAAAAAAAAAAAAAAA1,s=AAAA,i=4095", "iterations"},
        {"r=AQIDBAUAAAAAAAAAAAAAAAAA1,s=AAAA,i=600001", "iterations"},
        {"r=AQIDBAUAAAAAAAAAAAAAAAAA1,s=AAAA,i=4294971392", "iterations"},
        {"r=AQIDBAUAAAAAAAAAAAAAAAAA1,s=AAAA,i=-4096", "iterations"},
        {"r=AQIDBAUAAAAAAAAAAAAAAAAA1,s=AAAA,i=4096x", "iterations"},
    };
    for (size_t i = 0; i < COUNT_OF(wrong); i++) {
        unsigned calls;
        begin("user", "pencil");
        assert_int_equal(answer(wrong[i].challenge, &calls), TH_E_AUTHENTICATION);
        if (!problem || !strstr(problem, wrong[i].problem))
            fail_msg("%s: %s", wrong[i].challenge, problem);
        assert_int_equal(calls, 1);
    }
}

static void nonces_and_salts_have_a_longest_length(void **state)
{
    (void)state;
    char text[512], filler[200];
    unsigned calls;
    const size_t most = TH_AUTH_ANSWER_MAX_BYTES - 44 - sizeof "c=biws,r=,p=";
    for (size_t more = 0; more < 2; more++) {
        begin("user", "pencil");
        memset(filler, 'n', sizeof filler);
        filler[most - 24 + more] = '\0';
        snprintf(text, sizeof text, "r=%s%s,s=AAAA,i=4096", scram.nonce, filler);
        int result = answer(text, &calls);
        assert_int_equal(result, more ? TH_E_AUTHENTICATION : TH_AUTH_ANSWER_MAX_BYTES - 1);
    }
    memset(filler, 'A', sizeof filler);
    filler[88] = '\0';
    begin("user", "pencil");
    snprintf(text, sizeof text, "r=%s1,s=%s,i=4096", scram.nonce, filler);
    assert_int_equal(answer(text, &calls), TH_E_AUTHENTICATION); /* 66 bytes */
    memcpy(filler + 84, "AA==", 4);
    begin("user", "pencil");
    snprintf(text, sizeof text, "r=%s1,s=%s,i=4096", scram.nonce, filler);
    assert_true(answer(text, &calls) > 0); /* 64 */
}

/* ---- with a server --------------------------------------------------------------------------- */

static void meet(struct scram_server *server, const char *password, unsigned iterations)
{
    uint8_t first[TH_AUTH_FIRST_MAX_BYTES];
    server_open(server, password, iterations);
    server_hears(server, first, th_auth_scram_first(&scram, first));
}

static void both_sides_agree(void **state)
{
    (void)state;
    static const char *const passwords[] = {
        "pencil", "", "k\xc3\xa4se",
        "a password that is longer than one block of SHA-256, which has 64 bytes, and is hashed first therefore",
    };
    for (size_t i = 0; i < COUNT_OF(passwords); i++) {
        struct scram_server server;
        char verdict[64];
        unsigned calls;
        begin("us,er", passwords[i]);
        meet(&server, passwords[i], 4096 + 1);
        int bytes = answer(server.challenge, &calls);
        assert_true(bytes > 0);
        assert_int_equal(calls, 4096 / TH_AUTH_ITERATIONS_PER_CALL);
        assert_true(server_judges(&server, out, (size_t)bytes, verdict));
        assert_true(th_auth_scram_verify(&scram, th_slice_text(verdict)));
        verdict[7] ^= 1;
        assert_false(th_auth_scram_verify(&scram, th_slice_text(verdict)));
    }
}

static void another_password_is_noticed_by_both(void **state)
{
    (void)state;
    struct scram_server server;
    char verdict[64];
    unsigned calls;
    begin("user", "pencil");
    meet(&server, "pencils", 4096);
    int bytes = answer(server.challenge, &calls);
    assert_false(server_judges(&server, out, (size_t)bytes, verdict));
    assert_false(th_auth_scram_verify(&scram, th_slice_text(verdict)));
}

static void verdicts_that_are_none(void **state)
{
    (void)state;
    static const char *const wrong[] = {
        "", "v=", "e=invalid-proof", "v=AAAA", "x=1", "v",
        "v=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
        "v=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
    };
    unsigned calls;
    begin("user", "pencil");
    for (size_t i = 0; i < COUNT_OF(wrong); i++)
        assert_false(th_auth_scram_verify(&scram, th_slice_text(wrong[i])));
    assert_true(answer("r=AQIDBAUAAAAAAAAAAAAAAAAA1,s=AAAA,i=4096", &calls) > 0);
    for (size_t i = 0; i < COUNT_OF(wrong); i++)
        assert_false(th_auth_scram_verify(&scram, th_slice_text(wrong[i])));
}

static void each_has_its_turn_once(void **state)
{
    (void)state;
    static const char challenge[] = "r=AQIDBAUAAAAAAAAAAAAAAAAA1,s=AAAA,i=4096";
    unsigned calls;
    begin("user", "pencil");
    assert_true(answer(challenge, &calls) > 0);
    assert_int_equal(answer(challenge, &calls), TH_E_AUTHENTICATION);
    th_auth_scram_wipe(&scram);
    static const struct th_auth_scram nothing;
    assert_memory_equal(&scram, &nothing, sizeof scram);
    assert_int_equal(answer(challenge, &calls), TH_E_AUTHENTICATION);
}

/* Nothing of the key stays once the answer is there. */
static void the_salted_password_is_wiped(void **state)
{
    (void)state;
    static const struct th_crypt_hi nothing;
    unsigned calls;
    begin("user", "pencil");
    assert_true(answer("r=AQIDBAUAAAAAAAAAAAAAAAAA1,s=AAAA,i=4096", &calls) > 0);
    assert_memory_equal(&scram.hi, &nothing, sizeof nothing);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(first_message),
        cmocka_unit_test(a_user_name_has_a_longest_length),
        cmocka_unit_test(the_example_of_rfc_7677),
        cmocka_unit_test(challenges_that_are_not_acceptable),
        cmocka_unit_test(nonces_and_salts_have_a_longest_length),
        cmocka_unit_test(both_sides_agree),
        cmocka_unit_test(another_password_is_noticed_by_both),
        cmocka_unit_test(verdicts_that_are_none),
        cmocka_unit_test(each_has_its_turn_once),
        cmocka_unit_test(the_salted_password_is_wiped),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
