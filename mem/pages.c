#include "pages.h"

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

bool th_pages_release(const void *from, const void *to)
{
    int saved_errno = errno;
    uintptr_t first = th_pages_ceiling(from);
    uintptr_t end = th_pages_floor(to);
    bool released = first >= end || madvise((void *)first, end - first, MADV_DONTNEED) == 0;
    errno = saved_errno;
    return released;
}
