#include "wire.h"

#include "mqtt/utf8.h"

static const char *const good[] = {
    "", "'a'", "7f", "01", "c280", "dfbf", "e0a080", "ed9fbf", "ee8080", "efbfbf", "efbbbf",
    "f0908080", "f48fbfbf", "'caf'c3a9", "e697a5e69cac", "f09f9880", "'$SYS/#'",
};

static const char *const bad[] = {
    "00",                    /* U+0000 */
    "'a'00'b'",
    "c080", "c1bf",          /* overlong, two bytes */
    "e08080", "e09fbf",      /* overlong, three bytes */
    "f0808080", "f08fbfbf",  /* overlong, four bytes */
    "eda080", "edafbf", "edb080", "edbfbf", /* surrogates */
    "f4908080", "f5808080", "f7bfbfbf",     /* above U+10FFFF */
    "f888808080", "fc8480808080", "fe", "ff",
    "80", "bf", "'a'80",     /* continuation without a lead */
    "c3", "e697", "e6", "f09f98", "f09f", "f0", "'a'c3", /* cut */
    "c3'a'", "e6'a'a5", "e697'a'", "f09f'a'80", "f09f98'a'", "c3c3",
};

static bool valid(const char *text)
{
    struct wire wire = wire_of(text);

    return th_mqtt_utf8_valid(th_slice_of(at_the_edge(wire.bytes, wire.len), wire.len));
}

static void well_formed_is_accepted(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(good); i++)
        if (!valid(good[i]))
            fail_msg("refused: %s", good[i]);
}

static void malformed_is_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(bad); i++)
        if (valid(bad[i]))
            fail_msg("accepted: %s", bad[i]);
}

static size_t plain_encoding(uint32_t code, uint8_t *to)
{
    if (code < 0x80)
        return to[0] = (uint8_t)code, 1;
    if (code < 0x800)
        return to[0] = (uint8_t)(0xc0 | code >> 6), to[1] = (uint8_t)(0x80 | (code & 63)), 2;
    if (code < 0x10000) {
        to[0] = (uint8_t)(0xe0 | code >> 12);
        to[1] = (uint8_t)(0x80 | (code >> 6 & 63));
        to[2] = (uint8_t)(0x80 | (code & 63));
        return 3;
    }
    to[0] = (uint8_t)(0xf0 | code >> 18);
    to[1] = (uint8_t)(0x80 | (code >> 12 & 63));
    to[2] = (uint8_t)(0x80 | (code >> 6 & 63));
    to[3] = (uint8_t)(0x80 | (code & 63));
    return 4;
}

static void every_code_point_is_judged_by_its_number(void **state)
{
    (void)state;
    for (uint32_t code = 0; code < 0x1fffff; code++) {
        uint8_t bytes[4];
        size_t len = plain_encoding(code, bytes);
        bool scalar = code != 0 && code <= 0x10ffff && (code < 0xd800 || code > 0xdfff);
        if (th_mqtt_utf8_valid(th_slice_of(bytes, len)) != scalar)
            fail_msg("U+%X", code);
    }
}

/* Of Unicode's category Cc, and the 66 noncharacters. */
static bool unwanted(uint32_t code)
{
    return code < 0x20 || (code >= 0x7f && code < 0xa0) || (code >= 0xfdd0 && code <= 0xfdef) ||
           (code & 0xfffe) == 0xfffe;
}

static void control_characters_and_noncharacters_are_not_clean(void **state)
{
    (void)state;
    for (uint32_t code = 1; code < 0x10ffff; code++) {
        uint8_t bytes[6] = {'a'};
        size_t len = 1 + plain_encoding(code, bytes + 1);
        bool scalar = code < 0xd800 || code > 0xdfff;
        bytes[len] = 'b';
        if (th_mqtt_utf8_clean(th_slice_of(bytes, len)) != (scalar && !unwanted(code)) ||
            th_mqtt_utf8_clean(th_slice_of(bytes, len + 1)) != (scalar && !unwanted(code)))
            fail_msg("U+%X", code);
    }
}

static void malformed_is_not_clean(void **state)
{
    (void)state;
    assert_true(th_mqtt_utf8_clean(th_slice_of(NULL, 0)));
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        struct wire wire = wire_of(bad[i]);
        if (th_mqtt_utf8_clean(th_slice_of(at_the_edge(wire.bytes, wire.len), wire.len)))
            fail_msg("accepted: %s", bad[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(well_formed_is_accepted),
        cmocka_unit_test(malformed_is_refused),
        cmocka_unit_test(every_code_point_is_judged_by_its_number),
        cmocka_unit_test(control_characters_and_noncharacters_are_not_clean),
        cmocka_unit_test(malformed_is_not_clean),
    };
    return cmocka_run_group_tests_name("mqtt/utf8", tests, NULL, NULL);
}
