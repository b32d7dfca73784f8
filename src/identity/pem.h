/* Reading certificates and keys from a file or from memory, PEM (RFC 7468) or DER.
 *
 * A file is read once, through a small buffer on the stack: regular files, FIFOs and /dev/fd/N
 * work, directories and sockets do not. PEM text is never kept: each block is decoded as it is
 * read, and both text buffer and DER are wiped. Text between blocks, "Bag Attributes", headers
 * inside a block, CRLF and a byte order mark are allowed. */
#ifndef TH_IDENTITY_PEM_H
#define TH_IDENTITY_PEM_H

#include "identity/der.h"
#include <thimble.h>

#define TH_PEM_SOURCE_MAX_BYTES (1024 * 1024)

enum th_pem_kind {
    TH_PEM_CERTIFICATE,   /* CERTIFICATE, X509 CERTIFICATE, TRUSTED CERTIFICATE is refused */
    TH_PEM_PKCS8_KEY,     /* PRIVATE KEY */
    TH_PEM_SEC1_KEY,      /* EC PRIVATE KEY */
    TH_PEM_PKCS1_KEY,     /* RSA PRIVATE KEY */
    TH_PEM_SEALED_KEY,    /* ENCRYPTED PRIVATE KEY: identity/encrypted.h opens it */
    TH_PEM_ENCRYPTED_KEY, /* Proc-Type: 4,ENCRYPTED; not decoded */
    TH_PEM_CRL,           /* X509 CRL */
    TH_PEM_OTHER,         /* EC PARAMETERS, PUBLIC KEY, ... */
    TH_PEM_DER,           /* the source is one DER value: certificate or key, as the reader wants */
};

/* Where a block came from, for sentences. */
struct th_pem_place {
    const char *name; /* the path, or "(memory)" */
    unsigned line;    /* of the BEGIN line, from 1; 1 for DER */
};

enum { TH_PEM_DROP, TH_PEM_KEEP };

/* Called for each block. Returns TH_PEM_DROP (the bytes are wiped before the next block),
 * TH_PEM_KEEP (they stay in the buffer, the next block follows them), or TH_E_* to stop. */
struct th_pem_sink {
    int (*block)(void *arg, enum th_pem_kind kind, struct th_slice der,
                 const struct th_pem_place *place, struct th_fault *fault);
    void *arg;
    /* NULL, or called whenever bytes of a CRL or of DER were read: takes off the buffer what it
     * needs no longer. What is left is handed to `block` at the end. Returns 0 or TH_E_*. */
    int (*drain)(void *arg, struct th_der *der, struct th_fault *fault);
};

/* Reads the whole source. `what` is the word for it in sentences, such as "CA certificates".
 * `der` is the buffer; it belongs to the caller, who closes it, also after an error.
 * Returns the number of blocks handed to the sink. Errors: FILE, MEMORY, the sink's. */
int th_pem_read(const struct th_source *source, const char *what, const struct th_pem_sink *sink,
                struct th_der *der, struct th_fault *fault);

#endif
