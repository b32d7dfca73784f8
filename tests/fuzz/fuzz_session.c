/* A broker that says anything, an application that asks for anything, a network that breaks at any
 * time: through decoder, session and outbox. The input is a script of commands; the broker's bytes
 * may be cut anywhere. What must hold whatever happens is in the functions called demand_*. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "../unit/outbox/check.h"
#include "base/slice.h"
#include "mqtt/encode.h"
#include "mqtt/property.h"
#include "session/table.h"

#define BLOCK_BYTES 2048
#define WINDOW_BYTES 512
#define PACKET_BYTES 8192
#define PIECE_BYTES 200
#define ALIAS_BYTES 48 /* soon full */

struct script {
    const uint8_t *bytes;
    size_t left;
};

static struct world {
    struct th_config config;
    struct th_session session;
    struct th_outbox outbox;
    uint64_t block[BLOCK_BYTES / 8];
    uint8_t piece[PIECE_BYTES];
    uint8_t own_aliases[ALIAS_BYTES];
    uint8_t aliases[ALIAS_BYTES];
    uint8_t topics[16][ALIAS_BYTES]; /* of the aliases, with their lengths */
    size_t topics_len[16];
    uint8_t window[WINDOW_BYTES];
    size_t window_len;
    size_t payload_left;  /* of a PUBLISH larger than the window */
    bool delivering;
    uint16_t delivering_qos_2;
    uint64_t now_ms;
    bool connected;
    bool over;            /* the conversation ended with an error */

    uint8_t packet[PACKET_BYTES]; /* what the broker is being sent */
    size_t packet_len;
    bool connect_seen, disconnect_seen;
    unsigned in_flight;
    uint8_t flight[65536];    /* 1: sent on this connection, 2: answered before it was all sent */
    uint8_t delivered[65536]; /* QoS 2, PUBREL awaited */
} world;

static struct th_session_id_page id_pages[TH_SESSION_ID_PAGES]; /* with what another run left */

static void demand(bool holds)
{
    if (!holds)
        abort();
}

static uint8_t take(struct script *script)
{
    if (!script->left)
        return 0;
    script->left--;
    return *script->bytes++;
}

/* ---- what must hold ----------------------------------------------------------------------- */

static void demand_order(void)
{
    demand(!check_outbox(&world.outbox));
    demand(th_session_ids_sound(&world.session.received.ids));
}

/* Nothing is sent twice on a connection, and never more than the broker wants at a time. */
static void demand_publish(unsigned id)
{
    demand(id != 0 && world.flight[id] != 1);
    if (world.flight[id] == 2) {
        world.flight[id] = 0;
        return;
    }
    world.flight[id] = 1;
    demand(++world.in_flight <= world.session.limits.receive_maximum);
}

static unsigned publish_id(size_t body)
{
    size_t topic_bytes = (size_t)world.packet[body] << 8 | world.packet[body + 1];
    const uint8_t *id = world.packet + body + 2 + topic_bytes;
    return (unsigned)id[0] << 8 | id[1];
}

static void demand_packet(size_t body)
{
    unsigned type = world.packet[0] >> 4;
    demand((type == TH_MQTT_CONNECT) == !world.connect_seen);
    demand(!world.disconnect_seen);
    bool before_connack = world.session.state == TH_SESSION_GREETING;
    demand(!before_connack || type == TH_MQTT_CONNECT ||
           (type == TH_MQTT_AUTH && world.config.authentication));
    if (type == TH_MQTT_PUBLISH && world.packet[0] & 6)
        demand_publish(publish_id(body));
    world.connect_seen = true;
    world.disconnect_seen |= type == TH_MQTT_DISCONNECT;
    demand(type != TH_MQTT_CONNACK && type != TH_MQTT_SUBACK && type != TH_MQTT_UNSUBACK);
}

/* Where the packet's body begins, once the packet is whole; else 0. */
static size_t body_of_packet(void)
{
    size_t remaining = 0;
    for (size_t i = 1; i < world.packet_len && i < 5; i++) {
        remaining |= (size_t)(world.packet[i] & 0x7f) << (7 * (i - 1));
        if (world.packet[i] < 0x80)
            return world.packet_len == i + 1 + remaining ? i + 1 : 0;
    }
    return 0;
}

