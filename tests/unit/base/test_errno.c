/* The words for errno are libc's, where there are any. */
#include "base/errno.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <string.h>

static void known_ones_say_what_libc_says(void **state)
{
    (void)state;
    unsigned known = 0;
    for (int number = 1; number < 134; number++) {
        char text[TH_ERRNO_TEXT_BYTES];
        const char *words = th_errno_text(number, text);
        if (words == text)
            continue;
        assert_string_equal(words, strerror(number));
        known++;
    }
    assert_in_range(known, 30, 60);
}

static void unknown_ones_have_their_number(void **state)
{
    (void)state;
    char text[TH_ERRNO_TEXT_BYTES];
    assert_string_equal(th_errno_text(9999, text), "error 9999");
    assert_string_equal(th_errno_text(-2147483647 - 1, text), "error -2147483648");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(known_ones_say_what_libc_says),
        cmocka_unit_test(unknown_ones_have_their_number),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
