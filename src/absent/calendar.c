/* The system's date, which is believed whatever it is. */
#include "base/calendar.h"

struct timespec th_calendar_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return now;
}

int64_t th_calendar_s(void)
{
    return th_calendar_now().tv_sec;
}

int64_t th_calendar_ms(void)
{
    return th_calendar_s() * 1000;
}

void th_calendar_set(int64_t now_s)
{
    (void)now_s;
}

void th_calendar_raise_floor(int64_t floor_s)
{
    (void)floor_s;
}

void th_calendar_believe_any(void)
{
}

bool th_calendar_is_believable(void)
{
    return true;
}

int th_calendar_fault(struct th_fault *fault)
{
    (void)fault;
    return 0;
}
