#include "net/ask.h"

#include "base/clock.h"
#include "base/format.h"
#include "net/name.h"
#include "net/socket.h"

#include <string.h>
#include <sys/random.h>

enum {
    FIRST_RESEND_MS = 1000, /* doubled each time */
    GRACE_MS = 1000,        /* for the other family, once one has given an address */
    REPLIES_PER_STEP = 16,  /* a flood of strangers' packets must not hold the caller */
    SIZE_PREFIX_BYTES = 2, /* before a message over TCP, RFC 1035 4.2.2 */
};

/* ---- which name to ask for ---- */

static bool is_searched(const struct th_net_lookup *lookup)
{
    return !lookup->services && !th_net_name_is_absolute(lookup->host)
        && th_net_name_dots(lookup->host) < lookup->resolver.ndots;
}

static const char *search_domain(const struct th_net_lookup *lookup)
{
    if (!is_searched(lookup))
        return NULL;
    return th_net_resolver_search(&lookup->resolver, lookup->candidate);
}

/* The host with the search domain of this candidate; the host alone when there is none (left).
 * A service is asked for by its name before that of the domain, which is never searched for. False
 * when that is too long to be a name. */
static bool spell_candidate(const struct th_net_lookup *lookup, char name[TH_NET_NAME_BYTES + 1])
{
    const char *domain = search_domain(lookup), *service = lookup->services ? lookup->service : "";
    int length = th_format(name, TH_NET_NAME_BYTES + 1, domain ? "%s%s.%s" : "%s%s", service,
                           lookup->host, domain);
    return length < TH_NET_NAME_BYTES + 1;
}

bool th_net_ask_is_last_candidate(const struct th_net_lookup *lookup)
{
    return search_domain(lookup) == NULL;
}

/* ---- whom to ask ---- */

static const struct th_net_address *server(const struct th_net_lookup *lookup)
{
    return &lookup->resolver.servers[(lookup->round - 1) % lookup->resolver.server_count];
}

void th_net_ask_hang_up(struct th_net_lookup *lookup)
{
    th_net_hang_up(lookup->fd);
    lookup->fd = -1;
    lookup->wants_write = false;
}

static void give_up_server(struct th_net_lookup *lookup)
{
    lookup->round_ends_ms = 0;
}

/* ---- asking over UDP ---- */

static size_t encode(const struct th_net_lookup *lookup, int n,
                     uint8_t query[TH_NET_QUERY_BYTES])
{
    char name[TH_NET_NAME_BYTES + 1];
    spell_candidate(lookup, name);
    return th_net_dns_encode(query, name, &lookup->questions[n]);
}

/* A full socket buffer counts as a loss. Any other failure, usually "connection refused" for the
 * datagram before, says that nobody listens there. */
static void send_question(struct th_net_lookup *lookup, int n)
{
    uint8_t query[TH_NET_QUERY_BYTES];
    size_t bytes = encode(lookup, n, query);
    if (th_net_write(lookup->fd, query, bytes, NULL) == TH_E_CLOSED)
        give_up_server(lookup);
}

static bool is_awaited(const struct th_net_lookup *lookup, int n)
{
    return lookup->answers[n] == TH_NET_ANSWER_AWAITED;
}

static void send_questions(struct th_net_lookup *lookup, uint64_t now_ms)
{
    for (int n = 0; n < TH_NET_QUESTIONS; n++)
        if (is_awaited(lookup, n))
            send_question(lookup, n);
    lookup->resend_ms = now_ms + lookup->resend_wait_ms;
    lookup->resend_wait_ms *= 2;
}

bool th_net_ask_is_settled(const struct th_net_lookup *lookup, int n)
{
    return lookup->answers[n] == TH_NET_ANSWER_GIVEN
        || lookup->answers[n] == TH_NET_ANSWER_NO_NAME;
}

static void await_unsettled(struct th_net_lookup *lookup)
{
    for (int n = 0; n < TH_NET_QUESTIONS; n++)
        if (!th_net_ask_is_settled(lookup, n))
            lookup->answers[n] = TH_NET_ANSWER_AWAITED;
}

