#include "cli/guard.h"

#include "base/format.h"
#include "base/slice.h"
#include <thimble/topic.h>

static void show_byte(const struct th_cli_guard *guard, uint8_t byte)
{
    char shown[8];
    guard->write(shown, (size_t)th_format(shown, sizeof shown, "\\x%02x", byte));
}

void th_cli_guard_end(struct th_cli_guard *guard)
{
    for (size_t i = 0; i < guard->used; i++)
        show_byte(guard, guard->pending[i]);
    guard->used = guard->wanted = 0;
}

static bool is_printable(const struct th_cli_guard *guard, uint8_t byte)
{
    return (byte >= 0x20 && byte < 0x7f) || byte == '\t' || (byte == '\n' && !guard->one_line);
}

static bool is_c1(const uint8_t *character)
{
    return character[0] == 0xc2 && character[1] < 0xa0;
}

static void begin_character(struct th_cli_guard *guard, uint8_t lead)
{
    guard->wanted = (uint8_t)(2 + (lead >= 0xe0) + (lead >= 0xf0));
    guard->pending[0] = lead;
    guard->used = 1;
}

static void continue_character(struct th_cli_guard *guard, uint8_t byte)
{
    guard->pending[guard->used++] = byte;
    if (guard->used < guard->wanted)
        return;
    if (th_mqtt_utf8_valid(th_slice_of(guard->pending, guard->used)) && !is_c1(guard->pending)) {
        guard->write(guard->pending, guard->used);
        guard->used = guard->wanted = 0;
    }
    th_cli_guard_end(guard);
}

static void pass_byte(struct th_cli_guard *guard, uint8_t byte)
{
    if (guard->wanted && (byte & 0xc0) == 0x80) {
        continue_character(guard, byte);
        return;
    }
    th_cli_guard_end(guard);
    if (byte >= 0xc2 && byte <= 0xf4)
        begin_character(guard, byte);
    else
        show_byte(guard, byte);
}

void th_cli_guard_pass(struct th_cli_guard *guard, const void *data, size_t bytes)
{
    const uint8_t *at = data, *end = at + bytes;
    while (at < end) {
        const uint8_t *plain = at;
        while (at < end && is_printable(guard, *at))
            at++;
        if (at > plain) {
            th_cli_guard_end(guard);
            guard->write(plain, (size_t)(at - plain));
        }
        if (at < end)
            pass_byte(guard, *at++);
    }
}
