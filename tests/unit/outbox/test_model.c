/* A hundred thousand random operations for each seed, against a model that knows nothing of
 * blocks, slots and offsets: a list of messages and a peer that reads the bytes. TH_SEED=n runs
 * one seed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "mqtt/encode.h"

#define OPERATIONS 100000
#define MESSAGES 1024
#define BLOCK_BYTES 16384
#define PACKET_BYTES (2 * BLOCK_BYTES)
#define PIECE_BYTES 700

enum life { GONE, QUEUED, SENT, RELEASED, RELEASING, REFUSED };

struct message {
    uint32_t serial;
    size_t bytes;
    uint16_t id;
    uint8_t kind;
    uint8_t life;
    uint8_t reason;
    bool retain;
    bool sourced;  /* all but the first 9 bytes are read while it is sent */
    bool dup;      /* expected on the wire */
    bool again;    /* went out on an earlier connection */
    bool lent;
    bool begun;
    bool early_finished;
    bool early_received;
    bool sent_here; /* whole, on this connection */
    bool counted_here;
    uint32_t released_as; /* order of the PUBRECs */
};

struct peer {
    uint8_t packet[PACKET_BYTES];
    size_t len;
};

struct world {
    struct th_outbox outbox;
    uint64_t block[BLOCK_BYTES / 8];
    uint8_t piece[PIECE_BYTES];
    struct message messages[MESSAGES];
    size_t count;
    struct peer peer;
    uint16_t acks[BLOCK_BYTES]; /* control packets queued, not seen by the peer */
    size_t acks_begin, acks_end;
    uint32_t lent_serials[MESSAGES];
    size_t lent_count;
    struct th_slice lent;
    struct th_outbox_limits limits;
    uint32_t last_serial[3];  /* QoS 0, QoS 1 and 2, requests: seen on this connection */
    uint32_t last_released;
    uint32_t next_serial, next_released;
    uint16_t next_id;
    uint64_t now_ms;
    uint64_t random;
    size_t sent_packets, full, tidied, early, streamed, unreadable;
};

static uint32_t draw(struct world *world, uint32_t below)
{
    world->random ^= world->random << 13;
    world->random ^= world->random >> 7;
    world->random ^= world->random << 17;
    return (uint32_t)(world->random >> 11) % below;
}

/* ---- what a message looks like ------------------------------------------------------------ */

static bool is_publish(const struct message *message)
{
    return message->kind <= TH_SLOT_PUBLISH_2;
}

static bool is_counted(const struct message *message)
{
    return message->kind == TH_SLOT_PUBLISH_1 || message->kind == TH_SLOT_PUBLISH_2;
}

/* Type byte, remaining length in two bytes, identifier, serial, noise. */
static void write_message(const struct message *message, uint8_t *to)
{
    uint8_t first = message->kind == TH_SLOT_SUBSCRIBE     ? 0x82
                    : message->kind == TH_SLOT_UNSUBSCRIBE ? 0xa2
                                                           : 0x30;
    if (is_publish(message))
        first |= (uint8_t)(message->kind << 1 | message->retain | (message->dup ? 8 : 0));
    size_t remaining = message->bytes - 3;
    to[0] = first;
    to[1] = (uint8_t)(remaining | 0x80);
    to[2] = (uint8_t)(remaining >> 7);
    to[3] = (uint8_t)(message->id >> 8);
    to[4] = (uint8_t)message->id;
    memcpy(to + 5, &message->serial, sizeof message->serial);
    for (size_t i = 9; i < message->bytes; i++)
        to[i] = (uint8_t)(message->serial * 31 + i * 7);
}

static size_t kept_bytes(const struct message *message)
{
    return message->sourced ? 9 + sizeof(struct th_payload_source) : message->bytes;
}

static struct message *by_serial(struct world *world, uint32_t serial)
{
    for (size_t i = 0; i < world->count; i++)
        if (world->messages[i].serial == serial)
            return &world->messages[i];
    fail_msg("the peer got a message nobody sent");
    return NULL;
}

