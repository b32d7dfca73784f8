/* What each packet of the broker does; the table says which of these functions a packet gets. */
#include "session/outcome.h"
#include "session/rules.h"
#include "session/table.h"

#include "base/clock.h"
#include "base/err.h"
#include "base/slice.h"
#include "mqtt/encode.h"
#include "mqtt/property.h"
#include <string.h>

/* ---- answers ------------------------------------------------------------------------------ */

static int has_no_room(struct th_session_outcome *out, const char *problem)
{
    out->reason = TH_MQTT_QUOTA_EXCEEDED;
    out->problem = problem;
    return TH_E_MEMORY;
}

/* There is always room: receiving waits for it first. */
static void answer(struct th_session *session, enum th_mqtt_type type, uint16_t packet_id,
                   uint8_t reason)
{
    struct th_mqtt_ack ack = {
        .version = th_session_version(session->config), .type = type, .packet_id = packet_id};
    ack.reason = th_session_is_5(session->config) ? reason : 0;
    uint8_t *place = th_outbox_control(session->outbox, th_mqtt_ack_encode(NULL, &ack));
    if (place)
        th_mqtt_ack_encode(place, &ack);
}

static bool no_room_to_answer(const struct th_session *session)
{
    return !th_outbox_control_room(session->outbox, TH_OUTBOX_CONTROL_ANSWER_BYTES);
}

/* ---- PUBLISH and PUBREL (4.3) ------------------------------------------------------------- */

static int use_alias(struct th_session *session, uint16_t alias, struct th_session_outcome *out)
{
    if (alias > session->alias_maximum)
        return th_session_breaks(out, TH_MQTT_TOPIC_ALIAS_INVALID,
                                 "a topic alias exceeds our Topic Alias Maximum (3.3.2.3.4)");
    if (out->topic.len_bytes)
        return th_mqtt_alias_keep(&session->aliases, alias, out->topic)
                   ? 0
                   : has_no_room(out, "the topics of its aliases need more than our pool for them; "
                                 "announce a smaller Topic Alias Maximum, or enlarge the profile's "
                                 "TH_ALIAS_IN_BYTES");
    out->topic = th_mqtt_alias_topic(&session->aliases, alias);
    if (out->topic.len_bytes)
        return 0;
    return th_session_breaks(out, TH_MQTT_TOPIC_ALIAS_INVALID,
                             "a topic alias was never given a topic (3.3.2.3.4)");
}

static int find_topic(struct th_session *session, const struct th_mqtt_packet *packet,
                      struct th_session_outcome *out)
{
    out->topic = packet->publish.topic;
    return packet->publish.topic_alias ? use_alias(session, packet->publish.topic_alias, out) : 0;
}

static int deliver(struct th_session *session, const struct th_mqtt_packet *packet,
                   struct th_session_outcome *out)
{
    unsigned qos = packet->publish.qos;
    if (qos && no_room_to_answer(session))
        return TH_WANT_WRITE;
    int result = find_topic(session, packet, out);
    if (result < 0)
        return result;
    bool known = qos == 2 && th_session_ids_have(&session->received.ids, packet->packet_id);
    session->arriving.packet_id = packet->packet_id;
    session->arriving.qos = (uint8_t)qos;
    session->arriving.known = known;
    session->strays.duplicates += known;
    out->kind = known ? TH_SESSION_SKIP : TH_SESSION_DELIVER;
    return 0;
}

void th_session_delivered(struct th_session *session)
{
    uint16_t packet_id = session->arriving.packet_id;
    unsigned qos = session->arriving.qos;
    session->arriving.qos = 0;
    if (qos == 1)
        answer(session, TH_MQTT_PUBACK, packet_id, TH_MQTT_SUCCESS);
    if (qos == 2 && !session->arriving.known) {
        th_session_ids_add(&session->received.ids, packet_id);
        session->received_changed = true;
    }
    if (qos == 2)
        answer(session, TH_MQTT_PUBREC, packet_id, TH_MQTT_SUCCESS);
}

