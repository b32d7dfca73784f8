/* The formatter agrees with libc's, wherever both know the conversion. */
#include "base/format.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#pragma GCC diagnostic ignored "-Wformat-truncation"

#define AGREES(...)                                                          \
    do {                                                                     \
        char ours[128], theirs[128];                                         \
        int our_length = th_format(ours, sizeof ours, __VA_ARGS__);          \
        int their_length = snprintf(theirs, sizeof theirs, __VA_ARGS__);     \
        assert_string_equal(ours, theirs);                                   \
        assert_int_equal(our_length, their_length);                          \
    } while (0)

static void numbers(void **state)
{
    (void)state;
    AGREES("%d %d %d", 0, INT_MAX, INT_MIN);
    AGREES("%i|%u", -1, UINT_MAX);
    AGREES("%ld %lu", LONG_MIN, ULONG_MAX);
    AGREES("%lld %llu", LLONG_MIN, ULLONG_MAX);
    AGREES("%zu", SIZE_MAX);
    AGREES("%" PRIu64 " %" PRId64, UINT64_MAX, INT64_MIN);
    AGREES("%x %X %02x %08X", 0xbeef, 0xbeef, 7, 0xc0ffee);
}

static void widths(void **state)
{
    (void)state;
    AGREES("[%5d] [%-5d] [%05d]", 42, 42, 42);
    AGREES("[%5d] [%-5d] [%05d]", -42, -42, -42);
    AGREES("[%2d] [%02d]", 12345, -12345);
    AGREES("[%*d] [%10zu]", 6, 1, (size_t)99);
    AGREES("[%8s] [%-8s] [%2s]", "abc", "abc", "abc");
}

static void text(void **state)
{
    (void)state;
    AGREES("%s%c%s", "a", ':', "");
    AGREES("%.*s|%.2s|%.0s|", 3, "abcdef", "abcdef", "abc");
    AGREES("%-6.*s|", 2, "xyz");
    AGREES("100%% of %s", "it");
    AGREES("plain");
}

/* "%.*s" must not look behind what it was allowed: slices have no NUL. */
static void slices(void **state)
{
    (void)state;
    char edge[3] = {'a', 'b', 'c'}, out[8];
    assert_int_equal(th_format(out, sizeof out, "%.*s", 3, edge), 3);
    assert_string_equal(out, "abc");
}

static void short_room(void **state)
{
    (void)state;
    char out[8];
    for (size_t room = 1; room <= sizeof out; room++) {
        char theirs[8];
        memset(out, '#', sizeof out);
        assert_int_equal(th_format(out, room, "%s-%d", "abcd", 1234), 9);
        assert_true(snprintf(theirs, room, "%s-%d", "abcd", 1234) > 0);
        assert_string_equal(out, theirs);
    }
    assert_int_equal(th_format(NULL, 0, "%d", 1000), 4);
}

/* No compiler would let us write this one, but a format may come from a table. */
static void unknown_conversion(void **state)
{
    (void)state;
    char out[16];
    const char *volatile format = "a%gb";
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
#pragma GCC diagnostic ignored "-Wformat-security"
    assert_int_equal(th_format(out, sizeof out, format, 1.5), -1);
    assert_string_equal(out, "a");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers),    cmocka_unit_test(widths),
        cmocka_unit_test(text),       cmocka_unit_test(slices),
        cmocka_unit_test(short_room), cmocka_unit_test(unknown_conversion),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
