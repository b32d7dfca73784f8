/* Transmit buffer, queue and retransmission store in one block: a packet is encoded once, in place,
 * and stays there until it is sent (QoS 0), acknowledged (SUBSCRIBE, UNSUBSCRIBE, QoS 1) or
 * received (QoS 2).
 *
 *     | control part | messages, in order -->      free      <-- slots, one for each message |
 *
 * What cannot go out as it lies there, because its payload is read while it is sent, passes through
 * the piece, a second, small block.
 *
 * The control part is reserved for what must never wait for room: CONNECT, acknowledgements,
 * PINGREQ, a DISCONNECT after an error. It is a plain byte queue, goes out first, and what is sent
 * is wiped at once (CONNECT carries the password).
 *
 * The room does no I/O, allocates nothing and knows no time but the one it is given.
 */
#ifndef TH_OUTBOX_OUTBOX_H
#define TH_OUTBOX_OUTBOX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <thimble.h>

#include "mqtt/alias.h"

/* The least control part: some hundred acknowledgements between two writes. */
#define TH_OUTBOX_CONTROL_BYTES 512

/* Of it, what acknowledgements leave to PINGREQ (2) and to the last DISCONNECT (4); and what
 * PUBRELs leave to the acknowledgement of a message that is being delivered. */
#define TH_OUTBOX_CONTROL_SPARE_BYTES 6
#define TH_OUTBOX_CONTROL_ANSWER_BYTES 5

/* What messages leave to a DISCONNECT without properties: its slot and its bytes. */
#define TH_OUTBOX_FAREWELL_BYTES (sizeof(struct th_outbox_slot) + 8)

/* The life of a slot. After "sent" the way depends on the kind; see outbox.c. */
enum th_outbox_state {
    TH_SLOT_QUEUED,   /* encoded, nothing sent on this connection */
    TH_SLOT_BEGUN,    /* a part of it is sent: it is finished before anything else */
    TH_SLOT_PUT,      /* the rest of it lies in the piece */
    TH_SLOT_SENT,     /* waits for PUBACK, PUBREC, SUBACK, UNSUBACK */
    TH_SLOT_RELEASED, /* PUBREC came, the message is forgotten; PUBREL is due */
    TH_SLOT_RELEASING,/* PUBREL is on its way or sent; waits for PUBCOMP */
    TH_SLOT_REFUSED,  /* this broker cannot take it; waits to be reported */
    TH_SLOT_FREE,     /* swept away before the verb returns */
};

enum th_outbox_kind {
    TH_SLOT_PUBLISH_0,
    TH_SLOT_PUBLISH_1,
    TH_SLOT_PUBLISH_2,
    TH_SLOT_SUBSCRIBE,
    TH_SLOT_UNSUBSCRIBE,
    TH_SLOT_DISCONNECT, /* the last: nothing is taken after it */
};

enum th_outbox_mark {
    TH_MARK_AGAIN = 1,    /* went out on an earlier connection */
    TH_MARK_FINISHED = 2, /* acknowledged while its last bytes were still lent to the writer */
    TH_MARK_RECEIVED = 4, /* the same with PUBREC */
    TH_MARK_SOURCED = 8,  /* its last bytes are a struct th_payload_source */
    TH_MARK_EXPIRES = 16, /* it has a Message Expiry Interval */
    TH_MARK_HELD = 32,    /* PUBREL waits for th_outbox_let_go() */
};

/* 24 bytes at the end of the block for each message. */
struct th_outbox_slot {
    uint64_t sent_ms;      /* when its last byte went out; before: TH_NEVER, or with EXPIRES the
                            * time up to which its waiting has been counted */
    uint32_t offset_bytes; /* in the block */
    uint32_t len_bytes;    /* 0 once the message is forgotten */
    uint16_t packet_id;    /* 0: QoS 0, DISCONNECT */
    union {
        uint16_t filters;   /* SUBSCRIBE, UNSUBSCRIBE: how many codes the answer must have */
        uint16_t piece_end; /* PUT: where it ends in the piece */
    };
    uint8_t kind;
    uint8_t state;
    uint8_t reason;        /* REFUSED: why */
    uint8_t marks;         /* enum th_outbox_mark */
};

/* Reasons a broker would give (5.0 section 2.4) that the outbox and the session give first. */
enum th_outbox_reason {
    TH_OUTBOX_RETAIN_NOT_SUPPORTED = 0x9a,
    TH_OUTBOX_QOS_NOT_SUPPORTED = 0x9b,
    TH_OUTBOX_SHARED_NOT_SUPPORTED = 0x9e,
    TH_OUTBOX_SUBSCRIPTION_IDS_NOT_SUPPORTED = 0xa1,
    TH_OUTBOX_WILDCARDS_NOT_SUPPORTED = 0xa2,
};

/* What a broker announced in CONNACK, as far as it concerns the queue. */
struct th_outbox_limits {
    uint32_t packet_max_bytes;
    uint16_t receive_maximum;
    uint8_t qos_maximum;
    bool retain_available;
    uint16_t topic_alias_maximum;
};

