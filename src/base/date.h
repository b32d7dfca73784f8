/* The date in UTC. */
#ifndef TH_BASE_DATE_H
#define TH_BASE_DATE_H

#include <stdint.h>
#include <time.h>

/* As gmtime_r(), from 1970 to 9999; else NULL. The binary uses it in place of libc's, which needs
 * 600 bytes more. */
struct tm *th_date_utc(const time_t *when, struct tm *date);

/* "2026-11-21" for seconds since 1970; "?" before 1970 and after 9999. */
#define TH_DATE_DAY_BYTES 12
void th_date_day(int64_t when_s, char text[TH_DATE_DAY_BYTES]);

/* `month` from 0 to 11. */
int th_date_days_of_month(int month, int year);

#endif
