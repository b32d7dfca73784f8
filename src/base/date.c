#include "base/date.h"

#include "base/format.h"

#include <stdbool.h>
#include <stdint.h>

#define DAY_S 86400
#define FIRST_WEEKDAY 4 /* 1970 began on a Thursday */
#define LAST_S INT64_C(253402300799) /* 9999-12-31 23:59:59 */

static bool is_leap(int year)
{
    return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

static int days_of_year(int year)
{
    return 365 + is_leap(year);
}

int th_date_days_of_month(int month, int year)
{
    static const uint8_t days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    return days[month] + (month == 1 && is_leap(year));
}

struct tm *th_date_utc(const time_t *when, struct tm *date)
{
    int64_t when_s = *when;
    if (when_s < 0 || when_s > LAST_S)
        return NULL;
    int days = (int)(when_s / DAY_S), seconds = (int)(when_s % DAY_S);
    int year = 1970, month = 0;
    for (; days >= days_of_year(year); year++)
        days -= days_of_year(year);
    int days_of_the_year = days;
    for (; days >= th_date_days_of_month(month, year); month++)
        days -= th_date_days_of_month(month, year);
    *date = (struct tm){
        .tm_year = year - 1900, .tm_mon = month, .tm_mday = days + 1,
        .tm_hour = seconds / 3600, .tm_min = seconds / 60 % 60, .tm_sec = seconds % 60,
        .tm_yday = days_of_the_year, .tm_wday = (int)((when_s / DAY_S + FIRST_WEEKDAY) % 7),
    };
    return date;
}

void th_date_day(int64_t when_s, char text[TH_DATE_DAY_BYTES])
{
    struct tm utc;
    time_t when = (time_t)when_s;
    text[0] = '?', text[1] = '\0';
    if (th_date_utc(&when, &utc))
        th_format(text, TH_DATE_DAY_BYTES, "%d-%02d-%02d", utc.tm_year + 1900, utc.tm_mon + 1,
                  utc.tm_mday);
}
