/* The topics behind the aliases a broker uses (5.0 section 3.3.2.3.4), in a block of fixed size. */
#ifndef TH_SESSION_ALIAS_H
#define TH_SESSION_ALIAS_H

#include <stdbool.h>
#include <thimble.h>

/* A topic costs its length and this. */
#define TH_SESSION_ALIAS_OVERHEAD_BYTES 4

/* `memory` is written only when the broker uses aliases. */
struct th_session_aliases {
    uint8_t *memory;
    uint32_t bytes;
    uint32_t used_bytes;
};

/* Its topic, or data NULL. Valid until the next th_session_alias_keep(). */
struct th_slice th_session_alias_topic(const struct th_session_aliases *aliases, uint16_t alias);

/* From now on `alias` means `topic`, which lies elsewhere. False: there is no room; the alias then
 * means nothing. */
bool th_session_alias_keep(struct th_session_aliases *aliases, uint16_t alias,
                           struct th_slice topic);

#endif
