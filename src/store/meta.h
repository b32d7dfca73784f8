/* cert_meta: what is known of an identity, as one flat JSON object. Times are seconds since 1970:
 *
 *     stored_at, device_id, certificate_fingerprint (SHA-256), iot_endpoint, is_valid, last_used
 *     (0: never), validation_attempts, not_before, not_after, serial, issuer, spki_sha256,
 *     generation (1 for the first that was imported under this name)
 */
#ifndef TH_STORE_META_H
#define TH_STORE_META_H

#include <thimble/certificate.h>

#define TH_STORE_META_BYTES 2048

struct th_store_facts {
    const struct th_certificate *leaf;
    const char *device_id;
    struct th_slice kept_id; /* as it stands in another cert_meta, if device_id is NULL */
    struct th_slice endpoint;
    uint64_t stored_at_s;
    uint64_t generation;
};

/* Writes it; what is returned lies in memory of this room, until the next call. Data NULL: it does
 * not fit. */
struct th_slice th_store_meta_make(const struct th_store_facts *facts);

/* The same with last_used now, and one more validation. */
struct th_slice th_store_meta_used(struct th_slice meta, uint64_t now_s);

/* The value of a member as it stands there; data NULL: there is none, or this is no cert_meta. */
struct th_slice th_store_meta_value(struct th_slice meta, const char *name);

#endif
