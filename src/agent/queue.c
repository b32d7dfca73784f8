#include "agent/queue.h"

#include "agent/plain.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/roomy.h"
#include "base/slice.h"
#include "cli/connection.h"
#include "cli/exit.h"
#include "cli/lane.h"
#include "cli/out.h"
#include "cli/say.h"
#include "cli/show.h"
#include "mqtt/property.h"
#include <thimble/packet.h>
#include <thimble/topic.h>

/* A disk that failed is left alone so long, and what need not be on it at once may wait so long. */
#define REST_MS 1000

#define PROPERTIES_MAX 16
#define HEADER_BYTES 64 /* what a message takes in the outbox besides its topic and properties */
#define PUBACK 4
#define ENDS 3          /* so many connections in a row: the broker may refuse the message */

enum way { WRITING, READING, WAYS };

enum stage {
    FREE,
    TAKEN, /* of the spool, not of the outbox yet */
    OUT,
    OVER,  /* what became of it is to be written down */
};

/* A message on its way. */
struct flight {
    uint64_t seq;
    uint16_t packet_id;
    uint16_t front_bytes;
    uint8_t stage;
    uint8_t qos;
    uint8_t taken_up; /* enum th_taken_up */
    uint8_t reason;   /* OVER: the broker's, or one of ours */
    bool received;    /* PUBREC came in this process */
    bool waits;       /* TAKEN: without TLS it may not go */
    bool noted;       /* what it is, sent or released, is written */
    bool synced;      /* and on the disk */
};

TH_LANE_HEADED(struct th_spool, spool);
static TH_ROOMY struct th_property properties_room[PROPERTIES_MAX + 1];

struct lane {
    struct flight flights[TH_SPOOL_OPEN_MAX]; /* a ring: each is begun behind the one before */
    unsigned begun;                           /* ever */
    struct th_fault fault;
    const struct th_cli_settings *settings;
    bool open;
    bool is_5;
    bool urgent;        /* somebody waits for the next sync */
    bool failing;       /* and that was said */
    bool session_lost;  /* that of the process before */
    uint32_t damages;
    unsigned ends;      /* of connections in a row without an acknowledgement, ... */
    struct flight *stuck; /* ... while this was the oldest on its way; or NULL */
    uint64_t rest_ms[WAYS]; /* nothing is tried before */
    uint64_t sync_ms;   /* what is not urgent: not before */
    uint64_t lost_first, lost_last; /* puts that the last failure took */
    struct th_received received;
};
TH_LANE(struct lane, queue);

/* From the oldest on. */
static struct flight *flight_at(unsigned i)
{
    return &queue->flights[(queue->begun + i) % TH_SPOOL_OPEN_MAX];
}

static uint64_t now_s(void)
{
    return (uint64_t)th_calendar_s();
}

/* ---- saying ---------------------------------------------------------------------------------- */

static void say_dropped(void *arg, uint64_t seq, struct th_slice topic, enum th_spool_cause cause)
{
    char shown[TH_CLI_SHOWN_BYTES];
    (void)arg, (void)seq;
    th_cli_warn("a message to %s was dropped: %s", th_cli_show_slice(topic, shown),
                th_spool_cause_name(cause));
}

static void say_damaged(void *arg, uint32_t segment, uint64_t offset_bytes, uint64_t bytes)
{
    (void)arg;
    queue->damages++;
    th_cli_warn("the spool is damaged: segment %u, %llu bytes from %llu on", (unsigned)segment,
                (unsigned long long)bytes, (unsigned long long)offset_bytes);
}

static const char *name_of(uint8_t reason)
{
    switch (reason) {
    case TH_REASON_EXPIRED:
        return "expired";
    case TH_REASON_UNREADABLE:
        return "damaged";
    case TH_REASON_UNCERTAIN:
        return "it was sent, and the broker has lost the session";
    case TH_REASON_WITHDRAWN:
        return "connections ended over it";
    default:
        return th_mqtt_reason_name(TH_MQTT_5, PUBACK, reason);
    }
}

