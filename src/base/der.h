/* DER (X.690), read with a cursor that only moves forward: a slice, off whose beginning values are
 * taken. Trusts nothing, allocates nothing; values point into what is read. Lengths are at most
 * 65,535 bytes, in their shortest form. What returns false may have moved the cursor. */
#ifndef TH_BASE_DER_H
#define TH_BASE_DER_H

#include "base/slice.h"

enum {
    TH_DER_BOOLEAN = 0x01,
    TH_DER_INTEGER = 0x02,
    TH_DER_BIT_STRING = 0x03,
    TH_DER_OCTET_STRING = 0x04,
    TH_DER_NULL = 0x05,
    TH_DER_OID = 0x06,
    TH_DER_UTF8_STRING = 0x0C,
    TH_DER_PRINTABLE_STRING = 0x13,
    TH_DER_IA5_STRING = 0x16,
    TH_DER_UTC_TIME = 0x17,
    TH_DER_GENERALIZED_TIME = 0x18,
    TH_DER_SEQUENCE = 0x30,
    TH_DER_SET = 0x31,
    TH_DER_CONTEXT = 0x80, /* | number, primitive */
    TH_DER_CONSTRUCTED = 0xA0, /* the same, with values in it */
};

/* Takes the next value, whatever it is. False at the end or if malformed. */
bool th_der_take_any(struct th_slice *in, uint8_t *tag, struct th_slice *value);

/* The next value that has none in it, however deep it lies. */
bool th_der_take_leaf(struct th_slice *in, uint8_t *tag, struct th_slice *value);

/* The next value, if it has this tag. */
bool th_der_take(struct th_slice *in, uint8_t tag, struct th_slice *value);
bool th_der_skip(struct th_slice *in, uint8_t tag);

/* True also if there is none with this tag. */
bool th_der_skip_optional(struct th_slice *in, uint8_t tag);

bool th_der_next_is(struct th_slice in, uint8_t tag);

/* A BIT STRING of whole bytes. */
bool th_der_take_bits(struct th_slice *in, struct th_slice *bytes);

/* Takes an INTEGER that is not negative; `number` is without leading zeros, and empty for 0. */
bool th_der_take_number(struct th_slice *in, struct th_slice *number);

/* Of such a number: the size of a key, when it is one's modulus. */
unsigned th_der_number_bits(struct th_slice number);

/* Length in bytes, header included, of the SEQUENCE `der` begins with; 0 if it does not begin with
 * one that fits. */
size_t th_der_sequence_bytes(struct th_slice der);

/* Whether Extensions (RFC 5280 section 4.1), explicitly tagged, hold a critical one. True also if
 * they cannot be read; none at all are fine. */
bool th_der_has_critical(struct th_slice in, uint8_t tag);

/* Lists of object identifiers: the content of each behind its length, at the end an empty one.
 *     #define COMMON_NAME "\x03\x55\x04\x03"
 * Returns the place in the list, from 0, or -1. */
int th_der_oid_in(struct th_slice oid, const char *list);

static inline bool th_der_is_oid(struct th_slice oid, const char *list)
{
    return th_der_oid_in(oid, list) >= 0;
}

#endif
