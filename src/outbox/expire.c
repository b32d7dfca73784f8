/* Messages that are not worth sending for ever (5.0 section 3.3.2.3.3). */
#include "outbox/slots.h"

#include "base/clock.h"
#include "mqtt/decode.h"
#include "mqtt/property.h"

void th_outbox_let_expire(struct th_outbox *outbox)
{
    th_outbox_slot_at(outbox, outbox->slots - 1)->marks |= TH_MARK_EXPIRES;
    outbox->expiring = true;
}

/* Where the interval stands in the packet: four bytes, which end a property. */
static uint8_t *place_of_interval(const struct th_outbox *outbox,
                                  const struct th_outbox_slot *slot)
{
    uint8_t *bytes = outbox->memory + slot->offset_bytes;
    struct th_mqtt_packet publish;
    struct th_property property = {0};
    th_mqtt_decode(bytes, th_outbox_own_bytes(slot), TH_MQTT_5, &publish);
    struct th_received_properties rest = publish.properties;
    while (property.id != TH_PROPERTY_MESSAGE_EXPIRY_S && th_property_next(&rest, &property))
        ;
    return bytes + (rest.raw.data - bytes) - 4;
}

static uint32_t number_at(const uint8_t *at)
{
    return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

static void put_number(uint8_t *at, uint32_t number)
{
    for (size_t i = 4; i-- > 0; number >>= 8)
        at[i] = (uint8_t)number;
}

static void count_down(struct th_outbox *outbox, struct th_outbox_slot *slot, uint64_t waited_s)
{
    uint8_t *place = place_of_interval(outbox, slot);
    uint32_t left_s = number_at(place);
    bool must_go = slot->marks & TH_MARK_AGAIN && th_outbox_slot_is_counted(slot);
    slot->sent_ms += waited_s * 1000;
    if (waited_s < left_s)
        put_number(place, left_s - (uint32_t)waited_s);
    else if (must_go)
        put_number(place, 1);
    else
        th_outbox_refuse(slot, TH_REASON_EXPIRED);
}

static void expire(struct th_outbox *outbox, struct th_outbox_slot *slot, uint64_t now_ms)
{
    if (slot->state != TH_SLOT_QUEUED || th_outbox_slot_lent(outbox, slot))
        return;
    if (slot->sent_ms == TH_NEVER)
        slot->sent_ms = now_ms;
    uint64_t waited_s = (now_ms - slot->sent_ms) / 1000;
    if (waited_s)
        count_down(outbox, slot, waited_s);
}

void th_outbox_expire(struct th_outbox *outbox, uint64_t now_ms)
{
    outbox->expiring = false;
    for (size_t i = 0; i < outbox->slots; i++) {
        struct th_outbox_slot *slot = th_outbox_slot_at(outbox, i);
        if (!(slot->marks & TH_MARK_EXPIRES))
            continue;
        outbox->expiring = true;
        expire(outbox, slot, now_ms);
    }
    th_outbox_sweep(outbox);
}
