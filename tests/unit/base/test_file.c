/* System calls on files that signals interrupt. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

/* In place of libc's: so many calls are interrupted. */
static unsigned interruptions;
static int error; /* of those that follow; 0: none */

static bool fails(void)
{
    errno = interruptions ? EINTR : error;
    if (interruptions)
        interruptions--;
    return errno != 0;
}

int open(const char *path, int flags, ...)
{
    va_list args;
    va_start(args, flags);
    unsigned mode = va_arg(args, unsigned);
    va_end(args);
    return fails() ? -1 : (int)syscall(SYS_openat, AT_FDCWD, path, flags, mode);
}

int fsync(int fd)
{
    return fails() ? -1 : (int)syscall(SYS_fsync, fd);
}

static void interrupted_calls_are_made_again(void **state)
{
    (void)state;
    char path[] = "/tmp/th_file_XXXXXX";
    close(mkstemp(path));
    interruptions = 3;
    int fd = th_file_open(path, O_WRONLY, 0);
    assert_true(fd >= 0);
    assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
    interruptions = 3;
    assert_int_equal(th_file_sync(fd), 0);
    assert_int_equal(interruptions, 0);
    close(fd);
    unlink(path);
}

static void other_errors_are_told(void **state)
{
    (void)state;
    interruptions = 1;
    error = EIO;
    assert_int_equal(th_file_open("/", O_RDONLY, 0), -1);
    assert_int_equal(errno, EIO);
    assert_int_equal(th_file_sync(0), -1);
    assert_int_equal(errno, EIO);
    error = 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(interrupted_calls_are_made_again),
        cmocka_unit_test(other_errors_are_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
