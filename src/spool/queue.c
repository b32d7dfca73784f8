#include "spool/disk.h"

#include "base/err.h"
#include "base/slice.h"
#include "crypt/hash.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#define NOT_DROPPED TH_SPOOL_CAUSES
#define MESSAGE_PART 4 /* of a spool, at most */
#define SET_S 1577836800 /* 2020: a clock that says less is not set */

const char *th_spool_cause_name(enum th_spool_cause cause)
{
    static const char names[TH_SPOOL_CAUSES][12] = {"full", "aged", "expired", "superseded",
                                                    "removed"};
    return names[cause];
}

/* ---- what is open ---------------------------------------------------------------------------- */

struct th_spool_open *th_spool_entry(struct th_spool *spool, uint64_t seq)
{
    for (unsigned i = 0; i < spool->open_count; i++)
        if (spool->open[i].seq == seq)
            return &spool->open[i];
    return NULL;
}

struct th_spool_open *th_spool_enter(struct th_spool *spool, const struct th_spool_record *record)
{
    struct th_spool_open *open = &spool->open[spool->open_count++];
    *open = (struct th_spool_open){.seq = record->seq, .place = record->place};
    return open;
}

void th_spool_lose(struct th_spool *spool)
{
    spool->messages -= spool->messages > 0;
}

void th_spool_leave(struct th_spool *spool, struct th_spool_open *open)
{
    *open = spool->open[--spool->open_count];
    th_spool_lose(spool);
}

uint64_t th_spool_find(const struct th_spool *spool, uint16_t packet_id)
{
    for (unsigned i = 0; i < spool->open_count; i++)
        if (spool->open[i].state && spool->open[i].packet_id == packet_id)
            return spool->open[i].seq;
    return 0;
}

void th_spool_rewind(struct th_spool *spool)
{
    for (unsigned i = 0; i < spool->open_count; i++)
        spool->open[i].taken = false;
}

/* ---- what is remembered ---------------------------------------------------------------------- */

static uint64_t digest(struct th_slice id)
{
    struct th_crypt_hash hash;
    uint8_t value[TH_CRYPT_HASH_BYTES];
    const uint8_t *at = value;
    th_crypt_hash_begin(&hash);
    th_crypt_hash_add(&hash, id.data, id.len_bytes);
    bool has_none = id.len_bytes == 0 || !th_crypt_hash_value(&hash, value);
    return has_none ? 0 : th_spool_get(&at, 8) | 1;
}

static bool knows(const struct th_spool *spool, uint64_t id)
{
    for (unsigned i = 0; i < TH_SPOOL_IDS; i++)
        if (id && spool->ids[i] == id)
            return true;
    return false;
}

static uint32_t topic_hash(struct th_slice topic)
{
    return th_spool_crc(0, topic.data, topic.len_bytes);
}

static struct th_spool_topic *find_topic(struct th_spool *spool, uint32_t hash)
{
    for (unsigned i = 0; i < spool->topic_count; i++)
        if (spool->topics[i].hash == hash)
            return &spool->topics[i];
    return NULL;
}

static struct th_spool_topic *new_topic(struct th_spool *spool)
{
    struct th_spool_topic *oldest = spool->topics;
    if (spool->topic_count < TH_SPOOL_TOPICS)
        return &spool->topics[spool->topic_count++];
    for (unsigned i = 0; i < TH_SPOOL_TOPICS; i++)
        if (spool->topics[i].seq < oldest->seq)
            oldest = &spool->topics[i];
    return oldest;
}

void th_spool_remember(struct th_spool *spool, const struct th_spool_message *message,
                       uint64_t seq, struct th_spool_place place)
{
    uint64_t id = digest(message->id);
    if (id)
        spool->ids[spool->id_count++ % TH_SPOOL_IDS] = id;
    spool->unsynced_ids += id != 0;
    if (!message->conflate)
        return;
    uint32_t hash = topic_hash(message->topic);
    struct th_spool_topic *topic = find_topic(spool, hash);
    *(topic ? topic : new_topic(spool)) = (struct th_spool_topic){seq, hash, place};
}