static void say_of(const struct flight *f, const char *what, const char *more)
{
    struct th_spool_item item;
    struct th_fault unheard = {0};
    char shown[TH_CLI_SHOWN_BYTES] = "?";
    if (th_spool_again(spool, f->seq, now_s(), &item, &unheard) == 1)
        th_cli_show_slice(item.message.topic, shown);
    th_cli_warn("message %llu to %s %s%s", (unsigned long long)f->seq, shown, what, more);
}

/* ---- a disk that fails ----------------------------------------------------------------------- */

/* What was written since the last good sync is not there. */
static void forget_unsynced(void)
{
    uint64_t accepted = th_spool_accepted(spool), last = spool->next_seq - 1;
    for (struct flight *f = queue->flights; f < queue->flights + TH_SPOOL_OPEN_MAX; f++)
        f->noted &= f->synced;
    if (spool->unsynced_messages || last == accepted)
        return;
    queue->lost_first = accepted + 1;
    queue->lost_last = last;
}

static void tell_failure(void)
{
    forget_unsynced();
    if (!queue->failing)
        th_cli_warn("%s", queue->fault.text);
    queue->failing = true;
    th_fault_clear(&queue->fault);
}

static void fail(enum way way)
{
    tell_failure();
    queue->rest_ms[way] = th_clock_ms() + REST_MS;
}

static bool is_resting(enum way way)
{
    return th_clock_ms() < queue->rest_ms[way];
}

static void succeed(void)
{
    if (queue->failing)
        th_cli_say("the spool is written again");
    queue->failing = false;
}

static bool sync_queue(void)
{
    bool is_dirty = th_spool_is_dirty(spool);
    queue->urgent = false;
    queue->sync_ms = th_clock_ms() + REST_MS;
    if (th_spool_sync(spool, now_s(), &queue->fault) < 0) {
        fail(WRITING);
        return false;
    }
    for (struct flight *f = queue->flights; f < queue->flights + TH_SPOOL_OPEN_MAX; f++)
        f->synced = f->noted;
    if (is_dirty)
        succeed();
    return true;
}

/* ---- opening --------------------------------------------------------------------------------- */

static struct th_spool_config config_of(const struct th_cli_settings *s)
{
    return (struct th_spool_config){
        .path = s->spool,
        .max_bytes = (uint64_t)s->spool_bytes,
        .max_messages = (uint32_t)s->spool_messages,
        .max_age_s = (uint32_t)s->spool_age_s,
        .daily_bytes = (uint64_t)s->spool_daily_bytes,
        .policy = (enum th_spool_policy)s->spool_full,
        .dropped = say_dropped,
        .damaged = say_damaged,
    };
}

static void renew(const struct th_cli_settings *s)
{
    const struct th_spool_config config = config_of(s);
    if (queue->open && th_spool_limit(spool, &config, &queue->fault) < 0)
        th_cli_warn("the limits of the spool stay: %s", queue->fault.text);
}

/* The broker does not send it again: so what was printed goes first. */
static int keep_received(void *arg, bool synced, struct th_fault *fault)
{
    (void)arg;
    th_cli_out_flush();
    return th_spool_keep(spool, synced)
               ? 0 : th_fault_set_errno(fault, TH_E_SYSTEM, "cannot write to the spool");
}

static int open_queue(const struct th_cli_settings *s)
{
    const struct th_spool_config config = config_of(s);
    if (!s->spool)
        return TH_CLI_OK;
    queue->settings = s;
    queue->is_5 = s->version == TH_MQTT_5;
    int result = th_spool_open(spool, &config, TH_SPOOL_OWN, now_s(), &queue->fault);
    queue->open = result == 0;
    queue->received = (struct th_received){.ids = spool->received.ids, .keep = keep_received};
    th_cli_connection_keep(&queue->received);
    return result == 0 ? TH_CLI_OK : th_cli_say_fault(&queue->fault);
}

/* ---- producers ------------------------------------------------------------------------------- */

