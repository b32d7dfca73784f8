#include "base/text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

static void it_finds_what_strstr_finds(void **state)
{
    (void)state;
    static const char *const texts[] = {"", "a", "aa", "ab", "aab", "abab", "ababb", "baabab", "bbb"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        for (size_t j = 0; j < sizeof texts / sizeof *texts; j++)
            assert_ptr_equal(th_text_find(texts[i], texts[j]), strstr(texts[i], texts[j]));
}

static void it_skips_texts(void **state)
{
    (void)state;
    static const char texts[] = "one\0" "\0" "three";
    assert_ptr_equal(th_text_nth(texts, 0), texts);
    assert_string_equal(th_text_nth(texts, 1), "");
    assert_string_equal(th_text_nth(texts, 2), "three");
}

static void it_compares_texts_that_may_be_missing(void **state)
{
    (void)state;
    const char spool[] = "spool";
    assert_true(th_text_same(spool, "spool"));
    assert_true(th_text_same(spool, spool));
    assert_true(th_text_same(NULL, NULL));
    assert_true(th_text_same("", ""));
    assert_false(th_text_same(spool, "spoo"));
    assert_false(th_text_same(spool, NULL));
    assert_false(th_text_same(NULL, ""));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_finds_what_strstr_finds),
        cmocka_unit_test(it_skips_texts),
        cmocka_unit_test(it_compares_texts_that_may_be_missing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
