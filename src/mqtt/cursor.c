#include "mqtt/cursor.h"

#include "base/slice.h"

#define VARIABLE_MAX_BYTES 4

struct th_mqtt_reader th_mqtt_reader_over(struct th_slice whole)
{
    return (struct th_mqtt_reader){.bytes = whole.data,
                                   .arrived_bytes = whole.len_bytes,
                                   .end_bytes = whole.len_bytes};
}

void th_mqtt_reader_limit(struct th_mqtt_reader *in, size_t arrived_bytes, size_t end_bytes)
{
    in->end_bytes = end_bytes;
    in->arrived_bytes = arrived_bytes < end_bytes ? arrived_bytes : end_bytes;
}

void th_mqtt_reader_fail(struct th_mqtt_reader *in, const char *problem)
{
    if (th_mqtt_reader_ok(in))
        in->problem = problem;
}

static bool available(struct th_mqtt_reader *in, size_t bytes)
{
    if (bytes > th_mqtt_reader_left(in))
        th_mqtt_reader_fail(in, "a field reaches beyond the end of its packet or list (2.1.4)");
    else if (bytes > in->arrived_bytes - in->at_bytes && th_mqtt_reader_ok(in))
        in->need_bytes = in->at_bytes + bytes;
    return th_mqtt_reader_ok(in);
}

struct th_slice th_mqtt_take(struct th_mqtt_reader *in, size_t bytes)
{
    if (!available(in, bytes))
        return th_slice_of(NULL, 0);
    in->at_bytes += bytes;
    return th_slice_of(in->bytes + in->at_bytes - bytes, bytes);
}

uint32_t th_mqtt_take_number(struct th_mqtt_reader *in, size_t width_bytes)
{
    struct th_slice digits = th_mqtt_take(in, width_bytes);
    uint32_t number = 0;

    for (size_t i = 0; i < digits.len_bytes; i++)
        number = number << 8 | digits.data[i];
    return number;
}

uint32_t th_mqtt_take_variable(struct th_mqtt_reader *in)
{
    uint32_t number = 0;

    for (unsigned i = 0; i < VARIABLE_MAX_BYTES; i++) {
        uint32_t digit = th_mqtt_take_number(in, 1);
        number |= (digit & 0x7f) << (7 * i);
        if (digit == 0 && i > 0)
            th_mqtt_reader_fail(in, "a variable byte integer is longer than it must be (1.5.5)");
        if (digit < 0x80)
            return number;
    }
    th_mqtt_reader_fail(in, "a variable byte integer exceeds four bytes (1.5.5)");
    return 0;
}

struct th_slice th_mqtt_take_text(struct th_mqtt_reader *in)
{
    return th_mqtt_take(in, th_mqtt_take_number(in, 2));
}

size_t th_mqtt_add_bytes(size_t a, size_t b)
{
    const size_t most = (size_t)TH_MQTT_PACKET_MAX_BYTES + 1;

    return a > most || b > most - a ? most : a + b;
}

void th_mqtt_put(struct th_mqtt_writer *out, struct th_slice bytes)
{
    if (out->to && bytes.len_bytes)
        memcpy(out->to + out->bytes, bytes.data, bytes.len_bytes);
    out->bytes = th_mqtt_add_bytes(out->bytes, bytes.len_bytes);
}

void th_mqtt_put_number(struct th_mqtt_writer *out, size_t width_bytes, uint32_t number)
{
    for (size_t i = out->to ? width_bytes : 0; i-- > 0; number >>= 8)
        out->to[out->bytes + i] = (uint8_t)number;
    out->bytes = th_mqtt_add_bytes(out->bytes, width_bytes);
}

void th_mqtt_put_variable(struct th_mqtt_writer *out, size_t number)
{
    for (; number > 0x7f; number >>= 7)
        th_mqtt_put_number(out, 1, 0x80 | (number & 0x7f));
    th_mqtt_put_number(out, 1, (uint32_t)number);
}

void th_mqtt_put_text(struct th_mqtt_writer *out, struct th_slice text)
{
    th_mqtt_put_number(out, 2, (uint32_t)text.len_bytes);
    th_mqtt_put(out, text);
}
