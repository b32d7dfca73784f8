/* What a new connection does to the queue. */
#include "outbox/slots.h"

#include "base/clock.h"
#include "mqtt/encode.h"

#define PUBLISH_DUP 0x08
#define PUBLISH_RETAIN 0x01

/* ---- rewind ------------------------------------------------------------------------------- */

static bool was_begun(const struct th_outbox *outbox, const struct th_outbox_slot *slot)
{
    return slot->state == TH_SLOT_BEGUN || slot->state == TH_SLOT_PUT ||
           slot->state == TH_SLOT_SENT || slot->state == TH_SLOT_RELEASING ||
           th_outbox_slot_lent(outbox, slot);
}

static void mark_again(struct th_outbox *outbox, struct th_outbox_slot *slot)
{
    slot->marks |= TH_MARK_AGAIN;
    if (th_outbox_slot_is_counted(slot) && slot->len_bytes)
        th_mqtt_set_dup(outbox->memory + slot->offset_bytes);
}

void th_outbox_take_up(struct th_outbox *outbox, bool released)
{
    mark_again(outbox, th_outbox_slot_at(outbox, outbox->slots - 1));
    if (released)
        th_outbox_release(outbox, outbox->slots - 1);
}

static void queue_again(struct th_outbox_slot *slot)
{
    if (!(slot->marks & TH_MARK_EXPIRES))
        slot->sent_ms = TH_NEVER;
    slot->state = th_outbox_slot_past_pubrec(slot) ? TH_SLOT_RELEASED : TH_SLOT_QUEUED;
    if (slot->marks & TH_MARK_FINISHED || slot->kind == TH_SLOT_DISCONNECT)
        slot->state = TH_SLOT_FREE;
}

static void rewind_slot(struct th_outbox *outbox, size_t index)
{
    struct th_outbox_slot *slot = th_outbox_slot_at(outbox, index);
    if (slot->state == TH_SLOT_REFUSED)
        return;
    if (was_begun(outbox, slot))
        mark_again(outbox, slot);
    queue_again(slot);
    if (slot->marks & TH_MARK_RECEIVED)
        th_outbox_release(outbox, index);
}

void th_outbox_rewind(struct th_outbox *outbox)
{
    for (size_t i = 0; i < outbox->slots; i++)
        rewind_slot(outbox, i);
    th_outbox_drop_control(outbox, outbox->control_end);
    outbox->lent_bytes = 0;
    outbox->piece.at = outbox->piece.end = outbox->piece.packet_bytes = 0;
    outbox->piece.error = 0;
    outbox->aliases.used_bytes = 0;
    outbox->holding = true;
    outbox->ending = outbox->ended = false;
    th_outbox_sweep(outbox);
}

/* ---- resume ------------------------------------------------------------------------------- */

static void forget_session(struct th_outbox *outbox, struct th_outbox_slot *slot)
{
    if (slot->state == TH_SLOT_RELEASED)
        th_outbox_refuse(slot, TH_REASON_UNCERTAIN);
    if (th_outbox_is_publish(slot) && slot->len_bytes)
        outbox->memory[slot->offset_bytes] &= (uint8_t)~PUBLISH_DUP;
    slot->marks &= TH_MARK_SOURCED | TH_MARK_EXPIRES;
}

static uint8_t objection(const struct th_outbox *outbox, const struct th_outbox_slot *slot,
                         const struct th_outbox_limits *limits)
{
    uint8_t first_byte = outbox->memory[slot->offset_bytes];
    if (th_outbox_packet_bytes(outbox, slot) > limits->packet_max_bytes)
        return TH_MQTT_PACKET_TOO_LARGE;
    if (th_outbox_is_publish(slot) && slot->kind > limits->qos_maximum)
        return TH_OUTBOX_QOS_NOT_SUPPORTED;
    if (th_outbox_is_publish(slot) && first_byte & PUBLISH_RETAIN && !limits->retain_available)
        return TH_OUTBOX_RETAIN_NOT_SUPPORTED;
    return TH_MQTT_SUCCESS;
}

static void resume_slot(struct th_outbox *outbox, struct th_outbox_slot *slot,
                        const struct th_outbox_limits *limits)
{
    if (slot->state != TH_SLOT_QUEUED || slot->kind == TH_SLOT_DISCONNECT)
        return;
    uint8_t reason = objection(outbox, slot, limits);
    if (reason)
        th_outbox_refuse(slot, reason);
}

static uint16_t aliases_to_use(const struct th_outbox *outbox,
                               const struct th_outbox_limits *limits)
{
    uint16_t theirs = limits->topic_alias_maximum;
    if (!outbox->aliases.bytes)
        return 0;
    return theirs < TH_OUTBOX_ALIASES ? theirs : TH_OUTBOX_ALIASES;
}

void th_outbox_resume(struct th_outbox *outbox, bool session_present,
                      const struct th_outbox_limits *limits)
{
    for (size_t i = 0; i < outbox->slots; i++) {
        struct th_outbox_slot *slot = th_outbox_slot_at(outbox, i);
        if (!session_present)
            forget_session(outbox, slot);
        resume_slot(outbox, slot, limits);
    }
    outbox->packet_max_bytes = limits->packet_max_bytes;
    outbox->receive_maximum = limits->receive_maximum;
    outbox->alias_maximum = aliases_to_use(outbox, limits);
    outbox->holding = false;
    th_outbox_sweep(outbox);
}

int th_outbox_take_refused(struct th_outbox *outbox, struct th_outbox_slot *refused)
{
    for (size_t i = 0; i < outbox->slots; i++) {
        struct th_outbox_slot *slot = th_outbox_slot_at(outbox, i);
        if (slot->state != TH_SLOT_REFUSED)
            continue;
        *refused = *slot;
        slot->state = TH_SLOT_FREE;
        th_outbox_sweep(outbox);
        return 1;
    }
    return 0;
}
