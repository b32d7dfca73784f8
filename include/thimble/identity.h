/* What can be wrong with an identity: certificate, key, and what is known of them. The numbers are
 * stable, and those the program exits with; `thimble explain` has a name and a sentence for each.
 * They stand in `reason` of a fault whose code is TH_E_FILE or TH_E_CERTIFICATE. */
#ifndef THIMBLE_IDENTITY_H
#define THIMBLE_IDENTITY_H

#include <thimble/certificate.h>

#ifdef __cplusplus
extern "C" {
#endif

enum th_validity {
    TH_VALID = 0,
    TH_INVALID_CONTENT = 65,   /* readable, but not what it must be: order, version, extensions */
    TH_MISSING = 66,           /* not there, or not to be read */
    TH_INVALID_FORMAT = 67,    /* neither PEM nor DER of a certificate or key */
    TH_WEAK = 68,              /* key or signature */
    TH_CORRUPTED = 69,         /* cut off, damaged, or not what was stored */
    TH_EXPIRED = 70,
    TH_KEY_MISMATCH = 71,      /* the key is another certificate's */
    TH_UNKNOWN_CA = 72,
    TH_WRONG_HOST = 73,
    TH_REVOKED = 74,
    TH_PIN_MISMATCH = 75,
    TH_WRONG_USAGE = 79,       /* not made for clients, or for servers */
    TH_CLOCK_IMPLAUSIBLE = 80, /* too early to judge dates by it */
    TH_NOT_YET_VALID = 81,
    TH_BAD_PERMISSIONS = 82,   /* others may read or change it */
};

/* Judges certificate and key as what a client shows: form, strength, purpose, dates (of now, see
 * th_calendar_s()), order of the chain, and that they belong together; and that the roots, if there
 * are any, can be used. Nothing else of `config` counts. `block` is what th_context_open() wants,
 * and free again afterwards. `on_leaf` (NULL: nobody) gets the leaf as soon as it can be read,
 * whatever else is wrong. 0, or FILE with a reason of enum th_validity, CLOCK, MEMORY, ENTROPY. */
int th_identity_judge(void *block, size_t block_bytes, const struct th_context_config *config,
                      void (*on_leaf)(void *arg, const struct th_certificate *leaf), void *arg,
                      struct th_fault *fault);

#ifdef __cplusplus
}
#endif

#endif