static struct message *by_id(struct world *world, uint16_t id)
{
    for (size_t i = 0; i < world->count; i++)
        if (world->messages[i].id == id)
            return &world->messages[i];
    return NULL;
}

static void forget_gone(struct world *world)
{
    size_t kept = 0;
    for (size_t i = 0; i < world->count; i++)
        if (world->messages[i].life != GONE)
            world->messages[kept++] = world->messages[i];
    world->count = kept;
}

/* ---- the peer ----------------------------------------------------------------------------- */

/* The bytes the packet will have; 0 while that is not known. */
static size_t packet_bytes(const struct peer *peer)
{
    if (peer->len < 2)
        return 0;
    if (peer->packet[1] < 0x80)
        return 2u + peer->packet[1];
    return peer->len < 3 ? 0 : 3u + (peer->packet[1] & 0x7fu) + ((size_t)peer->packet[2] << 7);
}

static uint32_t serial_in(const struct peer *peer)
{
    uint32_t serial;
    memcpy(&serial, peer->packet + 5, sizeof serial);
    return serial;
}

static size_t counted_here(const struct world *world)
{
    size_t count = 0;
    for (size_t i = 0; i < world->count; i++)
        count += world->messages[i].counted_here;
    return count;
}

static void release(struct world *world, struct message *message)
{
    message->life = RELEASED;
    message->released_as = ++world->next_released;
    message->early_received = false;
}

static void settle(struct world *world, struct message *message)
{
    message->sent_here = true;
    message->lent = message->begun = false;
    message->counted_here = is_counted(message) && !message->early_finished;
    message->life = message->kind == TH_SLOT_PUBLISH_0 || message->early_finished ? GONE : SENT;
    if (message->early_received)
        release(world, message);
}

static void peer_takes_message(struct world *world)
{
    static uint8_t expected[PACKET_BYTES];
    struct message *message = by_serial(world, serial_in(&world->peer));
    uint32_t *last = &world->last_serial[is_counted(message) ? 1 : is_publish(message) ? 0 : 2];
    write_message(message, expected);
    assert_int_equal(world->peer.len, message->bytes);
    assert_memory_equal(world->peer.packet, expected, message->bytes);
    assert_false(message->sent_here);
    assert_true(message->serial > *last);
    *last = message->serial;
    settle(world, message);
    assert_true(counted_here(world) <= world->limits.receive_maximum);
    assert_true(message->bytes <= world->limits.packet_max_bytes);
    world->sent_packets++;
}

static void peer_takes_pubrel(struct world *world, uint16_t id)
{
    struct message *message = by_id(world, id);
    assert_non_null(message);
    assert_int_equal(message->life, RELEASED);
    assert_true(message->released_as > world->last_released);
    world->last_released = message->released_as;
    message->life = RELEASING;
}

static void peer_takes_control(struct world *world)
{
    uint16_t id = (uint16_t)(world->peer.packet[2] << 8 | world->peer.packet[3]);
    assert_int_equal(world->peer.len, 4);
    if (world->peer.packet[0] == 0x62) {
        peer_takes_pubrel(world, id);
        return;
    }
    assert_int_equal(world->peer.packet[0], 0x40);
    assert_true(world->acks_begin < world->acks_end);
    assert_int_equal(id, world->acks[world->acks_begin++]);
}

static void peer_takes(struct world *world)
{
    bool control = world->peer.packet[0] == 0x40 || world->peer.packet[0] == 0x62;
    if (control)
        peer_takes_control(world);
    else
        peer_takes_message(world);
    world->peer.len = 0;
}

static void peer_reads(struct world *world, const uint8_t *bytes, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        assert_true(world->peer.len < PACKET_BYTES);
        world->peer.packet[world->peer.len++] = bytes[i];
        if (packet_bytes(&world->peer) == world->peer.len)
            peer_takes(world);
    }
}

/* ---- sending ------------------------------------------------------------------------------ */

static void note_lent_serial(struct world *world, uint32_t serial)
{
    world->lent_serials[world->lent_count++] = serial;
    by_serial(world, serial)->lent = true;
}

