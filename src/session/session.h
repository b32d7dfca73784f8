/* The conversation: what was promised to the broker and by it, and is it kept. MQTT 3.1.1 and 5.0.
 *
 * The session judges decoded packets and fills the outbox. It does no I/O, allocates nothing and
 * knows no time but the one it is given (monotonic milliseconds). Which packet means what in which
 * state is one table, in table.c.
 *
 * How a client uses it:
 *
 *     open      th_session_greeting_bytes(), th_outbox_open(), th_session_open()
 *     connected th_session_greet(); then send what th_outbox_next() gives
 *     received  th_mqtt_decode(), th_session_receive(), obey the outcome
 *     waiting   th_session_tick() no later than th_session_deadline_ms()
 *     lost      th_session_lost(); the next th_session_greet() begins anew
 */
#ifndef TH_SESSION_SESSION_H
#define TH_SESSION_SESSION_H

#include "auth/scram.h"
#include "mqtt/decode.h"
#include "outbox/outbox.h"
#include "mqtt/alias.h"
#include "session/identifiers.h"

/* Messages of QoS 1 and 2 that a broker may send us before we have answered, announced in MQTT 5.
 * MQTT 3.1.1 cannot announce anything, and mosquitto 2.0.11 keeps to nothing: when QoS 1 and 2 are
 * published to us in a flood it has ten thousand of QoS 2 under way, in MQTT 5 too. So whatever
 * was announced all are taken, for which there is always room. To refuse them (0x93, which 5.0
 * section 3.3.4 allows) would help nobody: the next connection would bring the same. */
#define TH_SESSION_RECEIVE_MAXIMUM 64

/* The identifier a broker assigned (5.0 section 3.2.2.3.7) is kept for the redial, if no longer. */
#define TH_SESSION_ASSIGNED_ID_BYTES 64

#define TH_SESSION_ACK_DEFAULT_MS 30000

enum th_session_state {
    TH_SESSION_RESTING,  /* no connection */
    TH_SESSION_GREETING, /* CONNECT queued, CONNACK awaited */
    TH_SESSION_UP,
    TH_SESSION_ENDED,    /* an error or a DISCONNECT from the broker: nothing is heard any more */
    TH_SESSION_STATES
};

/* What CONNACK announced; MQTT 3.1.1 and a broker that says nothing: the standard's defaults. */
struct th_session_limits {
    uint32_t packet_max_bytes;
    uint16_t receive_maximum;
    uint16_t topic_alias_maximum;
    uint16_t keep_alive_s;
    uint8_t qos_maximum;
    bool retain_available;
    bool wildcard_available;
    bool subscription_id_available;
    bool shared_available;
};

/* Packets that change nothing and harm nothing. */
struct th_session_strays {
    uint32_t acknowledgements; /* for identifiers that are not in use */
    uint32_t pingresps;        /* without a PINGREQ */
    uint32_t duplicates;       /* PUBLISH of QoS 2, or PUBREC, that came again */
};

struct th_session_received {
    uint32_t home; /* a mark of the broker it came from */
    struct th_session_ids ids;
};

/* The same in memory that was lent, where it outlasts the process. */
struct th_session_kept {
    uint32_t words; /* that count; 0: nothing is kept */
    uint32_t home, count, pages;
    struct th_session_id_page list[TH_SESSION_ID_PAGES]; /* that of the ids */
};

_Static_assert(sizeof(struct th_session_kept) == 4 * TH_RECEIVED_WORDS, "it fits");

struct th_session {
    const struct th_config *config;
    struct th_outbox *outbox;
    enum th_session_state state;
    struct th_session_limits limits;
    struct th_session_strays strays;
    uint64_t received_ms;      /* last packet */
    uint64_t ping_sent_ms;     /* TH_NEVER: no PINGRESP is awaited */
    uint64_t heard_ms;         /* last piece of a packet larger than the window */
    uint16_t next_id;
    uint16_t alias_maximum;    /* our Topic Alias Maximum */
    uint32_t packet_max_bytes; /* our Maximum Packet Size; UINT32_MAX: none announced */
    struct th_mqtt_aliases aliases; /* the broker's, on this connection */
    struct th_session_received received; /* QoS 2, PUBREL awaited */
    bool received_changed;     /* and that is not kept yet */
    struct {                   /* the PUBLISH between receive and delivered */
        uint16_t packet_id;
        uint8_t qos;
        bool known;
    } arriving;
    struct th_auth_scram scram; /* from greeting to CONNACK */
    uint8_t nonce[TH_AUTH_NONCE_BYTES];
    bool clean_start_sent;     /* in the CONNECT of this connection */
    bool established;          /* a CONNACK has accepted us since th_session_open() or farewell */
    const char *home;          /* the broker that did, and whose session the state above is of */
    uint16_t home_port;
    uint8_t assigned_id_bytes;
    uint8_t assigned_id[TH_SESSION_ASSIGNED_ID_BYTES];
};

/* ---- what a packet means to the application ----------------------------------------------- */

enum th_session_outcome_kind {
    TH_SESSION_NOTHING, /* go on reading */
    TH_SESSION_EVENT,   /* give `event` to the application */
    TH_SESSION_DELIVER, /* give the PUBLISH to the application, all pieces; then delivered() */
    TH_SESSION_SKIP,    /* it was delivered before: read past its payload; then delivered() */
};

struct th_session_outcome {
    enum th_session_outcome_kind kind;
    struct th_event event; /* slices point into the packet */
    struct th_slice topic; /* to deliver or skip: the packet's, or what its alias stands for */
    uint8_t reason;        /* with an error: see th_session_receive() */
    const char *problem;   /* with an error: a static sentence */
};