/* An unknown identifier is answered too: the PUBCOMP may have been lost with a connection. */
static int complete(struct th_session *session, const struct th_mqtt_packet *packet)
{
    if (no_room_to_answer(session))
        return TH_WANT_WRITE;
    struct th_session_ids *ids = &session->received.ids;
    bool known = th_session_ids_have(ids, packet->packet_id);
    if (known)
        th_session_ids_drop(ids, packet->packet_id);
    session->received_changed |= known;
    answer(session, TH_MQTT_PUBCOMP, packet->packet_id,
           known ? TH_MQTT_SUCCESS : TH_MQTT_PACKET_ID_NOT_FOUND);
    return 0;
}

/* ---- acknowledgements --------------------------------------------------------------------- */

/* An identifier that is not in use is counted and let pass: no rule forbids it, nothing of ours is
 * touched, and a broker may repeat what it said before a connection was lost. An acknowledgement
 * of the wrong kind is an error: the two sides no longer mean the same message. */
static int acknowledge(struct th_session *session, enum th_outbox_ack ack,
                       const struct th_mqtt_packet *packet, enum th_event_kind kind,
                       struct th_session_outcome *out)
{
    switch (th_outbox_acknowledge(session->outbox, ack, packet->packet_id)) {
    case TH_ACK_FINISHED:
        return th_session_tell(out, packet, kind);
    case TH_ACK_WRONG:
        return th_session_breaks(out, TH_MQTT_PROTOCOL_ERROR,
                                 "an acknowledgement does not fit what was sent (4.3)");
    case TH_ACK_AGAIN:
        session->strays.duplicates++;
        return 0;
    case TH_ACK_UNKNOWN:
        session->strays.acknowledgements++;
        return 0;
    case TH_ACK_GOES_ON:
        return session->config->holds_pubrel ? th_session_tell(out, packet, TH_EVENT_RECEIVED) : 0;
    default:
        return 0;
    }
}

/* Its message may be taken up yet, and must not arrive before that. */
static bool may_be_taken_up(const struct th_session *session, uint16_t packet_id)
{
    return session->config->holds_pubrel && packet_id >= TH_PACKET_ID_OWN;
}

/* A PUBREC for an identifier we do not use is answered, or the broker would hold it for ever. */
static int release(struct th_session *session, const struct th_mqtt_packet *packet,
                   struct th_session_outcome *out)
{
    bool refused = packet->reason >= TH_MQTT_FAILURES;
    if (no_room_to_answer(session))
        return TH_WANT_WRITE;
    if (!refused && !th_outbox_find(session->outbox, packet->packet_id) &&
        !may_be_taken_up(session, packet->packet_id))
        answer(session, TH_MQTT_PUBREL, packet->packet_id, TH_MQTT_PACKET_ID_NOT_FOUND);
    return acknowledge(session, refused ? TH_ACK_PUBREC_REFUSED : TH_ACK_PUBREC, packet,
                       TH_EVENT_PUBLISHED, out);
}

/* 0x92 says that the broker does not know the identifier. After a redial that is how a flow ends
 * whose first PUBCOMP was lost (3.7.2.1). */
static int close_flow(struct th_session *session, const struct th_mqtt_packet *packet,
                      struct th_session_outcome *out)
{
    const struct th_outbox_slot *slot = th_outbox_find(session->outbox, packet->packet_id);
    bool again = slot && slot->marks & TH_MARK_AGAIN;
    int result = acknowledge(session, TH_ACK_PUBCOMP, packet, TH_EVENT_PUBLISHED, out);
    if (again && packet->reason == TH_MQTT_PACKET_ID_NOT_FOUND)
        out->event.reason = TH_MQTT_SUCCESS;
    return result;
}

static bool counts_codes(const struct th_session *session, enum th_mqtt_type type)
{
    return type == TH_MQTT_SUBACK || th_session_is_5(session->config);
}

static int grant(struct th_session *session, enum th_outbox_ack ack,
                 const struct th_mqtt_packet *packet, enum th_event_kind kind,
                 struct th_session_outcome *out)
{
    const struct th_outbox_slot *slot = th_outbox_find(session->outbox, packet->packet_id);
    if (slot && slot->filters && counts_codes(session, packet->type) &&
        slot->filters != packet->codes.len_bytes)
        return th_session_breaks(out, TH_MQTT_PROTOCOL_ERROR,
                                 "not one reason code for each topic filter (3.9.3, 3.11.3)");
    return acknowledge(session, ack, packet, kind, out);
}

