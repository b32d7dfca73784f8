/* Commands that only print, and command lines that are wrong. */
#include "acting_client.h"

/* ---- wrong command lines touch nothing ------------------------------------------------------- */

static void test_usage_touches_nothing(void **state)
{
    (void)state;
    assert_int_equal(run(TH_CLI_PUB, "-t a -f /nonexistent -q 9", SCRIPT(idle)), 64);
    assert_string_equal(said, "thimble pub: -q 9: give a whole number from 0 to 2\n");
    assert_int_equal(run(TH_CLI_SUB, "--quiet -t a", SCRIPT(idle)), 64);
    assert_non_null(strstr(said, "--cafile: TLS needs"));
    assert_int_equal(client.connects, 0);
    assert_null(client.context);
    assert_null(client.config);
}

/* ---- the other commands ---------------------------------------------------------------------- */

static int run_words(const char *words)
{
    static char text[256];
    char *argv[10];
    int argc = 0;
    strcpy(text, words);
    for (char *word = strtok(text, " "); word; word = strtok(NULL, " "))
        argv[argc++] = word;
    argv[argc] = NULL;
    FILE *out = tmpfile(), *err = tmpfile();
    fflush(stdout);
    fflush(stderr);
    int saved_out = capture(1, out), saved_err = capture(2, err);
    th_cli_voice_set(&(struct th_cli_voice){.command = "", .danger = ""});
    int status = th_cli_run(argc, argv);
    restore(1, saved_out);
    restore(2, saved_err);
    read_back(out, printed);
    read_back(err, said);
    return status;
}

static void test_wrong_commands(void **state)
{
    (void)state;
    assert_int_equal(run_words("thimble"), 64);
    assert_string_equal(said, "thimble: the command is missing; see thimble --help\n");
    assert_int_equal(run_words("thimble pbu"), 64);
    assert_string_equal(said, "thimble: pbu: no such command; did you mean thimble pub?\n");
    assert_int_equal(run_words("thimble vresion"), 64);
    assert_string_equal(said, "thimble: vresion: no such command; did you mean thimble version?\n");
    assert_int_equal(run_words("thimble -h"), 64);
    assert_string_equal(said, "thimble: -h: the command comes first, such as thimble pub; see "
                              "thimble --help\n");
    assert_int_equal(run_words("thimble help foo"), 64);
    assert_string_equal(said, "thimble: foo: no such command; see thimble --help\n");
    assert_int_equal(run_words("thimble elephant"), 64);
    assert_string_equal(said, "thimble: elephant: no such command; see thimble --help\n");
    assert_string_equal(printed, "");
}

static void test_explain(void **state)
{
    (void)state;
    assert_int_equal(run_words("thimble explain 72"), 0);
    assert_memory_equal(printed, "72 unknown-ca\n", 14);
    assert_int_equal(run_words("thimble explain unknown-ca"), 0);
    assert_memory_equal(printed, "72 unknown-ca\n", 14);
    assert_int_equal(run_words("thimble explain 73 quota-exceeded"), 0);
    assert_memory_equal(printed, "73 wrong-host\n", 14);
    assert_non_null(strstr(printed, "\n56 quota-exceeded\n"));
    assert_int_equal(run_words("thimble explain 73 1"), 64);
    assert_int_equal(run_words("thimble explain 1"), 64);
    assert_int_equal(run_words("thimble explain 072x"), 64);
    assert_int_equal(run_words("thimble explain"), 0);
    unsigned lines = 0;
    for (const char *at = printed; (at = strchr(at, '\n')); at++)
        lines++;
    assert_int_equal(lines, th_cli_exits_count);
}

static unsigned count_lines_beginning_with(const char *start)
{
    unsigned found = 0;
    for (const char *at = printed; at; at = strchr(at, '\n') ? strchr(at, '\n') + 1 : NULL)
        found += !strncmp(at, start, strlen(start));
    return found;
}