static uint32_t serial_of(const struct world *world, const struct th_outbox_slot *slot)
{
    uint32_t serial;
    memcpy(&serial, world->outbox.memory + slot->offset_bytes + 5, sizeof serial);
    return serial;
}

/* The piece may end with a part of a packet, which is too short to say who it is. */
static void note_cut(struct world *world)
{
    for (size_t i = 0; i < world->outbox.slots; i++) {
        const struct th_outbox_slot *slot = th_outbox_slot_at(&world->outbox, i);
        if (slot->state == TH_SLOT_BEGUN)
            note_lent_serial(world, serial_of(world, slot));
    }
}

/* All serials in what is lent can be read, but that of a packet that is cut. */
static void note_lent(struct world *world)
{
    static struct peer ahead;
    ahead = world->peer;
    world->lent_count = 0;
    for (size_t i = 0; i < world->lent.len_bytes; i++) {
        ahead.packet[ahead.len++] = world->lent.data[i];
        if (packet_bytes(&ahead) != ahead.len)
            continue;
        ahead.len = 0;
        if (ahead.packet[0] == 0x40 || ahead.packet[0] == 0x62)
            continue;
        note_lent_serial(world, serial_in(&ahead));
    }
    if (th_outbox_error(&world->outbox))
        return;
    assert_true(ahead.len == 0 || world->outbox.piece.packet_bytes);
    if (ahead.len)
        note_cut(world);
}

static void borrow(struct world *world)
{
    struct th_slice lent = th_outbox_next(&world->outbox);
    if (world->lent.len_bytes) {
        assert_ptr_equal(lent.data, world->lent.data);
        assert_int_equal(lent.len_bytes, world->lent.len_bytes);
        return;
    }
    world->lent = lent;
    note_lent(world);
}

static void return_lent(struct world *world)
{
    for (size_t i = 0; i < world->lent_count; i++)
        by_serial(world, world->lent_serials[i])->lent = false;
}

static void note_begun(struct world *world, size_t packets_before)
{
    size_t whole = world->sent_packets - packets_before;
    if (world->peer.len && whole < world->lent_count)
        by_serial(world, world->lent_serials[whole])->begun = true;
    forget_gone(world);
}

static void borrow_the_rest(struct world *world, const uint8_t *expected, size_t expected_bytes)
{
    borrow(world);
    assert_int_equal(world->lent.len_bytes, expected_bytes);
    assert_memory_equal(world->lent.data, expected, expected_bytes);
}

static void send_some(struct world *world)
{
    static uint8_t copy[BLOCK_BYTES];
    borrow(world);
    size_t len = world->lent.len_bytes;
    if (!len)
        return;
    size_t bytes = draw(world, 3) ? len : 1 + draw(world, (uint32_t)len);
    size_t packets_before = world->sent_packets;
    unsigned qos_0 = 0;
    memcpy(copy, world->lent.data, len);
    return_lent(world);
    for (size_t i = 0; i < world->count; i++)
        qos_0 += world->messages[i].kind == TH_SLOT_PUBLISH_0;
    unsigned finished = th_outbox_sent(&world->outbox, bytes, ++world->now_ms);
    world->lent.len_bytes = 0;
    peer_reads(world, copy, bytes);
    note_begun(world, packets_before);
    if (bytes < len)
        borrow_the_rest(world, copy + bytes, len - bytes);
    for (size_t i = 0; i < world->count; i++)
        qos_0 -= world->messages[i].kind == TH_SLOT_PUBLISH_0;
    assert_int_equal(finished, qos_0);
}

/* ---- queueing ----------------------------------------------------------------------------- */

static size_t live_bytes(const struct world *world)
{
    size_t bytes = 0;
    for (size_t i = 0; i < world->count; i++) {
        bool kept = world->messages[i].life == QUEUED || world->messages[i].life == SENT;
        bytes += sizeof(struct th_outbox_slot) + (kept ? kept_bytes(&world->messages[i]) : 0);
    }
    return bytes;
}

