/* The distribution's libwolfssl and libcjson, linked dynamically: make SYSTEM_LIBS=1. */
#define TH_PROFILE_NAME "system"

/* Everything libwolfssl takes, of all connections and for itself: src/system/libc.c. With Debian
 * 12's 5.5.4 a connection took 0.1 to 4.3 MB, most of it tables of curve points, nearly 1 MB for
 * each key that was seen. Only what is touched is resident. Units this coarse make a pool of 16 MB;
 * those of 16 bytes end at 1 MB. */
#define TH_POOL_UNIT 256
#define TH_PROCESS_HEAP_BYTES 16777216

#define TH_STACK_BYTES 262144
#include "default.h"
