#include "ws/upgrade.h"

#include "base/err.h"
#include "base/format.h"
#include "base/text.h"
#include "crypt/base64.h"
#include "crypt/sha1.h"

#include <string.h>
#include <strings.h>

enum { KEY_TEXT_BYTES = 24, SWITCHING_PROTOCOLS = 101 };

/* ---- the request ----------------------------------------------------------------------------- */

static bool is_printable(const char *text)
{
    while (*text > ' ' && *text < 0x7f)
        text++;
    return !*text;
}

int th_ws_check_path(const char *path, struct th_fault *fault)
{
    if (*path == '/' && is_printable(path))
        return 0;
    return th_fault_set(fault, TH_E_ARGUMENT, "the WebSocket path \"%.80s\" must begin with '/' "
                        "and be printable ASCII", path);
}

/* RFC 6455 section 4.2.2: the key with this behind it, hashed. */
static int prove(const char key[KEY_TEXT_BYTES + 1], char accept[TH_WS_ACCEPT_TEXT_BYTES])
{
    static const char suffix[] = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
    char text[KEY_TEXT_BYTES + sizeof suffix];
    uint8_t hash[TH_CRYPT_SHA1_BYTES];
    int length = th_format(text, sizeof text, "%s%s", key, suffix);
    int result = th_crypt_sha1(text, (size_t)length, hash);
    th_crypt_base64_encode(hash, sizeof hash, accept);
    return result;
}

int th_ws_request(char *out, size_t out_bytes, const struct th_ws_target *target,
                  const uint8_t key[TH_WS_KEY_BYTES], char accept[TH_WS_ACCEPT_TEXT_BYTES],
                  struct th_fault *fault)
{
    static const char form[] =
        "GET %s HTTP/1.1\r\nHost: %s%s%s:%u\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: mqtt\r\n"
        "Sec-WebSocket-Key: %s\r\n\r\n";
    char key_text[KEY_TEXT_BYTES + 1];
    th_crypt_base64_encode(key, TH_WS_KEY_BYTES, key_text);
    int result = prove(key_text, accept);
    /* An IPv6 address stands in brackets (RFC 3986 section 3.2.2). */
    bool bare = *target->host != '[' && strchr(target->host, ':');
    int length = th_format(out, out_bytes, form, target->path, bare ? "[" : "", target->host,
                           bare ? "]" : "", target->port, key_text);
    if (result == 0 && (size_t)length < out_bytes)
        return length;
    return th_fault_set(fault, TH_E_ARGUMENT, "the WebSocket path is too long");
}

/* ---- the answer ------------------------------------------------------------------------------ */

static bool lists(const char *list, const char *word)
{
    size_t bytes = strlen(word);
    while (*list) {
        size_t length = strcspn(list, ", \t");
        if (length == bytes && !strncasecmp(list, word, bytes))
            return true;
        list += length + (list[length] != '\0');
    }
    return false;
}

/* Name and value; the last one's is the proof, the only value in which case matters. */
enum { UPGRADE, CONNECTION, PROTOCOL, ACCEPT, HEADERS };

static const char *const headers[HEADERS] = {
    [UPGRADE] = "Upgrade: websocket",
    [CONNECTION] = "Connection: Upgrade",
    [PROTOCOL] = "Sec-WebSocket-Protocol: mqtt",
    [ACCEPT] = "Sec-WebSocket-Accept: ",
};

static bool is_right(const struct th_ws_response *response, int header)
{
    const char *wanted = headers[header];
    size_t name_bytes = strcspn(wanted, " ");
    if (strncasecmp(response->line, wanted, name_bytes))
        return false;
    return header == ACCEPT ? strstr(response->line, response->accept) != NULL
                            : lists(response->line + name_bytes, wanted + name_bytes + 1);
}

static void take_header(struct th_ws_response *response)
{
    for (int i = 0; i < HEADERS; i++)
        response->headers |= (uint8_t)(is_right(response, i) << i);
}

static int not_right(struct th_fault *fault, const char *what, const char *more)
{
    return th_fault_set(fault, TH_E_PROTOCOL, "the answer to the WebSocket upgrade %s%s", what,
                        more);
}

static int judge_headers(const struct th_ws_response *response, struct th_fault *fault)
{
    for (int i = 0; i < HEADERS; i++)
        if (!(response->headers & 1u << i))
            return not_right(fault, "lacks ", headers[i]);
    return 1;
}

static int parse_status(const char *line)
{
    static const char http[] = "HTTP/1.";
    int status = 0;
    if (strncmp(line, http, sizeof http - 1) || strlen(line) < sizeof "HTTP/1.1 101" - 1)
        return 0;
    for (const char *at = line + sizeof http + 1; th_is_digit(*at) && status < 100; at++)
        status = status * 10 + *at - '0';
    return status;
}

static int refuse(const char *line, int status, struct th_fault *fault)
{
    if (fault && !fault->code)
        fault->reason = status;
    return th_fault_set(fault, TH_E_REFUSED, "the broker answered the WebSocket upgrade with "
                        "%.80s%s", line + sizeof "HTTP/1.1", status < 500
                        ? "; check the path (--ws-path)" : "");
}

static int judge_status(struct th_ws_response *response, struct th_fault *fault)
{
    int status = parse_status(response->line);
    response->begun = true;
    if (status == SWITCHING_PROTOCOLS)
        return 0;
    if (status >= 100)
        return refuse(response->line, status, fault);
    return not_right(fault, "is not HTTP; is the port one for WebSocket?", "");
}

static void end_line(struct th_ws_response *response)
{
    size_t bytes = response->line_bytes;
    if (bytes && response->line[bytes - 1] == '\r')
        bytes--;
    response->line[bytes] = '\0';
    response->line_bytes = 0;
}

static int judge_line(struct th_ws_response *response, struct th_fault *fault)
{
    end_line(response);
    if (!response->begun)
        return judge_status(response, fault);
    if (!*response->line)
        return judge_headers(response, fault);
    take_header(response);
    return 0;
}

int th_ws_response_take(struct th_ws_response *response, char next, struct th_fault *fault)
{
    if (next == '\n')
        return judge_line(response, fault);
    if (response->line_bytes + 1 < response->line_size_bytes)
        response->line[response->line_bytes++] = next;
    if (++response->bytes < TH_WS_RESPONSE_BYTES)
        return 0;
    return not_right(fault, "does not end", "");
}
