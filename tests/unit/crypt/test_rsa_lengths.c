/* RSA's arithmetic, which is made one for all lengths when wolfSSL is built, gives what general
 * multiplication and division give. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "mem/payer.h"

#include <stdlib.h>
#include <string.h>
#include <wolfssl/wolfcrypt/settings.h>

#include <wolfssl/wolfcrypt/error-crypt.h>
#include <wolfssl/wolfcrypt/sp.h>
#include <wolfssl/wolfcrypt/wolfmath.h>

#define BYTES_MAX 512

typedef int public_function(const byte *, word32, const mp_int *, const mp_int *, byte *, word32 *);
typedef int private_function(const byte *, word32, const mp_int *, const mp_int *, const mp_int *,
                             const mp_int *, const mp_int *, const mp_int *, const mp_int *, byte *,
                             word32 *);
typedef int power_function(const mp_int *, const mp_int *, const mp_int *, mp_int *);

struct length {
    size_t bytes;
    public_function *public;
    private_function *private;
    power_function *power;
};

static const struct length lengths[] = {
    {256, sp_RsaPublic_2048, sp_RsaPrivate_2048, sp_ModExp_2048},
    {384, sp_RsaPublic_3072, sp_RsaPrivate_3072, sp_ModExp_3072},
    {512, sp_RsaPublic_4096, sp_RsaPrivate_4096, sp_ModExp_4096},
};
#define LENGTHS (sizeof lengths / sizeof *lengths)

static _Alignas(16) uint8_t heap[64 * 1024];
static struct th_payer payer;

static int begin(void **state)
{
    (void)state;
    th_payer_open(&payer, &(struct th_payer_config){.name = "test", .heap = heap,
                                                    .heap_bytes = sizeof heap});
    th_payer_enter(&payer);
    return 0;
}

static int end(void **state)
{
    (void)state;
    th_payer_leave(NULL);
    return th_payer_close(&payer);
}

/* ---- numbers ---- */

enum look { RANDOM, ALL_ONES, FEW_BITS, LOOKS };

static void number(mp_int *result, size_t bytes, enum look look)
{
    uint8_t text[BYTES_MAX];
    memset(text, look == ALL_ONES ? 0xff : 0, bytes);
    for (size_t at = 0; look == RANDOM && at < bytes; at++)
        text[at] = (uint8_t)(rand() >> 8);
    if (look == FEW_BITS)
        text[(size_t)rand() % bytes] = 1;
    assert_int_equal(mp_init(result), 0);
    assert_int_equal(mp_read_unsigned_bin(result, text, (word32)bytes), 0);
}

/* Odd, and none of its bits is missing. */
static void modulus(mp_int *result, size_t bytes, enum look look)
{
    number(result, bytes, look);
    assert_int_equal(mp_set_bit(result, 0), 0);
    assert_int_equal(mp_set_bit(result, (int)bytes * 8 - 1), 0);
}

static void times(mp_int *result, mp_int *factor, mp_int *m)
{
    assert_int_equal(mp_mul(result, factor, result), 0);
    assert_int_equal(mp_mod(result, m, result), 0);
}

static void power(mp_int *result, const mp_int *base, const mp_int *exponent, mp_int *m)
{
    mp_int factor[1];
    assert_int_equal(mp_init(factor), 0);
    assert_int_equal(mp_mod((mp_int *)base, m, factor), 0);
    assert_int_equal(mp_init(result), 0);
    assert_int_equal(mp_set(result, 1), 0);
    for (int bit = mp_count_bits(exponent) - 1; bit >= 0; bit--) {
        times(result, result, m);
        if (mp_is_bit_set((mp_int *)exponent, (unsigned)bit))
            times(result, factor, m);
    }
}

static void same(const uint8_t *text, size_t bytes, mp_int *expected)
{
    mp_int result[1];
    assert_int_equal(mp_init(result), 0);
    assert_int_equal(mp_read_unsigned_bin(result, text, (word32)bytes), 0);
    assert_int_equal(mp_cmp(result, expected), MP_EQ);
}

/* ---- tests ---- */

static void public_agrees(const struct length *length, mp_int *m, mp_int *base, unsigned exponent)
{
    mp_int e[1], expected[1];
    uint8_t in[BYTES_MAX], out[BYTES_MAX];
    word32 bytes = (word32)length->bytes;
    assert_int_equal(mp_init(e), 0);
    assert_int_equal(mp_set_int(e, exponent), 0);
    power(expected, base, e, m);
    assert_int_equal(mp_to_unsigned_bin_len(base, in, (int)bytes), 0);
    assert_int_equal(length->public(in, bytes, e, m, out, &bytes), 0);
    assert_int_equal(bytes, length->bytes);
    same(out, bytes, expected);
}