/* ---- reading a message ----------------------------------------------------------------------- */

int th_spool_step(struct th_spool *spool, uint64_t last_seq, struct th_spool_record *record,
                  struct th_fault *fault)
{
    struct th_spool_reader *cursor = &spool->cursor;
    int got = 0;
    while (cursor->at.segment <= spool->last) {
        got = th_spool_reader_open(spool, cursor, cursor->at.segment, fault);
        while (got == 1 && (got = th_spool_record_next(spool, cursor, record, fault)) == 1) {
            if (record->type != TH_SPOOL_MESSAGE || record->seq < spool->cursor_seq)
                continue;
            if (record->seq > last_seq) {
                cursor->at = record->place;
                return 0;
            }
            spool->cursor_seq = record->seq + 1;
            return 1;
        }
        if (got < 0 || cursor->at.segment >= spool->last)
            return got;
        th_spool_reader_close(cursor);
        cursor->at.segment++;
    }
    return 0;
}

/* True if the lengths of its parts fit. */
static bool read_fixed(const uint8_t *at, const struct th_spool_record *record,
                       struct th_spool_item *item)
{
    struct th_spool_message *message = &item->message;
    uint32_t least = TH_SPOOL_HEAD_BYTES + TH_SPOOL_FIXED_BYTES + TH_SPOOL_CRC_BYTES;
    *item = (struct th_spool_item){.seq = record->seq, .accepted_s = th_spool_get(&at, 8)};
    message->expiry_s = (uint32_t)th_spool_get(&at, 4);
    message->topic.len_bytes = record->argument;
    message->id.len_bytes = (size_t)th_spool_get(&at, 2);
    message->properties.len_bytes = (size_t)th_spool_get(&at, 2);
    message->qos = record->flags & TH_SPOOL_QOS_BITS;
    message->retain = record->flags & TH_SPOOL_RETAIN_BIT;
    message->conflate = record->flags & TH_SPOOL_CONFLATE_BIT;
    message->expires = record->flags & TH_SPOOL_EXPIRES_BIT;
    size_t front = message->topic.len_bytes + message->id.len_bytes + message->properties.len_bytes;
    item->payload_bytes = (uint32_t)(record->bytes - least - front);
    return front <= TH_SPOOL_FRONT_MAX_BYTES && least + front <= record->bytes;
}

static void lay(struct th_slice *part, const uint8_t **at)
{
    part->data = *at;
    *at += part->len_bytes;
}

int th_spool_front(struct th_spool_reader *reader, const struct th_spool_record *record,
                   struct th_spool_item *item, struct th_fault *fault)
{
    uint32_t at = record->place.offset_bytes + TH_SPOOL_HEAD_BYTES;
    uint32_t bytes = TH_SPOOL_FIXED_BYTES;
    const uint8_t *fixed = th_spool_peek(reader, at, bytes, fault);
    if (!fixed)
        return TH_E_FILE;
    if (!read_fixed(fixed, record, item))
        return 0;
    struct th_spool_message *message = &item->message;
    bytes += (uint32_t)(message->topic.len_bytes + message->id.len_bytes +
                        message->properties.len_bytes);
    if (!(fixed = th_spool_peek(reader, at, bytes, fault)))
        return TH_E_FILE;
    fixed += TH_SPOOL_FIXED_BYTES;
    lay(&message->topic, &fixed);
    lay(&message->id, &fixed);
    lay(&message->properties, &fixed);
    return 1;
}

static int read_item(struct th_spool *spool, struct th_spool_place place,
                     struct th_spool_item *item, struct th_fault *fault)
{
    struct th_spool_record record;
    int result = th_spool_record_at(spool, &spool->scan, place, &record, fault);
    return result == 1 ? th_spool_front(&spool->scan, &record, item, fault) : result;
}

/* ---- what is dropped ------------------------------------------------------------------------- */

/* A clock that goes back ages nothing, nor one that was not set when it was accepted. */
static uint64_t age_s(const struct th_spool_item *item, uint64_t now_s)
{
    bool is_known = item->accepted_s >= SET_S && now_s > item->accepted_s;
    return is_known ? now_s - item->accepted_s : 0;
}

