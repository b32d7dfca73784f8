/* Test vectors: RFC 4231, FIPS 180-4's "abc", RFC 7914 section 11. */
#include "../mqtt/wire.h"

#include "crypt/hmac.h"

static void assert_value(const uint8_t value[TH_CRYPT_HMAC_BYTES], const char *expected)
{
    struct wire wire = wire_of(expected);
    assert_int_equal(wire.len, TH_CRYPT_HMAC_BYTES);
    assert_memory_equal(value, wire.bytes, wire.len);
}

static struct th_slice filled(uint8_t *bytes, uint8_t byte, size_t count)
{
    memset(bytes, byte, count);
    return th_slice_of(bytes, count);
}

static void hmac(void **state)
{
    (void)state;
    uint8_t key[131], value[TH_CRYPT_HMAC_BYTES];
    const struct th_slice parts[] = {
        th_slice_text("what do ya "), th_slice_text(""), th_slice_text("want for nothing?")};
    assert_true(th_crypt_hmac(th_slice_text("Jefe"), parts, 3, value)); /* case 2, in pieces */
    assert_value(value, "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
    struct th_slice text = th_slice_text("Test Using Larger Than Block-Size Key - Hash Key First");
    assert_true(th_crypt_hmac(filled(key, 0xaa, 131), &text, 1, value)); /* case 6 */
    assert_value(value, "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
}

static void sha256(void **state)
{
    (void)state;
    uint8_t value[TH_CRYPT_HMAC_BYTES];
    assert_true(th_crypt_sha256(th_slice_text("abc"), value));
    assert_value(value, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

static void hi_is_pbkdf2(void **state)
{
    (void)state;
    struct th_crypt_hi hi;
    assert_true(th_crypt_hi_begin(&hi, th_slice_text("passwd"), th_slice_text("salt")));
    assert_value(hi.sum, "55ac046e56e3089fec1691c22544b605f94185216dde0465e68b9d57c20dacbc");
    assert_true(th_crypt_hi_begin(&hi, th_slice_text("Password"), th_slice_text("NaCl")));
    for (unsigned left = 79999, count; left; left -= count) {
        count = left < 1000 ? left : 1000;
        assert_true(th_crypt_hi_work(&hi, th_slice_text("Password"), count));
    }
    assert_value(hi.sum, "4ddcd8f60b98be21830cee5ef22701f9641a4418d04c0414aeff08876b34ab56");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hmac),
        cmocka_unit_test(sha256),
        cmocka_unit_test(hi_is_pbkdf2),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