/* The most aliases we use, whatever the broker allows. */
#define TH_OUTBOX_ALIASES 16

/* What is on its way through the piece. */
struct th_outbox_piece {
    uint8_t *memory;
    uint32_t bytes;
    uint32_t at, end;      /* of what is in it: sent, put */
    uint32_t packet_bytes; /* of the BEGUN packet that goes on behind it; 0: a packet ends it */
    uint32_t taken_bytes;  /* of that packet */
    uint32_t peak_bytes;
    int error;             /* of the source that failed: nothing goes out any more */
};

struct th_outbox {
    uint8_t *memory;
    uint32_t bytes;         /* of the block, a multiple of 8 */
    uint32_t control_bytes; /* of the control part, which comes first */
    uint32_t control_end;   /* of the bytes in it */
    uint32_t messages_end;  /* where the next message is encoded */
    uint32_t slots;
    uint32_t lent_offset_bytes;
    uint32_t lent_bytes;    /* of what th_outbox_next() gave out, not yet sent */
    uint32_t peak_bytes;
    uint64_t last_sent_ms;
    uint64_t piece_sent_ms; /* when the last bytes of the piece went out */
    struct th_outbox_piece piece;
    struct th_mqtt_aliases aliases; /* of this connection */
    uint32_t packet_max_bytes; /* the peer's */
    uint16_t receive_maximum;  /* likewise */
    uint16_t alias_maximum;    /* 0: topics go out as they are */
    bool expiring;          /* there may be messages that expire */
    bool holds_pubrel;      /* PUBREC is told, and PUBREL waits until it may go */
    bool holding;           /* no CONNACK yet: only the control part goes out */
    bool ending;            /* a DISCONNECT was queued in the control part: nothing follows it */
    bool ended;             /* DISCONNECT is sent: nothing may follow (5.0 section 3.14.4) */
};

/* ---- memory ------------------------------------------------------------------------------- */

/* `memory` is aligned to 8 and belongs to the outbox until the client closes. The control part
 * gets `control_bytes` (CONNECT must fit) or TH_OUTBOX_CONTROL_BYTES, whichever is more. Holds
 * what it is given until th_outbox_resume(). Errors: MEMORY if less than 256 bytes are left for
 * messages; the fault names both figures. */
int th_outbox_open(struct th_outbox *outbox, void *memory, size_t bytes, size_t control_bytes,
                   struct th_fault *fault);

/* Another block, for payloads that are read while they are sent: 1 to 65,535 bytes; it belongs to
 * the outbox as long as the first. */
void th_outbox_lend_piece(struct th_outbox *outbox, void *memory, size_t bytes);

/* Another one, for the topics behind aliases: without it there are none. Messages then pass through
 * the piece, which gives them shorter headers; what waits in the outbox keeps its topic, because a
 * new connection knows no alias. A message that has a Topic Alias itself passes as it is. */
void th_outbox_lend_aliases(struct th_outbox *outbox, void *memory, size_t bytes);

/* Whether a packet of so many encoded bytes would be taken now. */
bool th_outbox_room_for(const struct th_outbox *outbox, size_t packet_bytes);

/* The largest packet that could ever be taken. */
size_t th_outbox_packet_max_bytes(const struct th_outbox *outbox);

/* Slots that are queued or not yet acknowledged, a DISCONNECT not counted. */
size_t th_outbox_pending(const struct th_outbox *outbox);

/* Of them, those that have not been sent on this connection. */
size_t th_outbox_queued(const struct th_outbox *outbox);

/* Bytes in use now: the whole control part, messages with the holes between them, slots. */
size_t th_outbox_used_bytes(const struct th_outbox *outbox);

/* ---- giving ------------------------------------------------------------------------------- */

/* A place for a packet of exactly `bytes`. Encode it there and th_outbox_commit(), in any order;
 * call nothing else between. A place that is not committed costs nothing. Errors, with nothing
 * changed: SEND_FULL (later; also after a DISCONNECT), TOO_LARGE (never; the fault says needed and
 * available). */
int th_outbox_reserve(struct th_outbox *outbox, enum th_outbox_kind kind, size_t bytes,
                      uint8_t **place, struct th_fault *fault);

/* Queues the packet in the place reserved last. */
void th_outbox_commit(struct th_outbox *outbox, enum th_outbox_kind kind, size_t bytes,
                      uint16_t packet_id, uint16_t filters);

/* The payload of the packet committed last comes from here; of its bytes the last
 * sizeof(struct th_payload_source) are for this. The source is read by th_outbox_next(). */
void th_outbox_attach(struct th_outbox *outbox, const struct th_payload_source *source);

/* The message with such a source, if it waits to be sent, is refused with TH_REASON_WITHDRAWN. */
bool th_outbox_withdraw(struct th_outbox *outbox, const void *source_arg);

/* The PUBLISH committed last went out in an earlier process: it is queued as if it had been in this
 * one. Released: it has no bytes, and PUBREL goes out. */
void th_outbox_take_up(struct th_outbox *outbox, bool released);

