#include "outbox/slots.h"

#include "base/clock.h"
#include "base/err.h"
#include <string.h>

#define LEAST_MESSAGE_BYTES 256

/* ---- slots -------------------------------------------------------------------------------- */

static uint32_t end_of_messages(const struct th_outbox *outbox)
{
    for (size_t i = outbox->slots; i-- > 0;)
        if (th_outbox_slot_at(outbox, i)->len_bytes)
            return th_outbox_slot_end(th_outbox_slot_at(outbox, i));
    return outbox->control_bytes;
}

void th_outbox_sweep(struct th_outbox *outbox)
{
    uint32_t kept = 0;
    while (kept < outbox->slots && th_outbox_slot_at(outbox, kept)->state != TH_SLOT_FREE)
        kept++;
    for (size_t i = kept; i < outbox->slots; i++)
        if (th_outbox_slot_at(outbox, i)->state != TH_SLOT_FREE)
            *th_outbox_slot_at(outbox, kept++) = *th_outbox_slot_at(outbox, i);
    outbox->slots = kept;
    outbox->messages_end = end_of_messages(outbox);
}

static size_t slots_past_pubrec(const struct th_outbox *outbox)
{
    size_t count = 0;
    while (count < outbox->slots && th_outbox_slot_past_pubrec(th_outbox_slot_at(outbox, count)))
        count++;
    return count;
}

void th_outbox_release(struct th_outbox *outbox, size_t index)
{
    struct th_outbox_slot slot = *th_outbox_slot_at(outbox, index);
    size_t to = slots_past_pubrec(outbox);
    for (size_t i = index; i > to; i--)
        *th_outbox_slot_at(outbox, i) = *th_outbox_slot_at(outbox, i - 1);
    slot.len_bytes = 0;
    slot.state = TH_SLOT_RELEASED;
    slot.sent_ms = TH_NEVER;
    slot.marks &= TH_MARK_AGAIN | TH_MARK_HELD;
    *th_outbox_slot_at(outbox, to) = slot;
    outbox->messages_end = end_of_messages(outbox);
}

void th_outbox_refuse(struct th_outbox_slot *slot, uint8_t reason)
{
    slot->state = TH_SLOT_REFUSED;
    slot->reason = reason;
    slot->len_bytes = 0;
}

/* ---- room --------------------------------------------------------------------------------- */

static size_t slots_bytes(const struct th_outbox *outbox)
{
    return outbox->slots * sizeof(struct th_outbox_slot);
}

static size_t tail_bytes(const struct th_outbox *outbox)
{
    return outbox->bytes - slots_bytes(outbox) - outbox->messages_end;
}

static size_t holes_bytes(const struct th_outbox *outbox)
{
    size_t holes = outbox->messages_end - outbox->control_bytes;
    for (size_t i = 0; i < outbox->slots; i++)
        holes -= th_outbox_slot_at(outbox, i)->len_bytes;
    return holes;
}

static size_t cost_bytes(enum th_outbox_kind kind, size_t packet_bytes)
{
    size_t kept = kind == TH_SLOT_DISCONNECT ? 0 : TH_OUTBOX_FAREWELL_BYTES;
    return packet_bytes + sizeof(struct th_outbox_slot) + kept;
}

static bool is_leaving(const struct th_outbox *outbox)
{
    return outbox->slots &&
           th_outbox_slot_at(outbox, outbox->slots - 1)->kind == TH_SLOT_DISCONNECT;
}

static bool can_make_room(const struct th_outbox *outbox, size_t cost)
{
    return !th_outbox_messages_lent(outbox) && cost <= tail_bytes(outbox) + holes_bytes(outbox);
}

static void close_holes(struct th_outbox *outbox)
{
    uint32_t end = outbox->control_bytes;
    for (size_t i = 0; i < outbox->slots; i++) {
        struct th_outbox_slot *slot = th_outbox_slot_at(outbox, i);
        memmove(outbox->memory + end, outbox->memory + slot->offset_bytes, slot->len_bytes);
        slot->offset_bytes = end;
        end += slot->len_bytes;
    }
    outbox->messages_end = end;
}

size_t th_outbox_packet_max_bytes(const struct th_outbox *outbox)
{
    return outbox->bytes - outbox->control_bytes - cost_bytes(TH_SLOT_PUBLISH_0, 0);
}

bool th_outbox_room_for(const struct th_outbox *outbox, size_t packet_bytes)
{
    if (is_leaving(outbox) || packet_bytes > th_outbox_packet_max_bytes(outbox))
        return false;
    size_t cost = cost_bytes(TH_SLOT_PUBLISH_0, packet_bytes);
    return cost <= tail_bytes(outbox) || can_make_room(outbox, cost);
}

