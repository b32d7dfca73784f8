#include "base/date.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#define DAY_S INT64_C(86400)
#define LAST_S INT64_C(253402300799)

static void assert_as_libc(int64_t when_s)
{
    struct tm ours, theirs;
    time_t when = (time_t)when_s;
    assert_ptr_equal(th_date_utc(&when, &ours), &ours);
    gmtime_r(&when, &theirs);
    assert_int_equal(ours.tm_year, theirs.tm_year);
    assert_int_equal(ours.tm_mon, theirs.tm_mon);
    assert_int_equal(ours.tm_mday, theirs.tm_mday);
    assert_int_equal(ours.tm_hour, theirs.tm_hour);
    assert_int_equal(ours.tm_min, theirs.tm_min);
    assert_int_equal(ours.tm_sec, theirs.tm_sec);
    assert_int_equal(ours.tm_wday, theirs.tm_wday);
    assert_int_equal(ours.tm_yday, theirs.tm_yday);
}

static void every_day_of_two_centuries_is_libcs(void **state)
{
    (void)state;
    for (int64_t day = 0; day < 200 * 366; day++) {
        assert_as_libc(day * DAY_S);
        assert_as_libc(day * DAY_S + DAY_S - 1);
    }
}

static void centuries_are_leap_years_every_fourth_time(void **state)
{
    (void)state;
    for (int64_t year = 2000; year <= 9900; year += 100)
        for (int64_t day = 55; day < 62; day++)
            assert_as_libc(((year - 1970) * 1461 / 4 + day) * DAY_S + 12345);
    assert_as_libc(LAST_S);
}

static void what_no_certificate_means_has_no_date(void **state)
{
    (void)state;
    struct tm date;
    const time_t before = -1, after = LAST_S + 1;
    assert_null(th_date_utc(&before, &date));
    assert_null(th_date_utc(&after, &date));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_day_of_two_centuries_is_libcs),
        cmocka_unit_test(centuries_are_leap_years_every_fourth_time),
        cmocka_unit_test(what_no_certificate_means_has_no_date),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