static bool is_superseded(struct th_spool *spool, const struct th_spool_item *item)
{
    struct th_spool_item newer;
    struct th_fault unheard = {0};
    struct th_slice topic = item->message.topic;
    const struct th_spool_topic *known =
        item->message.conflate ? find_topic(spool, topic_hash(topic)) : NULL;
    return known && known->seq > item->seq && known->seq <= spool->accepted_seq &&
           read_item(spool, known->place, &newer, &unheard) == 1 &&
           th_slice_equal(newer.message.topic, topic);
}

static enum th_spool_cause judge(const struct th_spool *spool, const struct th_spool_item *item,
                                 uint64_t now_s)
{
    uint64_t age = age_s(item, now_s);
    if (spool->config.max_age_s && age > spool->config.max_age_s)
        return TH_SPOOL_AGED;
    return item->message.expires && age >= item->message.expiry_s ? TH_SPOOL_EXPIRED : NOT_DROPPED;
}

static void tell_drop(struct th_spool *spool, uint64_t seq, struct th_slice topic,
                      enum th_spool_cause cause)
{
    spool->dropped[cause]++;
    if (spool->config.dropped)
        spool->config.dropped(spool->config.arg, seq, topic, cause);
}

static int write_skip(struct th_spool *spool, struct th_fault *fault)
{
    struct th_spool_record record = {.type = TH_SPOOL_IS_SKIPPED, .seq = spool->skip_first,
                                     .argument = spool->skip_count,
                                     .flags = (uint8_t)(spool->skip_cause + 1)};
    spool->skip_count = 0;
    return record.argument ? th_spool_write(spool, &record, NULL, 0, fault) : 0;
}

/* What the cursor has just left behind. */
static int drop(struct th_spool *spool, const struct th_spool_item *item,
                enum th_spool_cause cause, struct th_fault *fault)
{
    if (spool->looking)
        return 0;
    bool goes_on = spool->skip_count && spool->skip_count < UINT16_MAX &&
                   spool->skip_cause == cause &&
                   spool->skip_first + spool->skip_count == item->seq;
    th_spool_lose(spool);
    tell_drop(spool, item->seq, item->message.topic, cause); /* first: it may be written at once */
    int result = goes_on ? 0 : write_skip(spool, fault);
    if (!goes_on)
        spool->skip_first = item->seq;
    spool->skip_cause = (uint8_t)cause;
    spool->skip_count++;
    return result;
}

/* The next message the cursor comes to; those that are stale are dropped. 1; 0: there is none. */
static int advance(struct th_spool *spool, uint64_t last_seq, uint64_t now_s,
                   struct th_spool_record *record, struct th_spool_item *item,
                   struct th_fault *fault)
{
    int got;
    while ((got = th_spool_step(spool, last_seq, record, fault)) == 1) {
        got = th_spool_front(&spool->cursor, record, item, fault);
        enum th_spool_cause cause = got == 1 ? judge(spool, item, now_s) : NOT_DROPPED;
        if (got == 1 && is_superseded(spool, item))
            cause = TH_SPOOL_SUPERSEDED;
        if (cause != NOT_DROPPED)
            got = drop(spool, item, cause, fault);
        else if (got == 1)
            return 1;
        if (got < 0)
            return got;
    }
    return got;
}

/* Makes the queue one message shorter: by what is stale, or with OLDEST by what is oldest. 1; 0: it
 * cannot be. */
static int shorten(struct th_spool *spool, uint64_t now_s, struct th_fault *fault)
{
    struct th_spool_record record;
    struct th_spool_item item;
    uint64_t before = spool->messages;
    int got = advance(spool, UINT64_MAX, now_s, &record, &item, fault);
    if (got == 1 && spool->messages == before && spool->config.policy == TH_SPOOL_OLDEST) {
        got = drop(spool, &item, TH_SPOOL_FULL, fault);
    } else if (got == 1) {
        spool->cursor.at = record.place;
        spool->cursor_seq = item.seq;
    }
    if (got >= 0)
        got = th_spool_collect(spool, fault);
    return got < 0 ? got : spool->messages < before;
}

