#include "base/zone.h"

#include "base/date.h"
#include "base/text.h"

#include <string.h>

#define HOUR_S 3600
#define DAY_S 86400
#define USUAL_CHANGES ",M3.2.0,M11.1.0" /* when a rule with summer time names no days */

/* The day summer time begins or ends, and when on that day. */
struct change {
    char kind; /* 'M': month, week, weekday; 'J': day 1 to 365, never 29 February; 'D': 0 to 365 */
    int month, week, day;
    int32_t at_s;
};

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool take(const char **at, char wanted)
{
    bool there = **at == wanted;
    *at += there;
    return there;
}

/* -1: no number from `least` to `most` stands here. */
static int take_number(const char **at, int least, int most)
{
    int number = 0;
    if (!th_is_digit(**at))
        return -1;
    while (th_is_digit(**at) && number <= most)
        number = number * 10 + *(*at)++ - '0';
    return number >= least && number <= most ? number : -1;
}

/* "2", "-1:30", "+5:45:00" */
static bool take_time(const char **at, int32_t *time_s)
{
    int sign = take(at, '-') ? -1 : 1;
    take(at, '+');
    int number = take_number(at, 0, 167);
    *time_s = sign * number * HOUR_S;
    for (int unit_s = 60; number >= 0 && take(at, ':'); unit_s /= 60) {
        number = take_number(at, 0, 59);
        *time_s += sign * number * unit_s;
    }
    return number >= 0;
}

/* "CET" or "<+03>" */
static bool take_name(const char **at, char name[TH_ZONE_NAME_BYTES])
{
    bool bracketed = take(at, '<');
    size_t length = 0;
    for (; bracketed ? **at && **at != '>' : is_letter(**at); ++*at)
        if (length < TH_ZONE_NAME_BYTES - 1)
            name[length++] = **at;
    name[length] = '\0';
    return bracketed ? take(at, '>') : length >= 3;
}

static bool take_day(const char **at, struct change *change)
{
    if (!take(at, 'M')) {
        change->kind = take(at, 'J') ? 'J' : 'D';
        change->day = take_number(at, change->kind == 'J', 365);
        return change->day >= 0;
    }
    change->kind = 'M';
    change->month = take_number(at, 1, 12);
    change->week = take(at, '.') ? take_number(at, 1, 5) : -1;
    change->day = take(at, '.') ? take_number(at, 0, 6) : -1;
    return change->month > 0 && change->week > 0 && change->day >= 0;
}

static bool take_change(const char **at, struct change *change)
{
    change->at_s = 2 * HOUR_S;
    return take(at, ',') && take_day(at, change) &&
           (!take(at, '/') || take_time(at, &change->at_s));
}

static int day_of_month_rule(const struct change *change, const struct tm *date)
{
    int year = date->tm_year + 1900, first = 0;
    for (int month = 0; month < change->month - 1; month++)
        first += th_date_days_of_month(month, year);
    int weekday = (date->tm_wday + 53 * 7 - date->tm_yday + first) % 7;
    int day = (change->day + 7 - weekday) % 7 + (change->week - 1) * 7;
    return first + day - (day >= th_date_days_of_month(change->month - 1, year) ? 7 : 0);
}

/* Seconds from the beginning of the year. */
static int32_t second_of(const struct change *change, const struct tm *date)
{
    int day = change->day;
    if (change->kind == 'M')
        day = day_of_month_rule(change, date);
    if (change->kind == 'J')
        day -= !(day >= 60 && th_date_days_of_month(1, date->tm_year + 1900) == 29);
    return day * DAY_S + change->at_s;
}

static bool is_summer(const struct change *begin, const struct change *end, int32_t ahead_s,
                      const struct tm *date)
{
    int32_t now = date->tm_yday * DAY_S + date->tm_hour * HOUR_S + date->tm_min * 60 + date->tm_sec;
    int32_t from = second_of(begin, date), to = second_of(end, date) - ahead_s;
    return from < to ? now >= from && now < to : now >= from || now < to;
}

/* "CEST", an hour ahead, or "CEST-3". */
static bool take_summer(const char **at, struct th_zone *summer)
{
    if (!take_name(at, summer->name))
        return false;
    if (!**at || **at == ',')
        return true;
    bool there = take_time(at, &summer->east_s);
    summer->east_s = -summer->east_s;
    return there;
}

/* `at` stands behind the zone's usual time; `zone` is that. */
static bool turn_to_summer(const char *at, int64_t when_s, struct th_zone *zone)
{
    struct th_zone summer = {.east_s = zone->east_s + HOUR_S};
    struct change begin, end;
    if (!take_summer(&at, &summer))
        return false;
    if (!*at)
        at = USUAL_CHANGES;
    if (!take_change(&at, &begin) || !take_change(&at, &end) || *at)
        return false;
    time_t local = (time_t)(when_s + zone->east_s);
    struct tm date;
    if (th_date_utc(&local, &date) && is_summer(&begin, &end, summer.east_s - zone->east_s, &date))
        *zone = summer;
    return true;
}

bool th_zone_at(const char *rule, int64_t when_s, struct th_zone *zone)
{
    const char *at = rule;
    if (take_name(&at, zone->name) && take_time(&at, &zone->east_s)) {
        zone->east_s = -zone->east_s;
        if (!*at || turn_to_summer(at, when_s, zone))
            return true;
    }
    *zone = (struct th_zone){.name = "UTC"};
    return false;
}
