#include "net/sntp.h"

#include "base/clock.h"
#include "base/text.h"
#include "crypt/random.h"
#include "net/name.h"
#include "net/socket.h"

#include <string.h>

/* RFC 4330 section 10: no server is asked twice within 15 seconds, and less often each time. */
#define FIRST_PAUSE_MS 16000
#define ANSWER_MS 3000
#define SNTP_PORT 123

#define DATAGRAMS_PER_STEP 8

/* ---- the format (RFC 4330 section 4) --------------------------------------------------------- */

enum {
    VERSION_4 = 4 << 3,
    CLIENT = 3,
    SERVER = 4,
    MODE_BITS = 7,
    UNSYNCHRONISED = 3, /* leap indicator */
    STRATUM_AT = 1,
    STRATUM_MAX = 15,
    ORIGINATE_AT = 24,
    TRANSMIT_AT = 40,
};

#define FROM_1900_TO_1970_S 2208988800u

void th_net_sntp_encode(uint8_t question[TH_NET_SNTP_BYTES],
                        const uint8_t cookie[TH_NET_SNTP_COOKIE_BYTES])
{
    memset(question, 0, TH_NET_SNTP_BYTES);
    question[0] = VERSION_4 | CLIENT;
    memcpy(question + TRANSMIT_AT, cookie, TH_NET_SNTP_COOKIE_BYTES);
}

static bool answers(const uint8_t *reply, size_t bytes, const uint8_t *cookie)
{
    return bytes >= TH_NET_SNTP_BYTES && (reply[0] & MODE_BITS) == SERVER &&
           !memcmp(reply + ORIGINATE_AT, cookie, TH_NET_SNTP_COOKIE_BYTES);
}

