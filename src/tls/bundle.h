/* Trusted roots that are too many to be held: of a whole bundle, of directories.
 *
 * Up to TH_TLS_ROOTS_HELD are held from the beginning. Where there are more, none is: the first
 * handshake fails for want of an issuer, the names of the issuers in the server's chain are noted,
 * the sources are read again, one certificate at a time, what bears a noted name is loaded, and
 * the handshake is repeated, once, on a new connection. Nothing that failed is ever passed over. */
#ifndef TH_TLS_BUNDLE_H
#define TH_TLS_BUNDLE_H

#include "identity/identity.h"
#include <thimble.h>

#define TH_TLS_ROOTS_HELD 3
#define TH_TLS_NAMES_NOTED 16
#define TH_TLS_ROOTS_CHOSEN 8

struct WOLFSSL_X509_STORE_CTX;
struct th_payer;
struct th_tls_context;
struct th_tls_stream;

struct th_tls_bundle {
    struct th_source source;   /* of what was configured; not copied */
    const char *const *paths;  /* more of it: files and directories, ended by NULL; or NULL */
    struct th_payer *payer;    /* who pays for what is loaded */
    uint32_t seen;             /* certificates in the sources */
    uint32_t noted[TH_TLS_NAMES_NOTED]; /* hashes of the names looked for */
    uint32_t notes;
    uint32_t chosen;           /* certificates that are loaded ... */
    uint32_t print;            /* ... and a hash of them all */
    uint32_t turn;             /* counts changes of what is loaded */
};

/* Reads `paths` too: `sink` gets the roots. A file in a directory that cannot be used is left out
 * with a warning. Errors: FILE, MEMORY, the sink's. */
int th_tls_bundle_read(struct th_tls_context *context, const struct th_context_config *config,
                       const struct th_identity_sink *sink, struct th_fault *fault);

/* Called for each root while the context is opened: true if it is not to be loaded now. */
bool th_tls_bundle_defers(struct th_tls_context *context);

/* In the verify callback, for a certificate that failed, or whose root has ended: 0, for it stays
 * refused. */
int th_tls_bundle_note(struct th_tls_stream *stream, const struct WOLFSSL_X509_STORE_CTX *store);

/* For certificates side by side that are no server's: loads what their issuers' names choose. 0, or
 * an error. */
int th_tls_bundle_choose_for(struct th_tls_context *context, struct th_slice ders,
                             struct th_fault *fault);

/* After a handshake failed: 1, roots were found that it did not have; 0; or an error. */
int th_tls_bundle_choose(struct th_tls_stream *stream, struct th_fault *fault);

#endif
