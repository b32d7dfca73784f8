#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "crypt/base64.h"

/* RFC 4648 section 10. */
static const char *const pairs[][2] = {
    {"", ""}, {"f", "Zg=="}, {"fo", "Zm8="}, {"foo", "Zm9v"}, {"foob", "Zm9vYg=="},
    {"fooba", "Zm9vYmE="}, {"foobar", "Zm9vYmFy"}, {"\xfb\xff\xfe", "+//+"},
};

static void encodes(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        char text[16];
        size_t bytes = strlen(pairs[i][0]), length = strlen(pairs[i][1]);
        memset(text, 'x', sizeof text);
        assert_int_equal(TH_CRYPT_BASE64_TEXT_BYTES(bytes), length);
        assert_int_equal(th_crypt_base64_encode((const uint8_t *)pairs[i][0], bytes, text), length);
        assert_string_equal(text, pairs[i][1]);
        assert_int_equal(text[length + 1], 'x');
    }
}

static void decodes(void **state)
{
    (void)state;
    for (size_t i = 1; i < sizeof pairs / sizeof *pairs; i++) {
        uint8_t data[16];
        size_t bytes = sizeof data;
        assert_int_equal(th_crypt_base64_decode((const uint8_t *)pairs[i][1], strlen(pairs[i][1]),
                                                data, &bytes), 0);
        assert_int_equal(bytes, strlen(pairs[i][0]));
        assert_memory_equal(data, pairs[i][0], bytes);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(encodes),
        cmocka_unit_test(decodes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
