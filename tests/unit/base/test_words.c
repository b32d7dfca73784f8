#include "base/words.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#define FRUITS(WORD) \
    WORD(-7, "apple") \
    WORD(0, "") \
    WORD(300, "pear " "tree")

TH_WORDS(fruits, FRUITS);

static void every_number_has_its_text(void **state)
{
    (void)state;
    assert_string_equal(th_words_find(&fruits, -7), "apple");
    assert_string_equal(th_words_find(&fruits, 0), "");
    assert_string_equal(th_words_find(&fruits, 300), "pear tree");
}

static void other_numbers_have_none(void **state)
{
    (void)state;
    assert_null(th_words_find(&fruits, 7));
    assert_null(th_words_find(&fruits, 301));
    assert_null(th_words_find(&fruits, 65536 - 7));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_number_has_its_text),
        cmocka_unit_test(other_numbers_have_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