/* ---- producers ------------------------------------------------------------------------------- */

static bool is_over(const struct th_spool *spool, uint64_t bytes)
{
    const struct th_spool_config *config = &spool->config;
    uint64_t new_segment = TH_SPOOL_BEGIN_BYTES + TH_SPOOL_STATE_MAX_BYTES;
    return (config->max_messages && spool->messages >= config->max_messages) ||
           spool->disk_bytes + bytes + new_segment > config->max_bytes;
}

/* Nothing that can be seen may go: what is not synced becomes visible; then a segment in which all
 * is done is left behind. */
static int renew(struct th_spool *spool, struct th_fault *fault)
{
    bool is_hidden = spool->unsynced_messages > 0;
    bool is_done = spool->first == spool->last && spool->open_count == 0 &&
                   spool->tail_bytes > 2 * TH_SPOOL_STATE_MAX_BYTES;
    if (spool->config.policy != TH_SPOOL_OLDEST || !(is_hidden || is_done))
        return 0;
    int result = th_spool_commit(spool, fault);
    if (result == 0 && !is_hidden)
        result = th_spool_begin(spool, fault);
    if (result == 0 && !is_hidden)
        result = th_spool_collect(spool, fault);
    return result < 0 ? result : 1;
}

/* 1; 0: it stays full. */
static int make_room(struct th_spool *spool, uint64_t bytes, uint64_t now_s,
                     struct th_fault *fault)
{
    while (is_over(spool, bytes)) {
        int result = shorten(spool, now_s, fault);
        if (result == 0)
            result = renew(spool, fault);
        if (result <= 0)
            return result < 0 ? result : !is_over(spool, bytes);
    }
    return 1;
}

static uint64_t front_bytes(const struct th_spool_message *message)
{
    return (uint64_t)message->topic.len_bytes + message->id.len_bytes +
           message->properties.len_bytes;
}

static uint64_t message_bytes(const struct th_spool_message *message)
{
    return TH_SPOOL_HEAD_BYTES + TH_SPOOL_FIXED_BYTES + TH_SPOOL_CRC_BYTES +
           front_bytes(message) + message->payload.len_bytes;
}

static int check(const struct th_spool *spool, const struct th_spool_message *message,
                 struct th_fault *fault)
{
    uint64_t front = front_bytes(message);
    if (message->qos > 2 || message->id.len_bytes > TH_SPOOL_ID_MAX_BYTES)
        return th_fault_set(fault, TH_E_ARGUMENT, "no such QoS, or an id of more than 64 bytes");
    if (front > TH_SPOOL_FRONT_MAX_BYTES)
        return th_fault_set(fault, TH_E_TOO_LARGE, "topic, id and properties have %u bytes; the "
                            "spool takes %u", (unsigned)front, TH_SPOOL_FRONT_MAX_BYTES);
    if (message_bytes(message) > spool->config.max_bytes / MESSAGE_PART)
        return th_fault_set(fault, TH_E_TOO_LARGE, "a message of %u bytes; the spool takes a "
                            "quarter of its size", (unsigned)message->payload.len_bytes);
    return 0;
}

static int refuse(struct th_spool *spool, const struct th_spool_message *message,
                  struct th_fault *fault)
{
    if (spool->config.policy != TH_SPOOL_NEWEST)
        return th_fault_set(fault, TH_E_SEND_FULL, "the spool is full");
    tell_drop(spool, 0, message->topic, TH_SPOOL_FULL);
    return TH_SPOOL_DROPPED;
}