/* Since 1900, or a later era; 0: unknown. */
static uint32_t seconds_at(const uint8_t *at)
{
    return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

enum th_net_sntp th_net_sntp_decode(const uint8_t *reply, size_t bytes,
                                    const uint8_t cookie[TH_NET_SNTP_COOKIE_BYTES],
                                    int64_t floor_s, int64_t *now_s)
{
    if (!answers(reply, bytes, cookie))
        return TH_NET_SNTP_FOREIGN;
    if (reply[STRATUM_AT] == 0)
        return TH_NET_SNTP_DENIED;
    uint32_t sent_s = seconds_at(reply + TRANSMIT_AT);
    uint32_t above_s = sent_s - FROM_1900_TO_1970_S - (uint32_t)floor_s;
    *now_s = floor_s + above_s;
    bool right = sent_s && reply[STRATUM_AT] <= STRATUM_MAX && reply[0] >> 6 != UNSYNCHRONISED;
    return right && above_s < TH_NET_SNTP_SPAN_S ? TH_NET_SNTP_GIVEN : TH_NET_SNTP_USELESS;
}

/* ---- which server ---------------------------------------------------------------------------- */

static bool is_denied(const struct th_net_sntp_exchange *exchange)
{
    return exchange->denied >> exchange->server & 1;
}

static uint16_t port_of(const char *digits)
{
    unsigned port = 0;
    for (; th_is_digit(*digits) && port <= UINT16_MAX; digits++)
        port = port * 10 + (unsigned)(*digits - '0');
    return (uint16_t)port;
}

/* "host", "host:port", "[::1]:port"; an IPv6 address without brackets has no port. */
static void split(struct th_net_sntp_exchange *exchange)
{
    const char *server = exchange->servers[exchange->server], *colon = strrchr(server, ':');
    bool is_port = colon && (strchr(server, ':') == colon || (colon > server && colon[-1] == ']'));
    size_t bytes = is_port ? (size_t)(colon - server) : strlen(server);
    exchange->port = is_port ? port_of(colon + 1) : SNTP_PORT;
    if (bytes >= sizeof exchange->host)
        bytes = 0;
    memcpy(exchange->host, server, bytes);
    exchange->host[bytes] = '\0';
}

static void hang_up(struct th_net_sntp_exchange *exchange)
{
    th_net_hang_up(exchange->fd);
    exchange->fd = -1;
    exchange->asked = false;
}

static void rest(struct th_net_sntp_exchange *exchange, uint64_t now_ms)
{
    exchange->server = 0;
    exchange->pause_ms = exchange->pause_ms ? exchange->pause_ms * 2 : FIRST_PAUSE_MS;
    exchange->until_ms = now_ms + exchange->pause_ms;
}

/* False: all have had their turn. */
static bool begin_server(struct th_net_sntp_exchange *exchange, uint64_t now_ms)
{
    while (exchange->server < exchange->count && is_denied(exchange))
        exchange->server++;
    if (exchange->server >= exchange->count)
        return false;
    split(exchange);
    exchange->address = exchange->addresses.count = 0;
    exchange->under_way = true;
    exchange->until_ms = now_ms;
    th_net_lookup_begin(&exchange->lookup, exchange->host, now_ms, NULL);
    return true;
}

static void leave_server(struct th_net_sntp_exchange *exchange)
{
    th_net_sntp_end(exchange);
    exchange->server++;
}

/* ---- asking ---------------------------------------------------------------------------------- */

static bool send_question(struct th_net_sntp_exchange *exchange)
{
    uint8_t question[TH_NET_SNTP_BYTES];
    if (th_crypt_random(exchange->cookie, sizeof exchange->cookie) < 0)
        return false;
    th_net_sntp_encode(question, exchange->cookie);
    return th_net_write(exchange->fd, question, sizeof question, NULL) == sizeof question;
}

/* The next address of this server; false: it has no more. */
static bool ask(struct th_net_sntp_exchange *exchange, uint64_t now_ms)
{
    while (exchange->address < exchange->addresses.count) {
        hang_up(exchange);
        exchange->fd = th_net_dial_udp(&exchange->addresses.list[exchange->address++],
                                       exchange->port);
        exchange->until_ms = now_ms + ANSWER_MS;
        exchange->asked = exchange->fd >= 0 && send_question(exchange);
        if (exchange->asked)
            return true;
    }
    return false;
}

/* FOREIGN: nothing yet. */
static enum th_net_sntp hear(struct th_net_sntp_exchange *exchange, int64_t floor_s, int64_t *now_s)
{
    uint8_t reply[TH_NET_SNTP_BYTES];
    enum th_net_sntp what = TH_NET_SNTP_FOREIGN;
    int got = 1;
    for (int i = 0; what == TH_NET_SNTP_FOREIGN && got > 0 && i < DATAGRAMS_PER_STEP; i++) {
        got = th_net_read(exchange->fd, reply, sizeof reply, NULL);
        if (got > 0)
            what = th_net_sntp_decode(reply, (size_t)got, exchange->cookie, floor_s, now_s);
    }
    return got > 0 || got == TH_WANT_READ ? what : TH_NET_SNTP_USELESS;
}

/* ---- steps ----------------------------------------------------------------------------------- */

/* True: go on at once. */
static bool look_up(struct th_net_sntp_exchange *exchange, uint64_t now_ms)
{
    int result = th_net_lookup_step(&exchange->lookup, now_ms, &exchange->addresses, NULL);
    if (result == TH_WANT_READ || result == TH_WANT_WRITE)
        return false;
    if (result < 0 || !ask(exchange, now_ms))
        leave_server(exchange);
    return true;
}

static bool take_answer(struct th_net_sntp_exchange *exchange, enum th_net_sntp what,
                        uint64_t now_ms)
{
    if (what == TH_NET_SNTP_FOREIGN && now_ms < exchange->until_ms)
        return false;
    if (what == TH_NET_SNTP_DENIED)
        exchange->denied |= UINT64_C(1) << exchange->server;
    if (what == TH_NET_SNTP_DENIED || !ask(exchange, now_ms))
        leave_server(exchange);
    return true;
}

static bool begin_turn(struct th_net_sntp_exchange *exchange, uint64_t now_ms)
{
    if (now_ms < exchange->until_ms)
        return false;
    if (begin_server(exchange, now_ms))
        return true;
    rest(exchange, now_ms);
    return false;
}

bool th_net_sntp_step(struct th_net_sntp_exchange *exchange, uint64_t now_ms, int64_t floor_s,
                      int64_t *now_s)
{
    enum th_net_sntp what;
    bool goes_on;
    do {
        what = exchange->asked ? hear(exchange, floor_s, now_s) : TH_NET_SNTP_FOREIGN;
        if (what == TH_NET_SNTP_GIVEN)
            break;
        goes_on = exchange->asked       ? take_answer(exchange, what, now_ms)
                  : exchange->under_way ? look_up(exchange, now_ms)
                                        : begin_turn(exchange, now_ms);
    } while (goes_on);
    if (what == TH_NET_SNTP_GIVEN)
        th_net_sntp_end(exchange);
    return what == TH_NET_SNTP_GIVEN;
}

int th_net_sntp_fd(const struct th_net_sntp_exchange *exchange)
{
    if (exchange->asked)
        return exchange->fd;
    return exchange->under_way ? th_net_lookup_fd(&exchange->lookup) : -1;
}

int th_net_sntp_wait_ms(const struct th_net_sntp_exchange *exchange, uint64_t now_ms)
{
    if (exchange->under_way && !exchange->asked)
        return th_net_lookup_wait_ms(&exchange->lookup, now_ms);
    return th_clock_wait_ms(exchange->until_ms, now_ms);
}

void th_net_sntp_end(struct th_net_sntp_exchange *exchange)
{
    if (!exchange->under_way)
        return;
    th_net_lookup_end(&exchange->lookup);
    hang_up(exchange);
    exchange->under_way = false;
}
