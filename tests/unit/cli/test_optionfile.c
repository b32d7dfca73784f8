/* Options files: what their lines mean, which file is read, and that the command line wins. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "cli/optionfile.h"
#include "cli/persona.h"
#include "words.h"

static bool parses(int command, const char *content)
{
    static char text[512];
    strcpy(text, content);
    th_cli_settings_clear(&settings, command);
    return th_cli_optionfile_parse(&settings, text, strlen(content), "FILE", &problem);
}

static void good(const char *content)
{
    if (!parses(TH_CLI_PUB, content))
        fail_msg("%s", problem.text);
}

static void bad(const char *content, const char *told)
{
    assert_false(parses(TH_CLI_PUB, content));
    assert_string_equal(problem.text, told);
}

/* ---- lines ---- */

static void test_lines(void **state)
{
    (void)state;
    good("# a comment\n\n-h broker\r\n  -p 17\n--message  two  words \n-r\n--will-topic=w\n-q 2");
    assert_string_equal(settings.host, "broker");
    assert_int_equal(settings.port, 17);
    assert_string_equal(settings.message, "two  words ");
    assert_true(settings.retain);
    assert_string_equal(settings.will_topic, "w");
    assert_int_equal(settings.qos, 2);
}

static void test_properties(void **state)
{
    (void)state;
    good("-D publish content-type text/plain; charset=utf-8\n"
         "--property publish user-property name a value\n");
    assert_int_equal(settings.properties.count, 2);
    assert_memory_equal(settings.properties.list[0].text.data, "text/plain; charset=utf-8", 25);
    assert_memory_equal(settings.properties.list[1].text.data, "name", 4);
    assert_memory_equal(settings.properties.list[1].value.data, "a value", 7);
}

static void test_wrong_lines(void **state)
{
    (void)state;
    bad("-h x\n-p 0\n", "line 2 of FILE: -p 0: give a whole number from 1 to 65535");
    bad("-h", "line 1 of FILE: -h: the value is missing; give a HOST");
    bad("-r yes", "line 1 of FILE: yes: a word without an option; quote values with blanks");
    bad("--bogus", "line 1 of FILE: --bogus: no such option; see thimble pub --help");
    bad("-C 1", "line 1 of FILE: -C: an option of sub, not of pub; leave it out");
    bad("#\n-o other", "line 2 of FILE: -o: not in an options file; leave it out");
    bad("-D publish content-type", "line 1 of FILE: -D: the value is missing; give a COMMAND NAME "
        "VALUE");
    bad("-D publish user-property x", "line 1 of FILE: -D: the value is missing; give a COMMAND "
        "NAME VALUE");
}

/* ---- files ---- */

static char folder[64], path[128];

static int make_folder(void **state)
{
    (void)state;
    strcpy(folder, "/tmp/test_optionfile.XXXXXX");
    return mkdtemp(folder) ? 0 : -1;
}

static int drop_folder(void **state)
{
    (void)state;
    clearenv();
    th_cli_persona_take("thimble");
    unlink(path);
    snprintf(path, sizeof path, "%s/.config", folder);
    rmdir(path);
    return rmdir(folder);
}

static void write_file(const char *name, const char *content, size_t bytes)
{
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_int_equal(fwrite(content, 1, bytes, file), bytes);
    fclose(file);
}

static void given(const char *line)
{
    if (!reads(TH_CLI_PUB, line))
        fail_msg("%s: %s", line, problem.text);
}

static void test_named_file(void **state)
{
    (void)state;
    char line[256];
    write_file("options", "-h broker\n-q 1\n-P secret\n-u me\n--cafile ca\n", 43);
    snprintf(line, sizeof line, "-t a -n -q 2 -o %s", path);
    given(line);
    assert_string_equal(settings.host, "broker");
    assert_int_equal(settings.qos, 2);
    assert_string_equal(settings.cafile, "ca");
    assert_memory_equal(settings.password.data, "secret", 6);
    snprintf(line, sizeof line, "-t a -n --no-tls -o %s", path);
    given(line);
    assert_null(settings.cafile);
}

static void test_named_file_that_is_none(void **state)
{
    (void)state;
    assert_false(reads(TH_CLI_PUB, "-t a -n --no-tls -o /nonexistent"));
    assert_string_equal(problem.text, "-o /nonexistent: cannot read it: No such file or directory; "
                        "give a file of options");
    assert_false(reads(TH_CLI_PUB, "-t a -n --no-tls -o /"));
    assert_string_equal(problem.text, "-o /: cannot read it: Is a directory; give a file of options");
}

static void test_sizes(void **state)
{
    (void)state;
    static char content[TH_CLI_OPTIONFILE_BYTES + 1];
    char line[256];
    memset(content, '#', sizeof content);
    write_file("options", content, sizeof content - 1);
    snprintf(line, sizeof line, "-t a -n --no-tls -o %s", path);
    given(line);
    write_file("options", content, sizeof content);
    assert_false(reads(TH_CLI_PUB, line));
    assert_non_null(strstr(problem.text, ": too large; an options file has at most 4096 bytes"));
    write_file("options", "-h x\0y", 6);
    assert_false(reads(TH_CLI_PUB, line));
    assert_non_null(strstr(problem.text, ": not a text; give a file of options"));
}

static void test_own_file(void **state)
{
    (void)state;
    write_file("thimble_pub", "-h own\n", 7);
    setenv("XDG_CONFIG_HOME", folder, 1);
    given("-t a -n --no-tls");
    assert_string_equal(settings.host, "own");
    given("-t a -n --no-tls -h mine");
    assert_string_equal(settings.host, "mine");
    assert_true(reads(TH_CLI_SUB, "-t a --no-tls"));
    assert_string_equal(settings.host, "localhost");
    given("-t a -n --no-tls -o /dev/null");
    assert_string_equal(settings.host, "localhost");
    th_cli_persona_take("mosquitto_pub");
    given("-t a -n");
    assert_string_equal(settings.host, "localhost");
}

static void test_own_file_at_home(void **state)
{
    (void)state;
    char config[128];
    snprintf(config, sizeof config, "%s/.config", folder);
    assert_int_equal(mkdir(config, 0700), 0);
    write_file(".config/mosquitto_pub", "-h theirs\n-t b\n", 15);
    setenv("HOME", folder, 1);
    th_cli_persona_take("mosquitto_pub");
    given("-n");
    assert_string_equal(settings.host, "theirs");
    assert_string_equal(settings.topics.items[0], "b");
    given("-t a -n");
    assert_string_equal(settings.topics.items[0], "a");
}

static void test_help_reads_no_file(void **state)
{
    (void)state;
    write_file("thimble_pub", "--bogus\n", 8);
    setenv("XDG_CONFIG_HOME", folder, 1);
    given("--help");
    assert_false(reads(TH_CLI_PUB, "-t a -n --no-tls"));
    assert_non_null(strstr(problem.text, "/thimble_pub: --bogus: no such option"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lines),
        cmocka_unit_test(test_properties),
        cmocka_unit_test(test_wrong_lines),
        cmocka_unit_test_setup_teardown(test_named_file, make_folder, drop_folder),
        cmocka_unit_test(test_named_file_that_is_none),
        cmocka_unit_test_setup_teardown(test_sizes, make_folder, drop_folder),
        cmocka_unit_test_setup_teardown(test_own_file, make_folder, drop_folder),
        cmocka_unit_test_setup_teardown(test_own_file_at_home, make_folder, drop_folder),
        cmocka_unit_test_setup_teardown(test_help_reads_no_file, make_folder, drop_folder),
    };
    clearenv();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