static int put(struct th_spool *spool, const struct th_spool_message *message, uint64_t now_s,
               struct th_fault *fault)
{
    uint8_t fixed[TH_SPOOL_FIXED_BYTES], *at = fixed;
    struct th_slice parts[] = {{fixed, sizeof fixed}, message->topic, message->id,
                               message->properties, message->payload};
    struct th_spool_record record = {
        .type = TH_SPOOL_MESSAGE, .seq = spool->next_seq,
        .argument = (uint16_t)message->topic.len_bytes,
        .flags = (uint8_t)(message->qos | message->retain * TH_SPOOL_RETAIN_BIT |
                           message->conflate * TH_SPOOL_CONFLATE_BIT |
                           message->expires * TH_SPOOL_EXPIRES_BIT),
    };
    th_spool_put(&at, now_s, 8);
    th_spool_put(&at, message->expiry_s, 4);
    th_spool_put(&at, message->id.len_bytes, 2);
    th_spool_put(&at, message->properties.len_bytes, 2);
    int result = th_spool_write(spool, &record, parts, sizeof parts / sizeof *parts, fault);
    if (result < 0)
        return result;
    th_spool_remember(spool, message, spool->next_seq++, record.place);
    spool->messages++;
    spool->unsynced_messages++;
    return TH_SPOOL_APPENDED;
}

int th_spool_append(struct th_spool *spool, const struct th_spool_message *message,
                    uint64_t now_s, uint64_t *seq, struct th_fault *fault)
{
    uint64_t bytes = message_bytes(message);
    int result = check(spool, message, fault);
    if (result < 0)
        return result;
    if (knows(spool, digest(message->id)))
        return TH_SPOOL_KNOWN;
    th_spool_meter(spool, now_s / 86400, 0);
    if (spool->config.daily_bytes && spool->written_bytes + bytes > spool->config.daily_bytes)
        return th_fault_set(fault, TH_E_SEND_FULL, "what may be written today is written");
    result = make_room(spool, bytes, now_s, fault);
    if (result <= 0)
        return result < 0 ? result : refuse(spool, message, fault);
    *seq = spool->next_seq;
    return put(spool, message, now_s, fault);
}

bool th_spool_is_dirty(const struct th_spool *spool)
{
    return spool->owing || spool->skip_count ||
           (spool->tail >= 0 && spool->tail_bytes != spool->synced_bytes);
}

uint64_t th_spool_accepted(const struct th_spool *spool)
{
    return spool->accepted_seq;
}

int th_spool_sync(struct th_spool *spool, uint64_t now_s, struct th_fault *fault)
{
    struct th_fault unheard = {0};
    th_spool_meter(spool, now_s / 86400, 0);
    int result = write_skip(spool, fault);
    if (result == 0)
        result = th_spool_commit(spool, fault);
    if (result < 0)
        th_spool_begin(spool, &unheard); /* tells where the one that is left ends */
    else if (spool->owing)
        result = th_spool_begin(spool, fault);
    return result;
}

/* ---- the sender ------------------------------------------------------------------------------ */

static struct th_spool_open *first_untaken(struct th_spool *spool)
{
    struct th_spool_open *first = NULL;
    for (unsigned i = 0; i < spool->open_count; i++)
        if (!spool->open[i].taken && (!first || spool->open[i].seq < first->seq))
            first = &spool->open[i];
    return first;
}

static int note(struct th_spool *spool, enum th_spool_type type, const struct th_spool_open *open,
                unsigned flags, struct th_fault *fault)
{
    struct th_spool_record record = {.type = (uint8_t)type, .seq = open->seq,
                                     .argument = open->packet_id, .flags = (uint8_t)flags};
    int result = write_skip(spool, fault);
    return result < 0 ? result : th_spool_write(spool, &record, NULL, 0, fault);
}

static int forget(struct th_spool *spool, struct th_spool_open *open, unsigned flags,
                  struct th_fault *fault)
{
    struct th_spool_open gone = *open;
    th_spool_leave(spool, open);
    int result = note(spool, TH_SPOOL_IS_DONE, &gone, flags, fault);
    return result < 0 ? result : th_spool_collect(spool, fault);
}

