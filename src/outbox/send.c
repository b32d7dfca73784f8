/* What goes out, and in which order. */
#include "outbox/slots.h"

#include "base/clock.h"
#include "base/slice.h"
#include "mqtt/encode.h"

#define PUBREL_BYTES 4

/* ---- next --------------------------------------------------------------------------------- */

static bool in_flight(const struct th_outbox_slot *slot)
{
    return th_outbox_slot_is_counted(slot) && slot->state != TH_SLOT_QUEUED &&
           slot->state != TH_SLOT_REFUSED;
}

size_t th_outbox_quota(const struct th_outbox *outbox)
{
    size_t left = outbox->receive_maximum;
    for (size_t i = 0; i < outbox->slots && left; i++)
        left -= in_flight(th_outbox_slot_at(outbox, i));
    return left;
}

bool th_outbox_may_go(const struct th_outbox *outbox, const struct th_outbox_slot *slot,
                      size_t left)
{
    if (slot->state != TH_SLOT_QUEUED)
        return false;
    if (slot->kind == TH_SLOT_DISCONNECT)
        return !th_outbox_queued(outbox);
    return left || !th_outbox_slot_is_counted(slot);
}

/* The first slot that may go, and those that may go and lie right behind it. */
static void lend_messages(struct th_outbox *outbox)
{
    size_t left = th_outbox_quota(outbox);
    uint32_t begin = 0, end = 0;
    for (size_t i = 0; i < outbox->slots; i++) {
        const struct th_outbox_slot *slot = th_outbox_slot_at(outbox, i);
        bool goes = th_outbox_may_go(outbox, slot, left);
        bool as_it_lies = goes && !th_outbox_by_piece(outbox, slot);
        if (end && !(as_it_lies && slot->offset_bytes == end))
            break;
        if (!goes)
            continue;
        if (!as_it_lies) {
            th_outbox_piece_fill(outbox);
            return;
        }
        begin = end ? begin : slot->offset_bytes;
        end = th_outbox_slot_end(slot);
        left -= th_outbox_slot_is_counted(slot);
    }
    outbox->lent_offset_bytes = begin;
    outbox->lent_bytes = end - begin;
}

static void lend_control(struct th_outbox *outbox)
{
    outbox->lent_offset_bytes = 0;
    outbox->lent_bytes = outbox->control_end;
}

static void put_pubrel(uint8_t *place, uint16_t packet_id)
{
    th_mqtt_ack_encode(place, &(struct th_mqtt_ack){
        .version = TH_MQTT_3_1_1, .type = TH_MQTT_PUBREL, .packet_id = packet_id});
}

static void queue_pubrels(struct th_outbox *outbox)
{
    for (size_t i = 0; i < outbox->slots; i++) {
        struct th_outbox_slot *slot = th_outbox_slot_at(outbox, i);
        if (!th_outbox_slot_past_pubrec(slot))
            return;
        if (slot->state == TH_SLOT_RELEASING)
            continue;
        if (slot->marks & TH_MARK_HELD ||
            !th_outbox_control_room(outbox, PUBREL_BYTES + TH_OUTBOX_CONTROL_ANSWER_BYTES))
            return;
        put_pubrel(th_outbox_control(outbox, PUBREL_BYTES), slot->packet_id);
        slot->state = TH_SLOT_RELEASING;
    }
}

static void lend(struct th_outbox *outbox)
{
    bool open = !outbox->holding && !outbox->ending;
    if (outbox->ended || outbox->piece.error)
        return;
    if (outbox->piece.packet_bytes) {
        if (open)
            th_outbox_piece_fill(outbox);
        return;
    }
    if (open)
        queue_pubrels(outbox);
    if (outbox->control_end)
        lend_control(outbox);
    else if (open)
        lend_messages(outbox);
}

struct th_slice th_outbox_next(struct th_outbox *outbox)
{
    if (!outbox->lent_bytes && !th_outbox_piece_lent(outbox))
        lend(outbox);
    if (th_outbox_piece_lent(outbox))
        return th_slice_of(outbox->piece.memory + outbox->piece.at,
                           outbox->piece.end - outbox->piece.at);
    return th_slice_of(outbox->memory + outbox->lent_offset_bytes, outbox->lent_bytes);
}

/* ---- sent --------------------------------------------------------------------------------- */

/* PUBRELs wait for PUBCOMP from the moment the control part has run empty. */
static void stamp_pubrels(struct th_outbox *outbox, uint64_t now_ms)
{
    for (size_t i = 0; i < outbox->slots; i++) {
        struct th_outbox_slot *slot = th_outbox_slot_at(outbox, i);
        if (slot->state == TH_SLOT_RELEASING && slot->sent_ms == TH_NEVER)
            slot->sent_ms = now_ms;
    }
}

static void control_sent(struct th_outbox *outbox, size_t bytes, uint64_t now_ms)
{
    th_outbox_drop_control(outbox, bytes);
    if (!outbox->control_end)
        stamp_pubrels(outbox, now_ms);
}

static bool is_over_when_sent(const struct th_outbox_slot *slot)
{
    return slot->kind == TH_SLOT_PUBLISH_0 || slot->kind == TH_SLOT_DISCONNECT ||
           slot->marks & TH_MARK_FINISHED;
}

void th_outbox_finish(struct th_outbox *outbox, size_t index, uint64_t now_ms)
{
    struct th_outbox_slot *slot = th_outbox_slot_at(outbox, index);
    outbox->ended |= slot->kind == TH_SLOT_DISCONNECT;
    slot->state = is_over_when_sent(slot) ? TH_SLOT_FREE : TH_SLOT_SENT;
    slot->sent_ms = now_ms;
    if (slot->marks & TH_MARK_RECEIVED)
        th_outbox_release(outbox, index);
}

static unsigned messages_sent(struct th_outbox *outbox, uint32_t from, uint32_t to, uint64_t now_ms)
{
    unsigned qos_0 = 0;
    for (size_t i = 0; i < outbox->slots; i++) {
        struct th_outbox_slot *slot = th_outbox_slot_at(outbox, i);
        if (th_outbox_slot_end(slot) <= from || slot->offset_bytes >= to || !slot->len_bytes)
            continue;
        if (th_outbox_slot_end(slot) > to) {
            slot->state = TH_SLOT_BEGUN;
            continue;
        }
        qos_0 += slot->kind == TH_SLOT_PUBLISH_0;
        th_outbox_finish(outbox, i, now_ms);
    }
    th_outbox_sweep(outbox);
    return qos_0;
}

unsigned th_outbox_sent(struct th_outbox *outbox, size_t bytes, uint64_t now_ms)
{
    uint32_t from = outbox->lent_offset_bytes;
    if (th_outbox_piece_lent(outbox))
        return th_outbox_piece_sent(outbox, bytes, now_ms);
    outbox->lent_bytes -= (uint32_t)bytes;
    outbox->last_sent_ms = now_ms;
    if (from < outbox->control_bytes) {
        control_sent(outbox, bytes, now_ms);
        return 0;
    }
    outbox->lent_offset_bytes += (uint32_t)bytes;
    return messages_sent(outbox, from, outbox->lent_offset_bytes, now_ms);
}

bool th_outbox_ended(const struct th_outbox *outbox)
{
    bool lent = outbox->lent_bytes || th_outbox_piece_lent(outbox);
    bool drained = !lent && (!outbox->control_end || outbox->piece.packet_bytes);
    return outbox->ended || (outbox->ending && drained);
}
