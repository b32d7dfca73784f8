#include "base/der_write.h"

#include "base/der.h"

void th_der_out_open(struct th_der_out *out, void *room, size_t bytes)
{
    uint8_t *begin = room;
    *out = (struct th_der_out){begin, begin + bytes, begin + bytes, false};
}

void th_der_raw(struct th_der_out *out, struct th_slice bytes)
{
    out->is_full |= (size_t)(out->at - out->begin) < bytes.len_bytes;
    if (out->is_full)
        return;
    out->at -= bytes.len_bytes;
    memcpy(out->at, bytes.data, bytes.len_bytes);
}

static void put_byte(struct th_der_out *out, size_t byte)
{
    uint8_t last = (uint8_t)byte;
    th_der_raw(out, th_slice_of(&last, 1));
}

/* The shortest form (X.690 section 10.1). */
void th_der_wrap(struct th_der_out *out, uint8_t tag, const uint8_t *end)
{
    size_t length = (size_t)(end - out->at);
    put_byte(out, length);
    if (length > 0xFF)
        put_byte(out, length >> 8);
    if (length > 0x7F)
        put_byte(out, length > 0xFF ? 0x82 : 0x81);
    put_byte(out, tag);
}

void th_der_put(struct th_der_out *out, uint8_t tag, struct th_slice content)
{
    const uint8_t *end = out->at;
    th_der_raw(out, content);
    th_der_wrap(out, tag, end);
}

void th_der_number(struct th_der_out *out, uint8_t number)
{
    th_der_put(out, TH_DER_INTEGER, th_slice_of(&number, 1));
}

void th_der_bits(struct th_der_out *out, const uint8_t *end)
{
    put_byte(out, 0);
    th_der_wrap(out, TH_DER_BIT_STRING, end);
}

struct th_slice th_der_written(const struct th_der_out *out)
{
    return th_slice_of(out->at, (size_t)(out->end - out->at));
}
