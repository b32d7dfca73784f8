/* The date in UTC. */
#ifndef TH_BASE_DATE_H
#define TH_BASE_DATE_H

#include <time.h>

/* As gmtime_r(), without the days of the week and of the year, from 1970 to 9999; else NULL. The
 * binary uses it in place of libc's, which needs 600 bytes more. */
struct tm *th_date_utc(const time_t *when, struct tm *date);

#endif
