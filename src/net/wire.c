#include "net/wire.h"

#include "net/socket.h"

#include <string.h>
#include <sys/socket.h>

void th_net_wire_open(struct th_net_wire *wire, int fd, void *cell, size_t cell_bytes,
                      size_t in_bytes, struct th_fault *fault)
{
    *wire = (struct th_net_wire){
        .fd = fd,
        .fault = fault,
        .in = cell,
        .in_size_bytes = (uint32_t)in_bytes,
        .out = (uint8_t *)cell + in_bytes,
        .out_size_bytes = (uint32_t)(cell_bytes - in_bytes),
    };
}

void th_net_wire_close(struct th_net_wire *wire)
{
    th_net_hang_up(wire->fd);
    wire->fd = -1;
    wire->in_at = wire->in_end = 0;
    wire->out_bytes = 0;
}

static size_t smaller(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* A receive that came back short emptied the kernel's buffer: the next would only say so. */
static int receive(struct th_net_wire *wire, void *buffer, size_t bytes)
{
    if (wire->drained || wire->received == TH_NET_WIRE_TURN_RECEIVES) {
        wire->drained = false;
        return TH_WANT_READ;
    }
    wire->received++;
    int got = th_net_read(wire->fd, buffer, bytes, wire->fault);
    wire->calls_in++;
    if (got > 0) {
        wire->bytes_in += (uint64_t)got;
        wire->drained = (size_t)got < bytes;
    }
    return got;
}

static void raise(uint32_t *peak_bytes, uint32_t bytes)
{
    if (bytes > *peak_bytes)
        *peak_bytes = bytes;
}

static int refill(struct th_net_wire *wire)
{
    int got = receive(wire, wire->in, wire->in_size_bytes);
    wire->in_at = 0;
    wire->in_end = got > 0 ? (uint32_t)got : 0;
    raise(&wire->in_peak_bytes, wire->in_end);
    return got;
}

static int hand_out(struct th_net_wire *wire, void *buffer, size_t bytes)
{
    size_t given = smaller(bytes, th_net_wire_pending_in(wire));
    memcpy(buffer, wire->in + wire->in_at, given);
    wire->in_at += (uint32_t)given;
    return (int)given;
}

int th_net_wire_read(struct th_net_wire *wire, void *buffer, size_t bytes)
{
    if (th_net_wire_pending_in(wire) > 0)
        return hand_out(wire, buffer, bytes);
    if (bytes >= wire->in_size_bytes)
        return receive(wire, buffer, bytes);
    int got = refill(wire);
    return got > 0 ? hand_out(wire, buffer, bytes) : got;
}

static int transmit(struct th_net_wire *wire, const void *data, size_t bytes)
{
    int sent = th_net_write(wire->fd, data, bytes, wire->fault);
    wire->calls_out++;
    if (sent > 0)
        wire->bytes_out += (uint64_t)sent;
    if (sent < 0 && sent != TH_WANT_WRITE)
        wire->drained = false; /* the peer may have said why */
    return sent;
}

static size_t room(const struct th_net_wire *wire)
{
    return wire->out_size_bytes - wire->out_bytes;
}

static int take(struct th_net_wire *wire, const void *data, size_t bytes)
{
    size_t taken = smaller(bytes, room(wire));
    memcpy(wire->out + wire->out_bytes, data, taken);
    wire->out_bytes += (uint32_t)taken;
    raise(&wire->out_peak_bytes, wire->out_bytes);
    return (int)taken;
}

/* One send; what stays moves to the front, so that all room is behind it. */
static int drain(struct th_net_wire *wire)
{
    int sent = transmit(wire, wire->out, wire->out_bytes);
    if (sent > 0) {
        wire->out_bytes -= (uint32_t)sent;
        memmove(wire->out, wire->out + sent, wire->out_bytes);
    }
    return sent;
}

int th_net_wire_write(struct th_net_wire *wire, const void *data, size_t bytes)
{
    bool fits = bytes < wire->out_size_bytes;
    if (fits && room(wire) > 0)
        return take(wire, data, bytes);
    int sent = wire->out_bytes > 0 ? drain(wire) : 0;
    if (sent < 0)
        return sent;
    return fits || wire->out_bytes > 0 ? take(wire, data, bytes) : transmit(wire, data, bytes);
}

int th_net_wire_flush(struct th_net_wire *wire)
{
    while (wire->out_bytes > 0) {
        int sent = drain(wire);
        if (sent < 0)
            return sent;
    }
    return 0;
}

void th_net_wire_finish(struct th_net_wire *wire)
{
    shutdown(wire->fd, SHUT_WR);
}
