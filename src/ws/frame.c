#include "ws/frame.h"

enum {
    FINAL = 0x80,
    RESERVED = 0x70,
    OPCODE = 0x0f,
    MASKED = 0x80,
    LENGTH = 0x7f,
    LENGTH_IN_2_BYTES = 126,
    LENGTH_IN_8_BYTES = 127,
};

/* ---- writing --------------------------------------------------------------------------------- */

static uint8_t *put_length(uint8_t *at, size_t bytes)
{
    if (bytes < LENGTH_IN_2_BYTES) {
        *at++ = (uint8_t)(MASKED | bytes);
        return at;
    }
    *at++ = MASKED | LENGTH_IN_2_BYTES;
    *at++ = (uint8_t)(bytes >> 8);
    *at++ = (uint8_t)bytes;
    return at;
}

size_t th_ws_frame_put(uint8_t *frame, enum th_ws_opcode opcode, const uint8_t *payload,
                       size_t bytes, const uint8_t mask[TH_WS_MASK_BYTES])
{
    uint8_t *at = frame;
    *at++ = (uint8_t)(FINAL | opcode);
    at = put_length(at, bytes);
    for (size_t i = 0; i < TH_WS_MASK_BYTES; i++)
        *at++ = mask[i];
    for (size_t i = 0; i < bytes; i++)
        *at++ = payload[i] ^ mask[i % TH_WS_MASK_BYTES];
    return (size_t)(at - frame);
}

/* ---- reading --------------------------------------------------------------------------------- */

/* Bytes of length behind the first two. */
static size_t length_bytes(const struct th_ws_header *header)
{
    uint8_t length = header->bytes[1] & LENGTH;
    if (length == LENGTH_IN_8_BYTES)
        return 8;
    return length == LENGTH_IN_2_BYTES ? 2 : 0;
}

size_t th_ws_header_missing(const struct th_ws_header *header)
{
    size_t whole = header->got < 2 ? 2 : 2 + length_bytes(header);
    return whole - header->got;
}

enum th_ws_opcode th_ws_header_opcode(const struct th_ws_header *header)
{
    return header->bytes[0] & OPCODE;
}

bool th_ws_header_is_final(const struct th_ws_header *header)
{
    return header->bytes[0] & FINAL;
}

uint64_t th_ws_header_payload_bytes(const struct th_ws_header *header)
{
    size_t count = length_bytes(header);
    uint64_t bytes = count ? 0 : header->bytes[1] & LENGTH;
    for (size_t i = 0; i < count; i++)
        bytes = bytes << 8 | header->bytes[2 + i];
    return bytes;
}

static const char *control_problem(const struct th_ws_header *header)
{
    if (th_ws_header_opcode(header) > TH_WS_PONG)
        return "an unknown kind of frame";
    if (!th_ws_header_is_final(header))
        return "a control frame in pieces";
    bool long_one = th_ws_header_payload_bytes(header) > TH_WS_CONTROL_BYTES;
    return long_one ? "a long control frame" : NULL;
}

static const char *data_problem(const struct th_ws_header *header, bool continues)
{
    enum th_ws_opcode opcode = th_ws_header_opcode(header);
    if (opcode == TH_WS_TEXT)
        return "a text frame";
    if (opcode > TH_WS_BINARY)
        return "an unknown kind of frame";
    if ((opcode == TH_WS_CONTINUATION) != continues)
        return continues ? "a message within a message" : "a rest without a begin";
    return th_ws_header_payload_bytes(header) >> 63 ? "a frame without end" : NULL;
}

const char *th_ws_header_problem(const struct th_ws_header *header, bool continues)
{
    if (header->bytes[0] & RESERVED)
        return "a reserved bit";
    if (header->bytes[1] & MASKED)
        return "a masked frame";
    bool control = th_ws_is_control(th_ws_header_opcode(header));
    return control ? control_problem(header) : data_problem(header, continues);
}
