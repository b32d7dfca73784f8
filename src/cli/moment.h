/* The moment a message came, written the way strftime() would in the C locale. Local time is that
 * of TZ or of /etc/localtime; UTC if neither tells. */
#ifndef TH_CLI_MOMENT_H
#define TH_CLI_MOMENT_H

#include <stddef.h>
#include <stdint.h>
#include <time.h>

/* Longer texts than this are cut. */
#define TH_CLI_MOMENT_BYTES 64

/* Learns the zone, from the environment and its file. */
void th_cli_moment_open(void);

/* Now is the moment. */
void th_cli_moment_take(void);
void th_cli_moment_set(struct timespec moment);

/* "1470818943.786368" and so on: what strftime's '%' does '@' does here. Beyond strftime: @N, the
 * nanoseconds, and TH_CLI_MICROSECONDS. Returns the length. */
#define TH_CLI_MICROSECONDS "@\001"
size_t th_cli_moment_text(const char *format, char text[TH_CLI_MOMENT_BYTES]);

#endif
