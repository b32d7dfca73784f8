/* Packets as a reader writes them: "30 05 0001'a' 'hi'" is hex digits, 'text' and spaces. */
#ifndef TEST_MQTT_WIRE_H
#define TEST_MQTT_WIRE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/slice.h"

#define WIRE_MAX_BYTES 1024
#define COUNT_OF(array) (sizeof(array) / sizeof *(array))

struct wire {
    uint8_t bytes[WIRE_MAX_BYTES];
    size_t len;
};

static inline unsigned wire_digit(char c)
{
    assert_true(isxdigit((unsigned char)c));
    return c <= '9' ? (unsigned)(c - '0') : (unsigned)((c | 0x20) - 'a' + 10);
}

static inline void wire_add(struct wire *wire, unsigned byte)
{
    assert_true(wire->len < WIRE_MAX_BYTES);
    wire->bytes[wire->len++] = (uint8_t)byte;
}

static inline struct wire wire_of(const char *text)
{
    struct wire wire = {.len = 0};

    while (*text) {
        if (*text == ' ') {
            text++;
        } else if (*text == '\'') {
            for (text++; *text != '\''; text++)
                wire_add(&wire, (uint8_t)*text);
            text++;
        } else {
            wire_add(&wire, wire_digit(text[0]) << 4 | wire_digit(text[1]));
            text += 2;
        }
    }
    return wire;
}

static inline struct th_slice wire_slice(const struct wire *wire)
{
    return th_slice_of(wire->bytes, wire->len);
}

/* A copy of the bytes that ends where memory becomes unreadable. One copy lives at a time. */
static inline const uint8_t *at_the_edge(const uint8_t *bytes, size_t len)
{
    static uint8_t *edge;
    size_t page = (size_t)sysconf(_SC_PAGESIZE);

    if (!edge) {
        uint8_t *map = mmap(NULL, 3 * page, PROT_READ | PROT_WRITE,
                            MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        assert_true(map != MAP_FAILED);
        assert_int_equal(mprotect(map + 2 * page, page, PROT_NONE), 0);
        edge = map + 2 * page;
    }
    assert_true(len <= 2 * page);
    memcpy(edge - len, bytes, len);
    return edge - len;
}

#endif
