/* The end of a certificate, as the years pass. */
#include "base/calendar.h"
#include "base/clock.h"
#include "cli/expiry.h"
#include "cli/say.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>

#define DAY_S INT64_C(86400)
#define BEGIN_S INT64_C(2000000000)

static char said[512];

/* In place of libc's: time that only goes on. */
static int64_t passed_s = 1;

int clock_gettime(clockid_t clock, struct timespec *now)
{
    (void)clock;
    *now = (struct timespec){.tv_sec = passed_s};
    return 0;
}

/* What is said meanwhile on standard error. */
static const char *told_at(int64_t days_after)
{
    int ends[2], before = dup(STDERR_FILENO);
    assert_int_equal(pipe(ends), 0);
    dup2(ends[1], STDERR_FILENO);
    th_calendar_set(BEGIN_S + days_after * DAY_S);
    th_cli_expiry_tell();
    dup2(before, STDERR_FILENO);
    close(before);
    close(ends[1]);
    ssize_t bytes = read(ends[0], said, sizeof said - 1);
    close(ends[0]);
    said[bytes > 0 ? bytes : 0] = '\0';
    return said;
}

/* An hour is not waited for: it is watched anew, which asks at once, and forgets what was told. */
static void tells(int64_t days_after, const char *sentence)
{
    th_cli_expiry_watch(BEGIN_S, BEGIN_S + 100 * DAY_S);
    if (!strstr(told_at(days_after), sentence) || (!*sentence && *said))
        fail_msg("after %d days: %s", (int)days_after, said);
}

static void each_moment_has_its_sentence(void **state)
{
    (void)state;
    tells(0, "");
    tells(69, "");
    tells(70, "expires in 30 days\n");
    tells(80, "expires in 20 days; it is time to renew it\n");
    tells(99, "expires in 1 days; it is time to renew it\n");
    tells(101, "has expired");
}

static void nothing_is_said_twice(void **state)
{
    (void)state;
    tells(86, "14 days");
    assert_string_equal(told_at(87), "");
    assert_true(th_cli_expiry_until_ms() > th_clock_ms());
    assert_true(th_cli_expiry_until_ms() <= th_clock_ms() + 3600 * 1000);
}

/* Of a program that runs for years. */
static void each_is_told_when_its_day_comes(void **state)
{
    (void)state;
    int told[8] = {0};
    unsigned count = 0;
    th_cli_expiry_watch(BEGIN_S, BEGIN_S + 100 * DAY_S);
    for (int day = 0; day <= 110; day++, passed_s += DAY_S)
        if (*told_at(day) && count < 8)
            told[count++] = day;
    assert_int_equal(count, 6);
    assert_memory_equal(told, ((int[]){70, 80, 86, 93, 99, 100}), 6 * sizeof *told);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_moment_has_its_sentence),
        cmocka_unit_test(nothing_is_said_twice),
        cmocka_unit_test(each_is_told_when_its_day_comes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