/* Every option has a line: "  -x" or "      --name". */
static void test_help(void **state)
{
    (void)state;
    static const char *const words[] = {"thimble pub --help", "thimble help sub"};
    for (int i = 0; i < 2; i++) {
        unsigned expected = 0;
        for (size_t o = 0; o < th_cli_options_count; o++)
            expected += (th_cli_options[o].commands & (i == 0 ? TH_CLI_PUB : TH_CLI_SUB)) != 0;
        assert_int_equal(run_words(words[i]), 0);
        assert_int_equal(count_lines_beginning_with("  -") +
                         count_lines_beginning_with("      --"), expected);
        assert_string_equal(said, "");
    }
    assert_int_equal(run_words("thimble help"), 0);
    assert_int_equal(count_lines_beginning_with("  thimble "), th_cli_commands_count);
    assert_int_equal(run_words("thimble --help"), 0);
    assert_int_equal(count_lines_beginning_with("  thimble "), th_cli_commands_count);
}

static void test_version(void **state)
{
    (void)state;
    assert_int_equal(run_words("thimble pub --version"), 0);
    assert_string_equal(printed, "thimble " TH_VERSION "\n");
    assert_int_equal(run_words("thimble version"), 0);
    assert_int_equal(count_lines_beginning_with("wolfssl "), 1);
    assert_int_equal(count_lines_beginning_with("tls_heap_bytes "), 1);
}

/* A command without options lists what it takes; one with them, these. */
static void test_help_of_each(void **state)
{
    (void)state;
    static const char *const words[] = {
        "thimble help status", "thimble status --help", "thimble status",
        "thimble help config", "thimble config --help", "thimble config",
        "thimble help spool", "thimble spool --help", "thimble spool",
        "thimble help mem", "thimble mem --help", "thimble mem",
        "thimble help pub", "thimble pub --help", "thimble pub --help",
    };
    char first[sizeof printed];
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        assert_int_equal(run_words(words[i]), 0);
        if (i % 3 == 0)
            strcpy(first, printed);
        assert_string_equal(printed, first);
        assert_null(strstr(printed, "lists the options of a command"));
    }
    assert_int_equal(run_words("thimble help help"), 0);
    assert_non_null(strstr(printed, "lists the options of a command"));
    run_words("thimble agent --help");
    assert_non_null(strstr(printed, "\n  -c, --config FILE"));
    run_words("thimble pub --help");
    assert_non_null(strstr(printed, "\n      --config FILE"));
}

static void test_words_too_many(void **state)
{
    (void)state;
    assert_int_equal(run_words("thimble version extra"), 64);
    assert_string_equal(said, "thimble version: extra does not fit here; see thimble help version\n");
    assert_int_equal(run_words("thimble spool extra"), 64);
    assert_string_equal(said, "thimble spool: extra does not fit here; see thimble help spool\n");
    assert_int_equal(run_words("thimble mem extra"), 64);
    assert_string_equal(said, "thimble mem: extra does not fit here; see thimble help mem\n");
    assert_string_equal(printed, "");
}

/* Help and version are no success there. */
static void test_names_of_mosquitto(void **state)
{
    (void)state;
    assert_int_equal(run_words("mosquitto_pub --version"), 1);
    assert_string_equal(printed, "mosquitto_pub version " TH_VERSION " running on thimble "
                        TH_VERSION ".\n");
    assert_int_equal(run_words("/usr/bin/mosquitto_rr --help"), 1);
    assert_memory_equal(printed, "mosquitto_rr [-h HOST]", 22);
    assert_int_equal(run_words("mosquitto_sub -t a -q 9"), 1);
    assert_string_equal(said, "Error: -q 9: give a whole number from 0 to 2\n");
    assert_int_equal(run_words("thimble sub -t a -q 9"), 64);
    assert_string_equal(said, "thimble sub: -q 9: give a whole number from 0 to 2\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_usage_touches_nothing, fresh_client),
        cmocka_unit_test(test_wrong_commands),
        cmocka_unit_test(test_explain),
        cmocka_unit_test(test_help),
        cmocka_unit_test(test_version),
        cmocka_unit_test(test_help_of_each),
        cmocka_unit_test(test_words_too_many),
        cmocka_unit_test(test_names_of_mosquitto),
    };
    clearenv();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