static bool fits(const struct world *world, size_t bytes)
{
    return live_bytes(world) + bytes + sizeof(struct th_outbox_slot) + TH_OUTBOX_FAREWELL_BYTES <=
           world->outbox.bytes - world->outbox.control_bytes;
}

static size_t draw_bytes(struct world *world)
{
    switch (draw(world, 40)) {
    case 0:
        return 9 + draw(world, BLOCK_BYTES);
    case 1:
        return 9 + draw(world, 2000);
    default:
        return 9 + draw(world, 120);
    }
}

static uint16_t draw_id(struct world *world)
{
    do
        world->next_id = (uint16_t)(world->next_id + 1);
    while (!world->next_id || by_id(world, world->next_id));
    return world->next_id;
}

static void check_refusal(struct world *world, size_t bytes, int result)
{
    assert_false(th_outbox_room_for(&world->outbox, bytes));
    if (bytes > th_outbox_packet_max_bytes(&world->outbox))
        assert_int_equal(result, TH_E_TOO_LARGE);
    else
        assert_int_equal(result, TH_E_SEND_FULL);
    assert_true(!fits(world, bytes) || world->lent.len_bytes);
    world->full++;
}

/* What the broker cannot take is kept away by the session. */
static uint8_t expected_objection(const struct world *world, const struct message *message)
{
    if (message->bytes > world->limits.packet_max_bytes)
        return 0x95;
    if (is_publish(message) && message->kind > world->limits.qos_maximum)
        return 0x9b;
    if (is_publish(message) && message->retain && !world->limits.retain_available)
        return 0x9a;
    return 0;
}

static struct world *reader; /* of sources: the argument is the serial */

static int read_payload(void *arg, uint64_t offset_bytes, uint8_t *out, size_t bytes)
{
    uint32_t serial = (uint32_t)(uintptr_t)arg;
    size_t got = draw(reader, 3) ? bytes : 1 + draw(reader, (uint32_t)bytes);
    reader->streamed++;
    if (!draw(reader, 200))
        return draw(reader, 2) ? TH_E_FILE : 0;
    for (size_t i = 0; i < got; i++)
        out[i] = (uint8_t)(serial * 31 + (9 + offset_bytes + i) * 7);
    return (int)got;
}

static void attach_source(struct world *world, const struct message *message)
{
    const struct th_payload_source source = {read_payload, (void *)(uintptr_t)message->serial,
                                             (uint32_t)message->bytes - 9, NULL};
    reader = world;
    th_outbox_attach(&world->outbox, &source);
}

static void queue_message(struct world *world)
{
    struct message message = {
        .bytes = draw_bytes(world),
        .kind = (uint8_t)draw(world, TH_SLOT_DISCONNECT),
        .retain = !draw(world, 8),
        .life = QUEUED,
    };
    uint8_t *place;
    static uint8_t whole[PACKET_BYTES];
    message.sourced = is_publish(&message) && !draw(world, 6);
    if (message.sourced && draw(world, 2))
        message.bytes = 9 + draw(world, 16000);
    size_t kept = kept_bytes(&message);
    uint32_t end_before = world->outbox.messages_end;
    if (expected_objection(world, &message))
        return;
    bool room = th_outbox_room_for(&world->outbox, kept);
    int result = th_outbox_reserve(&world->outbox, message.kind, kept, &place, NULL);
    if (result < 0) {
        check_refusal(world, kept, result);
        return;
    }
    assert_true(room);
    world->tidied += world->outbox.messages_end != end_before;
    message.serial = ++world->next_serial;
    message.id = message.kind == TH_SLOT_PUBLISH_0 ? 0 : draw_id(world);
    write_message(&message, whole);
    memcpy(place, whole, message.sourced ? 9 : kept);
    th_outbox_commit(&world->outbox, message.kind, kept, message.id, 1);
    if (message.sourced)
        attach_source(world, &message);
    world->messages[world->count++] = message;
}

