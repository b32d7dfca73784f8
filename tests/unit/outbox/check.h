/* What always holds in an outbox. NULL, or the rule that is broken. */
#ifndef TEST_OUTBOX_CHECK_H
#define TEST_OUTBOX_CHECK_H

#include "base/clock.h"
#include "outbox/slots.h"

struct outbox_walk {
    uint32_t end;       /* of the bytes walked over */
    unsigned begun;
    bool past_released; /* the slots past PUBREC are behind us */
    bool left;          /* a DISCONNECT was seen */
};

static inline const char *check_slot_bytes(const struct th_outbox *outbox,
                                           const struct th_outbox_slot *slot,
                                           struct outbox_walk *walk)
{
    bool has_bytes = th_outbox_slot_unsent(slot) || slot->state == TH_SLOT_SENT;
    if (has_bytes != (slot->len_bytes > 0))
        return "a slot has bytes exactly while they are needed";
    if (!has_bytes)
        return NULL;
    if (slot->offset_bytes < walk->end)
        return "slots are in the order of their bytes and do not overlap";
    walk->end = th_outbox_slot_end(slot);
    return walk->end <= outbox->messages_end ? NULL : "messages end behind the last one";
}

static inline const char *check_slot_state(const struct th_outbox_slot *slot,
                                           struct outbox_walk *walk)
{
    bool waits = slot->state == TH_SLOT_SENT;
    if (slot->state >= TH_SLOT_FREE)
        return "no slot is free";
    if (slot->kind > TH_SLOT_DISCONNECT)
        return "the kind is known";
    if (waits && slot->sent_ms == TH_NEVER)
        return "what is sent has a time";
    if (th_outbox_slot_past_pubrec(slot) && walk->past_released)
        return "slots past PUBREC come first";
    if (th_outbox_slot_past_pubrec(slot) && slot->kind != TH_SLOT_PUBLISH_2)
        return "only QoS 2 is released";
    if (walk->left)
        return "nothing is behind DISCONNECT";
    bool anonymous = slot->kind == TH_SLOT_PUBLISH_0 || slot->kind == TH_SLOT_DISCONNECT;
    return anonymous == !slot->packet_id ? NULL : "an identifier is where one must be";
}

static inline const char *check_slot_id(const struct th_outbox *outbox,
                                        const struct th_outbox_slot *slot)
{
    bool unique = !slot->packet_id || th_outbox_find(outbox, slot->packet_id) == slot;
    return unique ? NULL : "an identifier is used once";
}

static inline const char *check_slot(const struct th_outbox *outbox,
                                     const struct th_outbox_slot *slot, struct outbox_walk *walk)
{
    const char *problem = check_slot_bytes(outbox, slot, walk);
    if (!problem)
        problem = check_slot_state(slot, walk);
    if (!problem)
        problem = check_slot_id(outbox, slot);
    walk->begun += slot->state == TH_SLOT_BEGUN;
    walk->past_released |= !th_outbox_slot_past_pubrec(slot);
    walk->left |= slot->kind == TH_SLOT_DISCONNECT;
    return problem;
}

static inline const char *check_outbox(const struct th_outbox *outbox)
{
    struct outbox_walk walk = {.end = outbox->control_bytes};
    for (size_t i = 0; i < outbox->slots; i++) {
        const char *problem = check_slot(outbox, th_outbox_slot_at(outbox, i), &walk);
        if (problem)
            return problem;
    }
    if (walk.end != outbox->messages_end)
        return "messages end with the last one";
    if (walk.begun > 1 || (walk.begun && !outbox->lent_bytes && !outbox->piece.packet_bytes))
        return "at most one slot is begun, and its rest is lent or read";
    if (outbox->control_end > outbox->control_bytes)
        return "the control part stays in its place";
    if (th_outbox_used_bytes(outbox) > outbox->bytes || outbox->peak_bytes > outbox->bytes)
        return "messages and slots do not meet";
    return th_outbox_used_bytes(outbox) <= outbox->peak_bytes ? NULL : "the peak is a peak";
}

#endif
