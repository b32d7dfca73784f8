/* Under the name of one of mosquitto's clients: their defaults, what they put up with, and their
 * exit status. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "cli/exit.h"
#include "cli/persona.h"
#include "words.h"

static void good(int command, const char *line)
{
    if (!reads(command, line))
        fail_msg("%s: %s", line, problem.text);
}

static void bad(int command, const char *line, const char *told)
{
    if (reads(command, line))
        fail_msg("%s: should be refused", line);
    assert_string_equal(problem.text, told);
}

static int as_mosquitto(void **state)
{
    (void)state;
    th_cli_persona_take("mosquitto_pub");
    return 0;
}

#define PUB "-t a -m b "

static void test_names(void **state)
{
    (void)state;
    static const struct {
        const char *called;
        int command;
        enum th_cli_persona persona;
    } names[] = {
        {"mosquitto_pub", TH_CLI_PUB, TH_CLI_MOSQUITTO},
        {"/usr/bin/mosquitto_sub", TH_CLI_SUB, TH_CLI_MOSQUITTO},
        {"./mosquitto_rr", TH_CLI_RR, TH_CLI_MOSQUITTO},
        {"thimble", 0, TH_CLI_THIMBLE},
        {"mosquitto_pub/thimble", 0, TH_CLI_THIMBLE},
        {"mosquitto_", 0, TH_CLI_THIMBLE},
        {"mosquitto_explain", 0, TH_CLI_THIMBLE},
        {"mosquitto_pub2", 0, TH_CLI_THIMBLE},
        {"", 0, TH_CLI_THIMBLE},
    };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        assert_int_equal(th_cli_persona_take(names[i].called), names[i].command);
        assert_int_equal(th_cli_persona(), names[i].persona);
    }
}

static void test_tls_only_if_asked_for(void **state)
{
    (void)state;
    static const struct {
        const char *line;
        bool tls;
        int port;
    } lines[] = {
        {PUB, false, 1883},
        {PUB "-p 1234", false, 1234},
        {PUB "--cafile ca", true, 8883},
        {PUB "--cafile ca -p 1883", true, 1883},
        {PUB "--psk aabb --psk-identity me", true, 8883},
        {PUB "-p 8883 --cafile ca", true, 8883},
        {PUB "--insecure-no-verify", true, 8883},
        {"-L mqtt://h/a -m b", false, 1883},
        {"-L mqtt://h/a -m b --cafile ca", true, 8883},
        {"-L mqtts://h/a -m b --cafile ca", true, 8883},
        {"-L mqtts://h:99/a -m b --cafile ca", true, 99},
        {"-L ws://h/p -t a -m b", false, 80},
        {"-L wss://h/p -t a -m b --cafile ca", true, 443},
        {PUB "--ws", false, 1883},
        {PUB "--cafile ca --cert c --key k --no-tls", false, 1883},
        {PUB "--insecure --tls-version tlsv1.2 --ciphers x --tls-alpn mqtt", false, 1883},
        {PUB "--unix /s", false, 1883},
    };
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        good(TH_CLI_PUB, lines[i].line);
        if (settings.no_tls == lines[i].tls || settings.port != lines[i].port)
            fail_msg("%s: no_tls %d, port %d", lines[i].line, settings.no_tls, (int)settings.port);
    }
    bad(TH_CLI_PUB, PUB "-p 8883", "--cafile: TLS needs to know whom to trust; give the "
        "certificate of the broker's authority, or --no-tls");
    bad(TH_CLI_PUB, PUB "--cert c --key k", "--cert: there is no TLS without --cafile; give it too");
}

static void test_defaults(void **state)
{
    (void)state;
    good(TH_CLI_PUB, PUB);
    assert_int_equal(settings.version, TH_MQTT_3_1_1);
    assert_int_equal(settings.max_inflight, 20);
    assert_int_equal(settings.receive_maximum, 20);
    assert_int_equal(settings.attempts, 0);
    good(TH_CLI_PUB, "-t a -l");
    assert_int_equal(settings.attempts, TH_CLI_FOREVER);
    assert_int_equal(settings.backoff_first_ms, 1000);
    assert_int_equal(settings.backoff_max_ms, 1000);
    assert_false(settings.first_too);
    good(TH_CLI_SUB, "-t a -C 5");
    assert_int_equal(settings.receive_maximum, 5);
    assert_int_equal(settings.attempts, TH_CLI_FOREVER);
    good(TH_CLI_SUB, "-t a -C 20");
    assert_int_equal(settings.receive_maximum, 20);
    good(TH_CLI_RR, "-t a -e b -n");
    assert_int_equal(settings.version, TH_MQTT_5);
    assert_int_equal(settings.receive_maximum, 1);
    assert_int_equal(settings.attempts, 0);
    good(TH_CLI_SUB, "-t a --retry 3 --backoff 5");
    assert_int_equal(settings.attempts, 3);
    assert_int_equal(settings.backoff_max_ms, 5000);
    good(TH_CLI_PUB, PUB "--cafile ca --tls-version tlsv1.2");
    assert_int_equal(settings.tls_versions, 256 * TH_TLS_1_2 + TH_TLS_1_3);
    good(TH_CLI_PUB, PUB "--cafile ca --tls-version tlsv1.3");
    assert_int_equal(settings.tls_versions, 256 * TH_TLS_1_3 + TH_TLS_1_3);
}

/* -D makes it MQTT 5, a -V behind it takes that back; -x alone does not. */
static void test_versions(void **state)
{
    (void)state;
    good(TH_CLI_PUB, PUB "-V 311 -D publish content-type x");
    assert_int_equal(settings.version, TH_MQTT_5);
    good(TH_CLI_PUB, PUB "-D publish content-type x -V 311");
    assert_int_equal(settings.version, TH_MQTT_3_1_1);
    assert_int_equal(settings.properties.count, 0);
    good(TH_CLI_PUB, PUB "-x 9");
    assert_int_equal(settings.version, TH_MQTT_3_1_1);
    assert_int_equal(settings.properties.count, 0);
    good(TH_CLI_SUB, "-t a --retain-as-published --retain-handling never");
    assert_false(settings.retain_as_published);
    assert_int_equal(settings.retain_handling, 0);
    good(TH_CLI_SUB, "-t a --retain-as-published --retain-handling never -V 5");
    assert_true(settings.retain_as_published);
    assert_int_equal(settings.retain_handling, 2);
}

