/* A set of packet identifiers, kept as ranges: brokers count upwards and finish in order, so that
 * thousands take a few bytes. As many as there are ranges may be in it in any order; beyond that it
 * holds what happens to lie side by side. */
#ifndef TH_SESSION_IDENTIFIERS_H
#define TH_SESSION_IDENTIFIERS_H

#include <stdbool.h>
#include <stdint.h>

/* 4 bytes each. */
#ifndef TH_SESSION_ID_RANGES
#define TH_SESSION_ID_RANGES 64
#endif

struct th_session_id_range {
    uint16_t first, last;
};

/* Zeroed: empty. The ranges are in no order, and no two touch each other. */
struct th_session_ids {
    uint16_t count;
    uint16_t ranges;
    struct th_session_id_range list[TH_SESSION_ID_RANGES];
};

bool th_session_ids_have(const struct th_session_ids *ids, uint16_t id);

/* Whether an identifier that is not in it can be added. */
bool th_session_ids_have_room(const struct th_session_ids *ids, uint16_t id);

/* It is not in it, and there is room. */
void th_session_ids_add(struct th_session_ids *ids, uint16_t id);

/* It is in it. False, and nothing is done, if a range would have to be split and there is none
 * left: never while it holds no more identifiers than there are ranges. */
bool th_session_ids_drop(struct th_session_ids *ids, uint16_t id);

#endif
