#include "client/client.h"

#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "base/slice.h"
#include "mqtt/property.h"

#include <string.h>

/* Records taken before it is the turn of what is to be sent. */
#define ROUNDS_PER_TURN 64

/* ---- window --------------------------------------------------------------------------------- */

static const uint8_t *window_data(const struct th_window *window)
{
    return window->bytes + window->begin;
}

static size_t window_len(const struct th_window *window)
{
    return window->end - window->begin;
}

static void window_to_front(struct th_window *window)
{
    memmove(window->bytes, window_data(window), window_len(window));
    window->end -= window->begin;
    window->begin = 0;
}

static void window_consume(struct th_window *window, size_t bytes)
{
    window->begin += bytes;
    if (window->begin == window->end)
        window->begin = window->end = 0;
}

static int window_fill(struct th_client *client)
{
    struct th_window *window = &client->window;
    if (window->end == window->size_bytes)
        window_to_front(window);
    int got = th_link_read(&client->link, window->bytes + window->end,
                           window->size_bytes - window->end);
    if (got <= 0)
        return got;
    window->end += (size_t)got;
    if (window->end > window->peak_bytes)
        window->peak_bytes = window->end;
    return got;
}

void th_client_forget_received(struct th_client *client)
{
    client->window.begin = client->window.end = 0;
    client->stream.active = false;
    client->answer_waits = false;
}

/* ---- failures ------------------------------------------------------------------------------- */

/* Whoever breaks a rule with its first words may not speak MQTT at all. */
static int broken_rule(struct th_client *client, const struct th_mqtt_packet *packet)
{
    bool first = client->link.phase == TH_PHASE_GREETING;
    th_session_abort(&client->session, TH_MQTT_MALFORMED_PACKET);
    client->link.fault.reason = TH_MQTT_MALFORMED_PACKET;
    return th_fault_set(&client->link.fault, TH_E_PROTOCOL, "%s from the broker: %s%s",
                        th_mqtt_type_name(packet->type), packet->problem,
                        first ? "; is the port one for MQTT?" : "");
}

/* As soon as its length is known, and also if it would pass in pieces. */
static int exceeds_maximum(struct th_client *client, const struct th_mqtt_packet *packet)
{
    if (packet->need_bytes <= client->session.packet_max_bytes)
        return 0;
    th_session_abort(&client->session, TH_MQTT_PACKET_TOO_LARGE);
    client->link.fault.reason = TH_MQTT_PACKET_TOO_LARGE;
    return th_fault_set(&client->link.fault, TH_E_PROTOCOL, "%s from the broker: at least %zu "
                        "bytes, our Maximum Packet Size is %u (3.1.2.11.4)",
                        th_mqtt_type_name(packet->type), packet->need_bytes,
                        (unsigned)client->session.packet_max_bytes);
}

static int too_large(struct th_client *client, const struct th_mqtt_packet *packet)
{
    th_session_abort(&client->session, TH_MQTT_PACKET_TOO_LARGE);
    return th_fault_set(&client->link.fault, TH_E_MEMORY, "the packet window of %zu bytes is too "
                        "small while %s: a %s%s needs %zu; enlarge it (profile or budget)",
                        client->window.size_bytes, th_phase_name(client->link.phase),
                        th_mqtt_type_name(packet->type),
                        packet->type == TH_MQTT_PUBLISH ? " header" : "", packet->need_bytes);
}

static struct th_slice text_of(const struct th_mqtt_packet *packet, uint8_t id)
{
    struct th_property property;
    return th_property_find(packet->properties, id, &property) ? property.text : th_slice_text("");
}

static int refused(struct th_client *client, const struct th_mqtt_packet *packet,
                   const struct th_session_outcome *outcome)
{
    struct th_slice why = text_of(packet, TH_PROPERTY_REASON_STRING);
    struct th_slice instead = text_of(packet, TH_PROPERTY_SERVER_REFERENCE);
    client->link.fault.reason = outcome->reason;
    return th_fault_set(&client->link.fault, TH_E_REFUSED,
                        "the broker said %s (code %u) in %s%s%.*s%s%.*s",
                        th_mqtt_reason_name(client->config.version, packet->type, outcome->reason),
                        outcome->reason, th_mqtt_type_name(packet->type),
                        why.len_bytes ? ": " : "", (int)why.len_bytes, (const char *)why.data,
                        instead.len_bytes ? "; it refers to " : "", (int)instead.len_bytes,
                        (const char *)instead.data);
}

static int judged_wrong(struct th_client *client, const struct th_mqtt_packet *packet,
                        const struct th_session_outcome *outcome, int result)
{
    if (result == TH_WANT_WRITE)
        client->answer_waits = true;
    if (th_is_wait(result))
        return result;
    if (result == TH_E_REFUSED)
        return refused(client, packet, outcome);
    if (result == TH_E_PROTOCOL)
        client->link.fault.reason = outcome->reason;
    return th_fault_set(&client->link.fault, result, "%s from the broker: %s",
                        th_mqtt_type_name(packet->type), outcome->problem);
}

