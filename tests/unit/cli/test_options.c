/* Every option with good, missing, malformed and out-of-range values, and those that contradict
 * each other: what is told. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "cli/read.h"
#include "cli/secret.h"

#define MOST_WORDS 80

/* argv as the kernel gives it: writable words, a terminating NULL. */
struct line {
    char text[8192];
    char *argv[MOST_WORDS];
    int argc;
};

static void split(struct line *line, const char *words)
{
    assert_true(strlen(words) < sizeof line->text);
    strcpy(line->text, words);
    line->argc = 0;
    for (char *word = strtok(line->text, " "); word; word = strtok(NULL, " ")) {
        assert_true(line->argc < MOST_WORDS - 1);
        line->argv[line->argc++] = word;
    }
    line->argv[line->argc] = NULL;
}

static struct line line;
static struct th_cli_settings settings;
static struct th_cli_problem problem;

static bool reads(int command, const char *words)
{
    split(&line, words);
    memset(&problem, 0, sizeof problem);
    return th_cli_settings_read(&settings, command, line.argc, line.argv, &problem);
}

static void good(int command, const char *words)
{
    if (!reads(command, words))
        fail_msg("%s: %s", words, problem.text);
}

static void bad(int command, const char *words, const char *expected)
{
    if (reads(command, words))
        fail_msg("%s: should be refused", words);
    assert_string_equal(problem.text, expected);
    assert_null(strchr(problem.text, '\n'));
}

#define PUB "--cafile ca -t a -m b "
#define SUB "--cafile ca -t a "

/* ---- one value ---- */

static void test_good_values(void **state)
{
    (void)state;
    good(TH_CLI_PUB, PUB "-h broker -p 1 -i id -u me -k 5 -V 5 -q 2 -r -d --quiet");
    assert_string_equal(settings.host, "broker");
    assert_int_equal(settings.port, 1);
    assert_string_equal(settings.client_id, "id");
    assert_string_equal(settings.username, "me");
    assert_int_equal(settings.keep_alive_s, 5);
    assert_int_equal(settings.version, TH_MQTT_5);
    assert_int_equal(settings.qos, 2);
    assert_true(settings.retain && settings.debug && settings.quiet);
    good(TH_CLI_PUB, PUB "--port=65535 --keepalive 65535 --protocol-version mqttv311");
    assert_int_equal(settings.port, 65535);
    assert_int_equal(settings.keep_alive_s, 65535);
    good(TH_CLI_SUB, SUB "-C 7 -W 9 -v -N -E -R -T x/# -U y -x 4294967294 -V mqttv5");
    assert_int_equal(settings.count, 7);
    assert_int_equal(settings.seconds, 9);
    assert_int_equal(settings.session_expiry_s, 4294967294);
    assert_true(settings.verbose && settings.no_newline && settings.exit_after_subscribe);
    assert_true(settings.no_retained);
    assert_string_equal(settings.filter_out.items[0], "x/#");
    assert_string_equal(settings.unsubscribe.items[0], "y");
}

static void test_defaults(void **state)
{
    (void)state;
    good(TH_CLI_PUB, PUB);
    assert_string_equal(settings.host, "localhost");
    assert_int_equal(settings.port, 8883);
    assert_int_equal(settings.version, TH_MQTT_3_1_1);
    assert_int_equal(settings.keep_alive_s, 60);
    assert_int_equal(settings.qos, 0);
    assert_int_equal(settings.tls_ms, 30000);
    assert_int_equal(settings.retry, TH_CLI_UNSET);
    assert_null(settings.report);
    good(TH_CLI_PUB, "-t a -n --no-tls");
    assert_int_equal(settings.port, 1883);
}

static void test_times(void **state)
{
    (void)state;
    good(TH_CLI_PUB, PUB "--timeout 2.5 --timeout-tls 0.001 --timeout-ack 86400");
    assert_int_equal(settings.lookup_ms, 2500);
    assert_int_equal(settings.tcp_ms, 2500);
    assert_int_equal(settings.tls_ms, 1);
    assert_int_equal(settings.connack_ms, 2500);
    assert_int_equal(settings.ack_ms, 86400000);
}

static void test_tls_versions(void **state)
{
    (void)state;
    static const struct {
        const char *word;
        int min, max;
    } versions[] = {
        {"tlsv1.2", 12, 12}, {"tlsv1.3", 13, 13}, {"1.2", 12, 12},
        {"1.3", 13, 13},     {"1.2+", 12, 13},
    };
    for (size_t i = 0; i < sizeof versions / sizeof *versions; i++) {
        char words[64];
        snprintf(words, sizeof words, PUB "--tls-version %s", versions[i].word);
        good(TH_CLI_PUB, words);
        assert_int_equal(settings.tls_versions / 256, versions[i].min);
        assert_int_equal(settings.tls_versions % 256, versions[i].max);
    }
}

static void test_budgets_and_report(void **state)
{
    (void)state;
    good(TH_CLI_PUB, PUB "--heap-budget 12k --window-budget 100 --outbox-budget 1 --mem-report");
    assert_int_equal(settings.heap_budget_bytes, 12288);
    assert_int_equal(settings.window_budget_bytes, 100);
    assert_int_equal(settings.outbox_budget_bytes, 1);
    assert_string_equal(settings.report, "");
    good(TH_CLI_PUB, PUB "--mem-report=json:/tmp/r --retry inf");
    assert_string_equal(settings.report, "json:/tmp/r");
    assert_int_equal(settings.retry, TH_CLI_FOREVER);
}

