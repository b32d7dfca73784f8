/* Waits and points in time. */
#include "base/clock.h"

#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

static void a_wait_ends_at_its_time(void **state)
{
    (void)state;
    assert_int_equal(th_clock_wait_ms(TH_NEVER, 5), -1);
    assert_int_equal(th_clock_wait_ms(4, 5), 0);
    assert_int_equal(th_clock_wait_ms(5, 5), 0);
    assert_int_equal(th_clock_wait_ms(7, 5), 2);
    assert_int_equal(th_clock_wait_ms(TH_NEVER - 1, 5), INT_MAX);
}

static void the_first_of_two_counts(void **state)
{
    (void)state;
    assert_true(th_clock_earlier(3, TH_NEVER) == 3);
    assert_true(th_clock_earlier(4, 3) == 3);
    assert_int_equal(th_clock_shorter_ms(3, 4), 3);
    assert_int_equal(th_clock_shorter_ms(4, 0), 0);
    assert_int_equal(th_clock_shorter_ms(-1, 4), 4);
    assert_int_equal(th_clock_shorter_ms(4, -1), 4);
    assert_int_equal(th_clock_shorter_ms(-1, -1), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_wait_ends_at_its_time),
        cmocka_unit_test(the_first_of_two_counts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
