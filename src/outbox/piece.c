/* Packets whose payload is read while they are sent, or whose topic an alias stands for: they pass
 * through the piece, as many as there is room for, the last one cut where the piece ends. */
#include "outbox/slots.h"

#include "mqtt/decode.h"
#include "mqtt/encode.h"

#include <string.h>

void th_outbox_lend_piece(struct th_outbox *outbox, void *memory, size_t bytes)
{
    outbox->piece.memory = memory;
    outbox->piece.bytes = (uint32_t)bytes;
}

void th_outbox_lend_aliases(struct th_outbox *outbox, void *memory, size_t bytes)
{
    outbox->aliases = (struct th_mqtt_aliases){.memory = memory, .bytes = (uint32_t)bytes};
}

/* ---- sources ------------------------------------------------------------------------------ */

static uint8_t *place_of_source(const struct th_outbox *outbox, const struct th_outbox_slot *slot)
{
    return outbox->memory + slot->offset_bytes + th_outbox_own_bytes(slot);
}

static struct th_payload_source source_of(const struct th_outbox *outbox,
                                          const struct th_outbox_slot *slot)
{
    struct th_payload_source source = {0};
    if (slot->marks & TH_MARK_SOURCED)
        memcpy(&source, place_of_source(outbox, slot), sizeof source);
    return source;
}

void th_outbox_attach(struct th_outbox *outbox, const struct th_payload_source *source)
{
    struct th_outbox_slot *slot = th_outbox_slot_at(outbox, outbox->slots - 1);
    slot->marks |= TH_MARK_SOURCED;
    memcpy(place_of_source(outbox, slot), source, sizeof *source);
}

bool th_outbox_withdraw(struct th_outbox *outbox, const void *source_arg)
{
    for (size_t i = 0; i < outbox->slots; i++) {
        struct th_outbox_slot *slot = th_outbox_slot_at(outbox, i);
        if (slot->state != TH_SLOT_QUEUED || !(slot->marks & TH_MARK_SOURCED) ||
            source_of(outbox, slot).arg != source_arg)
            continue;
        th_outbox_refuse(slot, TH_REASON_WITHDRAWN);
        return true;
    }
    return false;
}

size_t th_outbox_packet_bytes(const struct th_outbox *outbox, const struct th_outbox_slot *slot)
{
    return th_outbox_own_bytes(slot) + source_of(outbox, slot).total_bytes;
}

/* ---- filling ------------------------------------------------------------------------------ */

static uint32_t smaller(uint32_t a, uint32_t b)
{
    return a < b ? a : b;
}

static uint32_t room(const struct th_outbox_piece *piece)
{
    return piece->bytes - piece->end;
}

static void took(struct th_outbox_piece *piece, uint32_t bytes)
{
    piece->end += bytes;
    piece->taken_bytes += bytes;
}

/* The header as it is sent, with an alias; the rest follows as it lies. False: it has to wait for
 * an empty piece. A header that is larger than that keeps its topic, and so does a packet that
 * would become too large for the broker. */
static bool put_aliased_header(struct th_outbox *outbox, const struct th_outbox_slot *slot)
{
    struct th_outbox_piece *piece = &outbox->piece;
    struct th_mqtt_packet publish;
    bool known;
    size_t taken = (size_t)th_mqtt_decode(outbox->memory + slot->offset_bytes,
                                          th_outbox_own_bytes(slot), TH_MQTT_5, &publish);
    if (publish.publish.topic_alias)
        th_mqtt_alias_keep(&outbox->aliases, publish.publish.topic_alias, publish.publish.topic);
    if (publish.publish.topic_alias ||
        piece->packet_bytes + TH_MQTT_ALIAS_MORE_BYTES > outbox->packet_max_bytes)
        return true;
    if (taken + TH_MQTT_ALIAS_MORE_BYTES > room(piece))
        return piece->end == 0;
    uint16_t alias = th_mqtt_alias_choose(&outbox->aliases, publish.publish.topic,
                                          outbox->alias_maximum, &known);
    if (!alias)
        return true;
    piece->taken_bytes = (uint32_t)taken;
    piece->end += (uint32_t)th_mqtt_publish_aliased_encode(piece->memory + piece->end, &publish,
                                                           alias, known);
    return true;
}

/* False: not into this piece any more. */
static bool begin(struct th_outbox *outbox, struct th_outbox_slot *slot)
{
    outbox->piece.packet_bytes = (uint32_t)th_outbox_packet_bytes(outbox, slot);
    outbox->piece.taken_bytes = 0;
    if (!outbox->alias_maximum || put_aliased_header(outbox, slot)) {
        slot->state = TH_SLOT_BEGUN;
        return true;
    }
    outbox->piece.packet_bytes = 0;
    return false;
}