/* ---- PINGRESP, DISCONNECT ----------------------------------------------------------------- */

static int pong(struct th_session *session)
{
    session->strays.pingresps += session->ping_sent_ms == TH_NEVER;
    session->ping_sent_ms = TH_NEVER;
    return 0;
}

static int leave(const struct th_mqtt_packet *packet, struct th_session_outcome *out)
{
    int error = packet->reason ? TH_E_REFUSED : TH_E_CLOSED;
    return th_session_says_no(out, packet, error, "the broker ended the connection");
}

static int forbid(const struct th_session *session, const struct th_mqtt_packet *packet,
                  struct th_session_outcome *out)
{
    const char *problem = "a server does not send this packet (2.1.2)";
    if (session->state == TH_SESSION_GREETING)
        problem = "a packet came before CONNACK (3.2)";
    else if (packet->type == TH_MQTT_CONNACK)
        problem = "a second CONNACK came (3.2)";
    return th_session_breaks(out, TH_MQTT_PROTOCOL_ERROR, problem);
}

/* ---- receive ------------------------------------------------------------------------------ */

static int perform(struct th_session *session, const struct th_mqtt_packet *packet,
                   struct th_session_outcome *out)
{
    switch (th_session_action(session->state, packet->type)) {
    case TH_DO_ACCEPT:
        return th_session_take_connack(session, packet, out);
    case TH_DO_DELIVER:
        return deliver(session, packet, out);
    case TH_DO_FINISH:
        return acknowledge(session, TH_ACK_PUBACK, packet, TH_EVENT_PUBLISHED, out);
    case TH_DO_RELEASE:
        return release(session, packet, out);
    case TH_DO_COMPLETE:
        return complete(session, packet);
    case TH_DO_CLOSE_FLOW:
        return close_flow(session, packet, out);
    case TH_DO_GRANT:
        return grant(session, TH_ACK_SUBACK, packet, TH_EVENT_SUBSCRIBED, out);
    case TH_DO_REVOKE:
        return grant(session, TH_ACK_UNSUBACK, packet, TH_EVENT_UNSUBSCRIBED, out);
    case TH_DO_PONG:
        return pong(session);
    case TH_DO_LEAVE:
        return leave(packet, out);
    case TH_DO_AUTHENTICATE:
        return th_session_take_auth(session, packet, out);
    case TH_DO_IGNORE:
        return 0;
    default:
        return forbid(session, packet, out);
    }
}

static void end(struct th_session *session, int error, uint8_t reason)
{
    if (error == TH_E_PROTOCOL || error == TH_E_MEMORY)
        th_session_abort(session, reason);
    session->state = TH_SESSION_ENDED;
    th_outbox_end(session->outbox);
}

int th_session_receive(struct th_session *session, const struct th_mqtt_packet *packet,
                       uint64_t now_ms, struct th_session_outcome *out)
{
    *out = (struct th_session_outcome){.event.redial_in_ms = -1};
    int result = perform(session, packet, out);
    if (th_is_wait(result))
        return result;
    session->received_ms = now_ms;
    if (result < 0)
        end(session, result, out->reason);
    return result;
}

int th_session_next_refused(struct th_session *session, struct th_event *event)
{
    static const enum th_event_kind kinds[] = {
        [TH_SLOT_PUBLISH_0] = TH_EVENT_PUBLISHED,   [TH_SLOT_PUBLISH_1] = TH_EVENT_PUBLISHED,
        [TH_SLOT_PUBLISH_2] = TH_EVENT_PUBLISHED,   [TH_SLOT_SUBSCRIBE] = TH_EVENT_SUBSCRIBED,
        [TH_SLOT_UNSUBSCRIBE] = TH_EVENT_UNSUBSCRIBED,
    };
    struct th_outbox_slot slot;
    if (!th_outbox_take_refused(session->outbox, &slot))
        return 0;
    *event = (struct th_event){
        .kind = kinds[slot.kind],
        .packet_id = slot.packet_id,
        .reason = slot.reason,
        .redial_in_ms = -1,
    };
    return 1;
}
