/* What every test of this room includes. */
#ifndef TH_TEST_NET_SUPPORT_H
#define TH_TEST_NET_SUPPORT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define COUNT_OF(array) (sizeof(array) / sizeof *(array))

/* A temporary file; unlink it by its path. */
static inline void write_file(char path[64], const void *data, size_t bytes)
{
    strcpy(path, "/tmp/th_net_XXXXXX");
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, data, bytes), bytes);
    close(fd);
}

#endif
