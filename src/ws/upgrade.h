/* The handshake of WebSocket (RFC 6455 section 4): from HTTP/1.1 to frames. Pure. */
#ifndef TH_WS_UPGRADE_H
#define TH_WS_UPGRADE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <thimble.h>

#define TH_WS_KEY_BYTES 16
#define TH_WS_ACCEPT_TEXT_BYTES 29    /* base64 of a SHA-1, and a NUL */
#define TH_WS_RESPONSE_BYTES 4096     /* the longest answer that is read */

/* 0, or TH_E_ARGUMENT: a path begins with '/' and has neither spaces nor control characters. */
int th_ws_check_path(const char *path, struct th_fault *fault);

/* What is asked for, and what must be answered. */
struct th_ws_target {
    const char *host; /* name or address */
    uint16_t port;
    const char *path;
};

/* Writes the request as text into `out`, and into `accept` what proves that it was understood.
 * Returns its length, or TH_E_ARGUMENT: it does not fit. */
int th_ws_request(char *out, size_t out_bytes, const struct th_ws_target *target,
                  const uint8_t key[TH_WS_KEY_BYTES], char accept[TH_WS_ACCEPT_TEXT_BYTES],
                  struct th_fault *fault);

/* The answer, character by character. Of each line as much is kept as there is room for. */
struct th_ws_response {
    const char *accept;
    char *line;
    uint16_t line_size_bytes;
    uint16_t line_bytes;
    uint16_t bytes;   /* so far */
    bool begun;       /* the status line is complete */
    uint8_t headers;  /* the headers that were as they must be, as bits */
};

/* 1: it is complete and good; the next byte is a frame's. 0: there is more to come. TH_E_REFUSED:
 * another status than 101, which is the fault's reason. TH_E_PROTOCOL: it is not as it must be. */
int th_ws_response_take(struct th_ws_response *response, char next, struct th_fault *fault);

#endif