static void demand_bytes(const uint8_t *bytes, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        demand(world.packet_len < PACKET_BYTES);
        world.packet[world.packet_len++] = bytes[i];
        size_t body = body_of_packet();
        if (!body)
            continue;
        demand_packet(body);
        world.packet_len = 0;
    }
}

static void demand_event(const struct th_event *event)
{
    if (event->kind != TH_EVENT_PUBLISHED)
        return;
    world.in_flight -= world.flight[event->packet_id] == 1;
    world.flight[event->packet_id] = world.flight[event->packet_id] == 1 ? 0 : 2;
    if (!th_outbox_find(&world.outbox, event->packet_id))
        world.flight[event->packet_id] = 0;
}

/* ---- receiving ---------------------------------------------------------------------------- */

static void forget_broker_state(const struct th_event *event)
{
    if (event->kind == TH_EVENT_CONNECTED && !event->session_present)
        memset(world.delivered, 0, sizeof world.delivered);
}

/* A message has the topic it came with, or the one its alias was given last on this connection. */
static void demand_topic(const struct th_mqtt_packet *packet, struct th_slice topic)
{
    unsigned alias = packet->publish.topic_alias;
    demand(topic.len_bytes && alias <= world.session.alias_maximum);
    if (packet->publish.topic.len_bytes)
        demand(th_slice_equal(topic, packet->publish.topic));
    else
        demand(th_slice_equal(topic, th_slice_of(world.topics[alias], world.topics_len[alias])));
    if (!alias || !packet->publish.topic.len_bytes)
        return;
    demand(topic.len_bytes <= ALIAS_BYTES);
    memcpy(world.topics[alias], topic.data, topic.len_bytes);
    world.topics_len[alias] = topic.len_bytes;
}

static void deliver(const struct th_mqtt_packet *packet, enum th_session_outcome_kind kind)
{
    bool is_2 = packet->publish.qos == 2;
    demand((kind == TH_SESSION_SKIP) == (is_2 && world.delivered[packet->packet_id]));
    world.delivering = true;
    world.delivering_qos_2 = is_2 ? packet->packet_id : 0;
    world.payload_left = packet->publish.payload_bytes;
}

static void finish_delivery(void)
{
    uint32_t before = world.outbox.control_end;
    bool acknowledges = world.session.arriving.qos && !world.outbox.ending &&
                        !world.outbox.ended;
    world.delivering = false;
    th_session_delivered(&world.session);
    demand(world.outbox.control_end == before + (acknowledges ? 4 : 0));
    if (world.delivering_qos_2)
        world.delivered[world.delivering_qos_2] = 1;
}

static void take_refused(void)
{
    struct th_event refused;
    while (th_session_next_refused(&world.session, &refused))
        demand(refused.reason >= 0x80);
}

static void note_outcome(const struct th_mqtt_packet *packet,
                         const struct th_session_outcome *out)
{
    if (out->kind == TH_SESSION_EVENT) {
        demand_event(&out->event);
        forget_broker_state(&out->event);
    }
    if (out->kind == TH_SESSION_DELIVER || out->kind == TH_SESSION_SKIP) {
        demand_topic(packet, out->topic);
        deliver(packet, out->kind);
    }
    if (packet->type == TH_MQTT_PUBREL)
        world.delivered[packet->packet_id] = 0;
    take_refused();
}

static void fail_conversation(int error, const struct th_session_outcome *out)
{
    demand(error == TH_E_PROTOCOL || error == TH_E_REFUSED || error == TH_E_CLOSED ||
           (error == TH_E_MEMORY && out->reason == TH_MQTT_QUOTA_EXCEEDED) ||
           (error == TH_E_AUTHENTICATION && world.config.authentication));
    demand(out->problem && world.session.state == TH_SESSION_ENDED);
    world.over = true;
}

static bool judge(const struct th_mqtt_packet *packet)
{
    struct th_session_outcome out;
    bool was_ended = world.session.state == TH_SESSION_ENDED;
    enum th_session_action action = th_session_action(world.session.state, packet->type);
    int result = th_session_receive(&world.session, packet, world.now_ms, &out);
    demand(action != TH_DO_FORBID || result == TH_E_PROTOCOL);
    demand(!was_ended || (result == 0 && out.kind == TH_SESSION_NOTHING));
    demand(result != TH_WANT_READ || packet->type == TH_MQTT_AUTH);
    if (result == TH_WANT_WRITE || result == TH_WANT_READ)
        return false;
    if (result < 0)
        fail_conversation(result, &out);
    else if (!was_ended)
        note_outcome(packet, &out);
    else
        world.payload_left = packet->publish.payload_bytes;
    return true;
}

