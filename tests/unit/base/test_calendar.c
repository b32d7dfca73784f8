/* The calendar, and which dates are believed. One state for the process: the tests come in
 * order. */
#include "base/calendar.h"

#include "gen/version.h"

#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

#define YEAR_S (INT64_C(365) * 86400)

static void the_systems_date_counts(void **state)
{
    (void)state;
    int64_t system_s = time(NULL);
    assert_true(th_calendar_s() - system_s >= 0 && th_calendar_s() - system_s < 60);
    assert_true(th_calendar_ms() / 1000 - system_s >= 0);
    assert_true(th_calendar_floor_s() == TH_BUILD_TIME);
    assert_true(th_calendar_is_believable());
}

static void it_can_be_any_other(void **state)
{
    static const int64_t dates[] = {
        1, YEAR_S, 946684800, 2147483647, 2147483648, INT64_C(4102444800), INT64_C(250000000000),
    };
    (void)state;
    for (size_t i = 0; i < sizeof dates / sizeof *dates; i++) {
        th_calendar_set(dates[i]);
        assert_in_range(th_calendar_s() - dates[i], 0, 60);
        assert_in_range(th_calendar_ms() / 1000 - dates[i], 0, 60);
        assert_int_equal(th_calendar_is_believable(), dates[i] >= TH_BUILD_TIME);
    }
    th_calendar_set(0);
    assert_true(th_calendar_is_believable());
}

static void the_floor_only_rises(void **state)
{
    (void)state;
    th_calendar_raise_floor(1);
    assert_true(th_calendar_floor_s() == TH_BUILD_TIME);
    int64_t later_s = th_calendar_s() + YEAR_S;
    th_calendar_raise_floor(later_s);
    assert_true(th_calendar_floor_s() == later_s);
    assert_false(th_calendar_is_believable());
    th_calendar_set(later_s);
    assert_true(th_calendar_is_believable());
    th_calendar_set(later_s - 10);
    assert_false(th_calendar_is_believable());
}

static void the_fault_names_both_dates(void **state)
{
    struct th_fault fault = {0};
    (void)state;
    th_calendar_set(3600);
    assert_int_equal(th_calendar_fault(&fault), TH_E_CLOCK);
    assert_int_equal(fault.code, TH_E_CLOCK);
    assert_non_null(strstr(fault.text, "says 1970-01-01, but it is 20"));
}

static void any_date_may_be_believed(void **state)
{
    (void)state;
    th_calendar_raise_floor(0);
    assert_false(th_calendar_is_believable());
    th_calendar_believe_any();
    assert_true(th_calendar_is_believable());
    th_calendar_set(0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_systems_date_counts),    cmocka_unit_test(it_can_be_any_other),
        cmocka_unit_test(the_floor_only_rises),       cmocka_unit_test(the_fault_names_both_dates),
        cmocka_unit_test(any_date_may_be_believed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
