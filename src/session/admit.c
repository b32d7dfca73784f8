/* Before the first message: whether the broker takes us, and we it. CONNACK and AUTH. */
#include "session/outcome.h"
#include "session/rules.h"

#include "base/slice.h"
#include "mqtt/encode.h"
#include "mqtt/property.h"
#include <string.h>

#define BAD_AUTHENTICATION_METHOD 0x8c

static int distrusts(struct th_session_outcome *out, const char *problem)
{
    out->reason = TH_MQTT_NOT_AUTHORIZED;
    out->problem = problem;
    return TH_E_AUTHENTICATION;
}

/* ---- CONNACK (3.2) ------------------------------------------------------------------------ */

static void note_limit(struct th_session_limits *limits, const struct th_property *property)
{
    switch (property->id) {
    case TH_PROPERTY_RECEIVE_MAXIMUM:
        limits->receive_maximum = (uint16_t)property->number;
        break;
    case TH_PROPERTY_MAXIMUM_QOS:
        limits->qos_maximum = (uint8_t)property->number;
        break;
    case TH_PROPERTY_RETAIN_AVAILABLE:
        limits->retain_available = property->number;
        break;
    case TH_PROPERTY_MAXIMUM_PACKET_SIZE:
        limits->packet_max_bytes = property->number;
        break;
    case TH_PROPERTY_TOPIC_ALIAS_MAXIMUM:
        limits->topic_alias_maximum = (uint16_t)property->number;
        break;
    case TH_PROPERTY_SERVER_KEEP_ALIVE_S:
        limits->keep_alive_s = (uint16_t)property->number;
        break;
    case TH_PROPERTY_WILDCARD_AVAILABLE:
        limits->wildcard_available = property->number;
        break;
    case TH_PROPERTY_SUBSCRIPTION_ID_AVAILABLE:
        limits->subscription_id_available = property->number;
        break;
    case TH_PROPERTY_SHARED_AVAILABLE:
        limits->shared_available = property->number;
        break;
    }
}

static void note_limits(struct th_session *session, struct th_received_properties properties)
{
    struct th_property property;
    while (th_property_next(&properties, &property))
        note_limit(&session->limits, &property);
}

static void keep_assigned_id(struct th_session *session, struct th_received_properties properties)
{
    struct th_property id;
    if (!th_property_find(properties, TH_PROPERTY_ASSIGNED_CLIENT_ID, &id))
        return;
    if (id.text.len_bytes > sizeof session->assigned_id)
        return;
    memcpy(session->assigned_id, id.text.data, id.text.len_bytes);
    session->assigned_id_bytes = (uint8_t)id.text.len_bytes;
}

/* Host and port, in few bits. */
static uint32_t mark_of(const struct th_config *config)
{
    uint32_t mark = config->port;
    for (const char *c = config->host; c && *c; c++)
        mark = mark * 33 ^ (uint8_t)*c;
    return mark;
}

/* What was received in another session, perhaps by an earlier process, is nothing to this one. */
static void recall(struct th_session *session, bool session_present)
{
    struct th_session_received *received = &session->received;
    uint32_t home = mark_of(session->config);
    if (session_present && received->home == home && th_session_ids_sound(&received->ids))
        return;
    session->received_changed = received->ids.count > 0;
    *received = (struct th_session_received){.home = home, .ids.list = received->ids.list};
}

static void go_up(struct th_session *session, bool session_present)
{
    session->state = TH_SESSION_UP;
    session->established = true;
    session->home = session->config->host;
    session->home_port = session->config->port;
    recall(session, session_present);
    th_outbox_resume(session->outbox, session_present, &(struct th_outbox_limits){
        .packet_max_bytes = session->limits.packet_max_bytes,
        .receive_maximum = th_session_send_maximum(session),
        .qos_maximum = session->limits.qos_maximum,
        .retain_available = session->limits.retain_available,
        .topic_alias_maximum = th_session_send_aliases(session),
    });
}

/* Only who knows the password can sign our messages with what is made of it. */
static bool is_proved(const struct th_session *session, const struct th_mqtt_packet *packet)
{
    struct th_property verdict;
    return th_property_find(packet->properties, TH_PROPERTY_AUTHENTICATION_DATA, &verdict) &&
           th_auth_scram_verify(&session->scram, verdict.text);
}

