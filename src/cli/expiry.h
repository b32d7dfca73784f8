/* Says when the certificate of --identity nears its end: 30, 14, 7 and 1 days before, and when four
 * fifths of its lifetime have passed, which is the time to renew it. */
#ifndef TH_CLI_EXPIRY_H
#define TH_CLI_EXPIRY_H

#include <stdint.h>

/* From now on this certificate is watched: seconds since 1970. */
void th_cli_expiry_watch(int64_t not_before_s, int64_t not_after_s);

/* When the one that is watched ends; 0: none is. */
int64_t th_cli_expiry_not_after_s(void);

/* Says what is due and has not been said of this certificate, if any is watched. */
void th_cli_expiry_tell(void);

/* When to ask again: th_clock_ms(), or TH_NEVER. */
uint64_t th_cli_expiry_until_ms(void);

#endif