/* ---- what a packet leads to ------------------------------------------------------------------ */

static void note_puback(struct th_client *client, const struct th_event *event)
{
    struct th_puback_clock *clock = &client->puback;
    if (event->packet_id == clock->packet_id && clock->sent_us && !clock->took_us)
        clock->took_us = th_clock_us() - clock->sent_us;
}

/* What the broker decided for us. */
static void log_decisions(const struct th_client *client, struct th_received_properties properties)
{
    const struct th_log *log = &client->config.log;
    struct th_property property;
    if (th_property_find(properties, TH_PROPERTY_ASSIGNED_CLIENT_ID, &property))
        th_log(log, TH_LOG_INFO, "the broker calls us %.*s", (int)property.text.len_bytes,
               (const char *)property.text.data);
    if (th_property_find(properties, TH_PROPERTY_SERVER_KEEP_ALIVE_S, &property))
        th_log(log, TH_LOG_INFO, "the broker wants a keep alive of %u s",
               (unsigned)property.number);
}

static void connected(struct th_client *client, const struct th_event *event)
{
    log_decisions(client, event->properties);
    th_link_enter(&client->link, TH_PHASE_UP);
    client->redial.up_since_ms = th_clock_ms();
    client->redial.was_up = true;
    th_client_tell(client, event);
    th_client_tell_refused(client);
}

static void happened(struct th_client *client, const struct th_event *event)
{
    if (event->kind == TH_EVENT_CONNECTED) {
        connected(client, event);
        return;
    }
    if (event->kind == TH_EVENT_PUBLISHED)
        note_puback(client, event);
    th_client_tell(client, event);
}

static void deliver(struct th_client *client, const struct th_mqtt_packet *packet,
                    struct th_slice payload, size_t offset_bytes)
{
    const struct th_delivery delivery = {
        .topic = packet->publish.topic,
        .payload = payload,
        .offset_bytes = offset_bytes,
        .total_bytes = packet->publish.payload_bytes,
        .qos = packet->publish.qos,
        .retain = packet->publish.retain,
        .dup = packet->publish.dup,
        .packet_id = packet->packet_id,
        .properties = packet->properties,
    };
    th_client_deliver(client, &delivery);
}

#define WORK_US 10000

/* An answer that takes long to compute is computed in slices: a step ends, the next goes on. */
static int work_on(struct th_client *client, const struct th_mqtt_packet *packet,
                   struct th_session_outcome *outcome)
{
    uint64_t until_us = th_clock_us() + WORK_US;
    int result = TH_WANT_READ;
    client->more = true;
    while (result == TH_WANT_READ && th_clock_us() < until_us)
        result = th_session_receive(&client->session, packet, th_clock_ms(), outcome);
    return result;
}

/* What must wait for room comes here again, and is noted when it is done. */
static int judge(struct th_client *client, struct th_mqtt_packet *packet,
                 struct th_session_outcome *outcome)
{
    int result = th_session_receive(&client->session, packet, th_clock_ms(), outcome);
    if (result == TH_WANT_READ)
        result = work_on(client, packet, outcome);
    if (!th_is_wait(result))
        th_client_note_received(client, packet);
    packet->publish.topic = outcome->topic;
    return result < 0 ? judged_wrong(client, packet, outcome, result) : result;
}

static void delivered(struct th_client *client)
{
    th_session_delivered(&client->session);
    th_client_keep_received(client, false);
}

/* A packet that lies whole in the window. */
static int handle_whole(struct th_client *client, struct th_mqtt_packet *packet,
                        size_t header_bytes)
{
    struct th_session_outcome outcome;
    int result = judge(client, packet, &outcome);
    if (result < 0)
        return result;
    if (outcome.kind == TH_SESSION_EVENT)
        happened(client, &outcome.event);
    if (outcome.kind == TH_SESSION_DELIVER)
        deliver(client, packet, (struct th_slice){window_data(&client->window) + header_bytes,
                                                  packet->publish.payload_bytes}, 0);
    if (outcome.kind == TH_SESSION_DELIVER || outcome.kind == TH_SESSION_SKIP)
        delivered(client);
    window_consume(&client->window, header_bytes + packet->publish.payload_bytes);
    return 1;
}

/* ---- messages larger than the window -------------------------------------------------------- */

/* The header lies at the window's very start, where its slices stay valid, and there is room for a
 * byte of payload behind it. */
static int begin_stream(struct th_client *client, struct th_mqtt_packet *packet,
                        size_t header_bytes)
{
    struct th_session_outcome outcome;
    int result = judge(client, packet, &outcome);
    if (result < 0)
        return result;
    client->stream = (struct th_stream_in){
        .active = true,
        .skip = outcome.kind == TH_SESSION_SKIP,
        .packet = *packet,
        .header_bytes = header_bytes,
    };
    return 1;
}