static bool is_conflated(struct th_slice topic)
{
    const struct th_cli_list *conflated = &queue->settings->spool_conflate;
    for (uint32_t i = 0; i < conflated->count; i++)
        if (th_mqtt_topic_matches(th_slice_text(conflated->items[i]), topic))
            return true;
    return false;
}

/* Lays those of a message into properties_room. False: they are more than there is room for. */
static bool unfold(struct th_slice raw, struct th_properties *properties)
{
    struct th_received_properties rest = {raw};
    *properties = (struct th_properties){properties_room, 0};
    while (properties->count <= PROPERTIES_MAX &&
           th_property_next(&rest, &properties_room[properties->count]))
        properties->count++;
    return properties->count <= PROPERTIES_MAX;
}

static const char *wrong_properties(struct th_slice raw)
{
    struct th_properties properties;
    if (!raw.len_bytes)
        return NULL;
    if (!queue->is_5)
        return "only MQTT 5 has properties";
    const char *problem = th_property_check_received(raw, TH_MQTT_PUBLISH);
    if (!problem && !unfold(raw, &properties))
        problem = "more than 16 properties";
    return problem ? problem : th_property_check_to_send(&properties, 1, TH_MQTT_PUBLISH);
}

/* What could never be sent is not accepted. */
static int check(const struct th_spool_message *message, struct th_fault *fault)
{
    const char *problem = queue->open ? wrong_properties(message->properties)
                                     : "this agent has no spool; give --spool";
    if (!problem && !(th_mqtt_topic_name_valid(message->topic) &&
                      th_mqtt_utf8_clean(message->topic)))
        problem = "the topic is not UTF-8 without wildcards and control characters";
    if (problem)
        return th_fault_set(fault, TH_E_ARGUMENT, "%s", problem);
    size_t most = TH_MQTT_REMAINING_MAX_BYTES - TH_SPOOL_FRONT_MAX_BYTES - HEADER_BYTES;
    return message->payload.len_bytes <= most
               ? 0 : th_fault_set(fault, TH_E_TOO_LARGE, "MQTT has no messages of that size");
}

int th_agent_queue_put(const struct th_spool_message *message, uint64_t *seq,
                       struct th_fault *fault)
{
    int result = check(message, fault);
    if (result < 0)
        return result;
    struct th_spool_message given = *message;
    given.conflate |= is_conflated(message->topic);
    result = th_spool_append(spool, &given, now_s(), seq, fault);
    if (result == TH_SPOOL_KNOWN)
        *seq = spool->unsynced_messages ? spool->next_seq - 1 : th_spool_accepted(spool);
    if (result == TH_E_FILE) {
        queue->fault = *fault;
        tell_failure();
    }
    queue->urgent |= result == TH_SPOOL_APPENDED;
    return result;
}

int th_agent_queue_fate(uint64_t seq)
{
    if (queue->lost_first <= seq && seq <= queue->lost_last)
        return TH_E_FILE;
    return seq <= th_spool_accepted(spool);
}

bool th_agent_queue_look(struct th_spool_stat *stat)
{
    if (!queue->open)
        return false;
    th_spool_look(spool, stat);
    stat->failing = queue->failing;
    stat->damages = queue->damages;
    return true;
}

/* ---- what the connection tells --------------------------------------------------------------- */

static struct flight *flight_of(uint16_t packet_id)
{
    for (struct flight *f = queue->flights; f < queue->flights + TH_SPOOL_OPEN_MAX; f++)
        if (packet_id && f->stage == OUT && f->packet_id == packet_id)
            return f;
    return NULL;
}

static void end_flight(struct flight *f, uint8_t reason)
{
    f->stage = OVER;
    f->reason = reason;
}

/* If it is only now that it cannot be read, it comes again. */
static void published(struct flight *f, uint8_t reason)
{
    end_flight(f, reason);
    if (reason == TH_REASON_UNREADABLE)
        f->stage = TAKEN;
}

/* The broker has lost the session: of what is not in the outbox yet it knows nothing, or we do not
 * know what it does. */
