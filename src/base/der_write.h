/* DER (X.690), written from its end to its beginning: when a header is due, what it counts lies
 * there. Contents are less than 65,536 bytes.
 *
 *     uint8_t *end = der.at;
 *     th_der_put(&der, TH_DER_OID, oid);       the last value of the sequence
 *     th_der_put(&der, TH_DER_INTEGER, one);   the first
 *     th_der_wrap(&der, TH_DER_SEQUENCE, end);
 */
#ifndef TH_BASE_DER_WRITE_H
#define TH_BASE_DER_WRITE_H

#include "base/slice.h"

struct th_der_out {
    uint8_t *begin; /* of the room */
    uint8_t *at;    /* what is written begins here */
    uint8_t *end;
    bool is_full;   /* something did not fit; what is there means nothing */
};

void th_der_out_open(struct th_der_out *out, void *room, size_t bytes);

/* In front of what is there: bytes as they are; a value; a header for all from here to `end`. */
void th_der_raw(struct th_der_out *out, struct th_slice bytes);
void th_der_put(struct th_der_out *out, uint8_t tag, struct th_slice content);
void th_der_wrap(struct th_der_out *out, uint8_t tag, const uint8_t *end);

/* A small number; a BIT STRING of all from here to `end`. */
void th_der_number(struct th_der_out *out, uint8_t number);
void th_der_bits(struct th_der_out *out, const uint8_t *end);

struct th_slice th_der_written(const struct th_der_out *out);

#endif