static void public_agrees_for_all_lengths(void **state)
{
    static const unsigned exponents[] = {3, 5, 17, 257, 65537, 0xfffffffb};
    (void)state;
    for (size_t i = 0; i < LENGTHS * LOOKS * LOOKS; i++) {
        const struct length *length = &lengths[i % LENGTHS];
        mp_int m[1], base[1];
        modulus(m, length->bytes, i / LENGTHS % LOOKS);
        number(base, length->bytes, i / LENGTHS / LOOKS);
        for (size_t e = 0; e < sizeof exponents / sizeof *exponents; e++)
            public_agrees(length, m, base, exponents[e]);
    }
}

/* By the Chinese remainder theorem, as wolfSSL does it. */
static void expect(mp_int *result, mp_int *base, mp_int *const key[5])
{
    mp_int of_p[1], of_q[1];
    power(of_p, base, key[2], key[0]);
    power(of_q, base, key[3], key[1]);
    assert_int_equal(mp_mod(of_q, key[0], result), 0);
    if (mp_cmp(of_p, result) == MP_LT)
        assert_int_equal(mp_add(of_p, key[0], of_p), 0);
    assert_int_equal(mp_sub(of_p, result, of_p), 0);
    times(of_p, key[4], key[0]);
    assert_int_equal(mp_mul(of_p, key[1], result), 0);
    assert_int_equal(mp_add(result, of_q, result), 0);
}

static void private_agrees(const struct length *length, enum look primes, enum look others)
{
    mp_int p[1], q[1], dp[1], dq[1], qi[1], m[1], base[1], expected[1];
    uint8_t in[BYTES_MAX], out[BYTES_MAX];
    word32 bytes = (word32)length->bytes;
    modulus(p, length->bytes / 2, primes);
    modulus(q, length->bytes / 2, RANDOM);
    assert_int_equal(mp_set_bit(p, (int)bytes * 4 - 2), 0);
    assert_int_equal(mp_set_bit(q, (int)bytes * 4 - 2), 0);
    assert_int_equal(mp_init(m), 0);
    assert_int_equal(mp_mul(p, q, m), 0);
    number(dp, length->bytes / 2, others);
    number(dq, length->bytes / 2, RANDOM);
    number(qi, length->bytes / 2, others);
    assert_int_equal(mp_mod(qi, p, qi), 0);
    number(base, length->bytes, others);
    assert_int_equal(mp_mod(base, m, base), 0);
    assert_int_equal(mp_to_unsigned_bin_len(base, in, (int)bytes), 0);
    assert_int_equal(mp_init(expected), 0);
    expect(expected, base, (mp_int *const[]){p, q, dp, dq, qi});
    assert_int_equal(length->private(in, bytes, NULL, p, q, dp, dq, qi, m, out, &bytes), 0);
    assert_int_equal(bytes, length->bytes);
    same(out, bytes, expected);
}

static void private_agrees_for_all_lengths(void **state)
{
    (void)state;
    for (size_t i = 0; i < LENGTHS * LOOKS; i++)
        private_agrees(&lengths[i % LENGTHS], i / LENGTHS, (i / LENGTHS + 1) % LOOKS);
}

static void powers_agree_for_all_lengths(void **state)
{
    (void)state;
    for (size_t i = 0; i < LENGTHS; i++) {
        mp_int base[1], exponent[1], m[1], expected[1], result[1];
        modulus(m, lengths[i].bytes, RANDOM);
        number(base, lengths[i].bytes, RANDOM);
        number(exponent, 24, RANDOM);
        assert_int_equal(mp_init(result), 0);
        power(expected, base, exponent, m);
        assert_int_equal(lengths[i].power(base, exponent, m, result), 0);
        assert_int_equal(mp_cmp(result, expected), MP_EQ);
    }
}

static void other_lengths_are_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < LENGTHS; i++) {
        mp_int e[1], m[1];
        uint8_t in[BYTES_MAX] = {1}, out[BYTES_MAX];
        word32 bytes = BYTES_MAX, few = (word32)lengths[i].bytes - 1;
        assert_int_equal(mp_init(e), 0);
        assert_int_equal(mp_set_int(e, 65537), 0);
        modulus(m, lengths[i].bytes - 1, RANDOM);
        assert_int_equal(lengths[i].public(in, few, e, m, out, &bytes), MP_READ_E);
        modulus(m, lengths[i].bytes, RANDOM);
        assert_int_equal(lengths[i].public(in, few, e, m, out, &few), MP_TO_E);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(public_agrees_for_all_lengths),
        cmocka_unit_test(private_agrees_for_all_lengths),
        cmocka_unit_test(powers_agree_for_all_lengths),
        cmocka_unit_test(other_lengths_are_refused),
    };
    return cmocka_run_group_tests(tests, begin, end);
}
