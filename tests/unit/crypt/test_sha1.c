#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "crypt/sha1.h"

static void hashes_to(const char *text, const char *expected)
{
    uint8_t hash[TH_CRYPT_SHA1_BYTES];
    assert_int_equal(th_crypt_sha1(text, strlen(text), hash), 0);
    assert_memory_equal(hash, expected, sizeof hash);
}

/* FIPS 180: one block, the padding's edge, two blocks. */
static void is_sha1(void **state)
{
    (void)state;
    hashes_to("", "\xda\x39\xa3\xee\x5e\x6b\x4b\x0d\x32\x55\xbf\xef\x95\x60\x18\x90\xaf\xd8\x07\x09");
    hashes_to("abc", "\xa9\x99\x3e\x36\x47\x06\x81\x6a\xba\x3e\x25\x71\x78\x50\xc2\x6c\x9c\xd0"
              "\xd8\x9d");
    hashes_to("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
              "\x84\x98\x3e\x44\x1c\x3b\xd2\x6e\xba\xae\x4a\xa1\xf9\x51\x29\xe5\xe5\x46\x70\xf1");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(is_sha1),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
