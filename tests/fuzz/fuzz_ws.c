/* A WebSocket server that sends what it likes. The first byte: whether the handshake is over, and
 * how many bytes come at a time. */
#include "ws/stream.h"

#include <stdlib.h>
#include <string.h>

enum { CELL_BYTES = 512 };

struct peer {
    const uint8_t *bytes;
    size_t left;
    size_t piece_bytes;
    bool stops; /* it takes nothing this time */
};

static void expect(bool holds)
{
    if (!holds)
        abort();
}

static size_t smaller(size_t a, size_t b)
{
    return a < b ? a : b;
}

static int peer_read(void *arg, uint8_t *buffer, size_t bytes)
{
    struct peer *peer = arg;
    size_t given = smaller(smaller(bytes, peer->piece_bytes), peer->left);
    expect(bytes > 0);
    if (!given)
        return TH_E_CLOSED;
    memcpy(buffer, peer->bytes, given);
    peer->bytes += given;
    peer->left -= given;
    return (int)given;
}

static int peer_write(void *arg, const uint8_t *data, size_t bytes)
{
    struct peer *peer = arg;
    expect(data && bytes > 0);
    peer->stops = !peer->stops;
    return peer->stops ? TH_WANT_WRITE : (int)smaller(bytes, peer->piece_bytes);
}

static void converse(struct th_ws *ws, const struct th_fault *fault)
{
    uint8_t *buffer = malloc(64);
    int got;
    while ((got = th_ws_read(ws, buffer, 64)) >= 0) {
        expect(got <= 64);
        if (got == 0)
            continue;
        int taken = th_ws_write(ws, buffer, (size_t)got);
        expect(taken == got || taken == TH_WANT_WRITE);
    }
    expect(got == TH_E_CLOSED || (got == TH_E_PROTOCOL && fault->code == TH_E_PROTOCOL));
    free(buffer);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    static const struct th_ws_target target = {"broker.example", 80, "/"};
    struct th_ws ws;
    struct th_fault fault = {0};
    if (bytes < 1)
        return 0;
    struct peer peer = {data + 1, bytes - 1, (size_t)(data[0] >> 1) + 1, true};
    const struct th_ws_io io = {peer_read, peer_write, &peer};
    uint8_t *cell = malloc(CELL_BYTES);
    expect(th_ws_open(&ws, cell, CELL_BYTES, &target, &io, &fault) == 0);
    if (data[0] & 1) {
        ws.open = true;
        ws.out_end = 0;
        converse(&ws, &fault);
    } else {
        int result;
        while ((result = th_ws_shake(&ws)) == TH_WANT_WRITE)
            ;
        expect(result == TH_E_CLOSED || result == TH_E_PROTOCOL || result == TH_E_REFUSED);
    }
    free(cell);
    return 0;
}
