/* The slot table at the end of the block. Used inside the room only.
 *
 * Order: slots past PUBREC first, as the PUBRECs came; then everything else, as it was queued.
 * Slots with bytes are in the order of their bytes. */
#ifndef TH_OUTBOX_SLOTS_H
#define TH_OUTBOX_SLOTS_H

#include "outbox/outbox.h"

/* Inlined even where size is preferred: it is what most loops of this room consist of. */
__attribute__((always_inline))
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
    return slot->state <= TH_SLOT_PUT;
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

/* Of the slot's bytes, those that are the packet's: not what remembers the source. */
static inline uint32_t th_outbox_own_bytes(const struct th_outbox_slot *slot)
{
    bool sourced = slot->marks & TH_MARK_SOURCED;
    return slot->len_bytes - (sourced ? (uint32_t)sizeof(struct th_payload_source) : 0);
}

/* The size of the packet on the wire, as it lies in the outbox. */
size_t th_outbox_packet_bytes(const struct th_outbox *outbox, const struct th_outbox_slot *slot);

/* Forgets the message and waits to be reported. */
void th_outbox_refuse(struct th_outbox_slot *slot, uint8_t reason);

/* Forgets the message, keeps its identifier for PUBREL: the slot moves behind those that are past
 * PUBREC already, the slots it passes move back by one. */
void th_outbox_release(struct th_outbox *outbox, size_t index);

/* Removes the slots that are FREE. */
void th_outbox_sweep(struct th_outbox *outbox);

/* Wipes the first `bytes` of the control part and closes up. */
void th_outbox_drop_control(struct th_outbox *outbox, size_t bytes);

/* send.c: QoS 1 and 2 that may still begin; whether the slot may, with so many left. */
size_t th_outbox_quota(const struct th_outbox *outbox);
bool th_outbox_may_go(const struct th_outbox *outbox, const struct th_outbox_slot *slot,
                      size_t left);

/* send.c: the packet is on its way as a whole. */
void th_outbox_finish(struct th_outbox *outbox, size_t index, uint64_t now_ms);

/* ---- piece.c ------------------------------------------------------------------------------ */

static inline bool th_outbox_piece_lent(const struct th_outbox *outbox)
{
    return outbox->piece.at < outbox->piece.end;
}

static inline bool th_outbox_is_publish(const struct th_outbox_slot *slot)
{
    return slot->kind <= TH_SLOT_PUBLISH_2;
}

static inline bool th_outbox_by_piece(const struct th_outbox *outbox,
                                      const struct th_outbox_slot *slot)
{
    return slot->marks & TH_MARK_SOURCED || (outbox->alias_maximum && th_outbox_is_publish(slot));
}

/* Fills the piece, all of which is sent: with what is begun, then with what may go. */
void th_outbox_piece_fill(struct th_outbox *outbox);

/* So many bytes of the piece are sent. Returns as th_outbox_sent(). */
unsigned th_outbox_piece_sent(struct th_outbox *outbox, size_t bytes, uint64_t now_ms);

#endif
