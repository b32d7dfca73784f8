/* SHA-256 in pieces. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "crypt/hash.h"

static void test_vectors(void **state)
{
    static const uint8_t abc[] = {
        0xba, 0x78, 0x16, 0xbf, 0x8f, 0x01, 0xcf, 0xea, 0x41, 0x41, 0x40, 0xde, 0x5d, 0xae, 0x22,
        0x23, 0xb0, 0x03, 0x61, 0xa3, 0x96, 0x17, 0x7a, 0x9c, 0xb4, 0x10, 0xff, 0x61, 0xf2, 0x00,
        0x15, 0xad}; /* FIPS 180-4, example of one block */
    (void)state;
    struct th_crypt_hash hash;
    uint8_t value[TH_CRYPT_HASH_BYTES];
    th_crypt_hash_begin(&hash);
    th_crypt_hash_add(&hash, "abc", 3);
    assert_true(th_crypt_hash_value(&hash, value));
    assert_memory_equal(value, abc, sizeof abc);
    assert_true(th_crypt_hash_value(&hash, value));
    assert_memory_equal(value, abc, sizeof abc);
}

static void test_pieces_do_not_matter_but_bytes_do(void **state)
{
    (void)state;
    char text[1000];
    memset(text, 'x', sizeof text);
    struct th_crypt_hash whole, pieces;
    th_crypt_hash_begin(&whole);
    th_crypt_hash_begin(&pieces);
    th_crypt_hash_add(&whole, text, sizeof text);
    for (size_t at = 0; at < sizeof text; at += 125)
        th_crypt_hash_add(&pieces, text + at, 125);
    assert_true(th_crypt_hash_equal(&whole, &pieces));
    th_crypt_hash_add(&pieces, "", 0);
    assert_true(th_crypt_hash_equal(&whole, &pieces));
    th_crypt_hash_add(&pieces, "y", 1);
    assert_false(th_crypt_hash_equal(&whole, &pieces));
    th_crypt_hash_add(&whole, "y", 1);
    assert_true(th_crypt_hash_equal(&whole, &pieces));
    whole.failed = true;
    assert_false(th_crypt_hash_equal(&whole, &pieces));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_vectors),
        cmocka_unit_test(test_pieces_do_not_matter_but_bytes_do),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