static void consume(size_t bytes)
{
    memmove(world.window, world.window + bytes, world.window_len - bytes);
    world.window_len -= bytes;
}

static void skip_payload(void)
{
    size_t piece = world.payload_left < world.window_len ? world.payload_left : world.window_len;
    consume(piece);
    world.payload_left -= piece;
    th_session_heard(&world.session, world.now_ms);
    if (!world.payload_left && world.delivering)
        finish_delivery();
}

/* False: nothing more can be done with the bytes in the window. */
static bool handle_next(void)
{
    if (world.payload_left || world.delivering) {
        skip_payload();
        return !world.payload_left && world.window_len;
    }
    struct th_mqtt_packet packet;
    int used = th_mqtt_decode(world.window, world.window_len, world.config.version, &packet);
    if (used < 0) {
        th_session_abort(&world.session, TH_MQTT_MALFORMED_PACKET);
        world.over = true;
    }
    if (used <= 0 || !judge(&packet))
        return false;
    consume((size_t)used);
    return world.window_len || world.delivering;
}

static void hear(const uint8_t *bytes, size_t len)
{
    size_t room = WINDOW_BYTES - world.window_len;
    len = len < room ? len : room;
    memcpy(world.window + world.window_len, bytes, len);
    world.window_len += len;
    while (!world.over && handle_next())
        demand_order();
}

/* ---- commands ----------------------------------------------------------------------------- */

static void do_hear(struct script *script)
{
    size_t len = take(script);
    len = len < script->left ? len : script->left;
    if (world.connected && !world.over)
        hear(script->bytes, len);
    script->bytes += len;
    script->left -= len;
}

/* A well-formed acknowledgement, so that flows get somewhere. */
static void do_acknowledge(struct script *script)
{
    uint8_t type = (uint8_t)(TH_MQTT_PUBACK + take(script) % 4);
    uint8_t id = take(script);
    uint8_t packet[4] = {(uint8_t)(type << 4 | (type == TH_MQTT_PUBREL ? 2 : 0)), 2, 0, id};
    if (world.connected && !world.over && id)
        hear(packet, sizeof packet);
}

static void do_accept(struct script *script)
{
    uint8_t flags = take(script);
    uint8_t packet[] = {0x20, 3, flags & 1, 0, 3, TH_PROPERTY_TOPIC_ALIAS_MAXIMUM, 0, 2};
    size_t len = world.config.version == TH_MQTT_5 ? 8 : 4;
    if (len == 8 && flags & 2) {
        packet[4] = 0;
        len = 5;
    }
    packet[1] = (uint8_t)(len - 2);
    if (world.connected && !world.over)
        hear(packet, len);
}

static void do_send(struct script *script)
{
    static uint8_t copy[BLOCK_BYTES];
    struct th_slice next = th_outbox_next(&world.outbox);
    size_t bytes = take(script);
    world.over |= th_outbox_error(&world.outbox) < 0;
    bytes = bytes == 255 || bytes > next.len_bytes ? next.len_bytes : bytes;
    if (!world.connected || !bytes)
        return;
    memcpy(copy, next.data, bytes);
    demand_bytes(copy, bytes);
    th_outbox_sent(&world.outbox, bytes, world.now_ms);
}

static const uint8_t zeros[512];

/* A payload of zeros; `arg` is not NULL if it fails after the first 100. */
static int read_zeros(void *arg, uint64_t offset_bytes, uint8_t *out, size_t bytes)
{
    if (arg && offset_bytes >= 100)
        return TH_E_FILE;
    memset(out, 0, bytes < 100 ? bytes : 100);
    return bytes < 100 ? (int)bytes : 100;
}