/* The PUBLISH committed last has a Message Expiry Interval, which th_outbox_expire() counts
 * down. */
void th_outbox_let_expire(struct th_outbox *outbox);

/* Takes the seconds they have waited off the Message Expiry Interval of all messages that wait to
 * be sent. What has expired is refused with TH_REASON_EXPIRED; what is sent again, since it was not
 * acknowledged, keeps a second (the standard wants it to be delivered). Call it before sending,
 * while outbox->expiring. */
void th_outbox_expire(struct th_outbox *outbox, uint64_t now_ms);

/* Whether the control part has room for `bytes` of acknowledgements and the spare. The answer stays
 * true, whatever is sent or lent, until acknowledgements are queued. */
bool th_outbox_control_room(const struct th_outbox *outbox, size_t bytes);

/* Queues `bytes` in the control part, to be encoded there at once; the spare counts as room. NULL:
 * no room, or a DISCONNECT is sent or in the control part. */
uint8_t *th_outbox_control(struct th_outbox *outbox, size_t bytes);

/* After what is lent, and what is in the control part, nothing goes out. A message that still is
 * read from its source is cut off; then nothing can follow what is lent. */
void th_outbox_end(struct th_outbox *outbox);

/* ---- sending ------------------------------------------------------------------------------ */

/* The bytes that may go out now, as many packets as lie side by side: control, then messages. QoS 1
 * and 2 wait while the peer's Receive Maximum is reached; everything else passes them (5.0 section
 * 3.3.4). Empty: nothing to send. The same bytes come back, in the same order, until
 * th_outbox_sent() has counted all of them: after TH_WANT_WRITE, TLS must be offered at least what
 * it has encrypted already. */
struct th_slice th_outbox_next(struct th_outbox *outbox);

/* The first `bytes` (> 0) of what next() gave are sent. Returns how many QoS 0 PUBLISH packets were
 * finished by it. */
unsigned th_outbox_sent(struct th_outbox *outbox, size_t bytes, uint64_t now_ms);

/* A source failed while its message was sent: its error, and nothing goes out any more on this
 * connection. The message is refused with TH_REASON_UNREADABLE. */
int th_outbox_error(const struct th_outbox *outbox);

/* DISCONNECT is sent: nothing more will come. */
bool th_outbox_ended(const struct th_outbox *outbox);

/* ---- acknowledging ------------------------------------------------------------------------ */

enum th_outbox_ack {
    TH_ACK_PUBACK,
    TH_ACK_PUBREC,         /* with a reason below 0x80 */
    TH_ACK_PUBREC_REFUSED, /* with another */
    TH_ACK_PUBCOMP,
    TH_ACK_SUBACK,
    TH_ACK_UNSUBACK,
};

enum th_outbox_answer {
    TH_ACK_FINISHED, /* the slot is free */
    TH_ACK_GOES_ON,  /* PUBREC: PUBREL follows by itself */
    TH_ACK_AGAIN,    /* PUBREC once more: PUBREL is under way already */
    TH_ACK_UNKNOWN,  /* nothing with this identifier has been sent */
    TH_ACK_WRONG,    /* it waits for something else: the peers disagree about the state */
};

/* What is lent counts as sent: one write may carry several TLS records, and the answer to the
 * first may come before the last is written. So does a PUBLISH of an earlier connection that waits
 * to be sent again. */
enum th_outbox_answer th_outbox_acknowledge(struct th_outbox *outbox, enum th_outbox_ack ack,
                                            uint16_t packet_id);

/* PUBRELs that are held may go out. */
void th_outbox_let_go(struct th_outbox *outbox);

/* The slot that uses this packet identifier, or NULL. Valid until the outbox changes. */
const struct th_outbox_slot *th_outbox_find(const struct th_outbox *outbox, uint16_t packet_id);

/* The slot that has waited longest for its acknowledgement, or NULL. */
const struct th_outbox_slot *th_outbox_oldest(const struct th_outbox *outbox);

/* ---- connections -------------------------------------------------------------------------- */

/* A new connection begins: what is in the control part is wiped, a DISCONNECT not sent dropped,
 * everything else is queued again in its old order, PUBLISH packets of QoS 1 and 2 that had been
 * begun with DUP. Only the control part goes out until th_outbox_resume(). */
void th_outbox_rewind(struct th_outbox *outbox);

/* CONNACK came. When the broker has lost the session (3.1.1 section 4.1, 5.0 section 3.2.2.1.1)
 * DUP is taken back: PUBLISH packets are new to it; those of QoS 2 that were past PUBREC are
 * refused with TH_REASON_UNCERTAIN. What the broker cannot take is refused: 0x95 packet too large,
 * 0x9b QoS, 0x9a retain. */
void th_outbox_resume(struct th_outbox *outbox, bool session_present,
                      const struct th_outbox_limits *limits);

/* Takes one refused packet out of the queue: 1 and what its slot was, or 0. */
int th_outbox_take_refused(struct th_outbox *outbox, struct th_outbox_slot *refused);

#endif
