#include "base/der.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#define BYTES(...) th_slice_of((const uint8_t[]){__VA_ARGS__}, sizeof(const uint8_t[]){__VA_ARGS__})

static void measures_sequences(void **state)
{
    (void)state;
    static const struct {
        uint8_t bytes[8];
        size_t count, expected;
    } cases[] = {
        {{0x30, 0x00}, 2, 2},
        {{0x30, 0x03, 1, 2, 3, 9}, 6, 5},
        {{0x30, 0x81, 0x03, 1, 2, 3}, 6, 0}, /* the short form would do */
        {{0x30, 0x82, 0x00, 0x03, 1, 2, 3}, 7, 0},
        {{0x30, 0x83, 0x00, 0x00, 0x02, 1, 2}, 7, 0},
        {{0x30, 0x84, 0x00, 0x00, 0x00, 0x02, 1, 2}, 8, 0},
        {{0x30, 0x80, 0x00, 0x00}, 4, 0}, /* indefinite: BER */
        {{0x30, 0x82, 0x01}, 3, 0},
        {{0x30, 0x04, 1, 2, 3}, 5, 0},
        {{0x31, 0x00}, 2, 0},
        {{0x30}, 1, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_int_equal(th_der_sequence_bytes(th_slice_of(cases[i].bytes, cases[i].count)),
                         cases[i].expected);
}

/* Each in a block of its own, so that a byte read beyond its end is noticed. */
static void reads_long_lengths(void **state)
{
    (void)state;
    static const struct {
        uint8_t header[4];
        size_t header_bytes, length;
    } cases[] = {
        {{0x30, 0x7F}, 2, 0x7F},
        {{0x30, 0x81, 0x80}, 3, 0x80},
        {{0x30, 0x81, 0xFF}, 3, 0xFF},
        {{0x30, 0x82, 0x01, 0x00}, 4, 0x100},
        {{0x30, 0x82, 0xFF, 0xFF}, 4, 0xFFFF},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        size_t whole = cases[i].header_bytes + cases[i].length;
        uint8_t *block = calloc(1, whole);
        memcpy(block, cases[i].header, cases[i].header_bytes);
        assert_int_equal(th_der_sequence_bytes(th_slice_of(block, whole)), whole);
        assert_int_equal(th_der_sequence_bytes(th_slice_of(block, whole - 1)), 0);
        free(block);
    }
}

static void takes_values_in_turn(void **state)
{
    (void)state;
    struct th_slice in = BYTES(0x01, 0x01, 0xFF, 0x05, 0x00, 0x02, 0x01, 0x07), value;
    uint8_t tag;
    assert_true(th_der_next_is(in, TH_DER_BOOLEAN));
    assert_false(th_der_take(&in, TH_DER_INTEGER, &value));
    assert_true(th_der_take(&in, TH_DER_BOOLEAN, &value));
    assert_true(th_slice_equal(value, BYTES(0xFF)));
    assert_true(th_der_skip_optional(&in, TH_DER_BOOLEAN));
    assert_true(th_der_take_any(&in, &tag, &value));
    assert_int_equal(tag, 0x05);
    assert_int_equal(value.len_bytes, 0);
    assert_true(th_der_skip(&in, TH_DER_INTEGER));
    assert_int_equal(in.len_bytes, 0);
    assert_false(th_der_take_any(&in, &tag, &value));
    assert_false(th_der_skip(&in, TH_DER_INTEGER));
    assert_true(th_der_skip_optional(&in, TH_DER_INTEGER));
}

static bool number_is(struct th_slice in, struct th_slice expected)
{
    struct th_slice number;
    return th_der_take_number(&in, &number) && th_slice_equal(number, expected);
}

static void takes_numbers(void **state)
{
    (void)state;
    assert_true(number_is(BYTES(0x02, 0x01, 0x00), th_slice_of("", 0)));
    assert_true(number_is(BYTES(0x02, 0x01, 0x7F), BYTES(0x7F)));
    assert_true(number_is(BYTES(0x02, 0x02, 0x00, 0x80), BYTES(0x80)));
    assert_false(number_is(BYTES(0x02, 0x01, 0x80), BYTES(0x80))); /* -128 */
    assert_false(number_is(BYTES(0x02, 0x00), th_slice_of("", 0)));
}

static void takes_bits(void **state)
{
    (void)state;
    struct th_slice whole = BYTES(0x03, 0x03, 0x00, 0xAA, 0xBB), bytes;
    assert_true(th_der_take_bits(&whole, &bytes));
    assert_true(th_slice_equal(bytes, BYTES(0xAA, 0xBB)));
    struct th_slice part = BYTES(0x03, 0x02, 0x04, 0xA0), none = BYTES(0x03, 0x00);
    assert_false(th_der_take_bits(&part, &bytes));
    assert_false(th_der_take_bits(&none, &bytes));
}

static void finds_identifiers(void **state)
{
    (void)state;
    static const char list[] = "\x03\x55\x04\x03" "\x03\x55\x1D\x0F" "\x01\x2A";
    assert_int_equal(th_der_oid_in(BYTES(0x55, 0x04, 0x03), list), 0);
    assert_int_equal(th_der_oid_in(BYTES(0x2A), list), 2);
    assert_int_equal(th_der_oid_in(BYTES(0x55, 0x1D), list), -1);
    assert_int_equal(th_der_oid_in(BYTES(0x55, 0x1D, 0x0F, 0x01), list), -1);
    assert_int_equal(th_der_oid_in(th_slice_of("", 0), list), -1);
    assert_true(th_der_is_oid(BYTES(0x55, 0x1D, 0x0F), list));
}

static void counts_bits(void **state)
{
    (void)state;
    assert_int_equal(th_der_number_bits(th_slice_of("", 0)), 0);
    assert_int_equal(th_der_number_bits(BYTES(0x01)), 1);
    assert_int_equal(th_der_number_bits(BYTES(0x80, 0x00)), 16);
    assert_int_equal(th_der_number_bits(BYTES(0x7F, 0x00)), 15);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(measures_sequences),
        cmocka_unit_test(reads_long_lengths),
        cmocka_unit_test(takes_values_in_turn),
        cmocka_unit_test(takes_numbers),
        cmocka_unit_test(takes_bits),
        cmocka_unit_test(finds_identifiers),
        cmocka_unit_test(counts_bits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