static void test_session_expiry(void **state)
{
    (void)state;
    good(TH_CLI_SUB, SUB "-V 5 -c -i me");
    assert_int_equal(settings.session_expiry_s, 4294967295);
    good(TH_CLI_SUB, SUB "-V 5 -c -i me -x 60");
    assert_int_equal(settings.session_expiry_s, 60);
    good(TH_CLI_SUB, SUB "-V 5 -x -1 -i me");
    assert_int_equal(settings.session_expiry_s, 4294967295);
    good(TH_CLI_SUB, SUB "-c -I me");
    assert_int_equal(settings.session_expiry_s, 0);
}

static void test_wrong_values(void **state)
{
    (void)state;
    static const struct {
        int command;
        const char *words;
        const char *told;
    } cases[] = {
        {TH_CLI_PUB, "-p 0", "-p 0: give a whole number from 1 to 65535"},
        {TH_CLI_PUB, "-p 65536", "-p 65536: give a whole number from 1 to 65535"},
        {TH_CLI_PUB, "-p -1", "-p -1: give a whole number from 1 to 65535"},
        {TH_CLI_PUB, "-p 1x", "-p 1x: give a whole number from 1 to 65535"},
        {TH_CLI_PUB, "-p 99999999999999999999",
         "-p 99999999999999999999: give a whole number from 1 to 65535"},
        {TH_CLI_PUB, "--port= -m x", "--port '': give a whole number from 1 to 65535"},
        {TH_CLI_PUB, "-q 3", "-q 3: give a whole number from 0 to 2"},
        {TH_CLI_PUB, "-q abc", "-q abc: give a whole number from 0 to 2"},
        {TH_CLI_PUB, "--will-qos 3", "--will-qos 3: give a whole number from 0 to 2"},
        {TH_CLI_PUB, "-k 4", "-k 4: give a whole number from 5 to 65535"},
        {TH_CLI_PUB, "-k 65536", "-k 65536: give a whole number from 5 to 65535"},
        {TH_CLI_SUB, "-C 0", "-C 0: give a whole number from 1 to 2147483647"},
        {TH_CLI_SUB, "-W 0", "-W 0: give a whole number from 1 to 2147483"},
        {TH_CLI_SUB, "-W 1.5", "-W 1.5: give a whole number from 1 to 2147483"},
        {TH_CLI_SUB, "-x -2", "-x -2: give a whole number from 0 to 4294967295, or -1"},
        {TH_CLI_SUB, "-x 4294967296",
         "-x 4294967296: give a whole number from 0 to 4294967295, or -1"},
        {TH_CLI_PUB, "--retry x", "--retry x: give a whole number from 0 to 1000000, or inf"},
        {TH_CLI_PUB, "-V 6", "-V 6: give mqttv311, 311, mqttv5, 5, mqttv31 or 31"},
        {TH_CLI_PUB, "--tls-version tlsv1.1",
         "--tls-version tlsv1.1: give tlsv1.2, tlsv1.3, 1.2, 1.3, 1.2+ or 1.3+"},
        {TH_CLI_PUB, "--timeout 0", "--timeout 0: give seconds from 0.001 to 86400"},
        {TH_CLI_PUB, "--timeout 86400.001",
         "--timeout 86400.001: give seconds from 0.001 to 86400"},
        {TH_CLI_PUB, "--timeout 9223372036854775807",
         "--timeout 9223372036854775807: give seconds from 0.001 to 86400"},
        {TH_CLI_PUB, "--timeout-lookup 1.",
         "--timeout-lookup 1.: give seconds from 0.001 to 86400"},
        {TH_CLI_PUB, "--timeout-tcp .5", "--timeout-tcp .5: give seconds from 0.001 to 86400"},
        {TH_CLI_PUB, "--timeout-tls 1.2345",
         "--timeout-tls 1.2345: give seconds from 0.001 to 86400"},
        {TH_CLI_PUB, "--timeout-connack 1e3",
         "--timeout-connack 1e3: give seconds from 0.001 to 86400"},
        {TH_CLI_PUB, "--timeout-ack -1", "--timeout-ack -1: give seconds from 0.001 to 86400"},
        {TH_CLI_PUB, "--mem-report=xml:f", "--mem-report xml:f: give json:FILE, or no value"},
        {TH_CLI_PUB, "--mem-report=json:", "--mem-report json:: give json:FILE, or no value"},
        {TH_CLI_PUB, "--host= x", "--host '': is empty; give a HOST"},
        {TH_CLI_PUB, "--cafile= x", "--cafile '': is empty; give a FILE"},
        {TH_CLI_PUB, "--quiet=yes", "--quiet yes: takes no value"},
        {TH_CLI_PUB, "--pw=x --bogus", "--bogus: no such option; see thimble pub --help"},
        {TH_CLI_PUB, "--nowhere x", "--nowhere: no such option; see thimble pub --help"},
        {TH_CLI_PUB, "--qso 1", "--qso: no such option; did you mean --qos?"},
        {TH_CLI_PUB, "--cafle x", "--cafle: no such option; did you mean --cafile?"},
        {TH_CLI_PUB, "--tls-verison x",
         "--tls-verison: no such option; did you mean --tls-version?"},
        {TH_CLI_SUB, "-z", "-z: no such option; see thimble sub --help"},
        {TH_CLI_SUB, "-vN", "-vN: no such option; see thimble sub --help"},
        {TH_CLI_PUB, "hello", "hello: a word without an option; quote values with blanks"},
        {TH_CLI_PUB, "-", "-: no such option; see thimble pub --help"},
        {TH_CLI_PUB, "-C 1", "-C: an option of sub, not of pub; leave it out"},
        {TH_CLI_SUB, "-m x", "-m: an option of pub and rr, not of sub; leave it out"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        bad(cases[i].command, cases[i].words, cases[i].told);
}

static void test_budgets_end_at_their_pools(void **state)
{
    (void)state;
    static const struct {
        const char *option;
        long long most;
    } budgets[] = {
        {"--heap-budget", TH_TLS_HEAP_BYTES},
        {"--window-budget", TH_PACKET_WINDOW_BYTES},
        {"--outbox-budget", TH_OUTBOX_BYTES},
    };
    char words[96], told[160];
    for (size_t i = 0; i < sizeof budgets / sizeof *budgets; i++) {
        snprintf(words, sizeof words, PUB "%s %lld", budgets[i].option, budgets[i].most);
        good(TH_CLI_PUB, words);
        snprintf(words, sizeof words, "%s %lld", budgets[i].option, budgets[i].most + 1);
        snprintf(told, sizeof told, "%s: give a number of bytes from 1 to %lld", words,
                 budgets[i].most);
        bad(TH_CLI_PUB, words, told);
    }
}

static int command_of(const struct th_cli_option *option)
{
    return option->commands & -option->commands; /* the first */
}

/* Every option of the table that takes a value, as the last word. */
static void test_missing_values(void **state)
{
    (void)state;
    unsigned tried = 0;
    for (size_t i = 0; i < th_cli_options_count; i++) {
        const struct th_cli_option *option = &th_cli_options[i];
        if (th_cli_stands_alone(option) || option->kind == TH_CLI_DECLINED)
            continue;
        char name[TH_CLI_OPTION_NAME_BYTES], told[128];
        th_cli_option_name(option, name);
        snprintf(told, sizeof told, "%s: the value is missing; give a %s", name,
                 th_cli_value(option));
        bad(command_of(option), name, told);
        tried++;
    }
    assert_in_range(tried, 60, 160);
}

/* Every option with a limit, one byte beyond it and exactly at it. */
static void test_overlong_values(void **state)
{
    (void)state;
    static char value[70000];
    unsigned tried = 0;
    for (size_t i = 0; i < th_cli_options_count; i++) {
        const struct th_cli_option *option = &th_cli_options[i];
        bool text = option->kind >= TH_CLI_TEXT && option->kind <= TH_CLI_LIST;
        if (!text || !th_cli_max(option))
            continue;
        char name[TH_CLI_OPTION_NAME_BYTES], told[64];
        char *argv[] = {(char *)th_cli_option_name(option, name), value, NULL};
        int command = command_of(option);
        memset(value, 'x', sizeof value);
        value[th_cli_max(option) + 1] = '\0';
        th_cli_settings_clear(&settings, command);
        assert_false(th_cli_options_parse(&settings, 2, argv, &problem));
        snprintf(told, sizeof told, "too long; give at most %u bytes", th_cli_max(option));
        assert_non_null(strstr(problem.text, told));
        assert_true(strlen(problem.text) < 160);
        value[th_cli_max(option)] = '\0';
        assert_true(th_cli_options_parse(&settings, 2, argv, &problem));
        tried++;
    }
    assert_in_range(tried, 30, 90);
}

/* What no option of its kind takes, for every row of the table: whoever adds a row or a kind gets
 * it tested, or this test fails. Too long is tested above. */
static const char *wrong_value(const struct th_cli_option *option, char *text)
{
    static const char *const wrong[TH_CLI_KINDS] = {
        [TH_CLI_FLAG] = "yes",       [TH_CLI_REPORT] = "xml:f", [TH_CLI_MAYBE_TEXT] = "",
        [TH_CLI_MAYBE_SECONDS] = "x", [TH_CLI_NUMBER] = NULL,   [TH_CLI_WORD] = "bogus",
        [TH_CLI_SECONDS] = "1e3",    [TH_CLI_RANGE] = "60..1",  [TH_CLI_BYTES] = "1m",
        [TH_CLI_PERCENT] = "101",    [TH_CLI_TEXT] = "",        [TH_CLI_SECRET] = "",
        [TH_CLI_JOINED] = "",        [TH_CLI_LIST] = "",
        [TH_CLI_PROPERTY] = "bogus", [TH_CLI_DECLINED] = "x",
    };
    if (option->kind != TH_CLI_NUMBER)
        return wrong[option->kind];
    sprintf(text, "%lld", (long long)th_cli_max(option) + 1);
    return text;
}

static void refused(const struct th_cli_option *option, const char *name, const char *value)
{
    char word[64], shown[64], second[] = "x", third[] = "y";
    bool behind_equals = !option->letter;
    snprintf(word, sizeof word, behind_equals ? "%s=%s" : "%s", name, value);
    char *argv[] = {word, behind_equals ? NULL : (char *)value, second, third, NULL};
    th_cli_settings_clear(&settings, command_of(option));
    memset(&problem, 0, sizeof problem);
    if (th_cli_options_parse(&settings, 4, argv, &problem))
        fail_msg("%s %s: should be refused", name, value);
    assert_int_equal(strncmp(problem.text, name, strlen(name)), 0);
    snprintf(shown, sizeof shown, " %s", option->kind == TH_CLI_SECRET ? "(hidden)"
                                         : *value                     ? value
                                                                      : "''");
    if (option->kind != TH_CLI_DECLINED && !strstr(problem.text, shown))
        fail_msg("the value is not named: %s", problem.text);
    assert_null(strchr(problem.text, '\n'));
    const char *remedy = strstr(problem.text + strlen(name), ": ");
    if (!remedy || strlen(remedy) < strlen(": give"))
        fail_msg("no remedy: %s", problem.text);
}

static bool takes_anything(const struct th_cli_option *option)
{
    bool text = option->kind >= TH_CLI_TEXT && option->kind <= TH_CLI_LIST;
    return text && option->min == 0;
}

static void test_every_option_refuses(void **state)
{
    (void)state;
    unsigned tried = 0;
    for (size_t i = 0; i < th_cli_options_count; i++) {
        const struct th_cli_option *option = &th_cli_options[i];
        char name[TH_CLI_OPTION_NAME_BYTES], text[32];
        if (takes_anything(option) || (option->kind == TH_CLI_FLAG && option->letter))
            continue;
        th_cli_option_name(option, name);
        refused(option, name, wrong_value(option, text));
        tried++;
    }
    assert_true(tried > 70);
}

static void test_declined_options_say_what_to_use(void **state)
{
    (void)state;
    bad(TH_CLI_RR, "--tls-engine e", "--tls-engine: not here; give the key as a file with --key");
    bad(TH_CLI_RR, "--tls-engine-kpass-sha1 e", "--tls-engine-kpass-sha1: not here; give a key "
        "without pass phrase with --key");
    bad(TH_CLI_PUB, PUB "--key k --cert c --keyform engine", "--keyform engine: give pem");
}

static void test_values_are_shown_harmlessly(void **state)
{
    (void)state;
    bad(TH_CLI_PUB, "-p \x1b[2J", "-p ?[2J: give a whole number from 1 to 65535");
}

static void test_secrets_are_never_shown(void **state)
{
    (void)state;
    static char password[5000];
    char *argv[] = {"-P", password, NULL};
    memset(password, 's', sizeof password - 1);
    th_cli_settings_clear(&settings, TH_CLI_PUB);
    assert_false(th_cli_options_parse(&settings, 2, argv, &problem));
    assert_string_equal(problem.text, "-P (hidden): too long; give at most 4096 bytes");
    bad(TH_CLI_PUB, "-L http://u:secret@h -m x",
        "-L (hidden): write mqtts://[USER[:PASSWORD]@]HOST[:PORT][/TOPIC] (mqtt:// without TLS, "
        "wss:// and ws:// in WebSocket)");
}

static void test_too_many_topics(void **state)
{
    (void)state;
    char *argv[2 * (TH_CLI_LIST_MAX + 1)];
    for (int i = 0; i <= TH_CLI_LIST_MAX; i++) {
        argv[2 * i] = "-t";
        argv[2 * i + 1] = "a";
    }
    th_cli_settings_clear(&settings, TH_CLI_SUB);
    assert_true(th_cli_options_parse(&settings, 2 * TH_CLI_LIST_MAX, argv, &problem));
    th_cli_settings_clear(&settings, TH_CLI_SUB);
    assert_false(th_cli_options_parse(&settings, 2 * TH_CLI_LIST_MAX + 2, argv, &problem));
    assert_string_equal(problem.text, "-t a: one too many; give at most 64 of them");
}

/* A secret that was wiped is not there any more. */
static bool argv_contains(const char *secret)
{
    return memmem(line.text, sizeof line.text, secret, strlen(secret));
}

/* ---- the broker, and how it is reached ---- */

static void test_routes(void **state)
{
    (void)state;
    good(TH_CLI_PUB, PUB "--addr 192.0.2.1 --addr ::1 -A 192.0.2.9 --bind-interface eth0 "
         "--fwmark 7 --servername s --nodelay");
    assert_int_equal(settings.addresses.count, 2);
    assert_string_equal(settings.addresses.items[1], "::1");
    assert_string_equal(settings.bind_address, "192.0.2.9");
    assert_string_equal(settings.bind_interface, "eth0");
    assert_int_equal(settings.mark, 7);
    assert_string_equal(settings.server_name, "s");
    good(TH_CLI_PUB, "-t a -n --unix /s");
    assert_true(settings.no_tls);
    good(TH_CLI_PUB, PUB "--unix /s");
    assert_false(settings.no_tls);
    good(TH_CLI_PUB, PUB "--ws");
    assert_int_equal(settings.port, 443);
    assert_string_equal(settings.websocket_path, "/mqtt");
    good(TH_CLI_PUB, "-L ws://h:9/p/q -t a -n");
    assert_int_equal(settings.port, 9);
    assert_true(settings.websocket && settings.no_tls);
    assert_string_equal(settings.websocket_path, "/p/q");
    good(TH_CLI_PUB, "-L ws://h/ -t a -n --ws-path /x --ws");
    assert_int_equal(settings.port, 80);
    assert_string_equal(settings.websocket_path, "/x");
}

static void test_proxy(void **state)
{
    (void)state;
    good(TH_CLI_PUB, PUB "--proxy socks5h://u%3A:p%40%25@[::1]:9");
    assert_string_equal(settings.proxy.host, "::1");
    assert_int_equal(settings.proxy.port, 9);
    assert_string_equal(settings.proxy.username, "u:");
    assert_int_equal(settings.proxy.password.len_bytes, 3);
    assert_memory_equal(settings.proxy.password.data, "p@%", 3);
    assert_false(argv_contains("p%40"));
    good(TH_CLI_PUB, PUB "--proxy socks5h://h");
    assert_null(settings.proxy.username);
    assert_int_equal(settings.proxy.port, 0);
}

static void test_psk(void **state)
{
    (void)state;
    good(TH_CLI_PUB, "-t a -n --psk 00fFa0 --psk-identity me");
    assert_int_equal(settings.psk.len_bytes, 3);
    assert_memory_equal(settings.psk.data, "\0\xff\xa0", 3);
    assert_false(argv_contains("fFa0"));
    assert_false(settings.no_tls);
    th_cli_secret_wipe();
    static const char *const wrong[] = {"0", "123", "0g", "zz", "0x12"};
    char words[64];
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        snprintf(words, sizeof words, "-t a -n --psk-identity me --psk %s", wrong[i]);
        assert_false(reads(TH_CLI_PUB, words));
        assert_int_equal(strncmp(problem.text, "--psk (hidden): ", 16), 0);
    }
}

static void test_attempts(void **state)
{
    (void)state;
    static const struct {
        const char *words;
        int attempts;
        bool first_too;
        long long wait_ms, first_ms, max_ms;
    } all[] = {
        {PUB, 10, false, TH_CLI_UNSET, 0, 0},
        {PUB "--retry 0", 0, false, TH_CLI_UNSET, 0, 0},
        {PUB "--retry 3 --backoff 1s..60s", 3, true, TH_CLI_UNSET, 1000, 60000},
        {PUB "--retry inf --backoff 0.5", TH_CLI_FOREVER, true, TH_CLI_UNSET, 500, 500},
        {PUB "--backoff 2..2.5s", 10, false, TH_CLI_UNSET, 2000, 2500},
        {PUB "--wait-broker", TH_CLI_FOREVER, true, 0, 0, 0},
        {PUB "--wait-broker=1.5", TH_CLI_FOREVER, true, 1500, 0, 0},
    };
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        good(TH_CLI_PUB, all[i].words);
        assert_int_equal(settings.attempts, all[i].attempts);
        assert_int_equal(settings.first_too, all[i].first_too);
        assert_int_equal(settings.wait_broker_ms, all[i].wait_ms);
        assert_int_equal(settings.backoff_first_ms, all[i].first_ms);
        assert_int_equal(settings.backoff_max_ms, all[i].max_ms);
    }
    static const char *const wrong[] = {"x", "", "1..", "..1", "2..1", "1...2", "1s60", "1sx", "0",
                                        "1..86401", "1m"};
    char words[64];
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        snprintf(words, sizeof words, "--backoff=%s", wrong[i]);
        assert_false(reads(TH_CLI_PUB, words));
    }
}

