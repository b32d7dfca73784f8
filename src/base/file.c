#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <unistd.h>

static int never_waits; /* O_NONBLOCK */

void th_file_wait_no_more(void)
{
    never_waits = O_NONBLOCK;
}

int th_file_open(const char *path, int flags, unsigned mode)
{
    int fd;
    do
        fd = open(path, flags | O_CLOEXEC | never_waits, mode);
    while (fd < 0 && errno == EINTR);
    return fd;
}

static bool may_read_again(int fd)
{
    struct pollfd input = {.fd = fd, .events = POLLIN};
    bool waits = errno == EAGAIN && !never_waits;
    bool again = waits || errno == EINTR;
    if (waits)
        poll(&input, 1, -1);
    return again;
}

ssize_t th_file_read(int fd, void *buffer, size_t buffer_bytes)
{
    size_t used = 0;
    ssize_t got = 1;
    while (got && used < buffer_bytes) {
        got = read(fd, (char *)buffer + used, buffer_bytes - used);
        if (got < 0 && !may_read_again(fd))
            return -1;
        used += got > 0 ? (size_t)got : 0;
    }
    return (ssize_t)used;
}

int th_file_sync(int fd)
{
    int result;
    do
        result = fsync(fd);
    while (result < 0 && errno == EINTR);
    return result;
}

int th_file_write(int fd, const void *data, size_t bytes)
{
    const uint8_t *at = data, *end = at + bytes;
    while (at < end) {
        ssize_t written = write(fd, at, (size_t)(end - at));
        if (written < 0 && errno != EINTR)
            return -1;
        at += written > 0 ? written : 0;
    }
    return 0;
}

void th_file_close(int *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}
