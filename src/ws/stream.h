/* Bytes in WebSocket (RFC 6455): each write becomes a masked binary frame, the payloads of binary
 * frames are what is read. Pings are answered, everything a server may not send is refused. Needs a
 * cell of its own and no other memory; payloads are read straight into the caller's buffer. */
#ifndef TH_WS_STREAM_H
#define TH_WS_STREAM_H

#include "ws/frame.h"
#include "ws/upgrade.h"

#include <thimble.h>

/* The bytes below: > 0 moved, TH_WANT_READ, TH_WANT_WRITE, or TH_E_*. After TH_WANT_WRITE the same
 * bytes are written again. */
struct th_ws_io {
    int (*read)(void *arg, uint8_t *buffer, size_t bytes);
    int (*write)(void *arg, const uint8_t *data, size_t bytes);
    void *arg;
};

struct th_ws {
    struct th_ws_io io;
    struct th_fault *fault;
    uint8_t *cell;       /* what is to be written, or an answer's line; behind: control frames */
    uint16_t out_size_bytes;
    uint16_t out_at;
    uint16_t out_end;
    bool open;           /* the handshake is complete */
    bool closed;         /* the server has sent its close frame */
    bool finished;       /* ours is on its way */

    struct th_ws_header header;
    uint64_t left_bytes;   /* of the payload of this frame */
    bool continues;        /* a message has begun and is not complete */
    uint8_t control_bytes; /* of a control frame, so far */
    uint8_t answer;        /* enum th_ws_opcode that is due, with the control frame's payload; 0 */

    struct th_ws_response response;
    char accept[TH_WS_ACCEPT_TEXT_BYTES];
};

/* Prepares the handshake. `cell` is for this stream until it is all over; more makes longer frames
 * possible, and 512 bytes suffice for short paths. Everything is kept by reference. Errors:
 * ARGUMENT (the path is too long for the cell), ENTROPY. */
int th_ws_open(struct th_ws *ws, uint8_t *cell, size_t cell_bytes,
               const struct th_ws_target *target, const struct th_ws_io *io,
               struct th_fault *fault);

/* Carries the handshake on. 0 when it is complete, TH_WANT_*, or an error: REFUSED (an HTTP status,
 * the fault's reason), PROTOCOL, those of the bytes below. */
int th_ws_shake(struct th_ws *ws);

/* Bytes moved, TH_WANT_*, or an error: CLOSED after the server's close frame, PROTOCOL, ENTROPY,
 * those of the bytes below. A read of many frames without data returns 0, and wants to be called
 * again. What a write took may still lie in the cell: flush it. */
int th_ws_read(struct th_ws *ws, uint8_t *buffer, size_t bytes);
int th_ws_write(struct th_ws *ws, const uint8_t *data, size_t bytes);

/* 0: everything written is in the bytes below. */
int th_ws_flush(struct th_ws *ws);

/* Our close frame. 0: handed over, TH_WANT_WRITE, or an error. */
int th_ws_finish(struct th_ws *ws);

#endif
