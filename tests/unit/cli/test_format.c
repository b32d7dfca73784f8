/* The format of -F, taken apart. What it prints: test_print.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "cli/format.h"

static void test_items(void **state)
{
    (void)state;
    const char *format = "a %-012.3t@Y\\n%.2:x%.4X%%";
    struct th_cli_item item;
    assert_true(th_cli_format_next(&format, &item));
    assert_int_equal(item.sigil, 0);
    assert_int_equal(item.text.len_bytes, 2);
    assert_true(th_cli_format_next(&format, &item));
    assert_int_equal(item.sigil, '%');
    assert_int_equal(item.kind, 't');
    assert_true(item.left && item.zeros);
    assert_int_equal(item.width, 12);
    assert_int_equal(item.precision, 3);
    assert_true(th_cli_format_next(&format, &item));
    assert_int_equal(item.sigil, '@');
    assert_int_equal(item.kind, 'Y');
    assert_true(th_cli_format_next(&format, &item));
    assert_int_equal(item.sigil, '\\');
    assert_int_equal(item.kind, 'n');
    assert_true(th_cli_format_next(&format, &item));
    assert_int_equal(item.kind, 'x');
    assert_int_equal(item.separator, ':');
    assert_true(th_cli_format_is_payload(&item));
    assert_true(th_cli_format_next(&format, &item));
    assert_int_equal(item.kind, 'X');
    assert_int_equal(item.precision, 4);
    assert_int_equal(item.separator, ' ');
    assert_true(th_cli_format_next(&format, &item));
    assert_int_equal(item.kind, '%');
    assert_int_equal(item.precision, -1);
    assert_false(th_cli_format_is_payload(&item));
    assert_false(th_cli_format_next(&format, &item));
    assert_string_equal(format, "");
}

/* Accepted and refused as mosquitto_sub does; %f, %d and separators as 2.1 documents them. */
static void test_accepted(void **state)
{
    static const char *const good[] = {
        "", "text", "%%", "%A%C%D%E%F%I%J%P%R%S%U%X%j%l%m%p%q%r%t%x", "%f%d", "%12%", "%-0t", "%00012A",
        "%.t", "%.0x", "%1.3p", "@@", "@Y@!@-", "\\\\\\0\\a\\e\\n\\r\\t\\v", "%.2:x", "%.2.X", "%.2@x",
        "%65535t", "%.65535t", "%.1074d", "%.3q", "caf\xc3\xa9 %t", "@\xc3\xa9",
    };
    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        struct th_cli_problem problem = {.status = 0};
        if (!th_cli_format_check(good[i], &problem))
            fail_msg("%s: %s", good[i], problem.text);
    }
}

static void test_refused(void **state)
{
    static const char *const bad[][2] = {
        {"%", "-F %: the format ends within a sequence; a literal % is %%"},
        {"a%", "-F %: the format ends within"}, {"%0", "-F %0: the format ends"},
        {"%-", "-F %-: the format ends"}, {"%1", "-F %1: the"}, {"%.", "-F %.: the"},
        {"%.1", "-F %.1: the"}, {"%%%", "-F %: the"}, {"@", "-F @: the format ends within a sequence; "
        "a literal @ is @@"}, {"\\", "-F \\: the format ends within a sequence; a literal \\ is \\\\"},
        {"x%Zy", "-F %Zy: begins with no sequence there is, or one that is too wide; a literal % is %%, the others"},
        {"\\Z", "-F \\Z: begins with"}, {"%0-12t", "-F %0-12t: begins"}, {"%--t", "-F %--t: begins"},
        {"%\xc3\xa9", "-F %\xc3\xa9: begins"}, {"%.2:t", "-F %.2:t: begins"}, {"%.:x", "-F %.:x: begins"},
        {"%.2%x", ""}, {"%:x", "-F %:x: begins"}, {"% t", "-F % t: begins"},
        {"%65536t", "too wide"},
        {"%.99999999999999999999t", "too wide"}, {"%.1075f", "too wide"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct th_cli_problem problem = {.status = 0};
        bool good = th_cli_format_check(bad[i][0], &problem);
        if (good != !*bad[i][1] || !strstr(problem.text, bad[i][1]))
            fail_msg("%s: %d %s", bad[i][0], good, problem.text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_items),
        cmocka_unit_test(test_accepted),
        cmocka_unit_test(test_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
