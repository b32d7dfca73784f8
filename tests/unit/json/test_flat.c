/* Flat objects: which texts are one, and what stands in it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/slice.h"
#include "json/flat.h"

#include <stdio.h>
#include <string.h>

static void reads(const char *text, const char *expected)
{
    char found[512] = "";
    struct th_json_member member;
    struct th_slice rest = th_slice_text(text);
    assert_true(th_json_flat_check(rest));
    while (th_json_flat_next(&rest, &member))
        snprintf(found + strlen(found), sizeof found - strlen(found), "%.*s=%.*s;",
                 (int)member.name.len_bytes, member.name.data, (int)member.value.len_bytes,
                 member.value.data);
    assert_string_equal(found, expected);
}

static void test_objects(void **state)
{
    (void)state;
    reads("{}", "");
    reads("{\"a\":1}", "a=1;");
    reads("{\"a\": \"b, }\", \"c\":null ,\t\"d\"\n:\ntrue}\n", "a=\"b, }\";c=null;d=true;");
    reads("{\"a\":\"\\\"\\\\\",\"b\":\"\\u00e4\"}", "a=\"\\\"\\\\\";b=\"\\u00e4\";");
    reads("{\"a\":\"\",\"b\":-1.5e3}", "a=\"\";b=-1.5e3;");
}

static void test_others(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "", " ", "{", "}", "[]", "1", "null", "\"a\"", "{\"a\"}", "{\"a\":}", "{\"a\":1", "{a:1}",
        "{\"a\":1,}", "{\"a\":1}{", "{\"a\":1} x", "{\"a\":{}}", "{\"a\":[1]}", "{\"a\":{\"b\":1}}",
        "{\"a\":\"b}", "{\"a\":\"b\\\"}", "{\"a\":01}", "{\"a\":tru}", "{\"a\":1 \"b\":2}",
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        if (th_json_flat_check(th_slice_text(texts[i])))
            fail_msg("taken: %s", texts[i]);
}

static void test_numbers(void **state)
{
    (void)state;
    assert_int_equal(th_json_flat_number(th_slice_text("1700000000")), 1700000000);
    assert_int_equal(th_json_flat_number(th_slice_text("\"1\"")), 0);
    assert_int_equal(th_json_flat_number(th_slice_text("-1")), 0);
    assert_int_equal(th_json_flat_number(th_slice_text("99999999999999999999999")), 0);
    assert_int_equal(th_json_flat_number(th_slice_text("")), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_objects),
        cmocka_unit_test(test_others),
        cmocka_unit_test(test_numbers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
