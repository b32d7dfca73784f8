/* Pins: the keys a server must have, its own or one above it, besides all that is verified. */
#ifndef TH_TLS_PINS_H
#define TH_TLS_PINS_H

#include <thimble.h>

#define TH_TLS_PINNED_ROOTS 8

struct WOLFSSL_X509_STORE_CTX;
struct th_tls_context;
struct th_tls_stream;

struct th_tls_pins {
    const char *own;   /* of the server's certificate; NULL: any. Not copied */
    const char *above; /* of authorities */
    uint64_t roots[TH_TLS_PINNED_ROOTS]; /* hashes of the names of trusted roots with such a key */
    uint32_t roots_count;
};

/* ARGUMENT: no list of pins, or nothing that they could be held against. */
int th_tls_pins_take(struct th_tls_context *context, const struct th_context_config *config,
                     struct th_fault *fault);

/* A root is trusted from now on. */
void th_tls_pins_note_root(struct th_tls_context *context, struct th_slice root);

/* In the verify callback, for the server's own certificate, when all else is verified. False: it is
 * refused, and the fault says which pin was seen. */
bool th_tls_pins_hold(struct th_tls_stream *stream, const struct WOLFSSL_X509_STORE_CTX *store);

#endif
