#include "ws/stream.h"

#include "base/err.h"
#include "crypt/random.h"

#include <string.h>

enum { NO_STATUS = 1005 }; /* RFC 6455 section 7.4.1 */

/* Whoever floods us with frames that hold no data must not hold the thread for ever. */
#define PARTS_PER_READ 64

static size_t smaller(uint64_t a, size_t b)
{
    return a < b ? (size_t)a : b;
}

/* ---- writing --------------------------------------------------------------------------------- */

static uint8_t *control_of(const struct th_ws *ws)
{
    return ws->cell + ws->out_size_bytes;
}

/* The cell is empty. */
static int put_frame(struct th_ws *ws, enum th_ws_opcode opcode, const uint8_t *payload,
                     size_t bytes)
{
    uint8_t mask[TH_WS_MASK_BYTES];
    if (th_crypt_random(mask, sizeof mask) < 0)
        return th_crypt_random_lacks(ws->fault);
    ws->out_at = 0;
    ws->out_end = (uint16_t)th_ws_frame_put(ws->cell, opcode, payload, bytes, mask);
    return 0;
}

static int drain(struct th_ws *ws)
{
    while (ws->out_at < ws->out_end) {
        int taken = ws->io.write(ws->io.arg, ws->cell + ws->out_at, ws->out_end - ws->out_at);
        if (taken < 0)
            return taken;
        ws->out_at += (uint16_t)taken;
    }
    return 0;
}

static int put_answer(struct th_ws *ws)
{
    enum th_ws_opcode opcode = ws->answer;
    ws->answer = 0;
    return put_frame(ws, opcode, control_of(ws), ws->control_bytes);
}

int th_ws_flush(struct th_ws *ws)
{
    int result = drain(ws);
    if (result < 0 || !ws->answer)
        return result;
    result = put_answer(ws);
    return result < 0 ? result : drain(ws);
}

int th_ws_write(struct th_ws *ws, const uint8_t *data, size_t bytes)
{
    size_t piece = smaller(bytes, ws->out_size_bytes - TH_WS_HEADER_BYTES);
    int result = th_ws_flush(ws);
    if (result == 0)
        result = put_frame(ws, TH_WS_BINARY, data, piece);
    if (result < 0)
        return result;
    result = drain(ws);
    return result < 0 && result != TH_WANT_WRITE ? result : (int)piece;
}

int th_ws_finish(struct th_ws *ws)
{
    static const uint8_t normal[] = {1000 >> 8, 1000 & 0xff};
    int result = th_ws_flush(ws);
    if (result < 0 || ws->finished || !ws->open)
        return result;
    ws->finished = true;
    result = put_frame(ws, TH_WS_CLOSE, normal, sizeof normal);
    return result < 0 ? result : drain(ws);
}

/* ---- the handshake --------------------------------------------------------------------------- */

int th_ws_open(struct th_ws *ws, uint8_t *cell, size_t cell_bytes,
               const struct th_ws_target *target, const struct th_ws_io *io,
               struct th_fault *fault)
{
    uint8_t key[TH_WS_KEY_BYTES];
    size_t out_bytes = cell_bytes - TH_WS_CONTROL_BYTES;
    *ws = (struct th_ws){
        .io = *io,
        .fault = fault,
        .cell = cell,
        .out_size_bytes = (uint16_t)out_bytes,
        .response = {.accept = ws->accept, .line = (char *)cell,
                     .line_size_bytes = (uint16_t)out_bytes},
    };
    if (th_crypt_random(key, sizeof key) < 0)
        return th_crypt_random_lacks(ws->fault);
    int length = th_ws_request((char *)cell, out_bytes, target, key, ws->accept, fault);
    ws->out_end = length < 0 ? 0 : (uint16_t)length;
    return length < 0 ? length : 0;
}

static int explain_end(struct th_ws *ws, int result)
{
    th_fault_clear(ws->fault);
    return th_fault_set(ws->fault, result, "the broker hung up on the WebSocket upgrade; is the "
                        "port one for WebSocket?");
}

int th_ws_shake(struct th_ws *ws)
{
    uint8_t next;
    int result = drain(ws);
    while (result == 0) {
        result = ws->io.read(ws->io.arg, &next, 1);
        if (result > 0)
            result = th_ws_response_take(&ws->response, (char)next, ws->fault);
    }
    ws->open = result > 0;
    if (result == TH_E_CLOSED || result == TH_E_RECEIVE)
        return explain_end(ws, result);
    return result > 0 ? 0 : result;
}