static void forget_session(struct flight *f)
{
    if (f->stage != TAKEN)
        return;
    if (f->taken_up == TH_TAKEN_RELEASED)
        end_flight(f, TH_REASON_UNCERTAIN);
    f->taken_up = TH_TAKEN_NEW;
}

static void connected(bool session_present)
{
    queue->session_lost |= !session_present;
    for (unsigned i = 0; !session_present && i < TH_SPOOL_OPEN_MAX; i++)
        forget_session(&queue->flights[i]);
}

/* The oldest in this stage that nothing keeps from going. */
static struct flight *oldest(enum stage stage)
{
    struct flight *first = NULL;
    for (struct flight *f = queue->flights; f < queue->flights + TH_SPOOL_OPEN_MAX; f++)
        if (f->stage == stage && !f->waits && (f->qos < 2 || f->synced) &&
            (!first || f->seq < first->seq))
            first = f;
    return first;
}

_Static_assert(ENDS == 3, "the sentence says so");

/* A broker that does not want a message may say so only by hanging up, each time it comes. */
static void count_end(void)
{
    struct flight *f = oldest(OUT);
    if (f != queue->stuck)
        queue->ends = 0;
    queue->stuck = f;
    if (f && ++queue->ends == ENDS)
        say_of(f, "may be refused: 3 connections ended over it; thimble spool cat shows it, drop "
                  "removes it (stop the agent), in ", spool->config.path);
}

/* Of QoS 0 it has no identifier by which its end could be heard. */
static void give_up_stuck(void)
{
    int64_t attempts = queue->settings->spool_attempts;
    if (!attempts || queue->ends < attempts ||
        !th_withdraw(th_cli_connection_client(), queue->stuck))
        return;
    queue->ends = 0;
    end_flight(queue->stuck, TH_REASON_WITHDRAWN);
}

bool th_agent_queue_is_stuck(void)
{
    return queue->ends >= ENDS;
}

static void hear(const struct th_event *event)
{
    struct flight *f = queue->open ? flight_of(event->packet_id) : NULL;
    if (event->kind == TH_EVENT_CONNECTED)
        connected(event->session_present);
    if (event->kind == TH_EVENT_DISCONNECTED && event->fault->phase == TH_PHASE_UP)
        count_end();
    if (f)
        queue->ends = 0;
    if (f && event->kind == TH_EVENT_PUBLISHED)
        published(f, event->reason);
    if (f && event->kind == TH_EVENT_RECEIVED) {
        f->received = true;
        f->noted = f->synced = false;
    }
}

static int read_payload(void *arg, uint64_t offset_bytes, uint8_t *out, size_t bytes)
{
    const struct flight *f = arg;
    int got = th_spool_payload(spool, f->seq, offset_bytes, out, bytes, NULL);
    return got > 0 ? got : TH_E_SYSTEM; /* unlike FILE, that another attempt may heal */
}

static void payload_written(void *arg)
{
    if (arg == queue->stuck)
        queue->ends = 0;
    end_flight(arg, 0);
}

/* ---- writing down ---------------------------------------------------------------------------- */

static bool write_end(struct flight *f)
{
    if (f->reason >= 0x80)
        say_of(f, "is given up: ", name_of(f->reason));
    f->stage = FREE;
    if (th_spool_done(spool, f->seq, &queue->fault) < 0)
        fail(WRITING);
    return true;
}

/* At QoS 2 the broker must not hear of it before it is on the disk. */
static bool note(struct flight *f)
{
    bool is_released = f->received || f->taken_up == TH_TAKEN_RELEASED;
    int result = is_released ? th_spool_released(spool, f->seq, &queue->fault)
                             : th_spool_sent(spool, f->seq, f->packet_id, &queue->fault);
    if (result < 0)
        fail(WRITING);
    f->noted = result == 0;
    queue->urgent |= f->noted && f->qos == 2;
    return f->noted;
}

