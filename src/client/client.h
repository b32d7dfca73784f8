/* The landing: where bytes (link), meaning (session, outbox) and time come together.
 *
 *     client.c    the public functions
 *     step.c      one function for each phase
 *     outbound.c  outbox -> link
 *     inbound.c   link -> window -> decoder -> session -> callbacks
 *     redial.c    what follows the end of an attempt
 *     tell.c      the callbacks
 *     notes.c     packet notes, for traces
 *     quiet.c     pages of buffers go back, in a profile with TH_SETTLE_MS
 */
#ifndef TH_CLIENT_CLIENT_H
#define TH_CLIENT_CLIENT_H

#include "client/link.h"
#include "outbox/outbox.h"
#include "session/session.h"

/* The packet being received. Bytes [begin, end) are there and not yet consumed. */
struct th_window {
    uint8_t *bytes;
    size_t size_bytes;
    size_t begin;
    size_t end;
    size_t peak_bytes;
};

/* A PUBLISH larger than the window: its header stays at the window's start, its payload passes
 * behind it in pieces. */
struct th_stream_in {
    bool active;
    bool skip; /* a duplicate: read past it */
    struct th_mqtt_packet packet;
    size_t header_bytes;
    size_t offset_bytes;
};

struct th_redial_state {
    unsigned failures;   /* attempts since the last stable connection */
    uint64_t due_ms;     /* TH_NEVER: none */
    uint64_t up_since_ms;
    bool was_up;         /* what is dialled is known to be a broker */
};

/* The first QoS 1 PUBLISH, for the report. */
struct th_puback_clock {
    uint16_t packet_id;
    uint64_t sent_us;
    uint64_t took_us;
};

/* When the pages of the buffers go back: a while after bytes moved for the last time. */
struct th_settling {
    uint64_t moved_bytes; /* at that time */
    uint64_t due_ms;      /* TH_NEVER: they have gone */
};

struct th_client {
    struct th_config config;
    struct th_link link;
    struct th_session session;
    struct th_outbox outbox;
    struct th_window window;
    struct th_stream_in stream;
    struct th_redial_state redial;
    struct th_puback_clock puback;
    struct th_settling settling;
    struct th_fault request_fault;
    size_t unnoted_bytes; /* of the packet being sent, whose note was given with its first byte */
    int result;         /* what th_step() returns while resting */
    bool leaving;       /* th_disconnect() was called */
    bool wants_write;   /* the socket took less than there is */
    bool answer_waits;  /* a packet in the window waits for room in the outbox */
    bool finished;      /* close_notify and FIN are sent */
    bool more;          /* there is work without waiting */
};

/* outbound.c: 0: what could go out is out, or enough of it for one turn. TH_WANT_WRITE, or an
 * error. */
int th_client_send(struct th_client *client);
bool th_client_has_due(struct th_client *client); /* there is something to send, or to end for */

/* inbound.c: bytes received (> 0), TH_WANT_READ, TH_WANT_WRITE (send first), or an error. */
int th_client_receive(struct th_client *client);
void th_client_forget_received(struct th_client *client);

/* tell.c: tells the application; the time it takes is not ours. */
void th_client_tell(struct th_client *client, const struct th_event *event);
void th_client_tell_times(struct th_client *client, const struct th_event *event, unsigned times);
void th_client_deliver(struct th_client *client, const struct th_delivery *delivery);
int th_client_keep_received(struct th_client *client, bool synced); /* if it has changed */
void th_client_tell_refused(struct th_client *client); /* what the session refused meanwhile */

/* notes.c: `taken_bytes` of `offered`, which goes on where the last call ended, are sent. */
void th_client_note_sent(struct th_client *client, struct th_slice offered, size_t taken_bytes);
void th_client_note_received(struct th_client *client, const struct th_mqtt_packet *packet);

/* quiet.c: at the end of each step. */
void th_client_settle(struct th_client *client);

/* step.c: one phase's work. 0: wait. An error ends the attempt. */
int th_client_advance(struct th_client *client);

/* redial.c: ends the attempt with `result`, tells the application and plans what follows. */
void th_client_end_attempt(struct th_client *client, int result);

/* So long the very first attempt waits, unless it is asked for once more. */
uint32_t th_client_delay_ms(const struct th_client *client);

/* While resting: waits for the time of the next attempt, begins it, or gives it up when leaving. */
int th_client_rest(struct th_client *client);

#endif
