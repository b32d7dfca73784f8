/* A set of packet identifiers: all there are find room in it, in any order. It is kept in pages,
 * those with something in them side by side at the beginning: what is behind them is not touched
 * and need not be kept. Brokers count upwards, so that one or two are in use. */
#ifndef TH_SESSION_IDENTIFIERS_H
#define TH_SESSION_IDENTIFIERS_H

#include <stdbool.h>
#include <stdint.h>

#define TH_SESSION_ID_PAGES 32
#define TH_SESSION_IDS_OF_PAGE (65536 / TH_SESSION_ID_PAGES)

struct th_session_id_page {
    uint32_t number; /* its first identifier is so many times TH_SESSION_IDS_OF_PAGE */
    uint32_t count;  /* at least 1 */
    uint32_t bits[TH_SESSION_IDS_OF_PAGE / 32];
};

#define TH_SESSION_ID_PAGES_BYTES (TH_SESSION_ID_PAGES * sizeof(struct th_session_id_page))

/* The first two zero: empty. The pages are in no order. */
struct th_session_ids {
    uint32_t count;
    uint32_t pages;
    struct th_session_id_page *list; /* TH_SESSION_ID_PAGES */
};

/* False: it was not made by these functions, which may not be given it. */
bool th_session_ids_sound(const struct th_session_ids *ids);

bool th_session_ids_have(const struct th_session_ids *ids, uint16_t id);

/* It is not in it. */
void th_session_ids_add(struct th_session_ids *ids, uint16_t id);

/* It is in it. */
void th_session_ids_drop(struct th_session_ids *ids, uint16_t id);

#endif