static bool write_down(struct flight *f)
{
    if (f->stage == OVER)
        return write_end(f);
    bool is_owed = f->stage == TAKEN || (f->stage == OUT && f->received);
    return is_owed && f->qos && !f->noted && !is_resting(WRITING) && note(f);
}

/* ---- taking ---------------------------------------------------------------------------------- */

static bool has_room(void)
{
    size_t ahead_bytes = HEADER_BYTES;
    for (unsigned i = 0; i < TH_SPOOL_OPEN_MAX; i++)
        if (queue->flights[i].stage == TAKEN && !queue->flights[i].waits)
            ahead_bytes += HEADER_BYTES + queue->flights[i].front_bytes;
    return th_room_for(th_cli_connection_client(), ahead_bytes);
}

static unsigned flights(unsigned stages)
{
    unsigned count = 0;
    for (unsigned i = 0; i < TH_SPOOL_OPEN_MAX; i++)
        count += stages >> queue->flights[i].stage & 1;
    return count;
}

static bool has_more(void)
{
    uint64_t visible = spool->messages - spool->unsynced_messages;
    return flights(1 << TAKEN | 1 << OUT | 1 << OVER) < visible && has_room();
}

/* Follows from its number: the next process gives no other message the same. */
static uint16_t packet_id_for(uint64_t seq)
{
    return (uint16_t)(TH_PACKET_ID_OWN | (seq & (TH_PACKET_ID_OWN - 1)));
}

static void begin_flight(struct flight *f, const struct th_spool_item *item)
{
    static const uint8_t taken_up[] = {
        [TH_SPOOL_WAITING] = TH_TAKEN_NEW,
        [TH_SPOOL_SENT] = TH_TAKEN_SENT,
        [TH_SPOOL_RELEASED] = TH_TAKEN_RELEASED,
    };
    const struct th_spool_message *message = &item->message;
    bool is_known = item->state != TH_SPOOL_WAITING;
    *f = (struct flight){
        .seq = item->seq,
        .packet_id = is_known ? item->packet_id : message->qos ? packet_id_for(item->seq) : 0,
        .front_bytes = (uint16_t)(message->topic.len_bytes + message->properties.len_bytes),
        .stage = TAKEN,
        .qos = message->qos,
        .taken_up = taken_up[item->state],
        .noted = is_known,
        .synced = is_known && !th_spool_is_dirty(spool), /* it may be known to memory alone */
    };
    queue->urgent |= is_known && !f->synced;
    if (queue->session_lost)
        forget_session(f);
}

/* Who waits for TLS is in nobody's way: then all begin anew. */
static struct flight *next_place(void)
{
    for (unsigned i = 0; i < TH_SPOOL_OPEN_MAX && flight_at(0)->waits; i++)
        queue->begun++;
    return flight_at(0);
}

static bool take(void)
{
    struct th_spool_item item;
    struct flight *f = next_place();
    bool may = f->stage == FREE && has_more();
    int got = may ? th_spool_next(spool, now_s(), &item, &queue->fault) : 0;
    if (got < 0)
        fail(READING);
    if (got == 1)
        begin_flight(f, &item);
    queue->begun += got == 1;
    return got == 1;
}

/* ---- giving ---------------------------------------------------------------------------------- */

static void let_expire(struct th_message *message, const struct th_spool_message *of)
{
    if (!of->expires || !queue->is_5)
        return;
    properties_room[message->properties.count++] =
        (struct th_property){.id = TH_PROPERTY_MESSAGE_EXPIRY_S, .number = of->expiry_s};
}

static void compose(struct th_message *message, struct flight *f, const struct th_spool_item *item)
{
    message->qos = f->qos;
    message->packet_id = f->packet_id;
    message->taken_up = f->taken_up;
    message->topic = item->message.topic;
    message->retain = item->message.retain;
    message->source = (struct th_payload_source){
        .read = read_payload,
        .written = payload_written,
        .arg = f,
        .total_bytes = item->payload_bytes,
    };
    if (queue->is_5)
        unfold(item->message.properties, &message->properties);
    let_expire(message, &item->message);
}