/* ---- life --------------------------------------------------------------------------------- */

/* Bytes of the control part an outbox needs so that CONNECT fits: the exact size, and room for an
 * assigned client identifier. Errors: ARGUMENT, TOO_LARGE; the fault says what is wrong with
 * client_id, will, credentials or properties. */
int th_session_greeting_bytes(const struct th_config *config, struct th_fault *fault);

/* All of it must outlive the session: `id_pages`, of which as many are touched as are in use, and
 * none if config->received lends others; `alias_memory`, for the topics of the broker's aliases.
 * What config->properties say counts before config->receive_maximum and
 * config->topic_alias_maximum. */
void th_session_open(struct th_session *session, const struct th_config *config,
                     struct th_outbox *outbox,
                     struct th_session_id_page id_pages[TH_SESSION_ID_PAGES],
                     void *alias_memory, size_t alias_bytes);

/* Writes what was received to the memory that config->received lends, which must be kept then. */
void th_session_write_received(const struct th_session *session);

/* The broker that is dialled now is another than the one that accepted us last: it knows nothing of
 * what is under way, whatever it says is present. */
bool th_session_is_elsewhere(const struct th_session *session);

/* Where to put random bytes before each th_session_greet(); NULL: none are wanted. */
uint8_t *th_session_nonce(struct th_session *session);

/* A connection stands: rewinds the outbox and queues CONNECT. MQTT 5 asks for a clean start only
 * until a broker has accepted us, so that a redial does not throw the session away. Errors: as
 * th_session_greeting_bytes(). */
int th_session_greet(struct th_session *session, uint64_t now_ms, struct th_fault *fault);

/* The connection is gone. Messages and the QoS 2 identifiers stay. */
void th_session_lost(struct th_session *session);

/* ---- receiving ---------------------------------------------------------------------------- */

/* Judges one decoded packet. 0: obey out->kind. TH_WANT_WRITE: there is no room to answer it;
 * send, then give the same packet again (nothing was done). TH_WANT_READ: its answer is being
 * computed, a slice of work was done; give the same packet again. Errors end the conversation:
 *
 *   TH_E_PROTOCOL  the broker broke a rule; a DISCONNECT with out->reason is queued (MQTT 5): send
 *                  what th_outbox_next() still gives, then close
 *   TH_E_MEMORY    what the broker may do is more than there is room for; likewise
 *   TH_E_REFUSED   CONNACK or DISCONNECT said no; out->reason is the broker's code
 *   TH_E_AUTHENTICATION  the broker cannot prove that it knows the password
 *   TH_E_CLOSED    DISCONNECT 0x00: the broker ends the conversation in order
 *
 * With the last two, out->event.properties are the packet's (reason string, server reference).
 * After TH_EVENT_CONNECTED, take th_session_next_refused() until it is empty. */
int th_session_receive(struct th_session *session, const struct th_mqtt_packet *packet,
                       uint64_t now_ms, struct th_session_outcome *out);

/* The application has seen the whole PUBLISH that receive() announced (or it is skipped): queues
 * PUBACK or PUBREC. There is always room, receive() saw to it. */
void th_session_delivered(struct th_session *session);

/* A piece of a packet larger than the window arrived. While it does, no acknowledgement can pass
 * it, so their deadlines begin at its last piece. */
void th_session_heard(struct th_session *session, uint64_t now_ms);

/* Packets queued earlier that this broker cannot take: 1 and the event that ends the request, with
 * a reason of 0x80 or more and no codes, or 0. */
int th_session_next_refused(struct th_session *session, struct th_event *event);

/* ---- requesting --------------------------------------------------------------------------- */

/* Each queues one packet and returns its identifier (0 at QoS 0). Errors, with nothing done:
 * SEND_FULL (the fault is left alone: it is not one), TOO_LARGE, ARGUMENT, REFUSED (against what
 * CONNACK announced; known only while up). */
int th_session_publish(struct th_session *session, const struct th_message *message,
                       struct th_fault *fault);
int th_session_subscribe(struct th_session *session, const struct th_filter *filters,
                         size_t count, const struct th_properties *properties,
                         struct th_fault *fault);
int th_session_unsubscribe(struct th_session *session, const struct th_slice *filters,
                           size_t count, const struct th_properties *properties,
                           struct th_fault *fault);

/* Whether a PUBLISH with so many bytes of topic, payload and properties would be taken now. */
bool th_session_room_for(const struct th_session *session, size_t message_bytes);

/* ---- ending ------------------------------------------------------------------------------- */

/* Queues DISCONNECT behind everything that is queued. MQTT 3.1.1 has no reason: must be 0. Errors:
 * ARGUMENT; SEND_FULL, but without properties only if one is queued already. */
int th_session_farewell(struct th_session *session, uint8_t reason,
                        const struct th_properties *properties, struct th_fault *fault);

/* Ends at once, as after bytes that th_mqtt_decode() refused: DISCONNECT with `reason` overtakes
 * everything queued, if the version and the state allow one. Send what th_outbox_next() still
 * gives, then close. */
void th_session_abort(struct th_session *session, uint8_t reason);

/* ---- time --------------------------------------------------------------------------------- */

/* When th_session_tick() has something to do; TH_NEVER: nothing. Changes with everything sent and
 * received. */
uint64_t th_session_deadline_ms(const struct th_session *session);

/* Queues PINGREQ when keep alive asks for it. TH_E_TIMEOUT when PINGRESP or an acknowledgement did
 * not come in config->deadlines.ack_ms; the fault names the packet. */
int th_session_tick(struct th_session *session, uint64_t now_ms, struct th_fault *fault);

#endif
