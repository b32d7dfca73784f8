#include "agent/queue.h"

#include "base/clock.h"
#include "base/err.h"
#include "base/roomy.h"
#include "base/slice.h"
#include "cli/connection.h"
#include "cli/exit.h"
#include "cli/say.h"
#include <thimble/topic.h>

/* A disk that failed is tried again so much later; what need not be on it at once may wait so long. */
#define REST_MS 1000

static TH_ROOMY struct {
    struct th_spool spool;
    bool open;
    bool urgent;        /* somebody waits for the next sync */
    uint64_t sync_ms;   /* not before */
    uint64_t lost_first, lost_last; /* puts that the last failure took */
    struct th_cli_list conflated;
} queue;

static uint64_t now_s(void)
{
    return (uint64_t)th_calendar_s();
}

/* ---- saying ---------------------------------------------------------------------------------- */

static void say_dropped(void *arg, uint64_t seq, struct th_slice topic, enum th_spool_cause cause)
{
    (void)arg;
    th_cli_say("message %llu to %.*s was dropped: %s", (unsigned long long)seq,
               (int)topic.len_bytes, (const char *)topic.data, th_spool_cause_name(cause));
}

static void say_damaged(void *arg, uint32_t segment, uint64_t offset_bytes, uint64_t bytes)
{
    (void)arg;
    th_cli_say("the spool is damaged: segment %u, %llu bytes from %llu on", (unsigned)segment,
               (unsigned long long)bytes, (unsigned long long)offset_bytes);
}

/* ---- opening --------------------------------------------------------------------------------- */

static int open_queue(const struct th_cli_settings *s)
{
    struct th_fault fault = {0};
    const struct th_spool_config config = {
        .path = s->spool,
        .max_bytes = (uint64_t)s->spool_bytes,
        .max_messages = (uint32_t)s->spool_messages,
        .max_age_s = (uint32_t)s->spool_age_s,
        .daily_bytes = (uint64_t)s->spool_daily_bytes,
        .policy = (enum th_spool_policy)s->spool_full,
        .dropped = say_dropped,
        .damaged = say_damaged,
    };
    if (!s->spool)
        return TH_CLI_OK;
    queue.conflated = s->spool_conflate;
    int result = th_spool_open(&queue.spool, &config, TH_SPOOL_OWN, now_s(), &fault);
    queue.open = result == 0;
    return result == 0 ? TH_CLI_OK : th_cli_say_fault(&fault);
}

static void close_queue(void)
{
    if (queue.open)
        th_spool_close(&queue.spool);
    queue.open = false;
}

/* ---- producers ------------------------------------------------------------------------------- */

static bool is_conflated(struct th_slice topic)
{
    for (uint32_t i = 0; i < queue.conflated.count; i++)
        if (th_mqtt_topic_matches(th_slice_text(queue.conflated.items[i]), topic))
            return true;
    return false;
}

static int check(const struct th_spool_message *message, struct th_fault *fault)
{
    if (!queue.open)
        return th_fault_set(fault, TH_E_ARGUMENT, "this agent has no spool; give --spool");
    if (!th_mqtt_topic_name_valid(message->topic))
        return th_fault_set(fault, TH_E_ARGUMENT, "the topic is none: it is empty, not UTF-8, or "
                            "has a wildcard");
    return 0;
}

/* What was put since the last good sync is not there. */
static void note_loss(const struct th_fault *fault)
{
    queue.lost_first = th_spool_accepted(&queue.spool) + 1;
    queue.lost_last = queue.spool.next_seq - 1;
    th_cli_say("%s", fault->text);
}

int th_agent_queue_put(const struct th_spool_message *message, uint64_t *seq,
                       struct th_fault *fault)
{
    int result = check(message, fault);
    if (result < 0)
        return result;
    struct th_spool_message given = *message;
    given.conflate |= is_conflated(message->topic);
    result = th_spool_append(&queue.spool, &given, now_s(), seq, fault);
    if (result == TH_SPOOL_KNOWN)
        *seq = queue.spool.unsynced_messages ? queue.spool.next_seq - 1
                                             : th_spool_accepted(&queue.spool);
    if (result == TH_E_FILE)
        note_loss(fault);
    queue.urgent |= result == TH_SPOOL_APPENDED;
    return result;
}

int th_agent_queue_fate(uint64_t seq)
{
    if (queue.lost_first <= seq && seq <= queue.lost_last)
        return TH_E_FILE;
    return seq <= th_spool_accepted(&queue.spool);
}

bool th_agent_queue_look(struct th_spool_stat *stat)
{
    if (queue.open)
        th_spool_look(&queue.spool, stat);
    return queue.open;
}

/* ---- the turn -------------------------------------------------------------------------------- */

static bool sync_queue(void)
{
    struct th_fault fault = {0};
    queue.urgent = false;
    queue.sync_ms = th_clock_ms() + REST_MS;
    if (th_spool_sync(&queue.spool, now_s(), &fault) < 0)
        note_loss(&fault);
    return true;
}

static bool turn(void)
{
    bool is_due = queue.urgent || (th_spool_is_dirty(&queue.spool) && queue.sync_ms <= th_clock_ms());
    return queue.open && is_due && sync_queue();
}

static uint64_t until_ms(void)
{
    return queue.open && th_spool_is_dirty(&queue.spool) ? queue.sync_ms : TH_NEVER;
}

const struct th_agent_part th_agent_queue = {
    .open = open_queue,
    .turn = turn,
    .until_ms = until_ms,
    .close = close_queue,
};
