#include "base/clock.h"

#include <limits.h>
#include <time.h>

static uint64_t read_us(clockid_t clock)
{
    struct timespec now;
    clock_gettime(clock, &now);
    return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

uint64_t th_clock_us(void)
{
    return read_us(CLOCK_MONOTONIC);
}

uint64_t th_clock_cpu_us(void)
{
    return read_us(CLOCK_PROCESS_CPUTIME_ID);
}

uint64_t th_clock_ms(void)
{
    return th_clock_us() / 1000;
}

int th_clock_wait_ms(uint64_t when_ms, uint64_t now_ms)
{
    if (when_ms == TH_NEVER)
        return -1;
    if (when_ms <= now_ms)
        return 0;
    uint64_t wait_ms = when_ms - now_ms;
    return wait_ms > INT_MAX ? INT_MAX : (int)wait_ms;
}

uint64_t th_clock_earlier(uint64_t a_ms, uint64_t b_ms)
{
    return a_ms < b_ms ? a_ms : b_ms;
}

int th_clock_shorter_ms(int a_ms, int b_ms)
{
    if (a_ms < 0 || b_ms < 0)
        return a_ms < 0 ? b_ms : a_ms;
    return a_ms < b_ms ? a_ms : b_ms;
}