/* While there is one server only, the socket stays: late answers still count. */
static bool keeps_socket(const struct th_net_lookup *lookup)
{
    return lookup->fd >= 0 && lookup->streamed == TH_NET_OVER_UDP &&
           lookup->resolver.server_count == 1;
}

static void open_socket(struct th_net_lookup *lookup)
{
    if (keeps_socket(lookup))
        return;
    th_net_ask_hang_up(lookup);
    lookup->streamed = TH_NET_OVER_UDP;
    lookup->fd = th_net_dial_udp(server(lookup), lookup->server_port);
}

void th_net_ask_round(struct th_net_lookup *lookup, uint64_t now_ms)
{
    lookup->round++;
    lookup->resend_wait_ms = FIRST_RESEND_MS;
    lookup->round_ends_ms = now_ms + lookup->resolver.timeout_s * 1000u;
    await_unsettled(lookup);
    open_socket(lookup);
    send_questions(lookup, now_ms);
}

static bool draw_ids(struct th_net_lookup *lookup)
{
    uint16_t ids[TH_NET_QUESTIONS];
    if (getrandom(ids, sizeof ids, GRND_NONBLOCK) != sizeof ids)
        return false;
    lookup->questions[0] = (struct th_net_question){lookup->services ? TH_NET_SRV : TH_NET_A,
                                                    ids[0]};
    lookup->questions[1] = (struct th_net_question){TH_NET_AAAA, ids[1]};
    return true;
}

/* There is no name longer than a name can be. */
void th_net_ask_candidate(struct th_net_lookup *lookup, uint64_t now_ms)
{
    char name[TH_NET_NAME_BYTES + 1];
    th_net_ask_hang_up(lookup);
    lookup->round = 0;
    memset(lookup->answers, TH_NET_ANSWER_NO_NAME, sizeof lookup->answers);
    if (!spell_candidate(lookup, name))
        return;
    lookup->answers[0] = TH_NET_ANSWER_AWAITED;
    if (!lookup->services)
        lookup->answers[1] = TH_NET_ANSWER_AWAITED;
    if (draw_ids(lookup))
        th_net_ask_round(lookup, now_ms);
    else
        lookup->verdict = TH_NET_NO_ENTROPY;
}

/* ---- answers ---- */

static void shorten_wait(struct th_net_lookup *lookup, uint64_t now_ms)
{
    if (lookup->found.count > 0)
        lookup->round_ends_ms = th_clock_earlier(lookup->round_ends_ms, now_ms + GRACE_MS);
}

static void note_answer(struct th_net_lookup *lookup, int n, enum th_net_answer answer)
{
    lookup->answers[n] = (uint8_t)answer;
    lookup->failed |= answer == TH_NET_ANSWER_FAILED;
}

static enum th_net_answer decode(struct th_net_lookup *lookup, int n, const uint8_t *message,
                                 size_t bytes)
{
    char name[TH_NET_NAME_BYTES + 1];
    spell_candidate(lookup, name);
    const struct th_net_question *question = &lookup->questions[n];
    if (lookup->services)
        return th_net_dns_decode_services(message, bytes, name, question, lookup->services);
    return th_net_dns_decode(message, bytes, name, question, &lookup->found);
}

/* What answers none of the open questions is ignored. */
static void take_datagram(struct th_net_lookup *lookup, size_t bytes)
{
    for (int n = 0; n < TH_NET_QUESTIONS; n++)
        if (is_awaited(lookup, n))
            note_answer(lookup, n, decode(lookup, n, lookup->reply, bytes));
}

static int read_datagram(struct th_net_lookup *lookup)
{
    int got = th_net_read(lookup->fd, lookup->reply, sizeof lookup->reply, NULL);
    if (got > 0)
        take_datagram(lookup, (size_t)got);
    if (got == TH_E_RECEIVE)
        give_up_server(lookup);
    return got;
}

static void read_datagrams(struct th_net_lookup *lookup, uint64_t now_ms)
{
    int got = 1;
    for (int i = 0; i < REPLIES_PER_STEP && got > 0; i++)
        got = read_datagram(lookup);
    shorten_wait(lookup, now_ms);
}

/* ---- asking over TCP ---- */

static void fail_stream(struct th_net_lookup *lookup)
{
    note_answer(lookup, lookup->streamed, TH_NET_ANSWER_FAILED);
}