static void test_mqtt_5_is_implied(void **state)
{
    (void)state;
    static const char *const words[] = {
        "-x 5", "-D connect user-property a b", "--topic-alias-maximum 3",
        "--auth scram-sha-256 -u me -P pw", "--retain-as-published", "--retain-handling new",
    };
    char all[128];
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        snprintf(all, sizeof all, SUB "%s", words[i]);
        good(TH_CLI_SUB, all);
        assert_int_equal(settings.version, TH_MQTT_5);
        snprintf(all, sizeof all, SUB "%s -V mqttv311", words[i]);
        assert_false(reads(TH_CLI_SUB, all));
        assert_non_null(strstr(problem.text, ": only MQTT 5 has it; give -V mqttv5"));
    }
    good(TH_CLI_PUB, PUB "-V mqttv31");
    assert_int_equal(settings.version, TH_MQTT_3_1);
    good(TH_CLI_RR, PUB "-e b");
    assert_int_equal(settings.version, TH_MQTT_5);
}

/* ---- several options ---- */

#define NO_TEXT ": not UTF-8 without control characters"
#define NO_TOPIC ": not a topic to publish on; it is UTF-8 without +, # and control characters"
#define NO_FILTER ": not a topic filter: UTF-8 without control characters; + stands for a whole " \
                  "level, # for the rest, at the end"

