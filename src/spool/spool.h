/* Messages that survive a power cut: a queue on disk, of append-only segments. docs/spool.md has
 * the format.
 *
 *     append, append, sync     accepted: all three are on the disk with one fdatasync
 *     next                     a message to send, oldest first; stays until done
 *     sent, released, done     what the broker has said about it
 *
 * One process at a time changes a spool (flock); others may look (TH_SPOOL_LOOK). Memory is struct
 * th_spool, whatever the spool holds. Nothing else is allocated; time is passed in. Directories are
 * 0700, files 0600, ours, and no symbolic links.
 *
 * Errors: FILE, with errno or a reason of enum th_validity; those of a call besides. A failed write
 * or sync is never tried again: what was appended since the last good sync is NOT accepted, its
 * segment is left, and the next append begins a new one. Reading goes on. A place that could not be
 * read is tried again by the next call; after the third time what lies there is damaged.
 */
#ifndef TH_SPOOL_SPOOL_H
#define TH_SPOOL_SPOOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <thimble.h>

/* So many messages may be taken by th_spool_next() and not done; then it has none. */
#define TH_SPOOL_OPEN_MAX 64

/* So many producer's ids are remembered. */
#define TH_SPOOL_IDS 64

/* So many topics may have a message that a newer one supersedes; of more, all messages are sent. */
#define TH_SPOOL_TOPICS 64

#define TH_SPOOL_ID_MAX_BYTES 64

/* Topic, producer's id and properties of a message together. */
#define TH_SPOOL_FRONT_MAX_BYTES 1984

/* A spool that is too full drops the oldest message not yet taken, drops the new one, or refuses
 * it: then its producer still has it. */
enum th_spool_policy { TH_SPOOL_OLDEST, TH_SPOOL_NEWEST, TH_SPOOL_REFUSE };

/* Why a message was dropped. */
enum th_spool_cause {
    TH_SPOOL_FULL,       /* of bytes or messages: the policy's choice */
    TH_SPOOL_AGED,       /* older than max_age_s */
    TH_SPOOL_EXPIRED,    /* its Message Expiry Interval */
    TH_SPOOL_SUPERSEDED, /* a newer one on the same topic, both with `conflate` */
    TH_SPOOL_REMOVED,    /* th_spool_drop() */
    TH_SPOOL_CAUSES
};

const char *th_spool_cause_name(enum th_spool_cause cause); /* "full", "aged", ... */

struct th_spool_config {
    const char *path;
    uint64_t max_bytes;       /* on the disk; at least 16 KB; 0: 1 MB */
    uint32_t max_messages;    /* 0: no limit */
    uint32_t max_age_s;       /* 0: no limit */
    uint64_t daily_bytes;     /* written in a day (UTC), then messages are refused; 0: no limit */
    enum th_spool_policy policy;
    /* Each drop; the topic until it returns. May be NULL. Must not call the spool. */
    void (*dropped)(void *arg, uint64_t seq, struct th_slice topic, enum th_spool_cause cause);
    /* Bytes of a segment that are no record; what follows is kept. The same may be told again
     * when it is read again. May be NULL. */
    void (*damaged)(void *arg, uint32_t segment, uint64_t offset_bytes, uint64_t bytes);
    void *arg;
};

enum th_spool_mode {
    TH_SPOOL_LOOK, /* changes nothing, needs no lock: th_spool_next() shows what is there */
    TH_SPOOL_OWN,  /* made if it is not there */
    TH_SPOOL_TAKE, /* it must be there */
};

struct th_spool_message {
    struct th_slice topic;
    struct th_slice payload;    /* to append; th_spool_next() leaves it empty: th_spool_payload() */
    struct th_slice id;         /* the producer's, or empty */
    struct th_slice properties; /* as encoded for PUBLISH, without their length and without Message
                                 * Expiry Interval; or empty */
    uint8_t qos;
    bool retain;
    bool conflate;              /* a newer one on this topic supersedes it */
    bool expires;
    uint32_t expiry_s;          /* when appended; of th_spool_next(): what is left */
};

enum th_spool_state {
    TH_SPOOL_WAITING,  /* never sent, as far as the disk knows */
    TH_SPOOL_SENT,     /* th_spool_sent(): send it again with this packet id and DUP, if the broker
                        * still has the session */
    TH_SPOOL_RELEASED, /* PUBREC has come: never send it again, resume with PUBREL */
};