static void test_what_they_put_up_with(void **state)
{
    (void)state;
    static const char *const lines[] = {
        "-t a -l --repeat 2", PUB "--repeat-delay 1", PUB "--will-qos 1", PUB "--psk-identity x",
        PUB "--unix /s -p 9",
    };
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++)
        good(TH_CLI_PUB, lines[i]);
    good(TH_CLI_PUB, "-t a -t c -m b");
    assert_int_equal(settings.topics.count, 1);
    assert_string_equal(settings.topics.items[0], "c");
}

static void test_what_they_refuse(void **state)
{
    (void)state;
    bad(TH_CLI_PUB, PUB "-c -I me", "-c: a session is kept under a client id; give -i");
    bad(TH_CLI_PUB, PUB "-x -1 -V 5", "-x: a session is kept under a client id; give -i");
    bad(TH_CLI_PUB, PUB "--id=", "-i '': is empty; give an ID, or leave it out");
    bad(TH_CLI_PUB, PUB "--bogus", "--bogus: no such option; see mosquitto_pub --help");
}

/* The later one of a URL and an option that says the same counts. */
static void test_urls(void **state)
{
    (void)state;
    good(TH_CLI_PUB, "-h g -p 9 -u v -P w -L mqtt://u:p@h/a -m b");
    assert_string_equal(settings.host, "h");
    assert_string_equal(settings.username, "u");
    assert_int_equal(settings.port, 1883);
    assert_memory_equal(settings.password.data, "p", 1);
    good(TH_CLI_PUB, "-L mqtt://u:p@h:7/a -h g -p 9 -u v -m b");
    assert_string_equal(settings.host, "g");
    assert_string_equal(settings.username, "v");
    assert_int_equal(settings.port, 9);
}