static void queue_ack(struct world *world)
{
    if (!th_outbox_control_room(&world->outbox, 4))
        return;
    uint16_t id = (uint16_t)draw(world, UINT16_MAX);
    uint8_t *place = th_outbox_control(&world->outbox, 4);
    assert_non_null(place);
    memcpy(place, (uint8_t[]){0x40, 2, (uint8_t)(id >> 8), (uint8_t)id}, 4);
    if (world->acks_begin == world->acks_end)
        world->acks_begin = world->acks_end = 0;
    world->acks[world->acks_end++] = id;
}

/* ---- acknowledging ------------------------------------------------------------------------ */

static enum th_outbox_answer expected_answer(const struct message *message, enum th_outbox_ack ack)
{
    static const uint8_t awaited[] = {
        [TH_SLOT_PUBLISH_1] = TH_ACK_PUBACK, [TH_SLOT_PUBLISH_2] = TH_ACK_PUBREC,
        [TH_SLOT_SUBSCRIBE] = TH_ACK_SUBACK, [TH_SLOT_UNSUBSCRIBE] = TH_ACK_UNSUBACK,
    };
    bool seen = message->life != QUEUED || message->lent || message->begun ||
                (message->again && is_counted(message));
    if (!seen || message->life == REFUSED || message->early_finished)
        return TH_ACK_UNKNOWN;
    if (message->life >= RELEASED || message->early_received) {
        if (ack == TH_ACK_PUBREC)
            return TH_ACK_AGAIN;
        return ack == TH_ACK_PUBCOMP && message->life == RELEASING ? TH_ACK_FINISHED : TH_ACK_WRONG;
    }
    if (ack == TH_ACK_PUBREC_REFUSED)
        return message->kind == TH_SLOT_PUBLISH_2 ? TH_ACK_FINISHED : TH_ACK_WRONG;
    if (ack == TH_ACK_PUBCOMP || awaited[message->kind] != ack)
        return TH_ACK_WRONG;
    return ack == TH_ACK_PUBREC ? TH_ACK_GOES_ON : TH_ACK_FINISHED;
}

static void apply_answer(struct world *world, struct message *message, enum th_outbox_answer answer)
{
    bool held = message->lent || message->begun;
    world->early += held && (answer == TH_ACK_FINISHED || answer == TH_ACK_GOES_ON);
    if (answer == TH_ACK_FINISHED) {
        message->counted_here = false;
        message->early_finished = held;
        message->life = held ? message->life : GONE;
    }
    if (answer == TH_ACK_GOES_ON && held)
        message->early_received = true;
    else if (answer == TH_ACK_GOES_ON)
        release(world, message);
}

/* PUBRELs in the control part are RELEASING for the outbox before the peer has seen them. */
static bool is_in_between(const struct world *world, const struct message *message)
{
    const struct th_outbox_slot *slot = th_outbox_find(&world->outbox, message->id);
    return message->life == RELEASED && slot->state == TH_SLOT_RELEASING;
}

static void acknowledge(struct world *world)
{
    if (!world->count)
        return;
    struct message *message = &world->messages[draw(world, (uint32_t)world->count)];
    bool sensible = draw(world, 8);
    enum th_outbox_ack ack = (enum th_outbox_ack)draw(world, TH_ACK_UNSUBACK + 1);
    if (!message->id || is_in_between(world, message))
        return;
    enum th_outbox_answer expected = expected_answer(message, ack);
    if (sensible && (expected == TH_ACK_WRONG || expected == TH_ACK_AGAIN))
        return;
    assert_int_equal(th_outbox_acknowledge(&world->outbox, ack, message->id), expected);
    apply_answer(world, message, expected);
    forget_gone(world);
}

static void acknowledge_unknown(struct world *world)
{
    uint16_t id = (uint16_t)draw(world, UINT16_MAX + 1);
    enum th_outbox_ack ack = (enum th_outbox_ack)draw(world, TH_ACK_UNSUBACK + 1);
    if (!id || !by_id(world, id))
        assert_int_equal(th_outbox_acknowledge(&world->outbox, ack, id), TH_ACK_UNKNOWN);
}

/* ---- connections -------------------------------------------------------------------------- */

