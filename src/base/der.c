#include "base/der.h"

#define CONSTRUCTED 0x20 /* of a tag */

/* Returns the bytes read, 0 if malformed. */
static size_t read_length(struct th_slice in, size_t *length)
{
    if (in.len_bytes >= 1 && in.data[0] < 0x80) {
        *length = in.data[0];
        return 1;
    }
    if (in.len_bytes >= 2 && in.data[0] == 0x81 && in.data[1] >= 0x80) {
        *length = in.data[1];
        return 2;
    }
    if (in.len_bytes >= 3 && in.data[0] == 0x82 && in.data[1] != 0) {
        *length = (size_t)in.data[1] << 8 | in.data[2];
        return 3;
    }
    return 0;
}

bool th_der_take_any(struct th_slice *in, uint8_t *tag, struct th_slice *value)
{
    if (in->len_bytes < 2)
        return false;
    size_t length;
    struct th_slice rest = th_slice_after(*in, 1);
    size_t header = read_length(rest, &length);
    if (header == 0 || length > rest.len_bytes - header)
        return false;
    *tag = in->data[0];
    *value = th_slice_of(rest.data + header, length);
    *in = th_slice_after(rest, header + length);
    return true;
}

bool th_der_take_leaf(struct th_slice *in, uint8_t *tag, struct th_slice *value)
{
    while (th_der_take_any(in, tag, value)) {
        if (!(*tag & CONSTRUCTED))
            return true;
        *in = th_slice_of(value->data, value->len_bytes + in->len_bytes);
    }
    return false;
}

bool th_der_next_is(struct th_slice in, uint8_t tag)
{
    return in.len_bytes > 0 && in.data[0] == tag;
}

bool th_der_take(struct th_slice *in, uint8_t tag, struct th_slice *value)
{
    uint8_t found;
    return th_der_next_is(*in, tag) && th_der_take_any(in, &found, value);
}

bool th_der_skip(struct th_slice *in, uint8_t tag)
{
    struct th_slice ignored;
    return th_der_take(in, tag, &ignored);
}

bool th_der_skip_optional(struct th_slice *in, uint8_t tag)
{
    return !th_der_next_is(*in, tag) || th_der_skip(in, tag);
}

bool th_der_take_bits(struct th_slice *in, struct th_slice *bytes)
{
    struct th_slice bits;
    if (!th_der_take(in, TH_DER_BIT_STRING, &bits) || bits.len_bytes == 0 || bits.data[0] != 0)
        return false;
    *bytes = th_slice_after(bits, 1);
    return true;
}

bool th_der_take_number(struct th_slice *in, struct th_slice *number)
{
    if (!th_der_take(in, TH_DER_INTEGER, number) || number->len_bytes == 0 ||
        (number->data[0] & 0x80))
        return false;
    while (number->len_bytes > 0 && number->data[0] == 0)
        *number = th_slice_after(*number, 1);
    return true;
}

size_t th_der_sequence_bytes(struct th_slice der)
{
    struct th_slice rest = der;
    return th_der_skip(&rest, TH_DER_SEQUENCE) ? der.len_bytes - rest.len_bytes : 0;
}

/* FALSE is the default, and not written. */
bool th_der_has_critical(struct th_slice in, uint8_t tag)
{
    struct th_slice explicit, list, extension;
    if (!th_der_take(&in, tag, &explicit) || !th_der_take(&explicit, TH_DER_SEQUENCE, &list))
        return in.len_bytes > 0;
    while (th_der_take(&list, TH_DER_SEQUENCE, &extension))
        if (th_der_skip(&extension, TH_DER_OID) && th_der_skip(&extension, TH_DER_BOOLEAN))
            return true;
    return list.len_bytes > 0;
}

unsigned th_der_number_bits(struct th_slice number)
{
    if (number.len_bytes == 0)
        return 0;
    unsigned bits = 8 * (unsigned)number.len_bytes;
    for (uint8_t top = number.data[0]; !(top & 0x80); top = (uint8_t)(top << 1))
        bits--;
    return bits;
}

int th_der_oid_in(struct th_slice oid, const char *list)
{
    for (int place = 0; *list; place++, list += 1 + *list)
        if (oid.len_bytes == (size_t)*list && memcmp(oid.data, list + 1, oid.len_bytes) == 0)
            return place;
    return -1;
}
