/* What the peer's acknowledgements do to the slots:
 *
 *     kind          sent, waits for     then
 *     PUBLISH 1     PUBACK              free
 *     PUBLISH 2     PUBREC              released: PUBREL goes out, PUBCOMP is awaited
 *                   PUBREC >= 0x80      free
 *     released      PUBCOMP             free
 *     SUBSCRIBE     SUBACK              free
 *     UNSUBSCRIBE   UNSUBACK            free
 */
#include "outbox/slots.h"

#include "base/clock.h"

static size_t index_of(const struct th_outbox *outbox, uint16_t packet_id)
{
    size_t i = 0;
    while (i < outbox->slots && th_outbox_slot_at(outbox, i)->packet_id != packet_id)
        i++;
    return i;
}

const struct th_outbox_slot *th_outbox_find(const struct th_outbox *outbox, uint16_t packet_id)
{
    size_t index = packet_id ? index_of(outbox, packet_id) : outbox->slots;
    return index < outbox->slots ? th_outbox_slot_at(outbox, index) : NULL;
}

const struct th_outbox_slot *th_outbox_oldest(const struct th_outbox *outbox)
{
    const struct th_outbox_slot *oldest = NULL;
    for (size_t i = 0; i < outbox->slots; i++) {
        const struct th_outbox_slot *slot = th_outbox_slot_at(outbox, i);
        bool waits = slot->state == TH_SLOT_SENT || slot->state == TH_SLOT_RELEASING;
        if (waits && slot->sent_ms < (oldest ? oldest->sent_ms : TH_NEVER))
            oldest = slot;
    }
    return oldest;
}

/* Whether the peer can have seen the packet. */
static bool was_out(const struct th_outbox *outbox, const struct th_outbox_slot *slot)
{
    if (slot->state == TH_SLOT_REFUSED || slot->marks & TH_MARK_FINISHED)
        return false;
    return slot->state != TH_SLOT_QUEUED || th_outbox_slot_lent(outbox, slot) ||
           (slot->marks & TH_MARK_AGAIN && th_outbox_slot_is_counted(slot));
}

static bool is_awaited(const struct th_outbox_slot *slot, enum th_outbox_ack ack)
{
    switch (ack) {
    case TH_ACK_PUBACK:
        return slot->kind == TH_SLOT_PUBLISH_1;
    case TH_ACK_PUBREC:
    case TH_ACK_PUBREC_REFUSED:
        return slot->kind == TH_SLOT_PUBLISH_2;
    case TH_ACK_SUBACK:
        return slot->kind == TH_SLOT_SUBSCRIBE;
    case TH_ACK_UNSUBACK:
        return slot->kind == TH_SLOT_UNSUBSCRIBE;
    default:
        return false;
    }
}

static enum th_outbox_answer judge_released(const struct th_outbox_slot *slot,
                                            enum th_outbox_ack ack)
{
    if (ack == TH_ACK_PUBREC)
        return TH_ACK_AGAIN;
    bool completes = ack == TH_ACK_PUBCOMP && slot->state == TH_SLOT_RELEASING;
    return completes ? TH_ACK_FINISHED : TH_ACK_WRONG;
}

static enum th_outbox_answer judge(const struct th_outbox_slot *slot, enum th_outbox_ack ack)
{
    if (th_outbox_slot_past_pubrec(slot) || slot->marks & TH_MARK_RECEIVED)
        return judge_released(slot, ack);
    if (!is_awaited(slot, ack))
        return TH_ACK_WRONG;
    return ack == TH_ACK_PUBREC ? TH_ACK_GOES_ON : TH_ACK_FINISHED;
}

/* Its bytes must stay where they are, and be sent to the end. */
static bool is_held(const struct th_outbox *outbox, const struct th_outbox_slot *slot)
{
    return slot->state == TH_SLOT_BEGUN || slot->state == TH_SLOT_PUT ||
           th_outbox_slot_lent(outbox, slot);
}

static void finish(struct th_outbox *outbox, size_t index)
{
    struct th_outbox_slot *slot = th_outbox_slot_at(outbox, index);
    if (is_held(outbox, slot)) {
        slot->marks |= TH_MARK_FINISHED;
        return;
    }
    slot->state = TH_SLOT_FREE;
    th_outbox_sweep(outbox);
}

static void go_on(struct th_outbox *outbox, size_t index)
{
    struct th_outbox_slot *slot = th_outbox_slot_at(outbox, index);
    slot->marks |= outbox->holds_pubrel ? TH_MARK_HELD : 0;
    if (is_held(outbox, slot))
        slot->marks |= TH_MARK_RECEIVED;
    else
        th_outbox_release(outbox, index);
}

void th_outbox_let_go(struct th_outbox *outbox)
{
    for (size_t i = 0; i < outbox->slots; i++)
        th_outbox_slot_at(outbox, i)->marks &= (uint8_t)~TH_MARK_HELD;
}

enum th_outbox_answer th_outbox_acknowledge(struct th_outbox *outbox, enum th_outbox_ack ack,
                                            uint16_t packet_id)
{
    size_t index = packet_id ? index_of(outbox, packet_id) : outbox->slots;
    if (index == outbox->slots || !was_out(outbox, th_outbox_slot_at(outbox, index)))
        return TH_ACK_UNKNOWN;
    enum th_outbox_answer answer = judge(th_outbox_slot_at(outbox, index), ack);
    if (answer == TH_ACK_FINISHED)
        finish(outbox, index);
    if (answer == TH_ACK_GOES_ON)
        go_on(outbox, index);
    return answer;
}
