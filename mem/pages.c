#include "pages.h"
#include "watch.h"

#include <errno.h>
#include <sys/mman.h>
#include <unistd.h>

static uintptr_t page_mask(void)
{
    return (uintptr_t)getpagesize() - 1;
}

uintptr_t th_pages_floor(const void *address)
{
    return (uintptr_t)address & ~page_mask();
}

uintptr_t th_pages_ceiling(const void *address)
{
    return th_pages_floor((const uint8_t *)address + page_mask());
}

/* Since Linux 5.18; before, the pages of a range that is locked stay. Asked for last: qemu grants
 * it and does nothing. */
#ifndef MADV_DONTNEED_LOCKED
#define MADV_DONTNEED_LOCKED 24
#endif

static bool give_back(void *first, size_t bytes)
{
    return madvise(first, bytes, MADV_DONTNEED) == 0 ||
           madvise(first, bytes, MADV_DONTNEED_LOCKED) == 0;
}

bool th_pages_release(const void *from, const void *to)
{
    int saved_errno = errno;
    uintptr_t first = th_pages_ceiling(from);
    uintptr_t end = th_pages_floor(to);
    bool released = first >= end || give_back((void *)first, end - first);
    errno = saved_errno;
    return released;
}

/* valgrind does not know the call, and says so. */
static bool keep_from_swap(void *first, size_t bytes)
{
    return th_watch_by_valgrind() || mlock2(first, bytes, MLOCK_ONFAULT) == 0;
}

bool th_pages_keep_secret(const void *from, const void *to)
{
    void *first = (void *)th_pages_floor(from);
    size_t bytes = th_pages_ceiling(to) - (uintptr_t)first;
    bool undumped = madvise(first, bytes, MADV_DONTDUMP) == 0;
    return keep_from_swap(first, bytes) && undumped;
}