static void end_stream(struct th_client *client)
{
    delivered(client);
    client->stream.active = false;
    window_consume(&client->window, client->stream.header_bytes);
}

static void drop_piece(struct th_window *window, size_t header_bytes, size_t piece_bytes)
{
    uint8_t *piece = window->bytes + header_bytes;
    memmove(piece, piece + piece_bytes, window->end - header_bytes - piece_bytes);
    window->end -= piece_bytes;
}

static int continue_stream(struct th_client *client)
{
    struct th_stream_in *stream = &client->stream;
    struct th_window *window = &client->window;
    size_t there = window->end - stream->header_bytes;
    size_t left = stream->packet.publish.payload_bytes - stream->offset_bytes;
    struct th_slice piece = {window->bytes + stream->header_bytes, there < left ? there : left};
    if (!piece.len_bytes)
        return 0;
    th_session_heard(&client->session, th_clock_ms());
    if (!stream->skip)
        deliver(client, &stream->packet, piece, stream->offset_bytes);
    stream->offset_bytes += piece.len_bytes;
    drop_piece(window, stream->header_bytes, piece.len_bytes);
    if (piece.len_bytes == left)
        end_stream(client);
    return 1;
}

/* ---- decoding ------------------------------------------------------------------------------- */

/* 0: more bytes are wanted. Room for them is made. */
static int incomplete(struct th_client *client, const struct th_mqtt_packet *packet)
{
    if (packet->need_bytes > client->window.size_bytes)
        return too_large(client, packet);
    if (client->window.begin + packet->need_bytes > client->window.size_bytes)
        window_to_front(&client->window);
    return 0;
}

static int handle_publish(struct th_client *client, struct th_mqtt_packet *packet,
                          size_t header_bytes)
{
    if (packet->need_bytes <= window_len(&client->window))
        return handle_whole(client, packet, header_bytes);
    if (packet->need_bytes <= client->window.size_bytes)
        return incomplete(client, packet);
    if (client->window.begin) {
        window_to_front(&client->window);
        return 1;
    }
    packet->need_bytes = header_bytes + 1;
    bool fits = packet->need_bytes <= client->window.size_bytes;
    return fits ? begin_stream(client, packet, header_bytes) : too_large(client, packet);
}

/* `header_bytes` of it are decoded; 0: it is not all there, need_bytes says how much is wanted. */
static int handle_packet(struct th_client *client, struct th_mqtt_packet *packet,
                         size_t header_bytes)
{
    if (header_bytes)
        packet->need_bytes = header_bytes + packet->publish.payload_bytes;
    int result = exceeds_maximum(client, packet);
    if (result < 0)
        return result;
    if (!header_bytes)
        return incomplete(client, packet);
    if (packet->type == TH_MQTT_PUBLISH)
        return handle_publish(client, packet, header_bytes);
    return handle_whole(client, packet, header_bytes);
}

/* One packet, or one piece of a large one. 1: there may be another. 0: more bytes are wanted. */
static int handle_next(struct th_client *client)
{
    if (client->stream.active)
        return continue_stream(client);
    if (!window_len(&client->window))
        return 0;
    struct th_mqtt_packet packet;
    int consumed = th_mqtt_decode(window_data(&client->window), window_len(&client->window),
                                  client->config.version, &packet);
    return consumed < 0 ? broken_rule(client, &packet)
                        : handle_packet(client, &packet, (size_t)consumed);
}

static int handle_all(struct th_client *client)
{
    int result;
    client->answer_waits = false;
    while ((result = handle_next(client)) > 0)
        ;
    return result;
}

/* A broker that waits for TLS hangs up on who speaks without, but not after an upgrade. */
static int lost(struct th_client *client, int result)
{
    struct th_fault *fault = &client->link.fault;
    bool ended = (result == TH_E_CLOSED || result == TH_E_RECEIVE) && th_fault_is_of_peer(fault);
    bool plain = client->config.insecure_plaintext && !client->config.websocket_path;
    if (!ended || !plain || client->link.phase != TH_PHASE_GREETING)
        return th_fault_set(fault, result, "the broker closed the connection");
    th_fault_clear(fault);
    return th_fault_set(fault, result, "the broker closed the connection before it answered; does "
                        "it want TLS here?");
}

static int receive_once(struct th_client *client)
{
    int got = window_fill(client);
    if (th_is_wait(got))
        return got;
    if (got < 0)
        return lost(client, got);
    int handled = handle_all(client);
    return handled < 0 ? handled : got;
}

/* What lies in the TCP cell is taken before anything is sent, so that the acknowledgements of many
 * small messages become one record and one system call. */
int th_client_receive(struct th_client *client)
{
    int got = handle_all(client);
    bool more = got == 0;
    for (int rounds = 0; more && rounds < ROUNDS_PER_TURN; rounds++) {
        got = receive_once(client);
        more = got > 0 && th_net_wire_pending_in(&client->link.wire) > 0;
    }
    int kept = th_client_keep_received(client, true);
    return kept < 0 ? kept : got;
}
