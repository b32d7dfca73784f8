#include "session/identifiers.h"

#include <stddef.h>

static const struct th_session_id_page *containing(const struct th_session_ids *ids, uint16_t id)
{
    for (uint32_t i = 0; i < ids->pages; i++)
        if (ids->list[i].number == id / TH_SESSION_IDS_OF_PAGE)
            return &ids->list[i];
    return NULL;
}

static struct th_session_id_page *page_of(struct th_session_ids *ids, uint16_t id)
{
    return (struct th_session_id_page *)containing(ids, id);
}

static uint32_t word_of(uint16_t id)
{
    return id % TH_SESSION_IDS_OF_PAGE / 32;
}

static uint32_t bit_of(uint16_t id)
{
    return (uint32_t)1 << id % 32;
}

bool th_session_ids_sound(const struct th_session_ids *ids)
{
    uint32_t seen = 0;
    if (ids->pages > TH_SESSION_ID_PAGES)
        return false;
    for (uint32_t i = 0; i < ids->pages; i++) {
        uint32_t number = ids->list[i].number;
        if (number >= TH_SESSION_ID_PAGES || seen & bit_of((uint16_t)number))
            return false;
        seen |= bit_of((uint16_t)number);
    }
    return true;
}

bool th_session_ids_have(const struct th_session_ids *ids, uint16_t id)
{
    const struct th_session_id_page *page = containing(ids, id);
    return page && page->bits[word_of(id)] & bit_of(id);
}

static struct th_session_id_page *begin_page(struct th_session_ids *ids, uint16_t id)
{
    struct th_session_id_page *page = &ids->list[ids->pages++];
    *page = (struct th_session_id_page){.number = id / TH_SESSION_IDS_OF_PAGE};
    return page;
}

void th_session_ids_add(struct th_session_ids *ids, uint16_t id)
{
    struct th_session_id_page *page = page_of(ids, id);
    if (!page)
        page = begin_page(ids, id);
    page->bits[word_of(id)] |= bit_of(id);
    page->count++;
    ids->count++;
}

void th_session_ids_drop(struct th_session_ids *ids, uint16_t id)
{
    struct th_session_id_page *page = page_of(ids, id);
    page->bits[word_of(id)] &= ~bit_of(id);
    ids->count--;
    if (--page->count == 0)
        *page = ids->list[--ids->pages];
}