static void put_own(struct th_outbox *outbox, const struct th_outbox_slot *slot)
{
    struct th_outbox_piece *piece = &outbox->piece;
    if (piece->taken_bytes >= th_outbox_own_bytes(slot))
        return;
    uint32_t bytes = smaller(room(piece), th_outbox_own_bytes(slot) - piece->taken_bytes);
    memcpy(piece->memory + piece->end, outbox->memory + slot->offset_bytes + piece->taken_bytes,
           bytes);
    took(piece, bytes);
}

/* What is begun cannot be taken back: the connection is lost, and the message with it. */
static void fail(struct th_outbox *outbox, struct th_outbox_slot *slot, int error)
{
    outbox->piece.at = outbox->piece.end = outbox->piece.packet_bytes = 0;
    outbox->piece.error = error < TH_WANT_WRITE ? error : TH_E_FILE;
    th_outbox_refuse(slot, TH_REASON_UNREADABLE);
    th_outbox_sweep(outbox);
}

static void put_payload(struct th_outbox *outbox, struct th_outbox_slot *slot)
{
    struct th_outbox_piece *piece = &outbox->piece;
    struct th_payload_source source = source_of(outbox, slot);
    while (room(piece) && piece->taken_bytes < piece->packet_bytes) {
        uint32_t most = smaller(room(piece), piece->packet_bytes - piece->taken_bytes);
        int got = source.read(source.arg, piece->taken_bytes - th_outbox_own_bytes(slot),
                              piece->memory + piece->end, most);
        if (got <= 0 || (uint32_t)got > most) {
            fail(outbox, slot, got);
            return;
        }
        took(piece, (uint32_t)got);
    }
}

static void put(struct th_outbox *outbox, struct th_outbox_slot *slot)
{
    struct th_outbox_piece *piece = &outbox->piece;
    put_own(outbox, slot);
    put_payload(outbox, slot);
    if (piece->taken_bytes < piece->packet_bytes || piece->error)
        return;
    slot->state = TH_SLOT_PUT;
    slot->piece_end = (uint16_t)piece->end;
    piece->packet_bytes = 0;
}

static bool has_room(const struct th_outbox *outbox)
{
    return !outbox->piece.packet_bytes && !outbox->piece.error && room(&outbox->piece);
}

static void put_begun(struct th_outbox *outbox)
{
    for (size_t i = 0; i < outbox->slots && outbox->piece.packet_bytes; i++)
        if (th_outbox_slot_at(outbox, i)->state == TH_SLOT_BEGUN) {
            put(outbox, th_outbox_slot_at(outbox, i));
            return;
        }
}

static void put_queued(struct th_outbox *outbox)
{
    size_t left = th_outbox_quota(outbox);
    for (size_t i = 0; i < outbox->slots && has_room(outbox); i++) {
        struct th_outbox_slot *slot = th_outbox_slot_at(outbox, i);
        if (!th_outbox_may_go(outbox, slot, left))
            continue;
        if (!th_outbox_by_piece(outbox, slot) || !begin(outbox, slot))
            return;
        left -= th_outbox_slot_is_counted(slot);
        put(outbox, slot);
    }
}

void th_outbox_piece_fill(struct th_outbox *outbox)
{
    struct th_outbox_piece *piece = &outbox->piece;
    piece->at = piece->end = 0;
    put_begun(outbox);
    put_queued(outbox);
    if (piece->end > piece->peak_bytes)
        piece->peak_bytes = piece->end;
}

/* ---- sent --------------------------------------------------------------------------------- */

static void tell_written(const struct th_outbox *outbox, const struct th_outbox_slot *slot)
{
    struct th_payload_source source = source_of(outbox, slot);
    if (source.written && slot->kind == TH_SLOT_PUBLISH_0)
        source.written(source.arg);
}

unsigned th_outbox_piece_sent(struct th_outbox *outbox, size_t bytes, uint64_t now_ms)
{
    unsigned qos_0 = 0;
    outbox->piece.at += (uint32_t)bytes;
    outbox->last_sent_ms = outbox->piece_sent_ms = now_ms;
    for (size_t i = 0; i < outbox->slots; i++) {
        const struct th_outbox_slot *slot = th_outbox_slot_at(outbox, i);
        if (slot->state != TH_SLOT_PUT || slot->piece_end > outbox->piece.at)
            continue;
        qos_0 += slot->kind == TH_SLOT_PUBLISH_0;
        tell_written(outbox, slot);
        th_outbox_finish(outbox, i, now_ms);
    }
    th_outbox_sweep(outbox);
    return qos_0;
}

int th_outbox_error(const struct th_outbox *outbox)
{
    return outbox->piece.error;
}
