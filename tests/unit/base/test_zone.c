/* Local time by a rule: as libc's, hour by hour. */
#include "base/zone.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <cmocka.h>

#define HOUR_S 3600
#define FROM_S INT64_C(1577836800) /* 2020 */

static void assert_as_libc(const char *rule)
{
    setenv("TZ", rule, 1);
    tzset();
    for (int64_t hour = 0; hour < 9 * 366 * 24; hour++) {
        struct th_zone zone;
        struct tm theirs;
        time_t when = (time_t)(FROM_S + hour * HOUR_S + 1799);
        assert_true(th_zone_at(rule, when, &zone));
        localtime_r(&when, &theirs);
        if (zone.east_s != theirs.tm_gmtoff)
            fail_msg("%s at %lld: %d, libc %ld", rule, (long long)when, zone.east_s,
                     theirs.tm_gmtoff);
        assert_string_equal(zone.name, theirs.tm_zone);
    }
}

static void clocks_show_what_libcs_do(void **state)
{
    static const char *const rules[] = {
        "UTC0", "CET-1CEST,M3.5.0,M10.5.0/3", "EST5EDT,M3.2.0,M11.1.0", "IST-1GMT0,M10.5.0,M3.5.0/1",
        "<+0330>-3:30", "NZST-12NZDT,M9.5.0,M4.1.0/3", "AEST-10AEDT,M10.1.0,M4.1.0/3",
        "<-0330>+3:30<-0230>,M3.2.0,M11.1.0", "<-02>2<-01>,M3.5.0/-1,M10.5.0/0",
        "XXX3YYY,J60/0,J300/0", "XXX3YYY,59,300/1:30:10", "EET-2EEST,M3.4.4/50,M10.4.4/50",
        "ABC-5:45:30",
    };
    (void)state;
    for (size_t i = 0; i < sizeof rules / sizeof *rules; i++)
        assert_as_libc(rules[i]);
}

static void summer_time_without_days_is_that_of_america(void **state)
{
    (void)state;
    struct th_zone zone;
    assert_true(th_zone_at("CET-1CEST", FROM_S + 180 * 86400, &zone));
    assert_int_equal(zone.east_s, 2 * HOUR_S);
    assert_string_equal(zone.name, "CEST");
}

static void anything_else_is_utc(void **state)
{
    static const char *const rules[] = {
        "", "Europe/Berlin", "CET", "AB-1", "<CET-1", "CET-", "CET-1CEST,M3", "CET-1CEST,M3.5.0",
        "CET-1CEST,M13.5.0,M10.5.0", "CET-1CEST,M0.5.0,M10.5.0", "CET-1CEST,M3.6.0,M10.5.0",
        "CET-1CEST,M3.5.7,M10.5.0", "CET-1CEST,J0,J1", "CET-1CEST,366,1", "CET-1CEST,M3.5.0,M10.5.0x",
        "CET-1:60", "CET-168", "CET-99999999999", "CET-1CEST,", "CET-1C", "CET-1CEST,M3.5.0/,J1",
        "CET-1<CEST", "\xff\xff\xff-1",
    };
    (void)state;
    for (size_t i = 0; i < sizeof rules / sizeof *rules; i++) {
        struct th_zone zone = {.east_s = 1};
        if (th_zone_at(rules[i], FROM_S, &zone))
            fail_msg("%s is taken", rules[i]);
        assert_int_equal(zone.east_s, 0);
        assert_string_equal(zone.name, "UTC");
    }
}

static void a_long_name_is_cut(void **state)
{
    (void)state;
    struct th_zone zone;
    assert_true(th_zone_at("ABCDEFGHIJKLMNOPQRST1", FROM_S, &zone));
    assert_string_equal(zone.name, "ABCDEFGHIJK");
    assert_int_equal(zone.east_s, -HOUR_S);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(clocks_show_what_libcs_do),
        cmocka_unit_test(summer_time_without_days_is_that_of_america),
        cmocka_unit_test(anything_else_is_utc),
        cmocka_unit_test(a_long_name_is_cut),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