static void do_publish(struct script *script)
{
    uint8_t flags = take(script);
    struct th_message message = {
        .qos = flags & 3, .retain = flags & 4,
        .payload = {zeros, (size_t)take(script) * (flags & 8 ? 2 : 1)},
    };
    if (flags & 16)
        message.source = (struct th_payload_source){
            .read = read_zeros,
            .arg = flags & 32 ? &world : NULL,
            .total_bytes = (uint32_t)message.payload.len_bytes * 4,
        };
    const struct th_property interval = {.id = TH_PROPERTY_MESSAGE_EXPIRY_S, .number = 20};
    if (flags & 64 && world.config.version == TH_MQTT_5)
        message.properties = (struct th_properties){&interval, 1};
    message.topic = (struct th_slice){(const uint8_t *)"topic", 1 + flags % 5u};
    int id = th_session_publish(&world.session, &message, NULL);
    demand(id < 0 || (id == 0) == (message.qos == 0));
    if (id > 0)
        world.flight[id] = 0;
}

static void do_subscribe(struct script *script)
{
    struct th_filter filters[3] = {{.filter = {(const uint8_t *)"a/+", 3}},
                                   {.filter = {(const uint8_t *)"#", 1}, .qos = 2},
                                   {.filter = {(const uint8_t *)"$share/g/t", 10}, .qos = 1}};
    th_session_subscribe(&world.session, filters, take(script) % 4, NULL, NULL);
}

static void do_unsubscribe(struct script *script)
{
    struct th_slice filters[2] = {{(const uint8_t *)"a/+", 3}, {(const uint8_t *)"#", 1}};
    th_session_unsubscribe(&world.session, filters, take(script) % 3, NULL, NULL);
}

static void do_redial(struct script *script)
{
    if (take(script) & 1)
        th_session_lost(&world.session);
    demand(th_session_greet(&world.session, world.now_ms, NULL) == 0);
    world.connected = true;
    world.over = world.connect_seen = world.disconnect_seen = world.delivering = false;
    world.window_len = world.payload_left = world.packet_len = 0;
    world.in_flight = 0;
    memset(world.topics_len, 0, sizeof world.topics_len);
    memset(world.flight, 0, sizeof world.flight);
}

static void do_wait(struct script *script)
{
    world.now_ms += (uint64_t)take(script) * 100;
    th_outbox_expire(&world.outbox, world.now_ms);
    take_refused();
    uint64_t deadline_ms = th_session_deadline_ms(&world.session);
    int result = th_session_tick(&world.session, world.now_ms, NULL);
    demand(result == 0 || result == TH_E_TIMEOUT);
    demand(result == 0 || deadline_ms <= world.now_ms);
    if (result < 0)
        world.over = true;
    else
        demand(th_session_deadline_ms(&world.session) > world.now_ms);
}

static void do_farewell(struct script *script)
{
    th_session_farewell(&world.session, take(script), NULL, NULL);
}

static void (*const commands[])(struct script *) = {
    do_hear, do_hear, do_acknowledge, do_accept, do_send, do_send, do_publish, do_publish,
    do_subscribe, do_unsubscribe, do_redial, do_wait, do_farewell,
};

static void begin(struct script *script)
{
    uint8_t flags = take(script);
    bool proves = flags & 1 && flags >> 4 == 15;
    memset(&world, 0, sizeof world);
    world.config = (struct th_config){
        .version = flags & 1 ? TH_MQTT_5 : TH_MQTT_3_1_1,
        .clean_start = flags & 2,
        .client_id = flags & 4 || !(flags & 2) ? "c" : "",
        .keep_alive_s = flags & 8 ? 2 : 0,
        .receive_maximum = flags >> 4,
        .topic_alias_maximum = flags >> 4,
        .topic_alias_send_maximum = flags >> 6,
        .username = proves ? "user" : NULL,
        .password = th_slice_text(proves ? "pencil" : NULL),
        .authentication = proves ? TH_AUTHENTICATION_SCRAM_SHA_256 : TH_AUTHENTICATION_NONE,
        .deadlines.ack_ms = 3000,
    };
    int greeting_bytes = th_session_greeting_bytes(&world.config, NULL);
    demand(greeting_bytes > 0);
    demand(th_outbox_open(&world.outbox, world.block, sizeof world.block,
                          (size_t)greeting_bytes, NULL) == 0);
    th_outbox_lend_piece(&world.outbox, world.piece, sizeof world.piece);
    th_outbox_lend_aliases(&world.outbox, world.own_aliases, sizeof world.own_aliases);
    th_session_open(&world.session, &world.config, &world.outbox, id_pages, world.aliases,
                    sizeof world.aliases);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct script script = {data, size};
    begin(&script);
    while (script.left) {
        commands[take(&script) % (sizeof commands / sizeof *commands)](&script);
        demand_order();
    }
    return 0;
}
