/* Floating point in decimal: the same text as libc's. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "cli/float.h"

static void assert_as_libc(uint64_t bits, unsigned precision)
{
    static char wanted[2048];
    double number;
    memcpy(&number, &bits, sizeof number);
    snprintf(wanted, sizeof wanted, "%.*f", (int)precision, number);
    struct th_slice text = th_cli_float_text(bits, precision);
    if (text.len_bytes != strlen(wanted) || memcmp(text.data, wanted, text.len_bytes))
        fail_msg("%a %u: %.*s, libc %s", number, precision, (int)text.len_bytes, text.data, wanted);
}

static void assert_double(double number, unsigned precision)
{
    uint64_t bits;
    memcpy(&bits, &number, sizeof bits);
    assert_as_libc(bits, precision);
}

static void test_known(void **state)
{
    static const double numbers[] = {
        0, -0.0, 1, -1, 0.5, 1.5, 2.5, 0.25, 0.125, 9.5, 99.5, 0.05, 0.95, 0.999, 999.9999999, 1e15,
        1e22, 1e23, 2.718281828459045, 3.14159, -273.15, 27.3, 1e-6, 5e-7, 4.9999999e-7, 1e-300,
        1.7976931348623157e308, 4.9406564584124654e-324, 2.2250738585072014e-308, 4503599627370497.5,
    };
    static const unsigned precisions[] = {0, 1, 2, 3, 6, 15, 17, 50, 330, TH_CLI_FLOAT_DIGITS};
    (void)state;
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        for (size_t j = 0; j < sizeof precisions / sizeof *precisions; j++)
            assert_double(numbers[i], precisions[j]);
}

static void test_not_numbers(void **state)
{
    static const uint64_t bits[] = {
        0x7ff0000000000000, 0xfff0000000000000, 0x7ff8000000000000, 0xfff8000000000000,
        0x7ff0000000000001,
    };
    (void)state;
    for (size_t i = 0; i < sizeof bits / sizeof *bits; i++)
        assert_as_libc(bits[i], 6);
}

static void test_any_bits(void **state)
{
    (void)state;
    uint64_t bits = 1;
    for (int i = 0; i < 4000; i++) {
        bits = bits * UINT64_C(6364136223846793005) + 1442695040888963407;
        assert_as_libc(bits, (unsigned)(bits >> 33) % 40);
    }
    for (int i = 0; i < 20000; i++) {
        bits = bits * UINT64_C(6364136223846793005) + 1442695040888963407;
        assert_double((double)(int32_t)(bits >> 32) / 1000.0, (unsigned)(bits >> 13) % 8);
        assert_double((double)(int32_t)(bits >> 32) / 1024.0, (unsigned)(bits >> 13) % 10);
    }
}

static void test_floats_are_widened(void **state)
{
    (void)state;
    struct th_slice text = th_cli_float_text(th_cli_float_widen(0x3f34fdf4), 3);
    assert_int_equal(text.len_bytes, 5);
    assert_memory_equal(text.data, "0.707", 5);
    text = th_cli_float_text(th_cli_float_widen(0x00000001), 10);
    assert_memory_equal(text.data, "0.0000000000", 12);
    text = th_cli_float_text(th_cli_float_widen(0xff800000), 10);
    assert_memory_equal(text.data, "-inf", 4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_known),
        cmocka_unit_test(test_not_numbers),
        cmocka_unit_test(test_any_bits),
        cmocka_unit_test(test_floats_are_widened),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
