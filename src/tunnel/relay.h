/* One local program and its own connection to the broker: bytes are carried between them as they
 * are, and nobody looks at what they say. */
#ifndef TH_TUNNEL_RELAY_H
#define TH_TUNNEL_RELAY_H

#include <poll.h>
#include <thimble.h>

/* What waits on its way in one direction. */
#define TH_RELAY_BUFFER_BYTES 4096

struct th_relay_way {
    uint16_t from, to; /* of bytes[] */
    uint8_t bytes[TH_RELAY_BUFFER_BYTES];
};

struct th_relay {
    int local;             /* the program's descriptor; -1: nobody is here */
    struct th_tls *broker; /* NULL: the connection was not begun, or could not be made */
    bool local_ended;      /* the program will send no more */
    bool broker_ended;     /* nothing comes or goes there any more */
    uint64_t leave_by_ms;  /* what is not delivered by then stays undelivered; TH_NEVER */
    uint64_t up_bytes, down_bytes;
    struct th_fault fault; /* why it ended, if not by itself */
    struct th_relay_way up, down;
};

/* Takes the descriptor. */
void th_relay_open(struct th_relay *relay, int local);

/* Carries what can be carried without waiting. `block` is for th_tls_connect(). 0: poll, and call
 * again; 1: it is over, see relay->fault. */
int th_relay_step(struct th_relay *relay, void *block, size_t block_bytes,
                  struct th_context *context, const struct th_tls_config *config);

/* What to wait for: two descriptors, and milliseconds as poll(2) wants them. */
void th_relay_awaited(const struct th_relay *relay, struct pollfd awaited[2]);
int th_relay_wait_ms(const struct th_relay *relay);

/* Ends both connections. */
void th_relay_close(struct th_relay *relay);

#endif
