/* Identities that survive a power cut.
 *
 *     NAME/current         which generation counts: "a" or "b", one line; "ab" or "ba": the first
 *                          counts, the second is on trial
 *     NAME/a/, NAME/b/     device_cert, private_key, iot_endpoint, ca_cert (if given),
 *                          cert_meta (JSON, store/meta.h),
 *                          cert_valid (SHA-256 of the files before cert_meta)
 *
 * A new identity is written to the generation that does not count: cert_valid goes first and comes
 * back last, then `current` changes in one rename. At every moment `current` names a generation
 * that is whole, and one that is not whole has no cert_valid. */
#ifndef TH_STORE_STORE_H
#define TH_STORE_STORE_H

#include "store/files.h"
#include <thimble.h>

#define TH_STORE_NAME_BYTES 64

enum th_store_part {
    TH_STORE_CERTIFICATE,
    TH_STORE_KEY,
    TH_STORE_ENDPOINT,
    TH_STORE_ROOTS,
    TH_STORE_META,
    TH_STORE_PARTS
};

const char *th_store_part_name(enum th_store_part part); /* "device_cert" */

struct th_store {
    int fd;       /* of NAME/, locked: shared, or for whoever changes it; -1: closed */
    char current; /* 'a', 'b'; 0: none yet */
    bool on_trial; /* the other one is */
};

/* Who changes it waits until nobody else reads or changes it, and may find that no generation
 * counts; _CREATE makes it if it is not there. */
enum th_store_mode { TH_STORE_READ, TH_STORE_CHANGE, TH_STORE_CREATE };

/* So long whoever opens one waits for others; 0: who must not wait. */
#define TH_STORE_WAIT_MS 10000
void th_store_wait(unsigned ms);

/* `name`: letters, digits and . _ -, at most 63, not with a dot in front. Errors: FILE (files.h),
 * ARGUMENT; TIMEOUT: others hold it. */
int th_store_open(struct th_store *store, int base, const char *name, enum th_store_mode mode,
                  struct th_fault *fault);
void th_store_close(struct th_store *store);

/* The generation that does not count; 'a' if none does. */
char th_store_other(const struct th_store *store);

/* The directory of a generation whose files are those that were stored, as a descriptor. Reason of
 * the error: TH_MISSING, TH_CORRUPTED, TH_BAD_PERMISSIONS. */
int th_store_generation(const struct th_store *store, char generation, struct th_fault *fault);

/* Writes the other generation. What has no data is left out. */
int th_store_put(const struct th_store *store, const struct th_slice parts[TH_STORE_PARTS],
                 struct th_fault *fault);

/* From now on this generation counts. */
int th_store_promote(struct th_store *store, char generation, struct th_fault *fault);

/* The same, and the other one is on trial until one of them is promoted. */
int th_store_hold_to(struct th_store *store, char generation, struct th_fault *fault);

/* Hands over every name that could be an identity's. */
int th_store_list(int base, void (*each)(void *arg, const char *name), void *arg,
                  struct th_fault *fault);

#endif