void th_net_ask_over_tcp(struct th_net_lookup *lookup, int n, uint64_t now_ms)
{
    static const struct th_net_options plain;
    th_net_ask_hang_up(lookup);
    lookup->streamed = (int8_t)n;
    lookup->answers[n] = TH_NET_ANSWER_AWAITED;
    lookup->reply_bytes = 0;
    lookup->wants_write = true;
    lookup->resend_ms = TH_NEVER;
    lookup->round_ends_ms = now_ms + lookup->resolver.timeout_s * 1000u;
    lookup->fd = th_net_dial(server(lookup), lookup->server_port, &plain, NULL);
    shorten_wait(lookup, now_ms);
    if (lookup->fd < 0)
        fail_stream(lookup);
}

/* An empty socket buffer takes so little at once. */
static bool send_stream_question(struct th_net_lookup *lookup)
{
    uint8_t query[SIZE_PREFIX_BYTES + TH_NET_QUERY_BYTES];
    size_t bytes = encode(lookup, lookup->streamed, query + SIZE_PREFIX_BYTES);
    query[0] = (uint8_t)(bytes >> 8);
    query[1] = (uint8_t)bytes;
    bytes += SIZE_PREFIX_BYTES;
    return th_net_write(lookup->fd, query, bytes, NULL) == (int)bytes;
}

static void finish_connecting(struct th_net_lookup *lookup)
{
    int result = th_net_dialed(lookup->fd, server(lookup), lookup->server_port, NULL);
    if (result == TH_WANT_WRITE)
        return;
    lookup->wants_write = false;
    if (result < 0 || !send_stream_question(lookup))
        fail_stream(lookup);
}

/* How many bytes of prefix and message to read: no more than there is room for. */
static size_t stream_target(const struct th_net_lookup *lookup)
{
    if (lookup->reply_bytes < SIZE_PREFIX_BYTES)
        return SIZE_PREFIX_BYTES;
    size_t whole = SIZE_PREFIX_BYTES + (size_t)(lookup->reply[0] << 8 | lookup->reply[1]);
    return whole < sizeof lookup->reply ? whole : sizeof lookup->reply;
}

/* Anything but a definite answer to this very question is a failure here. */
static void take_stream_reply(struct th_net_lookup *lookup)
{
    int n = lookup->streamed;
    note_answer(lookup, n, decode(lookup, n, lookup->reply + SIZE_PREFIX_BYTES,
                                  lookup->reply_bytes - SIZE_PREFIX_BYTES));
    if (!th_net_ask_is_settled(lookup, n))
        fail_stream(lookup);
}

static void read_stream(struct th_net_lookup *lookup)
{
    while (lookup->reply_bytes < stream_target(lookup)) {
        size_t missing = stream_target(lookup) - lookup->reply_bytes;
        int got = th_net_read(lookup->fd, lookup->reply + lookup->reply_bytes, missing, NULL);
        if (got == TH_WANT_READ)
            return;
        if (got < 0) {
            fail_stream(lookup);
            return;
        }
        lookup->reply_bytes += (uint16_t)got;
    }
    take_stream_reply(lookup);
}

static void carry_on_stream(struct th_net_lookup *lookup)
{
    if (lookup->wants_write)
        finish_connecting(lookup);
    if (!lookup->wants_write && is_awaited(lookup, lookup->streamed))
        read_stream(lookup);
}

/* ---- both ---- */

void th_net_ask_read(struct th_net_lookup *lookup, uint64_t now_ms)
{
    if (lookup->streamed == TH_NET_OVER_UDP)
        read_datagrams(lookup, now_ms);
    else
        carry_on_stream(lookup);
}

bool th_net_ask_is_waiting(const struct th_net_lookup *lookup, uint64_t now_ms)
{
    bool awaited = lookup->streamed == TH_NET_OVER_UDP
        ? is_awaited(lookup, 0) || is_awaited(lookup, 1)
        : is_awaited(lookup, lookup->streamed);
    return awaited && now_ms < lookup->round_ends_ms;
}

void th_net_ask_again(struct th_net_lookup *lookup, uint64_t now_ms)
{
    if (now_ms >= lookup->resend_ms)
        send_questions(lookup, now_ms);
}