static void test_contradictions(void **state)
{
    (void)state;
    static const struct {
        int command;
        const char *words;
        const char *told;
    } cases[] = {
        {TH_CLI_PUB, "--cafile ca -m b", "-t: the topic is missing; give one topic to publish on"},
        {TH_CLI_PUB, PUB "-t c", "-t: more than one topic; give one topic to publish on"},
        {TH_CLI_PUB, "--cafile ca -t a",
         "-m, -f, -l, -s, -n: nothing to publish; give one of them"},
        {TH_CLI_PUB, PUB "-n", "-m, -f, -l, -s, -n: more than one message; give one of them"},
        {TH_CLI_PUB, "--cafile ca -t a -l -s",
         "-m, -f, -l, -s, -n: more than one message; give one of them"},
        {TH_CLI_PUB, "--cafile ca -t a/+ -n", "-t a/+" NO_TOPIC},
        {TH_CLI_PUB, "--cafile ca -t \xff -n", "-t \xff" NO_TOPIC},
        {TH_CLI_PUB, "--cafile ca -t a\nb -n", "-t a?b" NO_TOPIC},
        {TH_CLI_PUB, "--cafile ca -t \xef\xbf\xbf -n", "-t \xef\xbf\xbf" NO_TOPIC},
        {TH_CLI_RR, "--cafile ca -t a -e \x7f -n", "-e ?" NO_TOPIC},
        {TH_CLI_RR, "--cafile ca -t a\x1b -e b -n", "-t a?" NO_TOPIC},
        {TH_CLI_PUB, PUB "-i \xff", "-i \xff" NO_TEXT},
        {TH_CLI_PUB, PUB "-i a\x01", "-i a?" NO_TEXT},
        {TH_CLI_PUB, PUB "-I \n", "-I ?" NO_TEXT},
        {TH_CLI_PUB, PUB "-u \xff", "-u \xff" NO_TEXT},
        {TH_CLI_PUB, PUB "-u \x7f", "-u ?" NO_TEXT},
        {TH_CLI_SUB, "--cafile ca", "-t: the topic is missing; give what to subscribe to"},
        {TH_CLI_SUB, "--cafile ca -t a/#/b", "-t a/#/b" NO_FILTER},
        {TH_CLI_SUB, SUB "-T a+", "-T a+" NO_FILTER},
        {TH_CLI_SUB, SUB "-U a+", "-U a+" NO_FILTER},
        {TH_CLI_SUB, "--cafile ca -t a/\n/#", "-t a/?/#" NO_FILTER},
        {TH_CLI_SUB, SUB "-T \x1f", "-T ?" NO_FILTER},
        {TH_CLI_SUB, SUB "-U \xef\xb7\x90", "-U \xef\xb7\x90" NO_FILTER},
        {TH_CLI_SUB, SUB "-R --retained-only",
         "-R and --retained-only: give only one of them"},
        {TH_CLI_PUB, "-t a -n", "--cafile: TLS needs to know whom to trust; give the certificate "
         "of the broker's authority, or --no-tls"},
        {TH_CLI_PUB, PUB "--cert c", "--cert: needs --key; give both"},
        {TH_CLI_PUB, PUB "--key k", "--key: needs --cert; give both"},
        {TH_CLI_PUB, PUB "--no-tls",
         "--cafile: there is no TLS with --no-tls; leave one of them out"},
        {TH_CLI_PUB, "-t a -n --no-tls --cert c",
         "--cert: there is no TLS with --no-tls; leave one of them out"},
        {TH_CLI_PUB, "-t a -n --no-tls --tls-version 1.3",
         "--tls-version: there is no TLS with --no-tls; leave one of them out"},
        {TH_CLI_PUB, "-t a -n --no-tls --clock-timeout 5",
         "--clock-timeout: there is no TLS with --no-tls; leave one of them out"},
        {TH_CLI_PUB, "-t a -n --no-tls --insecure",
         "--insecure: there is no TLS with --no-tls; leave one of them out"},
        {TH_CLI_PUB, "-L mqtt://h/a -n --cafile ca",
         "--cafile: there is no TLS with mqtt://; leave one of them out"},
        {TH_CLI_PUB, PUB "--insecure --insecure-no-verify",
         "--insecure and --insecure-no-verify: give only one of them"},
        {TH_CLI_PUB, PUB "-i a -I b", "-i and -I: give only one of them"},
        {TH_CLI_PUB, PUB "-c", "-c: a session is kept under a client id; give -i or -I"},
        {TH_CLI_PUB, PUB "-V 311 -x 5", "-x: only MQTT 5 has it; give -V mqttv5"},
        {TH_CLI_PUB, PUB "-V 5 -x -1", "-x: a session is kept under a client id; give -i or -I"},
        {TH_CLI_PUB, PUB "-P x", "-P: only MQTT 5 has a password without a user name; give -u, "
         "or -V mqttv5"},
        {TH_CLI_PUB, PUB "--password-file f", "--password-file: only MQTT 5 has a password "
         "without a user name; give -u, or -V mqttv5"},
        {TH_CLI_PUB, PUB "-u me -P x --password-file f",
         "-P and --password-file: give only one of them"},
        {TH_CLI_PUB, PUB "--will-payload x",
         "--will-payload: needs --will-topic; give both"},
        {TH_CLI_PUB, PUB "--will-qos 1", "--will-qos: needs --will-topic; give both"},
        {TH_CLI_PUB, PUB "--will-retain", "--will-retain: needs --will-topic; give both"},
        {TH_CLI_PUB, PUB "--will-topic #", "--will-topic #" NO_TOPIC},
        {TH_CLI_PUB, PUB "--will-topic a\n", "--will-topic a?" NO_TOPIC},
        {TH_CLI_PUB, "-L mqtts://h/a -n -h g", "-h: the host is in the -L URL too; give it once"},
        {TH_CLI_PUB, "-L mqtts://h:1/a -n -p 2", "-p: the port is in the -L URL too; give it once"},
        {TH_CLI_PUB, "-L mqtts://u@h/a -n -u v",
         "-u: the user name is in the -L URL too; give it once"},
        {TH_CLI_PUB, "-L mqtts://u:p@h/a -n -P q",
         "-P: the password is in the -L URL too; give it once"},
        {TH_CLI_PUB, "-L mqtts://u:p@h/a -n --password-file q",
         "--password-file: the password is in the -L URL too; give it once"},
        {TH_CLI_PUB, "-L mqtts://h/a -n -t b", "--cafile: TLS needs to know whom to trust; give "
         "the certificate of the broker's authority, or --no-tls"},
        {TH_CLI_PUB, "-L mqtts://h/a --cafile ca -n -t b",
         "-t: more than one topic; give one topic to publish on"},
        {TH_CLI_PUB, "-L mqtts://h/a -n --no-tls",
         "--no-tls: the -L URL asks for TLS; leave one of them out"},
        {TH_CLI_PUB, "-L mqtts://h:0/a -n", "-L (hidden): give a port from 1 to 65535"},
        {TH_CLI_PUB, "-L ws://h/p -t a -n --ws-path q",
         "--ws-path: the path is in the -L URL too; give it once"},
        {TH_CLI_PUB, PUB "--ws-path /q", "--ws-path: needs --ws; give both"},
        {TH_CLI_PUB, PUB "--ws --ws-path q", "--ws-path q: give a path that begins with /"},
        {TH_CLI_PUB, PUB "--addr broker", "--addr broker: give an address in numbers, such as "
         "192.0.2.1 or 2001:db8::1"},
        {TH_CLI_PUB, PUB "-A ff", "-A ff: give an address in numbers, such as 192.0.2.1 or "
         "2001:db8::1"},
        {TH_CLI_PUB, PUB "-h a..b", "-h a..b: give a name, such as broker.example, or an address"},
        {TH_CLI_PUB, PUB "--servername a/b",
         "--servername a/b: give a name, such as broker.example, or an address"},
        {TH_CLI_PUB, PUB "--tls-alpn a,,b", "--tls-alpn a,,b: give names with one comma between"},
        {TH_CLI_PUB, PUB "--tls-alpn a,", "--tls-alpn a,: give names with one comma between"},
        {TH_CLI_PUB, PUB "--unix /s -p 1", "--unix and -p: give only one of them"},
        {TH_CLI_PUB, PUB "-S -p 1", "-S and -p: give only one of them"},
        {TH_CLI_PUB, PUB "-S --addr ::1", "-S and --addr: give only one of them"},
        {TH_CLI_PUB, PUB "--addr ::1 --proxy socks5h://h",
         "--addr and --proxy: give only one of them"},
        {TH_CLI_PUB, PUB "--proxy http://h",
         "--proxy (hidden): write socks5h://[USER[:PASSWORD]@]HOST[:PORT]"},
        {TH_CLI_PUB, PUB "--proxy socks5h://%@h",
         "--proxy (hidden): a part is too long, or a % stands before no two digits"},
        {TH_CLI_PUB, PUB "--psk 00", "--psk and --cafile: give only one of them"},
        {TH_CLI_PUB, "-t a -n --psk 00", "--psk: needs --psk-identity; give both"},
        {TH_CLI_PUB, "-t a -n --psk-identity x", "--psk-identity: needs --psk; give both"},
        {TH_CLI_PUB, PUB "--keyform pem", "--keyform: needs --key; give both"},
        {TH_CLI_PUB, PUB "--auth scram-sha-256", "--auth: needs -u; give both"},
        {TH_CLI_PUB, PUB "--auth scram-sha-256 -u me",
         "--auth: the password is missing; give --password-file"},
        {TH_CLI_PUB, PUB "--repeat-delay 1", "--repeat-delay: needs --repeat; give both"},
        {TH_CLI_PUB, "--cafile ca -t a -l --repeat 2", "--repeat and -l: give only one of them"},
        {TH_CLI_PUB, PUB "--retry 1 --wait-broker",
         "--retry and --wait-broker: give only one of them"},
        {TH_CLI_PUB, "-t a -n --no-tls --tls-keylog f",
         "--tls-keylog: there is no TLS with --no-tls; leave one of them out"},
        {TH_CLI_PUB, "-L ws://h -t a -n --ciphers x",
         "--ciphers: there is no TLS with ws://; leave one of them out"},
        {TH_CLI_SUB, SUB "-F x --jsonl", "-F and --jsonl: give only one of them"},
        {TH_CLI_SUB, SUB "--message-rate -w", "--message-rate and -w: give only one of them"},
        {TH_CLI_RR, PUB, "-e: the topic is missing; give where the response is expected"},
        {TH_CLI_RR, "--cafile ca -t a -e b",
         "-m, -f, -s, -n: nothing to publish; give one of them"},
        {TH_CLI_PUB, PUB "-c -i me -x 5 -D connect session-expiry-interval 7",
         "-x and -D connect session-expiry-interval: give only one of them"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        bad(cases[i].command, cases[i].words, cases[i].told);
}

static void test_help_needs_nothing_else(void **state)
{
    (void)state;
    good(TH_CLI_PUB, "--help");
    assert_true(settings.help);
    good(TH_CLI_SUB, "-t a --version");
    assert_true(settings.version_wanted);
}

static void test_url_fills_the_settings(void **state)
{
    (void)state;
    good(TH_CLI_SUB, "-L mqtts://me:secret@[::1]:18883/a/b -t c --cafile ca");
    assert_string_equal(settings.host, "::1");
    assert_int_equal(settings.port, 18883);
    assert_string_equal(settings.username, "me");
    assert_int_equal(settings.password.len_bytes, 6);
    assert_memory_equal(settings.password.data, "secret", 6);
    assert_int_equal(settings.topics.count, 2);
    assert_string_equal(settings.topics.items[0], "a/b");
    assert_string_equal(settings.topics.items[1], "c");
    assert_false(settings.no_tls);
    good(TH_CLI_PUB, "-L mqtt://h/a -n");
    assert_true(settings.no_tls);
    assert_int_equal(settings.port, 1883);
    good(TH_CLI_PUB, "-L mqtt://h/a -n -p 7 -u me -P pw");
    assert_int_equal(settings.port, 7);
}

/* ---- secrets ---- */

static void test_passwords_vanish_from_argv(void **state)
{
    (void)state;
    good(TH_CLI_PUB, PUB "-u me -P hunter2");
    assert_false(argv_contains("hunter2"));
    assert_int_equal(settings.password.len_bytes, 7);
    assert_memory_equal(settings.password.data, "hunter2", 7);
    good(TH_CLI_PUB, PUB "-u me --pw=hunter3");
    assert_false(argv_contains("hunter3"));
    good(TH_CLI_PUB, "-L mqtts://me:hunter4@h/a -n --cafile ca");
    assert_false(argv_contains("hunter4"));
    assert_true(argv_contains("@h/a"));
    th_cli_secret_wipe();
    assert_null(th_cli_secret().data);
}

/* ---- the environment ---- */

static void test_environment(void **state)
{
    (void)state;
    static char password[] = "THIMBLE_PASSWORD=hunter5";
    setenv("THIMBLE_HOST", "from-env", 1);
    setenv("THIMBLE_CAFILE", "ca-env", 1);
    setenv("THIMBLE_CERT", "cert-env", 1);
    setenv("THIMBLE_KEY", "key-env", 1);
    setenv("THIMBLE_USERNAME", "user-env", 1);
    setenv("THIMBLE_PASSWORD_FILE", "file-env", 1);
    putenv(password);
    good(TH_CLI_PUB, "-t a -n");
    assert_string_equal(settings.host, "from-env");
    assert_string_equal(settings.cafile, "ca-env");
    assert_string_equal(settings.certificate, "cert-env");
    assert_string_equal(settings.key, "key-env");
    assert_string_equal(settings.username, "user-env");
    assert_memory_equal(settings.password.data, "hunter5", 7);
    assert_null(settings.password_file);
    assert_string_equal(password, "THIMBLE_PASSWORD=");
    good(TH_CLI_PUB, "-t a -n");
    assert_string_equal(settings.password_file, "file-env");
    static char unwanted[] = "THIMBLE_PASSWORD=hunter6";
    putenv(unwanted);
    good(TH_CLI_PUB, "-t a -n -h mine --cafile mine -u mine -P mine");
    assert_string_equal(unwanted, "THIMBLE_PASSWORD=");
    assert_string_equal(settings.host, "mine");
    assert_string_equal(settings.cafile, "mine");
    assert_string_equal(settings.username, "mine");
    assert_memory_equal(settings.password.data, "mine", 4);
    good(TH_CLI_PUB, "-t a -n --no-tls");
    assert_null(settings.cafile);
    good(TH_CLI_PUB, "-L mqtt://h/a -n");
    assert_string_equal(settings.host, "h");
    static char long_host[300];
    memset(long_host, 'x', sizeof long_host - 1);
    setenv("THIMBLE_HOST", long_host, 1);
    assert_false(reads(TH_CLI_PUB, "-t a -n"));
    assert_non_null(strstr(problem.text, "THIMBLE_HOST xxx"));
    assert_non_null(strstr(problem.text, "...: too long; give at most 253 bytes"));
    clearenv();
}

/* ---- the table itself ---- */

static void test_table_is_unambiguous(void **state)
{
    (void)state;
    for (size_t i = 0; i < th_cli_options_count; i++) {
        const struct th_cli_option *a = &th_cli_options[i];
        const char *name = th_cli_long(a);
        assert_true(a->letter || name);
        assert_true(a->commands & (TH_CLI_ROADS | TH_CLI_FILES));
        assert_true(a->kind < TH_CLI_KINDS);
        if (a->kind != TH_CLI_DECLINED)
            assert_int_equal(th_cli_value(a) == NULL, a->kind == TH_CLI_FLAG);
        assert_true(strlen(th_cli_help_line(a)) <= 60);
        assert_true(a->offset < sizeof(struct th_cli_settings));
        assert_true(!name || strlen(name) + 3 < TH_CLI_OPTION_NAME_BYTES);
        for (size_t j = 0; j < i; j++) {
            const struct th_cli_option *b = &th_cli_options[j];
            assert_false(a->letter && a->letter == b->letter);
            assert_false(name && th_cli_long(b) && !strcmp(name, th_cli_long(b)));
            if (a->kind != TH_CLI_DECLINED || b->kind != TH_CLI_DECLINED)
                assert_int_not_equal(a->offset, b->offset);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_good_values),
        cmocka_unit_test(test_defaults),
        cmocka_unit_test(test_times),
        cmocka_unit_test(test_tls_versions),
        cmocka_unit_test(test_budgets_and_report),
        cmocka_unit_test(test_session_expiry),
        cmocka_unit_test(test_wrong_values),
        cmocka_unit_test(test_budgets_end_at_their_pools),
        cmocka_unit_test(test_missing_values),
        cmocka_unit_test(test_overlong_values),
        cmocka_unit_test(test_values_are_shown_harmlessly),
        cmocka_unit_test(test_secrets_are_never_shown),
        cmocka_unit_test(test_too_many_topics),
        cmocka_unit_test(test_contradictions),
        cmocka_unit_test(test_routes),
        cmocka_unit_test(test_proxy),
        cmocka_unit_test(test_psk),
        cmocka_unit_test(test_attempts),
        cmocka_unit_test(test_mqtt_5_is_implied),
        cmocka_unit_test(test_every_option_refuses),
        cmocka_unit_test(test_declined_options_say_what_to_use),
        cmocka_unit_test(test_help_needs_nothing_else),
        cmocka_unit_test(test_url_fills_the_settings),
        cmocka_unit_test(test_passwords_vanish_from_argv),
        cmocka_unit_test(test_environment),
        cmocka_unit_test(test_table_is_unambiguous),
    };
    clearenv();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