/* False: later. */
static bool publish(struct flight *f, const struct th_spool_item *item)
{
    struct th_client *client = th_agent_plain_carrier(item->message.topic, f->qos);
    struct th_message message = {0};
    f->waits = !client;
    if (f->waits)
        return true;
    compose(&message, f, item);
    if (client != th_cli_connection_client())
        message.taken_up = TH_TAKEN_NEW;
    int result = th_publish(client, &message);
    if (result == TH_E_SEND_FULL)
        return false;
    f->stage = result < 0 ? OVER : OUT;
    if (result < 0)
        th_cli_warn("a message is given up: %s", th_request_fault(client)->text);
    return true;
}

static bool give(struct flight *f)
{
    struct th_spool_item item;
    int got = th_spool_again(spool, f->seq, now_s(), &item, &queue->fault);
    if (got < 0)
        fail(READING);
    if (got == 0)
        end_flight(f, TH_REASON_UNREADABLE);
    queue->damages += got == 0;
    return got == 1 ? publish(f, &item) : got == 0;
}

static bool give_next(void)
{
    struct flight *f = th_cli_connection_is_ending() || is_resting(READING) ? NULL : oldest(TAKEN);
    return f && !flight_of(f->packet_id) && give(f);
}

/* ---- the turn -------------------------------------------------------------------------------- */

/* In their order: of what a kill leaves, PUBREL must not overtake the PUBLISH of an older one. */
static bool write_all_down(void)
{
    bool did = false;
    for (unsigned i = 0; i < TH_SPOOL_OPEN_MAX; i++)
        did |= write_down(flight_at(i));
    return did;
}

/* All PUBRECs that were told are on the disk. */
static void release(void)
{
    unsigned unsynced = 0, all = 0;
    for (struct flight *f = queue->flights; f < queue->flights + TH_SPOOL_OPEN_MAX; f++) {
        bool is_received = f->stage == OUT && f->received;
        all += is_received;
        unsynced += is_received && !f->synced;
    }
    if (all && !unsynced)
        th_release(th_cli_connection_client());
}

void th_agent_queue_look_again(bool anew)
{
    if (anew)
        write_all_down();
    for (struct flight *f = queue->flights; f < queue->flights + TH_SPOOL_OPEN_MAX; f++) {
        f->waits = false;
        f->stage = anew ? FREE : f->stage;
    }
    if (anew)
        th_spool_rewind(spool);
}

static bool sync_due(void)
{
    bool is_due = queue->urgent ||
                  (th_spool_is_dirty(spool) && queue->sync_ms <= th_clock_ms());
    return is_due && sync_queue();
}

static bool turn(void)
{
    bool did = false;
    if (!queue->open)
        return false;
    give_up_stuck();
    while (!th_cli_connection_is_ending() && !is_resting(READING) && take())
        did = true;
    did |= write_all_down();
    if (sync_due()) {
        release();
        did = true;
    }
    while (give_next())
        did = true;
    return did;
}

static uint64_t until_ms(void)
{
    uint64_t at_ms = queue->open && th_spool_is_dirty(spool) ? queue->sync_ms : TH_NEVER;
    for (enum way way = 0; way < WAYS; way++)
        if (is_resting(way) && queue->rest_ms[way] < at_ms)
            at_ms = queue->rest_ms[way];
    return at_ms;
}

/* What the broker has not acknowledged goes on in the next process. */
static bool is_drained(void)
{
    return !queue->open || th_phase(th_cli_connection_client()) != TH_PHASE_UP ||
           flights(1 << OUT | 1 << OVER) == 0;
}

static void close_queue(void)
{
    if (!queue->open)
        return;
    write_all_down();
    th_spool_close(spool);
    queue->open = false;
}

const struct th_agent_part th_agent_queue = {
    .open = open_queue,
    .event = hear,
    .turn = turn,
    .until_ms = until_ms,
    .drained = is_drained,
    .renew = renew,
    .close = close_queue,
};
