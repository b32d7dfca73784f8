/* Foreign text on a terminal. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "cli/guard.h"

static char written[512];
static size_t used;

static void keep(const void *data, size_t bytes)
{
    assert_true(used + bytes < sizeof written);
    memcpy(written + used, data, bytes);
    used += bytes;
    written[used] = '\0';
}

static const struct {
    const char *text, *shown;
} table[] = {
    {"", ""},
    {"plain \t\n~", "plain \t\n~"},
    {"\x1b[2J", "\\x1b[2J"},
    {"a\rb\bc\x7f\x01", "a\\x0db\\x08c\\x7f\\x01"},
    {"gr\xc3\xbc\xc3\x9f \xe2\x82\xac \xf0\x9f\x98\x80", "gr\xc3\xbc\xc3\x9f \xe2\x82\xac \xf0\x9f\x98\x80"},
    {"\xc2\x9b" "2J\xc2\x80\xc2\xa0", "\\xc2\\x9b2J\\xc2\\x80\xc2\xa0"},
    {"\x9b" "2J", "\\x9b2J"},
    {"\xc3(\xff\xfe", "\\xc3(\\xff\\xfe"},
    {"\xe2\x82", "\\xe2\\x82"},
    {"\xe2\x82\x1b", "\\xe2\\x82\\x1b"},
    {"\xe2\xc3\xa9", "\\xe2\xc3\xa9"},
    {"\xed\xa0\x80", "\\xed\\xa0\\x80"},
    {"\xc0\x80\xf5", "\\xc0\\x80\\xf5"},
    {"\xf4\x90\x80\x80!", "\\xf4\\x90\\x80\\x80!"},
};

static void test_table(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        for (size_t split = 0; split <= strlen(table[i].text); split++) {
            struct th_cli_guard guard = {.write = keep};
            used = 0;
            written[0] = '\0';
            th_cli_guard_pass(&guard, table[i].text, split);
            th_cli_guard_pass(&guard, table[i].text + split, strlen(table[i].text) - split);
            th_cli_guard_end(&guard);
            assert_string_equal(written, table[i].shown);
        }
    }
}

static void test_one_line(void **state)
{
    (void)state;
    struct th_cli_guard guard = {.write = keep, .one_line = true};
    used = 0;
    th_cli_guard_pass(&guard, "a\nb\0", 4);
    assert_string_equal(written, "a\\x0ab\\x00");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_table),
        cmocka_unit_test(test_one_line),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
