#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/slice.h"
#include "certificate.h"
#include <stdlib.h>
#include <string.h>
#include <thimble/certificate.h>

static uint8_t copy[CERTIFICATE_BYTES];
static char text[TH_CERTIFICATE_TEXT_BYTES];

static struct th_slice fresh(void)
{
    memcpy(copy, certificate_der, sizeof copy);
    return th_slice_of(copy, sizeof copy);
}

static void facts_are_those_of_openssl(void **state)
{
    (void)state;
    struct th_certificate c;
    assert_int_equal(th_certificate_read(&c, fresh()), 0);
    assert_string_equal(c.key, "EC");
    assert_string_equal(c.curve, "P-256");
    assert_int_equal(c.key_bits, 256);
    assert_string_equal(c.signature, "ecdsa-with-SHA256");
    assert_int_equal(c.not_before_s, 1795292277);
    assert_int_equal(c.not_after_s, 3523292277);
    assert_int_equal(c.serial.len_bytes, 16);
    assert_int_equal(c.serial.data[0], 0x80);
    assert_true(c.is_authority);
    assert_int_equal(c.path_length, 3);
    assert_int_equal(c.key_usage, 1 << 0 | 1 << 4 | 1 << 6 | 1 << 8);
    assert_int_equal(c.subject_key_id.len_bytes, 20);
    assert_true(th_slice_equal(c.subject_key_id, c.authority_key_id));
    th_name_text(c.subject, text, sizeof text);
    assert_string_equal(text, "CN=broker.example,O=Example\\, Inc.,C=DE");
}

static void names_and_purposes_come_one_by_one(void **state)
{
    (void)state;
    static const char *const names[] = {"DNS:broker.example", "DNS:*.example", "IP:192.0.2.1",
                                        "IP:2001:DB8:0:0:0:0:0:1", "email:a@b.example",
                                        "URI:mqtts://x"};
    struct th_certificate c;
    assert_int_equal(th_certificate_read(&c, fresh()), 0);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        assert_true(th_certificate_next_name(&c.alternative_names, text, sizeof text));
        assert_string_equal(text, names[i]);
    }
    assert_false(th_certificate_next_name(&c.alternative_names, text, sizeof text));
    assert_true(th_certificate_next_purpose(&c.purposes, text, sizeof text));
    assert_string_equal(text, "serverAuth");
    assert_true(th_certificate_next_purpose(&c.purposes, text, sizeof text));
    assert_string_equal(text, "1.2.3.4");
    assert_false(th_certificate_next_purpose(&c.purposes, text, sizeof text));
}

static void no_shorter_or_longer_one_is_taken(void **state)
{
    (void)state;
    struct th_certificate c;
    for (size_t bytes = 0; bytes < sizeof copy; bytes++) {
        uint8_t *exact = malloc(bytes ? bytes : 1);
        memcpy(exact, certificate_der, bytes);
        assert_int_equal(th_certificate_read(&c, th_slice_of(exact, bytes)), TH_E_CERTIFICATE);
        free(exact);
    }
    assert_int_equal(th_certificate_read(&c, th_slice_of(certificate_der, CERTIFICATE_BYTES + 1)),
                     TH_E_CERTIFICATE);
}

static int64_t read_time(const char *digits)
{
    struct th_certificate c;
    struct th_slice der = fresh();
    memcpy(copy + NOT_BEFORE_AT, digits, 13);
    return th_certificate_read(&c, der) == 0 ? c.not_before_s : INT64_MIN;
}

static void times_are_exact_or_refused(void **state)
{
    (void)state;
    assert_int_equal(read_time("700101000000Z"), 0);
    assert_int_equal(read_time("500101000000Z"), -631152000);
    assert_int_equal(read_time("491231235959Z"), 2524607999);
    assert_int_equal(read_time("000229120000Z"), 951825600);
    assert_int_equal(read_time("380119031408Z"), 2147483648);
    assert_int_equal(read_time("010229120000Z"), INT64_MIN);
    assert_int_equal(read_time("011301120000Z"), INT64_MIN);
    assert_int_equal(read_time("010001120000Z"), INT64_MIN);
    assert_int_equal(read_time("010100120000Z"), INT64_MIN);
    assert_int_equal(read_time("010101240000Z"), INT64_MIN);
    assert_int_equal(read_time("010101006000Z"), INT64_MIN);
    assert_int_equal(read_time("01010100000 Z"), INT64_MIN);
    assert_int_equal(read_time("010101000000+"), INT64_MIN);
}

static struct th_slice set_of(const char *oid, uint8_t tag, const char *value)
{
    static uint8_t der[128];
    size_t bytes = strlen(value), oid_bytes = strlen(oid);
    der[0] = 0x31, der[1] = (uint8_t)(bytes + oid_bytes + 6);
    der[2] = 0x30, der[3] = (uint8_t)(bytes + oid_bytes + 4);
    der[4] = 0x06, der[5] = (uint8_t)oid_bytes;
    memcpy(der + 6, oid, oid_bytes);
    der[6 + oid_bytes] = tag, der[7 + oid_bytes] = (uint8_t)bytes;
    memcpy(der + 8 + oid_bytes, value, bytes);
    return th_slice_of(der, 8 + oid_bytes + bytes);
}

static const char *name_of(const char *oid, uint8_t tag, const char *value, size_t room)
{
    memset(text, '~', sizeof text);
    th_name_text(set_of(oid, tag, value), text, room);
    return text;
}

/* RFC 4514 section 2.4 */
static void nothing_in_a_name_drives_a_terminal(void **state)
{
    (void)state;
    const char *cn = "\x55\x04\x03";
    assert_string_equal(name_of(cn, 0x0C, "a\033[31m\n", 99), "CN=a\\1B[31m\\0A");
    assert_string_equal(name_of(cn, 0x0C, " a#b ", 99), "CN=\\ a#b\\ ");
    assert_string_equal(name_of(cn, 0x0C, "#\"+\\", 99), "CN=\\#\\\"\\+\\\\");
    assert_string_equal(name_of(cn, 0x0C, "\xC3\xA4", 99), "CN=\\C3\\A4");
    assert_string_equal(name_of(cn, 0x1E, "\x01\x02", 99), "CN=#1E020102");
    assert_string_equal(name_of("\x2A\x86\x48\x86\xF7\x0D\x7F", 0x0C, "x", 99),
                        "1.2.840.113549.127=#0C0178");
    assert_string_equal(name_of("\x88\x37", 0x0C, "x", 99), "2.999=#0C0178");
    assert_string_equal(name_of(cn, 0x0C, "\xC3\xA4", 8), "CN=\\C3");
    assert_string_equal(name_of(cn, 0x0C, "abc", 1), "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(facts_are_those_of_openssl),
        cmocka_unit_test(names_and_purposes_come_one_by_one),
        cmocka_unit_test(no_shorter_or_longer_one_is_taken),
        cmocka_unit_test(times_are_exact_or_refused),
        cmocka_unit_test(nothing_in_a_name_drives_a_terminal),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