static void rewind_message(struct world *world, struct message *message)
{
    bool begun = message->lent || message->begun || message->life == SENT ||
                 message->life == RELEASING ||
                 (message->id && is_in_between(world, message));
    if (message->life == REFUSED)
        return;
    message->again |= begun;
    message->dup |= begun && is_counted(message);
    message->lent = message->begun = message->sent_here = message->counted_here = false;
    if (message->life == SENT)
        message->life = QUEUED;
    if (message->life == RELEASING)
        message->life = RELEASED;
    if (message->early_finished)
        message->life = GONE;
}

/* Early PUBRECs become real in the order of the queue. */
static void hang_up(struct world *world)
{
    for (size_t i = 0; i < world->count; i++)
        rewind_message(world, &world->messages[i]);
    for (size_t i = 0; i < world->count; i++)
        if (world->messages[i].early_received)
            release(world, &world->messages[i]);
    forget_gone(world);
    th_outbox_rewind(&world->outbox);
    world->lent.len_bytes = 0;
    world->lent_count = 0;
    world->peer.len = 0;
    world->acks_begin = world->acks_end = 0;
    world->last_released = 0;
    memset(world->last_serial, 0, sizeof world->last_serial);
    world->limits = (struct th_outbox_limits){UINT32_MAX, UINT16_MAX, 2, true, 0};
    assert_int_equal(th_outbox_next(&world->outbox).len_bytes, 0);
}

static void resume_message(struct world *world, struct message *message, bool session_present)
{
    if (!session_present) {
        message->dup = message->again = false;
        message->reason = message->life == RELEASED ? 0xf2 : message->reason;
    }
    if (message->life == QUEUED)
        message->reason = expected_objection(world, message);
    if (message->reason)
        message->life = REFUSED;
}

static void take_refused(struct world *world)
{
    struct th_outbox_slot slot;
    for (size_t i = 0; i < world->count; i++) {
        if (world->messages[i].life != REFUSED)
            continue;
        assert_int_equal(th_outbox_take_refused(&world->outbox, &slot), 1);
        world->messages[i].life = GONE;
        assert_int_equal(slot.reason ? 1 : 0, 1);
    }
    assert_int_equal(th_outbox_take_refused(&world->outbox, &slot), 0);
    forget_gone(world);
}

static void check_refused(const struct world *world)
{
    for (size_t i = 0; i < world->count; i++) {
        const struct message *message = &world->messages[i];
        if (!message->id)
            continue;
        const struct th_outbox_slot *slot = th_outbox_find(&world->outbox, message->id);
        assert_int_equal(slot->state == TH_SLOT_REFUSED, message->life == REFUSED);
        if (message->life == REFUSED)
            assert_int_equal(slot->reason, message->reason);
    }
}

static void reconnect(struct world *world)
{
    bool session_present = draw(world, 3);
    hang_up(world);
    if (!draw(world, 4))
        queue_message(world);
    world->limits = (struct th_outbox_limits){
        .packet_max_bytes = draw(world, 10) ? UINT32_MAX : 60 + draw(world, 100),
        .receive_maximum = (uint16_t)(draw(world, 2) ? 1 + draw(world, 20) : UINT16_MAX),
        .qos_maximum = (uint8_t)(draw(world, 10) ? 2 : draw(world, 2)),
        .retain_available = draw(world, 10),
    };
    th_outbox_resume(&world->outbox, session_present, &world->limits);
    for (size_t i = 0; i < world->count; i++)
        resume_message(world, &world->messages[i], session_present);
    check_refused(world);
    take_refused(world);
}

static void lose_refused(struct world *world)
{
    struct th_outbox_slot slot;
    assert_int_equal(th_outbox_take_refused(&world->outbox, &slot), 1);
    assert_int_equal(slot.reason, TH_REASON_UNREADABLE);
    by_serial(world, serial_of(world, &slot))->life = GONE;
    assert_int_equal(th_outbox_take_refused(&world->outbox, &slot), 0);
    forget_gone(world);
}

/* A source failed: what lay in the piece was not sent, the message is lost, and so is the
 * connection. */