/* What was sent before is sent until it is acknowledged, expired or not. 0: it is dropped. */
static int take_again(struct th_spool *spool, struct th_spool_open *open, uint64_t now_s,
                      struct th_spool_item *item, struct th_fault *fault)
{
    spool->shown = open->place;
    open->taken = true;
    int result = read_item(spool, open->place, item, fault);
    item->state = open->state;
    item->packet_id = open->packet_id;
    enum th_spool_cause cause = result == 1 && !open->state ? judge(spool, item, now_s)
                                                            : NOT_DROPPED;
    if (result < 0 || spool->looking || (result == 1 && cause == NOT_DROPPED))
        return result;
    if (cause != NOT_DROPPED)
        tell_drop(spool, item->seq, item->message.topic, cause);
    result = forget(spool, open, cause == NOT_DROPPED ? 0 : cause + 1u, fault);
    return result < 0 ? result : 0;
}

/* The time it has waited is taken off. */
static int count_down(struct th_spool_item *item, uint64_t now_s)
{
    uint64_t age = age_s(item, now_s);
    uint32_t expiry = item->message.expiry_s;
    item->message.expiry_s = age < expiry ? expiry - (uint32_t)age : 1;
    return 1;
}

int th_spool_next(struct th_spool *spool, uint64_t now_s, struct th_spool_item *item,
                  struct th_fault *fault)
{
    struct th_spool_record record;
    struct th_spool_open *open;
    int got = 0;
    while (got == 0 && (open = first_untaken(spool)))
        got = take_again(spool, open, now_s, item, fault);
    if (got)
        return got < 0 ? got : count_down(item, now_s);
    if (spool->open_count == TH_SPOOL_OPEN_MAX && !spool->looking)
        return 0;
    got = advance(spool, UINT64_MAX, now_s, &record, item, fault);
    if (got == 0 && !spool->looking) /* what is damaged is not counted any more */
        spool->messages = spool->open_count + spool->unsynced_messages;
    if (got != 1)
        return got;
    spool->shown = record.place;
    if (!spool->looking)
        th_spool_enter(spool, &record)->taken = true;
    return count_down(item, now_s);
}

static int read_some(int fd, uint8_t *out, size_t bytes, off_t at, struct th_fault *fault)
{
    ssize_t got;
    do
        got = pread(fd, out, bytes, at);
    while (got < 0 && errno == EINTR);
    return got < 0 ? th_spool_fail(fault, "read") : (int)got;
}

/* Its front, without another look at all of it. */
static int find_front(struct th_spool *spool, struct th_spool_place place,
                      struct th_spool_item *item, struct th_fault *fault)
{
    struct th_spool_reader *reader = &spool->scan;
    struct th_spool_record record = {.place = place};
    int result = th_spool_reader_open(spool, reader, place.segment, fault);
    if (result != 1)
        return result;
    const uint8_t *head = th_spool_peek(reader, place.offset_bytes, TH_SPOOL_HEAD_BYTES, fault);
    if (!head)
        return TH_E_FILE;
    bool is_whole = th_spool_head_get(head, &record, reader->salt, UINT32_MAX);
    return is_whole ? th_spool_front(reader, &record, item, fault) : 0;
}

int th_spool_again(struct th_spool *spool, uint64_t seq, uint64_t now_s,
                   struct th_spool_item *item, struct th_fault *fault)
{
    const struct th_spool_open *open = th_spool_entry(spool, seq);
    int got = open ? read_item(spool, open->place, item, fault) : 0;
    return got == 1 ? count_down(item, now_s) : got;
}

int th_spool_payload(struct th_spool *spool, uint64_t seq, uint64_t offset_bytes, uint8_t *out,
                     size_t bytes, struct th_fault *fault)
{
    struct th_spool_item item;
    struct th_spool_open *open = th_spool_entry(spool, seq);
    struct th_spool_place place = open ? open->place : spool->shown;
    int result = open || spool->looking ? find_front(spool, place, &item, fault) : 0;
    if (result != 1 || offset_bytes > item.payload_bytes)
        return result < 0 ? result : th_fault_set(fault, TH_E_FILE, "it is not in the spool");
    uint64_t at = place.offset_bytes + TH_SPOOL_HEAD_BYTES + TH_SPOOL_FIXED_BYTES +
                  front_bytes(&item.message) + offset_bytes;
    uint64_t left = item.payload_bytes - offset_bytes;
    result = read_some(spool->scan.fd, out, bytes < left ? bytes : (size_t)left, (off_t)at, fault);
    if (result < 0)
        spool->scan.window_bytes = 0; /* nor is what it was read with believed */
    return result;
}

