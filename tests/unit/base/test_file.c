/* System calls on files that signals interrupt. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
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

ssize_t read(int fd, void *buffer, size_t bytes)
{
    return fails() ? -1 : syscall(SYS_read, fd, buffer, bytes);
}

/* Of one that succeeds each moves a few bytes only. */
ssize_t write(int fd, const void *data, size_t bytes)
{
    return fails() ? -1 : syscall(SYS_write, fd, data, bytes < 3 ? bytes : 3);
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

static void reads_to_the_end(void **state)
{
    (void)state;
    int ends[2];
    char got[8];
    assert_int_equal(pipe2(ends, O_NONBLOCK), 0);
    assert_int_equal(write(ends[1], "abc", 3), 3);
    close(ends[1]);
    interruptions = 2;
    assert_int_equal(th_file_read(ends[0], got, sizeof got), 3);
    assert_memory_equal(got, "abc", 3);
    assert_int_equal(th_file_read(ends[0], got, sizeof got), 0);
    close(ends[0]);
}

static void reads_until_it_is_full(void **state)
{
    (void)state;
    char got[3];
    int fd = open("/dev/zero", O_RDONLY, 0);
    assert_int_equal(th_file_read(fd, got, sizeof got), 3);
    error = EIO;
    assert_int_equal(th_file_read(fd, got, sizeof got), -1);
    assert_int_equal(errno, EIO);
    error = 0;
    close(fd);
}

static int late_end;

static void write_later(int number)
{
    (void)number;
    (void)!write(late_end, "x", 1);
    close(late_end);
}

static void waits_where_it_does_not_block(void **state)
{
    (void)state;
    int ends[2];
    char got[2];
    assert_int_equal(pipe2(ends, O_NONBLOCK), 0);
    late_end = ends[1];
    signal(SIGALRM, write_later);
    ualarm(20000, 0);
    assert_int_equal(th_file_read(ends[0], got, sizeof got), 1);
    close(ends[0]);
}

static void writes_to_the_end(void **state)
{
    (void)state;
    char path[] = "/tmp/th_file_XXXXXX", got[16];
    int fd = mkstemp(path);
    interruptions = 2;
    assert_int_equal(th_file_write(fd, "eleven bytes", 11), 0);
    assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
    assert_int_equal(th_file_read(fd, got, sizeof got), 11);
    assert_memory_equal(got, "eleven byte", 11);
    error = EIO;
    assert_int_equal(th_file_write(fd, "more", 4), -1);
    assert_int_equal(errno, EIO);
    error = 0;
    th_file_close(&fd);
    assert_int_equal(fd, -1);
    th_file_close(&fd);
    unlink(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(interrupted_calls_are_made_again),
        cmocka_unit_test(other_errors_are_told),
        cmocka_unit_test(reads_to_the_end),
        cmocka_unit_test(writes_to_the_end),
        cmocka_unit_test(reads_until_it_is_full),
        cmocka_unit_test(waits_where_it_does_not_block),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