static void lose_unreadable(struct world *world)
{
    for (size_t i = 0; i < world->outbox.slots; i++) {
        const struct th_outbox_slot *slot = th_outbox_slot_at(&world->outbox, i);
        if (slot->state == TH_SLOT_PUT)
            by_serial(world, serial_of(world, slot))->begun = true;
    }
    assert_int_equal(th_outbox_error(&world->outbox), TH_E_FILE);
    assert_int_equal(th_outbox_next(&world->outbox).len_bytes, 0);
    lose_refused(world);
    reconnect(world);
    world->unreadable++;
}

/* ---- the run ------------------------------------------------------------------------------ */

static void check_contents(const struct world *world)
{
    static uint8_t expected[PACKET_BYTES];
    for (size_t i = 0; i < world->count; i++) {
        const struct message *message = &world->messages[i];
        if (!message->id || (message->life != QUEUED && message->life != SENT))
            continue;
        const struct th_outbox_slot *slot = th_outbox_find(&world->outbox, message->id);
        assert_non_null(slot);
        write_message(message, expected);
        assert_memory_equal(world->outbox.memory + slot->offset_bytes, expected,
                            message->sourced ? 9 : slot->len_bytes);
    }
}

static void check(const struct world *world)
{
    const char *problem = check_outbox(&world->outbox);
    if (problem)
        fail_msg("%s", problem);
    assert_int_equal(th_outbox_pending(&world->outbox), world->count);
}

static void operate(struct world *world)
{
    if (th_outbox_error(&world->outbox))
        lose_unreadable(world);
    uint32_t chance = draw(world, 1000);
    if (chance < 2)
        reconnect(world);
    else if (chance < 300)
        queue_message(world);
    else if (chance < 400)
        queue_ack(world);
    else if (chance < 600)
        send_some(world);
    else if (chance < 640)
        borrow(world);
    else if (chance < 990)
        acknowledge(world);
    else
        acknowledge_unknown(world);
}

/* Nothing was lost: with a patient peer everything goes out and is acknowledged. */
static void drain(struct world *world)
{
    for (size_t rounds = 0; world->count; rounds++) {
        assert_true(rounds < 100000);
        send_some(world);
        if (th_outbox_error(&world->outbox))
            lose_unreadable(world);
        for (size_t i = 0; i < world->count; i++)
            acknowledge(world);
    }
    while (world->acks_begin < world->acks_end)
        send_some(world);
    assert_int_equal(th_outbox_next(&world->outbox).len_bytes, 0);
    assert_int_equal(th_outbox_used_bytes(&world->outbox), world->outbox.control_bytes);
    assert_null(th_outbox_oldest(&world->outbox));
}

static void run(uint64_t seed)
{
    static struct world world;
    static const size_t sizes[] = {2048, 4096, BLOCK_BYTES};
    world = (struct world){.random = seed * UINT64_C(0x9e3779b97f4a7c15) + 1};
    assert_int_equal(th_outbox_open(&world.outbox, world.block, sizes[seed % 3], 0, NULL), 0);
    th_outbox_lend_piece(&world.outbox, world.piece, PIECE_BYTES - seed % 3 * 300);
    reconnect(&world);
    for (size_t i = 0; i < OPERATIONS; i++) {
        operate(&world);
        check(&world);
        if (i % 64 == 0)
            check_contents(&world);
    }
    printf("seed %llu: %zu packets sent, %zu times full, %zu times tidied, %zu early answers, "
           "%zu reads, %zu unreadable, peak %u of %u\n", (unsigned long long)seed,
           world.sent_packets, world.full, world.tidied, world.early, world.streamed,
           world.unreadable, world.outbox.peak_bytes, world.outbox.bytes);
    drain(&world);
    assert_true(world.sent_packets > 1000 && world.full && world.tidied && world.early);
    assert_true(world.streamed > 1000 && world.unreadable);
}

static void test_random_operations(void **state)
{
    (void)state;
    const char *seed = getenv("TH_SEED");
    if (seed)
        run(strtoull(seed, NULL, 10));
    for (uint64_t i = 0; i < 3 && !seed; i++)
        run(i);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_random_operations)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
