/* Time that only goes on: everything waits by it. The date is base/calendar.h's. */
#ifndef TH_BASE_CLOCK_H
#define TH_BASE_CLOCK_H

#include <stdint.h>

uint64_t th_clock_us(void); /* monotonic, microseconds */
uint64_t th_clock_ms(void); /* monotonic, milliseconds */

uint64_t th_clock_cpu_us(void); /* microseconds of processor time this process has had */

/* A point in time, milliseconds; TH_NEVER never comes. */
#define TH_NEVER UINT64_MAX

/* Milliseconds from now until `when` as poll(2) wants them: -1 for TH_NEVER, 0 when past. */
int th_clock_wait_ms(uint64_t when_ms, uint64_t now_ms);

/* The earlier of two points in time; the shorter of two such waits. */
uint64_t th_clock_earlier(uint64_t a_ms, uint64_t b_ms);
int th_clock_shorter_ms(int a_ms, int b_ms);

#endif
