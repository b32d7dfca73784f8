/* The man pages and docs/exit-codes.md say what the tables say: nothing missing, nothing more. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "cli/exit.h"
#include "cli/format.h"
#include "cli/options.h"
#include "cli/properties.h"

static char page[65536];

static void read_page(const char *path)
{
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    size_t got = fread(page, 1, sizeof page - 1, file);
    assert_in_range(got, 500, sizeof page - 2);
    page[got] = '\0';
    fclose(file);
}

static unsigned count(const char *text)
{
    unsigned found = 0;
    for (const char *at = strstr(page, text); at; at = strstr(at + 1, text))
        found++;
    return found;
}

static void once(const char *text)
{
    if (count(text) != 1)
        fail_msg("stands %u times, not once: %s", count(text), text);
}

/* roff takes a bare dash for a hyphen. */
static char *add_escaped(char *to, const char *text)
{
    for (; *text; text++) {
        if (*text == '-')
            *to++ = '\\';
        *to++ = *text;
    }
    *to = '\0';
    return to;
}

static void option_heading(char *to, const struct th_cli_option *option)
{
    to += sprintf(to, "\n.TP\n");
    if (option->letter)
        to += sprintf(to, "\\fB\\-%c\\fR%s", option->letter, th_cli_long(option) ? ", " : "");
    if (th_cli_long(option)) {
        to += sprintf(to, "\\fB\\-\\-");
        to = add_escaped(to, th_cli_long(option));
        to += sprintf(to, "\\fR");
    }
    if (th_cli_value(option) && th_cli_stands_alone(option))
        to += sprintf(to, "[=\\fI%s\\fR]", th_cli_value(option));
    else if (th_cli_value(option))
        to += sprintf(to, " \\fI%s\\fR", th_cli_value(option));
    sprintf(to, "\n");
}

/* The options of these commands, and of no other, stand here. */
static const struct place {
    int commands;
    const char *path;
} places[] = {
    {TH_CLI_ALL, "docs/man/options.roff"},
    {TH_CLI_PUB | TH_CLI_RR, "docs/man/publishing.roff"},
    {TH_CLI_PRINT, "docs/man/forms.roff"},
    {TH_CLI_SUB | TH_CLI_RR, "docs/man/printing.roff"},
    {TH_CLI_FILES, "docs/thimble-cert.1"},
    {TH_CLI_IDENTITY, "docs/thimble-identity.1"},
    {TH_CLI_TUNNEL, "docs/thimble-tunnel.1"},
    {TH_CLI_BENCH, "docs/thimble-bench.1"},
    {TH_CLI_PUB, "docs/thimble-pub.1"},
    {TH_CLI_SUB, "docs/thimble-sub.1"},
    {TH_CLI_RR, "docs/thimble-rr.1"},
    {TH_CLI_AGENT, "docs/thimble-agent.1"},
};

#define PLACES (sizeof places / sizeof *places)

/* What a command that speaks MQTT shares with cert stands where the former has it. */
static int place_of(int commands)
{
    if (commands == TH_CLI_IDENTITY || commands == TH_CLI_TUNNEL || commands == TH_CLI_BENCH)
        return commands;
    if (commands == TH_CLI_CLIENTS)
        return TH_CLI_ALL;
    return commands & TH_CLI_ALL ? commands & TH_CLI_ALL : TH_CLI_FILES;
}

static unsigned options_of(int commands)
{
    char heading[256];
    unsigned found = 0;
    for (size_t i = 0; i < th_cli_options_count; i++) {
        if (place_of(th_cli_options[i].commands) != commands)
            continue;
        option_heading(heading, &th_cli_options[i]);
        once(heading);
        found++;
    }
    return found;
}

static void test_every_option_stands_in_its_place(void **state)
{
    (void)state;
    unsigned found = 0;
    for (size_t i = 0; i < PLACES; i++) {
        read_page(places[i].path);
        unsigned here = options_of(places[i].commands);
        if (count("\n.TP\n\\fB\\-") != here)
            fail_msg("%s has an option that is not its own", places[i].path);
        found += here;
    }
    assert_int_equal(found, th_cli_options_count);
}