/* A session that is present is ours even in a new process, with nothing left to send in it: only
 * what was asked to be clean must not be present. */
int th_session_take_connack(struct th_session *session, const struct th_mqtt_packet *packet,
                            struct th_session_outcome *out)
{
    if (packet->reason)
        return th_session_says_no(out, packet, TH_E_REFUSED, "the broker refused the connection");
    if (th_session_proves(session->config) && !is_proved(session, packet))
        return distrusts(out, "it accepts us, but does not prove that it knows the password");
    th_auth_scram_wipe(&session->scram);
    if (packet->session_present && session->clean_start_sent)
        return th_session_breaks(out, TH_MQTT_PROTOCOL_ERROR,
                                 "a session is present after a clean start (3.2.2.1.1)");
    note_limits(session, packet->properties);
    keep_assigned_id(session, packet->properties);
    bool present = packet->session_present && !th_session_is_elsewhere(session);
    go_up(session, present);
    th_session_tell(out, packet, TH_EVENT_CONNECTED);
    out->event.session_present = present;
    return 0;
}

/* ---- AUTH (4.12) -------------------------------------------------------------------------- */

static int answer_challenge(struct th_session *session, struct th_slice message,
                            const char **problem)
{
    uint8_t answer[TH_AUTH_ANSWER_MAX_BYTES];
    int bytes = th_auth_scram_answer(&session->scram, message, answer, problem);
    if (bytes < 0)
        return bytes;
    const struct th_property properties[] = {
        {.id = TH_PROPERTY_AUTHENTICATION_METHOD, .text = th_slice_text(TH_AUTH_SCRAM_METHOD)},
        {.id = TH_PROPERTY_AUTHENTICATION_DATA, .text = th_slice_of(answer, (size_t)bytes)},
    };
    const struct th_mqtt_auth auth = {TH_MQTT_CONTINUE_AUTHENTICATION, {properties, 2}};
    uint8_t *place = th_outbox_control(session->outbox, th_mqtt_auth_encode(NULL, &auth));
    if (place)
        th_mqtt_auth_encode(place, &auth);
    return 0;
}

static bool is_ours(const struct th_mqtt_packet *packet)
{
    struct th_property method;
    return packet->reason == TH_MQTT_CONTINUE_AUTHENTICATION &&
           th_property_find(packet->properties, TH_PROPERTY_AUTHENTICATION_METHOD, &method) &&
           th_slice_equal(method.text, th_slice_text(TH_AUTH_SCRAM_METHOD));
}

/* While it is computed nothing has been done: the packet comes again. CONNECT has left the control
 * part, whose least size takes the answer. */
static int prove(struct th_session *session, const struct th_mqtt_packet *packet,
                 struct th_session_outcome *out)
{
    struct th_property challenge = {.text = {NULL, 0}};
    if (session->state != TH_SESSION_GREETING || !is_ours(packet))
        return th_session_breaks(out, TH_MQTT_PROTOCOL_ERROR,
                                 "AUTH is not a step of the authentication that was begun (4.12)");
    th_property_find(packet->properties, TH_PROPERTY_AUTHENTICATION_DATA, &challenge);
    const char *problem;
    int result = answer_challenge(session, challenge.text, &problem);
    return result == TH_E_AUTHENTICATION ? distrusts(out, problem) : result;
}

/* Not inlined: every packet would need the stack of SCRAM. */
__attribute__((noinline))
int th_session_take_auth(struct th_session *session, const struct th_mqtt_packet *packet,
                         struct th_session_outcome *out)
{
    if (th_session_proves(session->config))
        return prove(session, packet, out);
    if (!th_session_authenticates(session->config))
        return th_session_breaks(out, TH_MQTT_PROTOCOL_ERROR,
                                 "AUTH without an authentication method in CONNECT (4.12)");
    th_session_says_no(out, packet, 0,
                       "the broker asks for an authentication step that is not known here");
    out->reason = BAD_AUTHENTICATION_METHOD;
    return TH_E_REFUSED;
}
