/* The man page and docs/exit-codes.md say what the tables say: nothing missing, nothing more. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "cli/exit.h"
#include "cli/options.h"

static char page[65536];

static void read_page(const char *path)
{
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    size_t got = fread(page, 1, sizeof page - 1, file);
    assert_in_range(got, 1000, sizeof page - 2);
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

static void test_man_page_has_every_option(void **state)
{
    (void)state;
    char heading[256];
    read_page("docs/thimble.1");
    for (size_t i = 0; i < th_cli_options_count; i++) {
        option_heading(heading, &th_cli_options[i]);
        once(heading);
    }
    assert_int_equal(count("\n.TP\n\\fB\\-"), th_cli_options_count);
}

/* The last heading of a section before `at`. */
static const char *section_of(const char *at)
{
    const char *section = page;
    for (const char *next = page; next && next < at; next = strstr(next + 1, "\n.SS "))
        section = next;
    return section;
}

static bool is_only_for(const char *section, int commands)
{
    char heading[64];
    int bytes = sprintf(heading, "\n.SS Only for %s\n", th_cli_commands_named(commands));
    return !strncmp(section, heading, (size_t)bytes);
}

static void test_man_page_puts_options_under_their_command(void **state)
{
    (void)state;
    char heading[256];
    read_page("docs/thimble.1");
    for (size_t i = 0; i < th_cli_options_count; i++) {
        const struct th_cli_option *option = &th_cli_options[i];
        option_heading(heading, option);
        const char *section = section_of(strstr(page, heading));
        if (option->commands == TH_CLI_ALL)
            assert_true(strncmp(section, "\n.SS Only", 10));
        else
            assert_true(is_only_for(section, option->commands));
    }
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
        cmocka_unit_test(test_man_page_has_every_option),
        cmocka_unit_test(test_man_page_puts_options_under_their_command),
        cmocka_unit_test(test_man_page_has_every_variable),
        cmocka_unit_test(test_man_page_has_every_exit_code),
        cmocka_unit_test(test_exit_codes_page),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
