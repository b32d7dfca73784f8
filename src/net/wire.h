/* The TCP cell: read-ahead and write-coalescing between a socket and whoever speaks on it, TLS or
 * plain MQTT. It saves system calls: TLS asks for 5 bytes, then for the record. */
#ifndef TH_NET_WIRE_H
#define TH_NET_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <thimble.h>

struct th_net_wire {
    int fd;
    struct th_fault *fault;

    uint8_t *in;
    uint32_t in_size_bytes;
    uint32_t in_at;  /* next byte to hand out */
    uint32_t in_end; /* end of what was received */
    bool drained;    /* the last receive emptied the kernel's buffer */
    uint32_t received; /* receives in this turn */

    uint8_t *out;
    uint32_t out_size_bytes;
    uint32_t out_bytes; /* taken, not yet sent */

    uint32_t in_peak_bytes, out_peak_bytes; /* most ever held in each half */
    uint64_t bytes_in, bytes_out; /* moved through the socket */
    uint64_t calls_in, calls_out; /* recv(2), send(2), those that moved nothing included */
};

/* Takes the connected descriptor and the cell: its first `in_bytes` are read-ahead, the rest is for
 * writing; neither half may be empty. `fault` (may be NULL) receives what goes wrong. */
void th_net_wire_open(struct th_net_wire *wire, int fd, void *cell, size_t cell_bytes,
                      size_t in_bytes, struct th_fault *fault);

/* Closes the socket; what was not flushed is lost. The cell is the caller's again. */
void th_net_wire_close(struct th_net_wire *wire);

/* A turn receives so many times at most. A peer that sends without end, and as fast as its bytes
 * are read, could keep a step going for ever, past its deadlines: TLS handshake messages never
 * come out of the TLS library. */
#define TH_NET_WIRE_TURN_RECEIVES 64

static inline void th_net_wire_begin_turn(struct th_net_wire *wire)
{
    wire->received = 0;
}

/* Bytes handed out (at least 1), TH_WANT_READ, TH_E_CLOSED or TH_E_RECEIVE. One receive at most.
 * After TH_WANT_READ poll level-triggered: bytes may already wait in the kernel. */
int th_net_wire_read(struct th_net_wire *wire, void *buffer, size_t bytes);

/* Bytes taken (at least 1; fewer than asked when the cell is full), TH_WANT_WRITE or TH_E_CLOSED.
 * Taken is not sent: call th_net_wire_flush(). */
int th_net_wire_write(struct th_net_wire *wire, const void *data, size_t bytes);

/* 0: everything taken is in the kernel. TH_WANT_WRITE: not yet. TH_E_CLOSED. */
int th_net_wire_flush(struct th_net_wire *wire);

/* Ends our half of the connection (FIN) behind what was flushed. Reading goes on. */
void th_net_wire_finish(struct th_net_wire *wire);

static inline size_t th_net_wire_pending_in(const struct th_net_wire *wire)
{
    return wire->in_end - wire->in_at;
}

static inline size_t th_net_wire_pending_out(const struct th_net_wire *wire)
{
    return wire->out_bytes;
}

#endif
