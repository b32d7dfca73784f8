#include "sandbox/limits.h"

#include <fcntl.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

/* What a process has already may exceed its limit: zero means "no more". A core of one byte is
 * none, and unlike zero it also keeps the kernel from handing it to a program (core(5)). */
static const struct {
    uint8_t resource;
    uint8_t most;
} limits[] = {
    {RLIMIT_AS, 0}, {RLIMIT_DATA, 0}, {RLIMIT_STACK, 0}, {RLIMIT_NPROC, 0}, {RLIMIT_CORE, 1},
};

struct limit {
    uint64_t now, most;
};

/* The call itself: musl's setrlimit() brings along what tells other threads, 2 KB. */
static bool exchange(int resource, const struct limit *to, struct limit *from)
{
    return syscall(SYS_prlimit64, 0, resource, to, from) == 0;
}

/* qemu says yes and does nothing. */
static bool lower(int resource, uint64_t most)
{
    struct limit limit;
    if (!exchange(resource, NULL, &limit))
        return false;
    if (most < limit.most)
        limit.most = most;
    if (limit.most < limit.now)
        limit.now = limit.most;
    return exchange(resource, &limit, NULL) && exchange(resource, NULL, &limit) &&
           limit.most <= most;
}

/* We may have inherited many. */
static int first_free(void)
{
    int fd = open("/", O_PATH | O_CLOEXEC);
    close(fd);
    return fd < 0 ? 0 : fd;
}

bool th_sandbox_limit(unsigned others)
{
    bool all = lower(RLIMIT_NOFILE, (uint64_t)first_free() + th_sandbox_descriptors(others));
    for (size_t i = 0; i < sizeof limits / sizeof *limits; i++)
        all &= lower(limits[i].resource, limits[i].most);
    return all;
}
