/* A TLS context: policy, trusted roots and our own certificate, shared by connections.
 *
 * Memory is taken from the current payer: set the shared payer around open and close. Every
 * set-up call of wolfSSL that fails is fatal. */
#ifndef TH_TLS_CONTEXT_H
#define TH_TLS_CONTEXT_H

#include "identity/identity.h"
#include "crypt/hash.h"
#include "tls/anchors.h"
#include "tls/bundle.h"
#include "tls/dates.h"
#include "tls/pins.h"
#include "tls/suites.h"
#include <pthread.h>
#include <thimble.h>

struct WOLFSSL_CTX;

struct th_tls_context {
    bool open;
    struct WOLFSSL_CTX *ctx;
    uint32_t generation;          /* sessions of another one are not taken up; the owner sets it */
    pthread_mutex_t turn;         /* handshakes, opening and freeing of streams take turns */
    char alpn[64];                /* comma-separated; "": none */
    struct th_tls_suites suites;  /* what is offered, TLS 1.3 first */
    bool holds_back;              /* of it AES-256, until a server takes nothing else */
    const char *psk_identity;     /* NULL: certificates prove who is who */
    struct th_slice psk;
    struct th_tls_pins pins;
    void (*on_keylog)(void *arg, const char *line);
    void *on_keylog_arg;
    void (*on_certificate)(void *arg, unsigned index, struct th_slice der);
    void *on_certificate_arg;
    bool insecure_no_name_check;
    bool insecure_no_verify;
    bool hardware;                /* holds a reference to the hardware random source */
    bool library;                 /* holds a reference to the initialised library */
    struct th_identity_count identity;
    struct th_tls_bundle bundle;
    struct th_crypt_hash binding; /* of what a session is bound to */
    int64_t end_s;                /* th_calendar_s() when the first certificate of our chain ends */
    struct th_tls_dates dates;    /* of roots */
    struct th_tls_anchor *anchors;
    struct th_source crl;
    enum th_stapling stapling;
    size_t resident_bytes;        /* what the context holds of the payer, certificates included */
    size_t transient_peak_bytes;  /* what opening it held beyond that, and gave back */
    struct th_log log;
};

/* Opens into *context, which the caller owns. Of what `config` points to only the pre-shared key
 * and its identity are needed afterwards. On failure everything is given back. Errors: ARGUMENT,
 * FILE, CERTIFICATE, MEMORY, ENTROPY. */
int th_tls_context_open(struct th_tls_context *context, const struct th_context_config *config,
                        struct th_fault *fault);

/* Trusts one more root, at the expense of the current payer. wolfSSL's code. */
int th_tls_context_trust(struct th_tls_context *context, struct th_slice der);

/* From now on everything is offered. False: it was before. Nobody else shakes hands meanwhile. */
bool th_tls_context_offer_all(struct th_tls_context *context);

/* Its streams must be closed before. A context that is all zero is fine. */
void th_tls_context_close(struct th_tls_context *context);

#endif
