/* Keep alive and the deadlines of what the broker owes us. */
#include "session/session.h"

#include "base/clock.h"
#include "base/err.h"
#include "mqtt/encode.h"

static uint64_t later(uint64_t a_ms, uint64_t b_ms)
{
    return a_ms > b_ms ? a_ms : b_ms;
}

static uint32_t ack_ms(const struct th_session *session)
{
    uint32_t ms = session->config->deadlines.ack_ms;
    return ms ? ms : TH_SESSION_ACK_DEFAULT_MS;
}

/* An answer cannot overtake the packet that is arriving, nor our asking the one that is being sent:
 * its time begins after their last pieces. */
static uint64_t answer_due_ms(const struct th_session *session, uint64_t asked_ms)
{
    uint64_t moved_ms = later(session->heard_ms, session->outbox->piece_sent_ms);
    return later(asked_ms, moved_ms) + ack_ms(session);
}

static uint64_t pingresp_due_ms(const struct th_session *session)
{
    bool awaited = session->ping_sent_ms != TH_NEVER;
    return awaited ? answer_due_ms(session, session->ping_sent_ms) : TH_NEVER;
}

static uint64_t acknowledgement_due_ms(const struct th_session *session)
{
    const struct th_outbox_slot *oldest = th_outbox_oldest(session->outbox);
    return oldest ? answer_due_ms(session, oldest->sent_ms) : TH_NEVER;
}

/* The standard asks for it when nothing was sent (3.1.2.10). A client that only sends would never
 * learn that nobody is there, so it is asked as well when nothing was received. */
static uint64_t ping_due_ms(const struct th_session *session)
{
    bool awaited = session->ping_sent_ms != TH_NEVER;
    if (!session->limits.keep_alive_s || awaited || th_outbox_ended(session->outbox))
        return TH_NEVER;
    return th_clock_earlier(session->outbox->last_sent_ms, session->received_ms) +
           session->limits.keep_alive_s * UINT64_C(1000);
}

uint64_t th_session_deadline_ms(const struct th_session *session)
{
    if (session->state != TH_SESSION_UP)
        return TH_NEVER;
    uint64_t answers = th_clock_earlier(pingresp_due_ms(session),
                                        acknowledgement_due_ms(session));
    return th_clock_earlier(ping_due_ms(session), answers);
}

static const char *awaited_name(const struct th_outbox_slot *slot)
{
    static const enum th_mqtt_type types[] = {
        [TH_SLOT_PUBLISH_1] = TH_MQTT_PUBACK,
        [TH_SLOT_PUBLISH_2] = TH_MQTT_PUBREC,
        [TH_SLOT_SUBSCRIBE] = TH_MQTT_SUBACK,
        [TH_SLOT_UNSUBSCRIBE] = TH_MQTT_UNSUBACK,
    };
    return th_mqtt_type_name(slot->state == TH_SLOT_RELEASING ? TH_MQTT_PUBCOMP
                                                              : types[slot->kind]);
}

static int overdue(const struct th_session *session, struct th_fault *fault)
{
    const struct th_outbox_slot *slot = th_outbox_oldest(session->outbox);
    return th_fault_set(fault, TH_E_TIMEOUT, "the broker sent no %s for packet %u in %u ms",
                        awaited_name(slot), slot->packet_id, (unsigned)ack_ms(session));
}

static void queue_pingreq(struct th_session *session, uint64_t now_ms)
{
    uint8_t *place = th_outbox_control(session->outbox, TH_MQTT_PINGREQ_BYTES);
    if (!place)
        return;
    th_mqtt_pingreq_encode(place);
    session->ping_sent_ms = now_ms;
}

int th_session_tick(struct th_session *session, uint64_t now_ms, struct th_fault *fault)
{
    if (session->state != TH_SESSION_UP)
        return 0;
    if (now_ms >= pingresp_due_ms(session))
        return th_fault_set(fault, TH_E_TIMEOUT, "the broker sent no PINGRESP in %u ms",
                            (unsigned)ack_ms(session));
    if (now_ms >= acknowledgement_due_ms(session))
        return overdue(session, fault);
    if (now_ms >= ping_due_ms(session))
        queue_pingreq(session, now_ms);
    return 0;
}

void th_session_heard(struct th_session *session, uint64_t now_ms)
{
    session->heard_ms = now_ms;
    session->received_ms = now_ms;
}