/* ---- reading --------------------------------------------------------------------------------- */

static int broken_rule(struct th_ws *ws, const char *problem)
{
    return th_fault_set(ws->fault, TH_E_PROTOCOL, "the broker broke a rule of WebSocket: %s",
                        problem);
}

static int closed(struct th_ws *ws)
{
    const uint8_t *told = control_of(ws);
    unsigned status = ws->control_bytes < 2 ? NO_STATUS : (unsigned)(told[0] << 8 | told[1]);
    return th_fault_set(ws->fault, TH_E_CLOSED, "the broker closed the WebSocket with status %u",
                        status);
}

/* The answer to a close frame repeats its status (RFC 6455 section 5.5.1). */
static void end_close(struct th_ws *ws)
{
    ws->closed = true;
    if (ws->control_bytes > 2)
        ws->control_bytes = 2;
    if (!ws->finished)
        ws->answer = TH_WS_CLOSE;
    ws->finished = true;
}

/* What cannot be sent now waits: it is tried again before the next write. Only the latest ping
 * needs an answer (RFC 6455 section 5.5.3). */
static int end_control(struct th_ws *ws)
{
    enum th_ws_opcode opcode = th_ws_header_opcode(&ws->header);
    if (opcode == TH_WS_CLOSE)
        end_close(ws);
    if (opcode == TH_WS_PING)
        ws->answer = TH_WS_PONG;
    int result = th_ws_flush(ws);
    return result == TH_WANT_WRITE ? 0 : result;
}

static bool in_control(const struct th_ws *ws)
{
    return th_ws_is_control(th_ws_header_opcode(&ws->header));
}

static int end_frame(struct th_ws *ws)
{
    ws->header.got = 0;
    return in_control(ws) ? end_control(ws) : 0;
}

/* The payload of a pong is nobody's. */
static bool is_kept(const struct th_ws *ws)
{
    return in_control(ws) && th_ws_header_opcode(&ws->header) != TH_WS_PONG;
}

static int begin_frame(struct th_ws *ws)
{
    const char *problem = th_ws_header_problem(&ws->header, ws->continues);
    if (problem)
        return broken_rule(ws, problem);
    ws->left_bytes = th_ws_header_payload_bytes(&ws->header);
    if (!in_control(ws))
        ws->continues = !th_ws_header_is_final(&ws->header);
    if (is_kept(ws))
        ws->answer = ws->control_bytes = 0;
    return ws->left_bytes ? 0 : end_frame(ws);
}

static int read_header(struct th_ws *ws)
{
    struct th_ws_header *header = &ws->header;
    int got = ws->io.read(ws->io.arg, header->bytes + header->got, th_ws_header_missing(header));
    if (got < 0)
        return got;
    header->got += (uint8_t)got;
    return th_ws_header_missing(header) ? 0 : begin_frame(ws);
}

static int take_payload(struct th_ws *ws, uint8_t *buffer, size_t bytes)
{
    int got = ws->io.read(ws->io.arg, buffer, smaller(ws->left_bytes, bytes));
    ws->left_bytes -= got > 0 ? (unsigned)got : 0;
    return got;
}

static int read_data(struct th_ws *ws, uint8_t *buffer, size_t bytes)
{
    int got = take_payload(ws, buffer, bytes);
    if (got > 0 && !ws->left_bytes)
        end_frame(ws);
    return got;
}

/* What nobody keeps passes through the caller's buffer. */
static int read_control(struct th_ws *ws, uint8_t *buffer, size_t bytes)
{
    bool kept = is_kept(ws);
    int got = kept ? take_payload(ws, control_of(ws) + ws->control_bytes, TH_WS_CONTROL_BYTES)
                   : take_payload(ws, buffer, bytes);
    if (got < 0)
        return got;
    ws->control_bytes += kept ? (uint8_t)got : 0;
    return ws->left_bytes ? 0 : end_frame(ws);
}

int th_ws_read(struct th_ws *ws, uint8_t *buffer, size_t bytes)
{
    int got = 0;
    for (int parts = 0; got == 0 && parts < PARTS_PER_READ; parts++) {
        if (ws->closed)
            return closed(ws);
        if (!ws->left_bytes)
            got = read_header(ws);
        else
            got = in_control(ws) ? read_control(ws, buffer, bytes) : read_data(ws, buffer, bytes);
    }
    return got;
}
