/* The date in UTC. */
#ifndef TH_BASE_DATE_H
#define TH_BASE_DATE_H

#include <time.h>

/* As gmtime_r(), from 1970 to 9999; else NULL. The binary uses it in place of libc's, which needs
 * 600 bytes more. */
struct tm *th_date_utc(const time_t *when, struct tm *date);

/* `month` from 0 to 11. */
int th_date_days_of_month(int month, int year);

#endif
