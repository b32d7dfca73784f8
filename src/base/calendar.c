#include "base/calendar.h"

#include "base/date.h"
#include "base/err.h"
#include "gen/version.h"

static struct {
    int64_t floor_s;
    int64_t ahead_s; /* of the machine's running time; 0: the system's date counts */
} calendar = {.floor_s = TH_BUILD_TIME};

struct timespec th_calendar_now(void)
{
    struct timespec now;
    clock_gettime(calendar.ahead_s ? CLOCK_BOOTTIME : CLOCK_REALTIME, &now);
    now.tv_sec += (time_t)calendar.ahead_s;
    return now;
}

int64_t th_calendar_s(void)
{
    return th_calendar_now().tv_sec;
}

int64_t th_calendar_ms(void)
{
    struct timespec now = th_calendar_now();
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

void th_calendar_set(int64_t now_s)
{
    struct timespec running = {0};
    if (now_s)
        clock_gettime(CLOCK_BOOTTIME, &running);
    calendar.ahead_s = now_s - running.tv_sec;
}

/* ---- what is believed ------------------------------------------------------------------------ */

int64_t th_calendar_floor_s(void)
{
    return calendar.floor_s;
}

bool th_calendar_is_believable(void)
{
    return th_calendar_s() >= calendar.floor_s;
}

void th_calendar_raise_floor(int64_t floor_s)
{
    if (floor_s > calendar.floor_s)
        calendar.floor_s = floor_s;
}

void th_calendar_believe_any(void)
{
    calendar.floor_s = INT64_MIN;
}

int th_calendar_fault(struct th_fault *fault)
{
    char today[TH_DATE_DAY_BYTES], floor[TH_DATE_DAY_BYTES];
    th_date_day(th_calendar_s(), today);
    th_date_day(calendar.floor_s, floor);
    return th_fault_set(fault, TH_E_CLOCK, "the clock here says %s, but it is %s or later; no "
                        "certificate can be judged until it is set", today, floor);
}
