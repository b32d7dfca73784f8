/* Local time by a rule such as "CET-1CEST,M3.5.0,M10.5.0/3" (IEEE 1003.1 section 8.3, TZ), which is
 * also the last line of every time zone file. libc's takes the file with mmap. */
#ifndef TH_BASE_ZONE_H
#define TH_BASE_ZONE_H

#include <stdbool.h>
#include <stdint.h>

#define TH_ZONE_NAME_BYTES 12

struct th_zone {
    int32_t east_s;                /* to add to UTC */
    char name[TH_ZONE_NAME_BYTES]; /* "CEST"; cut if it is longer */
};

/* What clocks show there at a moment, seconds since 1970. False: the rule is not of that form, and
 * the zone is UTC. */
bool th_zone_at(const char *rule, int64_t when_s, struct th_zone *zone);

#endif