int th_spool_sent(struct th_spool *spool, uint64_t seq, uint16_t packet_id,
                  struct th_fault *fault)
{
    struct th_spool_open *open = th_spool_entry(spool, seq);
    if (!open)
        return th_fault_set(fault, TH_E_ARGUMENT, "not taken");
    open->state = TH_SPOOL_SENT;
    open->packet_id = packet_id;
    return note(spool, TH_SPOOL_IS_SENT, open, 0, fault);
}

int th_spool_released(struct th_spool *spool, uint64_t seq, struct th_fault *fault)
{
    struct th_spool_open *open = th_spool_entry(spool, seq);
    if (!open)
        return th_fault_set(fault, TH_E_ARGUMENT, "not taken");
    open->state = TH_SPOOL_RELEASED;
    return note(spool, TH_SPOOL_IS_RELEASED, open, 0, fault);
}

int th_spool_done(struct th_spool *spool, uint64_t seq, struct th_fault *fault)
{
    struct th_spool_open *open = th_spool_entry(spool, seq);
    return open ? forget(spool, open, 0, fault) : 0;
}

/* ---- all of it ------------------------------------------------------------------------------- */

/* Those that were sent once, in an earlier process. */
static int drop_open(struct th_spool *spool, uint64_t last_seq, struct th_fault *fault)
{
    struct th_spool_item item;
    for (unsigned i = spool->open_count; i-- > 0; ) {
        struct th_spool_open *open = &spool->open[i];
        if (open->taken || open->seq > last_seq)
            continue;
        int result = read_item(spool, open->place, &item, fault);
        if (result >= 0)
            tell_drop(spool, open->seq, item.message.topic, TH_SPOOL_REMOVED);
        if (result < 0 || (result = forget(spool, open, TH_SPOOL_REMOVED + 1, fault)) < 0)
            return result;
    }
    return 0;
}

int64_t th_spool_drop(struct th_spool *spool, uint64_t last_seq, struct th_fault *fault)
{
    struct th_spool_record record;
    struct th_spool_item item;
    uint64_t before = spool->messages;
    int result = drop_open(spool, last_seq, fault);
    while (result >= 0 && (result = th_spool_step(spool, last_seq, &record, fault)) == 1) {
        result = th_spool_front(&spool->cursor, &record, &item, fault);
        if (result >= 0)
            result = drop(spool, &item, TH_SPOOL_REMOVED, fault);
    }
    if (result >= 0)
        result = th_spool_collect(spool, fault);
    return result < 0 ? result : (int64_t)(before - spool->messages);
}

/* When the oldest that is not done was accepted. */
static uint64_t oldest_s(struct th_spool *spool)
{
    struct th_fault unheard = {0};
    struct th_spool_record record;
    struct th_spool_item item = {0};
    struct th_spool_place place = spool->cursor.at;
    if (spool->open_count)
        place = spool->open[0].place;
    else if (th_spool_step(spool, 0, &record, &unheard) == 0)
        place = spool->cursor.at;
    for (unsigned i = 1; i < spool->open_count; i++)
        if (spool->open[i].seq < spool->open[0].seq)
            place = spool->open[i].place;
    return spool->messages && find_front(spool, place, &item, &unheard) == 1 ? item.accepted_s : 0;
}

void th_spool_look(struct th_spool *spool, struct th_spool_stat *stat)
{
    *stat = (struct th_spool_stat){
        .messages = spool->messages,
        .disk_bytes = spool->disk_bytes,
        .oldest_s = oldest_s(spool),
        .next_seq = spool->next_seq,
        .written_today_bytes = spool->written_bytes,
        .damaged_bytes = spool->damaged_bytes,
        .first_segment = spool->first,
        .last_segment = spool->last,
        .syncs = spool->syncs,
        .open = spool->open_count,
    };
    memcpy(stat->dropped, spool->dropped, sizeof stat->dropped);
}
