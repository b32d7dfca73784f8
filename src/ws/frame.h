/* WebSocket frames (RFC 6455 section 5), as a client writes and reads them. Pure. */
#ifndef TH_WS_FRAME_H
#define TH_WS_FRAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum th_ws_opcode {
    TH_WS_CONTINUATION = 0,
    TH_WS_TEXT = 1,
    TH_WS_BINARY = 2,
    TH_WS_CLOSE = 8,
    TH_WS_PING = 9,
    TH_WS_PONG = 10,
};

#define TH_WS_CONTROL_BYTES 125 /* the most a control frame carries */
#define TH_WS_MASK_BYTES 4
#define TH_WS_HEADER_BYTES 8    /* the longest we write */

/* Writes a whole frame, masked: TH_WS_HEADER_BYTES more than `bytes` must fit, which is at most
 * 65,535. `payload` may not overlap it. Returns the length of the frame. */
size_t th_ws_frame_put(uint8_t *frame, enum th_ws_opcode opcode, const uint8_t *payload,
                       size_t bytes, const uint8_t mask[TH_WS_MASK_BYTES]);

/* The header of a server's frame, byte by byte. All zero: nothing is there yet. */
struct th_ws_header {
    uint8_t got;
    uint8_t bytes[10];
};

/* How many bytes of it are still missing, as far as one can tell; 0: it is complete. */
size_t th_ws_header_missing(const struct th_ws_header *header);

/* Of a complete header. */
enum th_ws_opcode th_ws_header_opcode(const struct th_ws_header *header);
uint64_t th_ws_header_payload_bytes(const struct th_ws_header *header);
bool th_ws_header_is_final(const struct th_ws_header *header);

static inline bool th_ws_is_control(enum th_ws_opcode opcode)
{
    return opcode >= TH_WS_CLOSE;
}

/* NULL, or the rule it breaks; `continues`: a message has begun and is not complete. */
const char *th_ws_header_problem(const struct th_ws_header *header, bool continues);

#endif