static void test_environment_is_ours(void **state)
{
    (void)state;
    setenv("THIMBLE_HOST", "from-env", 1);
    setenv("THIMBLE_CAFILE", "from-env", 1);
    good(TH_CLI_PUB, PUB);
    assert_string_equal(settings.host, "localhost");
    assert_true(settings.no_tls);
    clearenv();
}

/* ---- exit status ---- */

static int spoken_of(struct th_fault fault)
{
    return th_cli_exit_spoken(th_cli_exit_of(&fault));
}

static void test_exit_status(void **state)
{
    (void)state;
    static const struct {
        struct th_fault fault;
        int theirs;
    } faults[] = {
        {{.code = 0}, 0},
        {{.code = TH_E_TCP}, 1},
        {{.code = TH_E_LOOKUP}, 1},
        {{.code = TH_E_CLOSED, .phase = TH_PHASE_UP}, 7},
        {{.code = TH_E_CLOSED, .phase = TH_PHASE_SHAKING}, 8},
        {{.code = TH_E_TLS}, 8},
        {{.code = TH_E_CERTIFICATE, .tls_code = -188}, 1},
        {{.code = TH_E_FILE, .sys_errno = 2}, 1},
        {{.code = TH_E_ARGUMENT}, 1},
        {{.code = TH_E_PROTOCOL}, 2},
        {{.code = TH_E_PROXY}, 16},
        {{.code = TH_E_CERTIFICATE, .phase = TH_PHASE_SHAKING, .tls_code = -188}, 8},
        {{.code = TH_E_SERVER_NAME, .phase = TH_PHASE_SHAKING}, 8},
        {{.code = TH_E_CLIENT_CERTIFICATE, .phase = TH_PHASE_GREETING}, 7},
        {{.code = TH_E_TIMEOUT, .phase = TH_PHASE_DIALING}, 1},
        {{.code = TH_E_TIMEOUT, .phase = TH_PHASE_UP}, 19},
        {{.code = TH_E_TIMEOUT}, 27},
        {{.code = TH_E_REFUSED, .reason = 5}, 5},
        {{.code = TH_E_REFUSED, .reason = 135}, 135},
    };
    th_cli_exit_as(true);
    for (size_t i = 0; i < sizeof faults / sizeof *faults; i++)
        assert_int_equal(spoken_of(faults[i].fault), faults[i].theirs);
    assert_int_equal(th_cli_exit_spoken(th_cli_exit_of_reason(151)), 151);
    th_cli_exit_as(true);
    assert_int_equal(th_cli_exit_spoken(TH_CLI_TIMEOUT), 27);
    assert_int_equal(th_cli_exit_spoken(TH_CLI_USAGE), 1);
    assert_int_equal(th_cli_exit_spoken(TH_CLI_SUBSCRIPTION), 1);
    assert_int_equal(th_cli_exit_spoken(TH_CLI_OUTPUT_CLOSED), 141);
    th_cli_exit_as(false);
    assert_int_equal(spoken_of((struct th_fault){.code = TH_E_REFUSED, .reason = 135}),
                     TH_CLI_NOT_AUTHORIZED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names),
        cmocka_unit_test_setup(test_tls_only_if_asked_for, as_mosquitto),
        cmocka_unit_test_setup(test_defaults, as_mosquitto),
        cmocka_unit_test_setup(test_versions, as_mosquitto),
        cmocka_unit_test_setup(test_what_they_put_up_with, as_mosquitto),
        cmocka_unit_test_setup(test_what_they_refuse, as_mosquitto),
        cmocka_unit_test_setup(test_urls, as_mosquitto),
        cmocka_unit_test_setup(test_environment_is_ours, as_mosquitto),
        cmocka_unit_test(test_exit_status),
    };
    clearenv();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
