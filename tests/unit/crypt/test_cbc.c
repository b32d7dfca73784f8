/* AES-CBC, held against the examples of SP 800-38A, sections F.2.2 and F.2.6. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "crypt/cbc.h"

static const uint8_t iv[16] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
static const uint8_t plain[16] = {0x6b, 0xc1, 0xbe, 0xe2, 0x2e, 0x40, 0x9f, 0x96,
                                  0xe9, 0x3d, 0x7e, 0x11, 0x73, 0x93, 0x17, 0x2a};
static const uint8_t key_128[16] = {0x2b, 0x7e, 0x15, 0x16, 0x28, 0xae, 0xd2, 0xa6,
                                    0xab, 0xf7, 0x15, 0x88, 0x09, 0xcf, 0x4f, 0x3c};
static const uint8_t sealed_128[16] = {0x76, 0x49, 0xab, 0xac, 0x81, 0x19, 0xb2, 0x46,
                                       0xce, 0xe9, 0x8e, 0x9b, 0x12, 0xe9, 0x19, 0x7d};
static const uint8_t key_256[32] = {
    0x60, 0x3d, 0xeb, 0x10, 0x15, 0xca, 0x71, 0xbe, 0x2b, 0x73, 0xae, 0xf0, 0x85, 0x7d, 0x77, 0x81,
    0x1f, 0x35, 0x2c, 0x07, 0x3b, 0x61, 0x08, 0xd7, 0x2d, 0x98, 0x10, 0xa3, 0x09, 0x14, 0xdf, 0xf4};
static const uint8_t sealed_256[16] = {0xf5, 0x8c, 0x4c, 0x04, 0xd6, 0xe5, 0xf1, 0xba,
                                       0x77, 0x9e, 0xab, 0xfb, 0x5f, 0x7b, 0xfb, 0xd6};

static void opens(const uint8_t *key, size_t key_bytes, const uint8_t sealed[16])
{
    uint8_t data[16];
    memcpy(data, sealed, sizeof data);
    assert_true(th_crypt_cbc_decrypt(key, key_bytes, iv, data, sizeof data));
    assert_memory_equal(data, plain, sizeof data);
}

static void opens_the_examples(void **state)
{
    (void)state;
    opens(key_128, sizeof key_128, sealed_128);
    opens(key_256, sizeof key_256, sealed_256);
}

/* The block before is what the next one is mixed with. */
static void chains_blocks(void **state)
{
    uint8_t data[32];
    (void)state;
    memcpy(data, sealed_128, 16);
    memcpy(data + 16, sealed_128, 16);
    assert_true(th_crypt_cbc_decrypt(key_128, sizeof key_128, iv, data, sizeof data));
    for (int i = 0; i < 16; i++)
        assert_int_equal(data[16 + i], plain[i] ^ iv[i] ^ sealed_128[i]);
}

static void refuses_other_keys(void **state)
{
    uint8_t data[16] = {0};
    (void)state;
    assert_false(th_crypt_cbc_decrypt(key_256, 17, iv, data, sizeof data));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(opens_the_examples),
        cmocka_unit_test(chains_blocks),
        cmocka_unit_test(refuses_other_keys),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
