/* A growing buffer of DER in pool memory (purpose FILE, paid by the current payer). What it leaves
 * behind is wiped, when it grows as well as when it is closed. */
#ifndef TH_IDENTITY_DER_H
#define TH_IDENTITY_DER_H

#include <thimble.h>

#define TH_DER_MAX_BYTES 65536

struct th_der {
    uint8_t *data;
    size_t used_bytes;
    size_t room_bytes;
};

/* All zero is an empty buffer. 0, TH_E_MEMORY, or TH_E_TOO_LARGE beyond TH_DER_MAX_BYTES. */
int th_der_append(struct th_der *der, const uint8_t *data, size_t bytes);

/* What was appended after the first `at_bytes`. */
struct th_slice th_der_from(const struct th_der *der, size_t at_bytes);

/* Forgets and wipes all after the first `bytes`. */
void th_der_cut(struct th_der *der, size_t bytes);

/* Wipes and gives back. */
void th_der_close(struct th_der *der);

#endif