/* A page includes what its command shares with others. */
static void test_pages_are_whole(void **state)
{
    (void)state;
    char line[64];
    for (size_t page_at = 6; page_at < PLACES; page_at++) {
        read_page(places[page_at].path);
        for (size_t i = 0; i < 4; i++) {
            snprintf(line, sizeof line, "\n.so %s\n", places[i].path + strlen("docs/"));
            assert_int_equal(count(line), (places[i].commands & places[page_at].commands) != 0);
        }
    }
}

static void test_every_property_is_named(void **state)
{
    (void)state;
    char name[64];
    unsigned named = 0;
    read_page("docs/man/options.roff");
    for (int id = 1; id < 43; id++) {
        if (!th_cli_property_name((uint8_t)id))
            continue;
        add_escaped(name, th_cli_property_name((uint8_t)id));
        assert_in_range(count(name), 1, 100);
        named++;
    }
    assert_int_equal(named, 18);
}

static void test_man_page_has_every_variable(void **state)
{
    (void)state;
    char heading[128];
    unsigned variables = 0;
    read_page("docs/thimble.1");
    for (size_t i = 0; i < th_cli_options_count; i++) {
        if (!th_cli_variable(&th_cli_options[i]))
            continue;
        snprintf(heading, sizeof heading, "\n.TP\n\\fB%s\\fR\n",
                 th_cli_variable(&th_cli_options[i]));
        once(heading);
        variables++;
    }
    assert_int_equal(count("\n.TP\n\\fBTHIMBLE_"), variables);
}

/* The sequences of -F that are taken, and no others. */
static void test_man_page_has_every_sequence(void **state)
{
    (void)state;
    char format[] = "%A", heading[32];
    struct th_cli_problem problem;
    read_page("docs/man/format.roff");
    for (char letter = '!'; letter <= '~'; letter++) {
        format[1] = letter;
        snprintf(heading, sizeof heading, "\n.TP\n\\fB%s\\fR\n", format);
        assert_int_equal(count(heading), th_cli_format_check(format, &problem));
    }
    for (const char *escape = "\\0aenrtv"; *escape; escape++) {
        snprintf(heading, sizeof heading, "\\fB\\e%s%c\\fR", *escape == '\\' ? "\\" : "",
                 *escape == '\\' ? 'e' : *escape);
        assert_int_equal(count(heading), 1);
    }
}

static void test_man_page_has_every_exit_code(void **state)
{
    (void)state;
    char name[64], meaning[256], heading[512];
    read_page("docs/thimble.1");
    for (size_t i = 0; i < th_cli_exits_count; i++) {
        add_escaped(name, th_cli_exits[i].name);
        add_escaped(meaning, th_cli_exit_meaning(&th_cli_exits[i]));
        snprintf(heading, sizeof heading, "\n.TP\n\\fB%d\\fR %s\n%s\n", th_cli_exits[i].status,
                 name, meaning);
        once(heading);
    }
    unsigned headings = 0;
    for (char digit[] = "\n.TP\n\\fB0"; digit[8] <= '9'; digit[8]++)
        headings += count(digit);
    assert_int_equal(headings, th_cli_exits_count);
}

static void test_exit_codes_page(void **state)
{
    (void)state;
    char row[1024];
    read_page("docs/exit-codes.md");
    for (size_t i = 0; i < th_cli_exits_count; i++) {
        const struct th_cli_exit *exit = &th_cli_exits[i];
        snprintf(row, sizeof row, "\n| %d | `%s` | %s | %s |\n", exit->status, exit->name,
                 th_cli_exit_meaning(exit), th_cli_exit_remedy(exit));
        once(row);
    }
    assert_int_equal(count("\n|"), th_cli_exits_count + 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_option_stands_in_its_place),
        cmocka_unit_test(test_pages_are_whole),
        cmocka_unit_test(test_every_property_is_named),
        cmocka_unit_test(test_man_page_has_every_variable),
        cmocka_unit_test(test_man_page_has_every_sequence),
        cmocka_unit_test(test_man_page_has_every_exit_code),
        cmocka_unit_test(test_exit_codes_page),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
