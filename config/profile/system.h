/* The distribution's libwolfssl and libcjson, linked dynamically: make SYSTEM_LIBS=1. */
#define TH_PROFILE_NAME "system"

/* Everything libwolfssl takes, of all connections and for itself: src/system/libc.c. With Debian
 * 12's 5.5.4 a connection took 0.1 to 4.3 MB, most of it tables of curve points, nearly 1 MB for
 * each key that was seen. Only what is touched is resident. */
#ifndef TH_SYSTEM_HEAPS
#define TH_SYSTEM_HEAPS 16 /* of 1 MB, the most a pool can use */
#endif

#define TH_STACK_BYTES 262144
#define TH_PROCESS_HEAP_BYTES 0
#include "default.h"