struct th_spool_item {
    struct th_spool_message message; /* slices until the next call */
    uint64_t seq;
    uint64_t accepted_s;
    uint32_t payload_bytes;
    uint16_t packet_id;              /* not WAITING */
    enum th_spool_state state;
};

struct th_spool_stat {
    uint64_t messages;         /* not done */
    uint64_t disk_bytes;       /* of all segments */
    uint64_t oldest_s;         /* when the oldest not yet taken was accepted; 0: there is none */
    uint64_t next_seq;
    uint64_t written_today_bytes;
    uint64_t damaged_bytes;    /* found when it was opened */
    uint64_t dropped[TH_SPOOL_CAUSES]; /* ever */
    uint32_t first_segment, last_segment;
    uint32_t syncs;            /* since it was opened */
    uint16_t open;             /* taken, not done */
    bool failing;              /* of its owner's: the disk does not take or give what it should */
    uint32_t damages;          /* and how often it was told of damage */
};

/* ---- of this room ------------------------------------------------------------------------- */

struct th_spool_place {
    uint32_t segment;
    uint32_t offset_bytes;
};

#define TH_SPOOL_WINDOW_BYTES 2048

/* Reads segments, forward. */
struct th_spool_reader {
    int fd;                 /* -1: none is open */
    bool failed;            /* a read; nothing is known then */
    bool hasty;             /* it is tried again at once */
    uint8_t tries;          /* that failed at this place */
    uint32_t failed_at;
    uint32_t salt;
    uint32_t end_bytes;     /* what counts of the segment */
    struct th_spool_place at;
    uint32_t window_at;
    uint32_t window_bytes;
    uint8_t *window; /* TH_SPOOL_WINDOW_BYTES of the spool */
};

struct th_spool_open {
    uint64_t seq;
    struct th_spool_place place;
    uint16_t packet_id;
    uint8_t state;
    bool taken; /* given out since the last rewind */
};

struct th_spool_topic {
    uint64_t seq;
    uint32_t hash;
    struct th_spool_place place;
};

/* As it lies in the file, as far as it counts. */
struct th_spool_received {
    uint32_t crc;
    uint32_t generation;
    uint32_t ids[TH_RECEIVED_WORDS]; /* of struct th_received */
};

struct th_spool {
    struct th_spool_config config;
    int dir, lock, tail;        /* descriptors; -1 */
    int keeper;                 /* the file of what was received */
    bool looking;               /* TH_SPOOL_LOOK */
    bool replaying;
    bool owing;                 /* a write failed: what is known may be nowhere on the disk */
    uint8_t skip_cause;
    uint16_t skip_count;        /* dropped from skip_first on, not written yet */
    uint64_t skip_first;
    struct th_spool_place shown; /* LOOK: the message shown last */
    uint32_t first, last;       /* segments; first > last: there is none */
    uint32_t tail_bytes;        /* of the last one, with what is in the buffer */
    uint32_t synced_bytes;      /* of them on the disk for sure */
    uint32_t tail_salt;
    uint32_t out_bytes;
    uint64_t disk_bytes;
    uint64_t next_seq;          /* is given out next; from 1 */
    uint64_t accepted_seq;      /* to this one all is accepted, or void */
    uint64_t messages, unsynced_messages;
    uint64_t cursor_seq;        /* all below it is taken or done */
    uint64_t today, written_bytes;
    uint64_t damaged_bytes;
    uint64_t dropped[TH_SPOOL_CAUSES];
    uint32_t syncs;
    uint32_t id_count, unsynced_ids; /* ids, ever; the last 64 are here */
    uint16_t open_count, topic_count;
    uint64_t ids[TH_SPOOL_IDS];
    struct th_spool_reader cursor, scan;
    /* What lies behind is set when it is used: to open a spool touches few pages. */
    struct th_spool_open open[TH_SPOOL_OPEN_MAX];
    struct th_spool_topic topics[TH_SPOOL_TOPICS];
    uint8_t windows[2][TH_SPOOL_WINDOW_BYTES];
    uint8_t out[4096];
    struct th_spool_received received;
};

/* ---- life --------------------------------------------------------------------------------- */

/* Other limits, and another policy, from now on; what does not fit any more goes when the next
 * message comes. Errors: ARGUMENT. */
int th_spool_limit(struct th_spool *spool, const struct th_spool_config *config,
                   struct th_fault *fault);

