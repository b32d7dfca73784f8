#include "mqtt/utf8.h"

/* The lead byte says how many bytes a code point takes and the smallest one that may take them. */
static const struct lead {
    uint8_t mask;
    uint8_t bits;
    uint32_t least;
} leads[] = {
    {0x80, 0x00, 0x01},
    {0xe0, 0xc0, 0x80},
    {0xf0, 0xe0, 0x800},
    {0xf8, 0xf0, 0x10000},
};

#define LEADS (sizeof leads / sizeof *leads)

static bool is_scalar(uint32_t code)
{
    return code <= 0x10ffff && (code < 0xd800 || code > 0xdfff);
}

/* The bytes of the first code point, or 0 if it is malformed. */
static size_t first_code_point(const uint8_t *at, size_t left_bytes)
{
    size_t more = 0;

    while (more < LEADS && (at[0] & leads[more].mask) != leads[more].bits)
        more++;
    if (more >= LEADS || more >= left_bytes)
        return 0;
    uint32_t code = at[0] & (uint8_t)~leads[more].mask;
    for (size_t i = 1; i <= more; i++) {
        if ((at[i] & 0xc0) != 0x80)
            return 0;
        code = code << 6 | (at[i] & 0x3f);
    }
    return code >= leads[more].least && is_scalar(code) ? more + 1 : 0;
}

bool th_mqtt_utf8_valid(struct th_slice text)
{
    size_t at = 0;

    while (at < text.len_bytes) {
        size_t taken = first_code_point(text.data + at, text.len_bytes - at);
        if (taken == 0)
            return false;
        at += taken;
    }
    return true;
}

/* The last byte of a control character, of U+nFFFE or U+nFFFF, of U+FDD0 to U+FDEF. */
static bool ends_control(uint32_t last_bytes)
{
    return (last_bytes & 0xff) < ' ' || (last_bytes & 0xff) == 0x7f ||
           (last_bytes & 0xffff) - 0xc280 < 0x20 || (last_bytes & 0xffffff) - 0xefb790 < 0x20 ||
           (last_bytes & 0x0ffffe) == 0x0fbfbe;
}

bool th_mqtt_utf8_clean(struct th_slice text)
{
    uint32_t last_bytes = ' ';
    size_t i = 0;
    while (!ends_control(last_bytes) && i < text.len_bytes)
        last_bytes = last_bytes << 8 | text.data[i++];
    return !ends_control(last_bytes) && th_mqtt_utf8_valid(text);
}
