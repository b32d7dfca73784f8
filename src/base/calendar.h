/* The calendar: where everybody has the date from, wolfSSL included. One for the process;
 * more of it stands in thimble.h. */
#ifndef TH_BASE_CALENDAR_H
#define TH_BASE_CALENDAR_H

#include <stdbool.h>
#include <stdint.h>
#include <thimble.h>
#include <time.h>

struct timespec th_calendar_now(void);

/* Not below the floor. */
bool th_calendar_is_believable(void);
int64_t th_calendar_floor_s(void);

/* Sets the fault: it is not. Returns TH_E_CLOCK. */
int th_calendar_fault(struct th_fault *fault);

#endif
