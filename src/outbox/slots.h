/* The slot table at the end of the block. Used inside the room only.
 *
 * Order: slots past PUBREC first, as the PUBRECs came; then everything else, as it was queued.
 * Slots with bytes are in the order of their bytes. */
#ifndef TH_OUTBOX_SLOTS_H
#define TH_OUTBOX_SLOTS_H

#include "outbox/outbox.h"

static inline struct th_outbox_slot *th_outbox_slot_at(const struct th_outbox *outbox, size_t index)
{
    return (struct th_outbox_slot *)(void *)(outbox->memory + outbox->bytes) - 1 - index;
}

static inline uint32_t th_outbox_slot_end(const struct th_outbox_slot *slot)
{
    return slot->offset_bytes + slot->len_bytes;
}

static inline bool th_outbox_slot_unsent(const struct th_outbox_slot *slot)
{
    return slot->state == TH_SLOT_QUEUED || slot->state == TH_SLOT_BEGUN;
}

/* QoS 1 and 2: what the peer's Receive Maximum counts. */
static inline bool th_outbox_slot_is_counted(const struct th_outbox_slot *slot)
{
    return slot->kind == TH_SLOT_PUBLISH_1 || slot->kind == TH_SLOT_PUBLISH_2;
}

static inline bool th_outbox_slot_past_pubrec(const struct th_outbox_slot *slot)
{
    return slot->state == TH_SLOT_RELEASED || slot->state == TH_SLOT_RELEASING;
}

static inline bool th_outbox_messages_lent(const struct th_outbox *outbox)
{
    return outbox->lent_bytes && outbox->lent_offset_bytes >= outbox->control_bytes;
}

/* Whether any of the slot's bytes are lent. */
static inline bool th_outbox_slot_lent(const struct th_outbox *outbox,
                                       const struct th_outbox_slot *slot)
{
    return outbox->lent_bytes && slot->len_bytes &&
           slot->offset_bytes < outbox->lent_offset_bytes + outbox->lent_bytes &&
           outbox->lent_offset_bytes < th_outbox_slot_end(slot);
}

/* Forgets the message, keeps its identifier for PUBREL: the slot moves behind those that are past
 * PUBREC already, the slots it passes move back by one. */
void th_outbox_release(struct th_outbox *outbox, size_t index);

/* Removes the slots that are FREE. */
void th_outbox_sweep(struct th_outbox *outbox);

/* Wipes the first `bytes` of the control part and closes up. */
void th_outbox_drop_control(struct th_outbox *outbox, size_t bytes);

#endif
