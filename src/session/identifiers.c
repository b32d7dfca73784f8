#include "session/identifiers.h"

#include <stddef.h>

static const struct th_session_id_range *containing(const struct th_session_ids *ids, unsigned id)
{
    for (unsigned i = 0; i < ids->ranges; i++)
        if (ids->list[i].first <= id && id <= ids->list[i].last)
            return &ids->list[i];
    return NULL;
}

static struct th_session_id_range *range_of(struct th_session_ids *ids, unsigned id)
{
    return (struct th_session_id_range *)containing(ids, id);
}

static bool is_full(const struct th_session_ids *ids)
{
    return ids->ranges == TH_SESSION_ID_RANGES;
}

static void append(struct th_session_ids *ids, unsigned first, unsigned last)
{
    ids->list[ids->ranges++] = (struct th_session_id_range){(uint16_t)first, (uint16_t)last};
}

static void take_out(struct th_session_ids *ids, struct th_session_id_range *range)
{
    *range = ids->list[--ids->ranges];
}

bool th_session_ids_have(const struct th_session_ids *ids, uint16_t id)
{
    return containing(ids, id) != NULL;
}

bool th_session_ids_have_room(const struct th_session_ids *ids, uint16_t id)
{
    return !is_full(ids) || containing(ids, id - 1u) || containing(ids, id + 1u);
}

void th_session_ids_add(struct th_session_ids *ids, uint16_t id)
{
    struct th_session_id_range *below = range_of(ids, id - 1u);
    struct th_session_id_range *above = range_of(ids, id + 1u);
    ids->count++;
    if (below)
        below->last = above ? above->last : id;
    else if (above)
        above->first = id;
    else
        append(ids, id, id);
    if (below && above)
        take_out(ids, above);
}

static bool split(struct th_session_ids *ids, struct th_session_id_range *range, unsigned id)
{
    if (is_full(ids))
        return false;
    append(ids, id + 1, range->last);
    range->last = (uint16_t)(id - 1);
    return true;
}

static void shrink(struct th_session_ids *ids, struct th_session_id_range *range, unsigned id)
{
    if (range->first == range->last)
        take_out(ids, range);
    else if (range->first == id)
        range->first++;
    else
        range->last--;
}

bool th_session_ids_drop(struct th_session_ids *ids, uint16_t id)
{
    struct th_session_id_range *range = range_of(ids, id);
    bool inside = range->first < id && id < range->last;
    if (inside && !split(ids, range, id))
        return false;
    if (!inside)
        shrink(ids, range, id);
    ids->count--;
    return true;
}
