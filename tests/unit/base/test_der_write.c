/* DER written backwards, and read again. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/der.h"
#include "base/der_write.h"

static uint8_t room[70000], filling[65535];

static struct th_der_out opened(size_t bytes)
{
    struct th_der_out out;
    th_der_out_open(&out, room, bytes);
    return out;
}

static void writes_what_is_read(void **state)
{
    static const size_t lengths[] = {0, 1, 127, 128, 255, 256, 65535};
    (void)state;
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        struct th_der_out out = opened(sizeof room);
        th_der_put(&out, TH_DER_OCTET_STRING, th_slice_of(filling, lengths[i]));
        struct th_slice written = th_der_written(&out), value;
        assert_true(th_der_take(&written, TH_DER_OCTET_STRING, &value));
        assert_int_equal(value.len_bytes, lengths[i]);
        assert_int_equal(written.len_bytes, 0);
        assert_false(out.is_full);
    }
}

static void wraps_what_was_written(void **state)
{
    static const uint8_t expected[] = {0x30, 8, 0x02, 1, 5, 0x03, 3, 0, 0x05, 0};
    struct th_der_out out = opened(sizeof room);
    (void)state;
    th_der_put(&out, TH_DER_NULL, th_slice_of("", 0));
    th_der_bits(&out, out.end);
    th_der_number(&out, 5);
    th_der_wrap(&out, TH_DER_SEQUENCE, out.end);
    struct th_slice written = th_der_written(&out);
    assert_int_equal(written.len_bytes, sizeof expected);
    assert_memory_equal(written.data, expected, sizeof expected);
}

/* In any room it fits, or it is said; nothing lies outside. */
static void tells_when_it_is_full(void **state)
{
    (void)state;
    for (size_t bytes = 0; bytes < 20; bytes++) {
        memset(room, 0xEE, 40);
        struct th_der_out out;
        th_der_out_open(&out, room + 10, bytes);
        th_der_put(&out, TH_DER_OCTET_STRING, th_slice_of(filling, 8));
        th_der_wrap(&out, TH_DER_SEQUENCE, out.end);
        assert_int_equal(out.is_full, bytes < 12);
        for (size_t i = 0; i < 10; i++)
            assert_true(room[i] == 0xEE && room[10 + bytes + i] == 0xEE);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(writes_what_is_read),
        cmocka_unit_test(wraps_what_was_written),
        cmocka_unit_test(tells_when_it_is_full),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
