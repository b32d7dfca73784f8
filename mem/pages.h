/* Pages that are not needed for now go back to the kernel. */
#ifndef TH_MEM_PAGES_H
#define TH_MEM_PAGES_H

#include <stdbool.h>
#include <stdint.h>

/* The page boundary at or below, at or above this address. */
uintptr_t th_pages_floor(const void *address);
uintptr_t th_pages_ceiling(const void *address);

/* Gives back the whole pages between `from` and `to`: they read as zeros and cost nothing until
 * they are written. False if the kernel would not; then the memory is what it was. */
bool th_pages_release(const void *from, const void *to);

/* The pages that hold anything between `from` and `to` stay out of core files, and as long as
 * RLIMIT_MEMLOCK allows it out of the swap, without being touched. False if a part is not to be
 * had, with errno. */
bool th_pages_keep_secret(const void *from, const void *to);

#endif
