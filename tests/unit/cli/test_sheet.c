/* Texts that are put together, and settings that are copied. */
#include "cli/options.h"
#include "cli/settings.h"
#include "cli/sheet.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void put(const char *text)
{
    th_cli_sheet_put(text, strlen(text));
}

static void test_pieces_follow_each_other(void **state)
{
    (void)state;
    char room[8];
    th_cli_sheet_open(room, sizeof room);
    assert_int_equal(th_cli_sheet_bytes(), 0);
    put("three");
    put("");
    put("two");
    assert_int_equal(th_cli_sheet_bytes(), 8);
    assert_memory_equal(room, "threetwo", 8);
    assert_false(th_cli_sheet_is_short());
}

static void test_what_finds_no_room_is_left_out_and_told(void **state)
{
    (void)state;
    char room[9] = "########";
    th_cli_sheet_open(room, 7);
    put("three");
    put("two");
    put("one");
    assert_int_equal(th_cli_sheet_bytes(), 7);
    assert_string_equal(room, "threetw#");
    assert_true(th_cli_sheet_is_short());
}

static void test_the_next_text_begins_anew(void **state)
{
    (void)state;
    char first[2], second[4];
    th_cli_sheet_open(first, sizeof first);
    put("long");
    th_cli_sheet_open(second, sizeof second);
    assert_int_equal(th_cli_sheet_bytes(), 0);
    assert_false(th_cli_sheet_is_short());
}

static struct th_cli_settings one, other;

static void test_a_copy_is_what_was_copied(void **state)
{
    (void)state;
    th_cli_settings_clear(&one, TH_CLI_AGENT);
    one.topics.items[one.topics.count++] = "first/#";
    one.port = 8883;
    memset(&other, 0x5a, sizeof other);
    th_cli_settings_copy(&other, &one);
    assert_memory_equal(&other, &one, sizeof one);
}

static void test_a_copy_of_none_is_empty(void **state)
{
    (void)state;
    static const struct th_cli_settings empty;
    memset(&other, 0x5a, sizeof other);
    th_cli_settings_copy(&other, NULL);
    assert_memory_equal(&other, &empty, sizeof empty);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pieces_follow_each_other),
        cmocka_unit_test(test_what_finds_no_room_is_left_out_and_told),
        cmocka_unit_test(test_the_next_text_begins_anew),
        cmocka_unit_test(test_a_copy_is_what_was_copied),
        cmocka_unit_test(test_a_copy_of_none_is_empty),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