size_t th_outbox_used_bytes(const struct th_outbox *outbox)
{
    return outbox->messages_end + slots_bytes(outbox);
}

size_t th_outbox_pending(const struct th_outbox *outbox)
{
    return outbox->slots - is_leaving(outbox);
}

size_t th_outbox_queued(const struct th_outbox *outbox)
{
    size_t queued = 0;
    for (size_t i = 0; i < outbox->slots; i++) {
        const struct th_outbox_slot *slot = th_outbox_slot_at(outbox, i);
        queued += th_outbox_slot_unsent(slot) && slot->kind != TH_SLOT_DISCONNECT;
    }
    return queued;
}

/* ---- opening and giving ------------------------------------------------------------------- */

int th_outbox_open(struct th_outbox *outbox, void *memory, size_t bytes, size_t control_bytes,
                   struct th_fault *fault)
{
    if (control_bytes < TH_OUTBOX_CONTROL_BYTES)
        control_bytes = TH_OUTBOX_CONTROL_BYTES;
    size_t need_bytes = control_bytes + cost_bytes(TH_SLOT_PUBLISH_0, LEAST_MESSAGE_BYTES);
    bytes &= ~(size_t)7;
    if (bytes < need_bytes || bytes > UINT32_MAX)
        return th_fault_set(fault, TH_E_MEMORY, "the outbox of %zu bytes is too small while "
                            "resting: at least %zu are needed; enlarge it (profile or budget)",
                            bytes, need_bytes);
    *outbox = (struct th_outbox){
        .memory = memory,
        .bytes = (uint32_t)bytes,
        .control_bytes = (uint32_t)control_bytes,
        .messages_end = (uint32_t)control_bytes,
        .peak_bytes = (uint32_t)control_bytes,
        .receive_maximum = UINT16_MAX,
        .holding = true,
    };
    return 0;
}

int th_outbox_reserve(struct th_outbox *outbox, enum th_outbox_kind kind, size_t bytes,
                      uint8_t **place, struct th_fault *fault)
{
    size_t most_bytes = th_outbox_packet_max_bytes(outbox);
    if (bytes > most_bytes)
        return th_fault_set(fault, TH_E_TOO_LARGE, "the packet has %zu bytes, the outbox can take "
                            "%zu", bytes, most_bytes);
    size_t cost = cost_bytes(kind, bytes);
    if (is_leaving(outbox) || (cost > tail_bytes(outbox) && !can_make_room(outbox, cost)))
        return TH_E_SEND_FULL;
    if (cost > tail_bytes(outbox))
        close_holes(outbox);
    *place = outbox->memory + outbox->messages_end;
    return 0;
}

void th_outbox_commit(struct th_outbox *outbox, enum th_outbox_kind kind, size_t bytes,
                      uint16_t packet_id, uint16_t filters)
{
    *th_outbox_slot_at(outbox, outbox->slots++) = (struct th_outbox_slot){
        .sent_ms = TH_NEVER,
        .offset_bytes = outbox->messages_end,
        .len_bytes = (uint32_t)bytes,
        .packet_id = packet_id,
        .filters = filters,
        .kind = (uint8_t)kind,
        .state = TH_SLOT_QUEUED,
    };
    outbox->messages_end += (uint32_t)bytes;
    size_t used_bytes = th_outbox_used_bytes(outbox);
    if (used_bytes > outbox->peak_bytes)
        outbox->peak_bytes = (uint32_t)used_bytes;
}

/* ---- control part ------------------------------------------------------------------------- */

bool th_outbox_control_room(const struct th_outbox *outbox, size_t bytes)
{
    return bytes + TH_OUTBOX_CONTROL_SPARE_BYTES <= outbox->control_bytes - outbox->control_end;
}

uint8_t *th_outbox_control(struct th_outbox *outbox, size_t bytes)
{
    if (outbox->ending || outbox->ended || bytes > outbox->control_bytes - outbox->control_end)
        return NULL;
    uint8_t *place = outbox->memory + outbox->control_end;
    outbox->control_end += (uint32_t)bytes;
    return place;
}

void th_outbox_drop_control(struct th_outbox *outbox, size_t bytes)
{
    outbox->control_end -= (uint32_t)bytes;
    memmove(outbox->memory, outbox->memory + bytes, outbox->control_end);
    explicit_bzero(outbox->memory + outbox->control_end, bytes);
}

void th_outbox_end(struct th_outbox *outbox)
{
    outbox->ending = true;
}