/* Reads what is there, once, with fixed memory. What is damaged is told and left out; what was torn
 * at the end is left out. Errors: FILE (another process has it: errno EAGAIN, and the sentence
 * names it), ARGUMENT. */
int th_spool_open(struct th_spool *spool, const struct th_spool_config *config,
                  enum th_spool_mode mode, uint64_t now_s, struct th_fault *fault);

/* Writes and syncs what is left. NULL, or one that is not open, is fine. */
void th_spool_close(struct th_spool *spool);

/* ---- producers ---------------------------------------------------------------------------- */

enum { TH_SPOOL_APPENDED = 0, TH_SPOOL_KNOWN = 1, TH_SPOOL_DROPPED = 2 };

/* TH_SPOOL_APPENDED: accepted when the next th_spool_sync() succeeds; *seq is its number.
 * TH_SPOOL_KNOWN: this id came before; once the next sync succeeds, say "accepted" again.
 * TH_SPOOL_DROPPED: the policy is NEWEST; it was told and counted.
 * Errors that concern this message only: SEND_FULL (the sentence says by which limit), TOO_LARGE,
 * ARGUMENT. FILE: this and all since the last good sync are not accepted. */
int th_spool_append(struct th_spool *spool, const struct th_spool_message *message,
                    uint64_t now_s, uint64_t *seq, struct th_fault *fault);

/* All messages up to this one are accepted, but for those that were reported not to be. After FILE
 * it tells which of those that wait are. */
uint64_t th_spool_accepted(const struct th_spool *spool);

/* Whether there is something to sync. */
bool th_spool_is_dirty(const struct th_spool *spool);

/* One fdatasync for all before. FILE: what was appended since the last good one is not accepted.
 * 0: all that was told of messages (sent, released) is on the disk, of a call that failed, too. */
int th_spool_sync(struct th_spool *spool, uint64_t now_s, struct th_fault *fault);

/* ---- the sender --------------------------------------------------------------------------- */

/* The next message to send that is accepted: after opening and after a rewind those sent before
 * first. 1: *item; 0: none now. What is aged, expired or superseded is dropped on the way. LOOK:
 * walks over everything that is not done. */
int th_spool_next(struct th_spool *spool, uint64_t now_s, struct th_spool_item *item,
                  struct th_fault *fault);

/* Reads payload of a message that was taken and is not done (LOOK: of the one shown last): up to
 * `bytes` from `offset_bytes` on; fits th_payload_source. Returns how many, or FILE. */
int th_spool_payload(struct th_spool *spool, uint64_t seq, uint64_t offset_bytes, uint8_t *out,
                     size_t bytes, struct th_fault *fault);

/* A message that was taken and is not done, once more: 1 and *item, without its state. 0: it is
 * damaged meanwhile. FILE. */
int th_spool_again(struct th_spool *spool, uint64_t seq, uint64_t now_s,
                   struct th_spool_item *item, struct th_fault *fault);

/* It is given to the connection with this packet id. QoS 2: th_spool_sync() before its first byte
 * goes out. QoS 1: the sync may come with the next. QoS 0: need not be told. */
int th_spool_sent(struct th_spool *spool, uint64_t seq, uint16_t packet_id,
                  struct th_fault *fault);

/* The number of the message that was given this packet id and is not done; 0: none. */
uint64_t th_spool_find(const struct th_spool *spool, uint16_t packet_id);

/* PUBREC has come (QoS 2): th_spool_sync() before PUBREL goes out. */
int th_spool_released(struct th_spool *spool, uint64_t seq, struct th_fault *fault);

/* PUBACK, PUBCOMP, or written at QoS 0: it is forgotten. Segments without messages are removed. A
 * done that was not synced is harmless: it is sent again, or QoS 2 resumed with PUBREL. */
int th_spool_done(struct th_spool *spool, uint64_t seq, struct th_fault *fault);

/* The connection's outbox has lost its messages: all that are not done come again. */
void th_spool_rewind(struct th_spool *spool);

/* What spool->received.ids holds is in the file, and there when the spool is opened again; after a
 * power cut only if it was `synced`. False, and errno: it, or what was synced before. */
bool th_spool_keep(struct th_spool *spool, bool synced);

/* Drops all messages not taken up to this one; how many. */
int64_t th_spool_drop(struct th_spool *spool, uint64_t last_seq, struct th_fault *fault);

void th_spool_look(struct th_spool *spool, struct th_spool_stat *stat);

#endif
