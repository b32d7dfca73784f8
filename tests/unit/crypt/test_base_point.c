/* Multiples of P-256's base point by its table, which is thinned out when wolfSSL is built, are
 * those that general multiplication gives. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "mem/payer.h"

#include <stdlib.h>
#include <string.h>
#include <wolfssl/wolfcrypt/settings.h>

#include <wolfssl/wolfcrypt/ecc.h>
#include <wolfssl/wolfcrypt/sp.h>

#define BYTES 32
#define ROUNDS 400

/* SEC 2 section 2.4.2, big endian. */
static const uint8_t base_x[BYTES] = {
    0x6b, 0x17, 0xd1, 0xf2, 0xe1, 0x2c, 0x42, 0x47, 0xf8, 0xbc, 0xe6, 0xe5, 0x63, 0xa4, 0x40, 0xf2,
    0x77, 0x03, 0x7d, 0x81, 0x2d, 0xeb, 0x33, 0xa0, 0xf4, 0xa1, 0x39, 0x45, 0xd8, 0x98, 0xc2, 0x96};
static const uint8_t base_y[BYTES] = {
    0x4f, 0xe3, 0x42, 0xe2, 0xfe, 0x1a, 0x7f, 0x9b, 0x8e, 0xe7, 0xeb, 0x4a, 0x7c, 0x0f, 0x9e, 0x16,
    0x2b, 0xce, 0x33, 0x57, 0x6b, 0x31, 0x5e, 0xce, 0xcb, 0xb6, 0x40, 0x68, 0x37, 0xbf, 0x51, 0xf5};
static const uint8_t order[BYTES] = {
    0xff, 0xff, 0xff, 0xff, 0x00, 0x00, 0x00, 0x00, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
    0xbc, 0xe6, 0xfa, 0xad, 0xa7, 0x17, 0x9e, 0x84, 0xf3, 0xb9, 0xca, 0xc2, 0xfc, 0x63, 0x25, 0x51};

static _Alignas(16) uint8_t heap[64 * 1024];
static struct th_payer payer;
static ecc_point *base, *by_table, *by_multiplication;

static int begin(void **state)
{
    (void)state;
    th_payer_open(&payer, &(struct th_payer_config){.name = "test", .heap = heap,
                                                    .heap_bytes = sizeof heap});
    th_payer_enter(&payer);
    base = wc_ecc_new_point();
    by_table = wc_ecc_new_point();
    by_multiplication = wc_ecc_new_point();
    assert_int_equal(mp_read_unsigned_bin(base->x, base_x, BYTES), 0);
    assert_int_equal(mp_read_unsigned_bin(base->y, base_y, BYTES), 0);
    return mp_set(base->z, 1);
}

static int end(void **state)
{
    (void)state;
    wc_ecc_del_point(base);
    wc_ecc_del_point(by_table);
    wc_ecc_del_point(by_multiplication);
    th_payer_leave(NULL);
    return th_payer_close(&payer);
}

static void agree(const uint8_t *scalar)
{
    mp_int k[1];
    assert_int_equal(mp_init(k), 0);
    assert_int_equal(mp_read_unsigned_bin(k, scalar, BYTES), 0);
    assert_int_equal(sp_ecc_mulmod_base_256(k, by_table, 1, NULL), 0);
    assert_int_equal(sp_ecc_mulmod_256(k, base, by_multiplication, 1, NULL), 0);
    assert_int_equal(mp_cmp(by_table->x, by_multiplication->x), MP_EQ);
    assert_int_equal(mp_cmp(by_table->y, by_multiplication->y), MP_EQ);
}

static void agree_for_small_scalars(void **state)
{
    (void)state;
    uint8_t scalar[BYTES] = {0};
    for (int k = 1; k <= ROUNDS; k++) {
        scalar[BYTES - 2] = (uint8_t)(k >> 8);
        scalar[BYTES - 1] = (uint8_t)k;
        agree(scalar);
    }
}

/* Each bit alone, with the one 64 above it, and all below it. */
static void agree_for_every_bit(void **state)
{
    (void)state;
    for (int bit = 0; bit < 255; bit++) {
        uint8_t scalar[BYTES] = {0};
        scalar[BYTES - 1 - bit / 8] = (uint8_t)(1 << bit % 8);
        agree(scalar);
        scalar[BYTES - 1 - (bit + 64) % 255 / 8] |= (uint8_t)(1 << (bit + 64) % 255 % 8);
        agree(scalar);
        memset(scalar + BYTES - bit / 8, 0xff, (size_t)bit / 8);
        agree(scalar);
    }
}

static void agree_below_the_order(void **state)
{
    (void)state;
    uint8_t scalar[BYTES];
    memcpy(scalar, order, BYTES);
    for (int k = 1; k < 0x51; k++) {
        scalar[BYTES - 1] = (uint8_t)(0x51 - k);
        agree(scalar);
    }
}

static void agree_for_random_scalars(void **state)
{
    (void)state;
    for (int i = 0; i < ROUNDS; i++) {
        uint8_t scalar[BYTES];
        for (int at = 0; at < BYTES; at++)
            scalar[at] = (uint8_t)(rand() >> 8);
        scalar[0] &= 0x7f;
        agree(scalar);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(agree_for_small_scalars),
        cmocka_unit_test(agree_for_every_bit),
        cmocka_unit_test(agree_below_the_order),
        cmocka_unit_test(agree_for_random_scalars),
    };
    return cmocka_run_group_tests(tests, begin, end);
}
