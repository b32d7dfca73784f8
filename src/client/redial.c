#include "client/client.h"

#include "base/clock.h"
#include "base/err.h"
#include "crypt/random.h"
#include <string.h>

/* A connection that held so long was a good one: the next failure is a first one again. */
#define STABLE_MS 30000

#define HTTP_SERVER_ERROR 500 /* and above (RFC 9110 section 15.6) */

/* Refusals that pass by themselves, in CONNACK or DISCONNECT (5.0 section 2.4; 3.1.1 section
 * 3.2.2.3) or before them, of a WebSocket. */
static bool refusal_passes(const struct th_client *client)
{
    switch (client->link.fault.reason) {
    case 3:    /* 3.1.1: server unavailable */
    case 0x88: /* server unavailable */
    case 0x89: /* server busy */
    case 0x8b: /* server shutting down */
    case 0x8d: /* keep alive timeout: we slept */
    case 0x96: /* message rate too high */
    case 0x9f: /* connection rate exceeded */
    case 0xa0: /* maximum connect time */
        return true;
    case 0x97: /* quota exceeded */
        return client->config.redial.full_jitter;
    default:
        return client->link.fault.reason >= HTTP_SERVER_ERROR;
    }
}

static bool is_passing(int error)
{
    static const int passing[] = {
        TH_E_TLS,    TH_E_HANDSHAKE, TH_E_CLOSED,  TH_E_TCP,    TH_E_RECEIVE,
        TH_E_LOOKUP, TH_E_TIMEOUT,   TH_E_ENTROPY, TH_E_SYSTEM, TH_E_CLOCK,
    };
    for (size_t i = 0; i < sizeof passing / sizeof *passing; i++)
        if (passing[i] == error)
            return true;
    return false;
}

/* What the proxy tells about the way, not about us (RFC 1928 section 6). */
static bool proxy_passes(const struct th_client *client)
{
    int reply = client->link.fault.reason;
    return reply == 1 || (reply >= 3 && reply <= 6);
}

static bool may_pass(const struct th_client *client, int error)
{
    if (error == TH_E_PROXY)
        return proxy_passes(client);
    if (error == TH_E_REFUSED)
        return refusal_passes(client);
    return is_passing(error);
}

static bool attempts_left(const struct th_client *client)
{
    int attempts = client->config.redial.attempts;
    return attempts < 0 || client->redial.failures < (unsigned)attempts;
}

static bool redial_follows(const struct th_client *client, int result)
{
    bool known_good = client->redial.was_up || client->config.redial.first_too;
    return !client->leaving && known_good && may_pass(client, result) && attempts_left(client);
}

static uint32_t doubled(const struct th_client *client)
{
    uint64_t wait_ms = client->config.redial.first_ms;
    for (unsigned i = 0; i < client->redial.failures && wait_ms < client->config.redial.max_ms; i++)
        wait_ms *= 2;
    return wait_ms < client->config.redial.max_ms ? (uint32_t)wait_ms
                                                  : client->config.redial.max_ms;
}

/* Drawn by lot, so that a thousand devices do not come back at the same moment. */
static uint32_t shortened(uint32_t wait_ms, uint32_t by_ms)
{
    uint32_t random = 0;
    th_crypt_random(&random, sizeof random);
    return wait_ms - random % (by_ms + 1);
}

/* Whoever has too much to do is not asked again soon. */
static bool asks_for_patience(const struct th_client *client)
{
    static const uint8_t reasons[] = {3, 0x89, 0x97, 0x9f};
    return client->link.fault.code == TH_E_REFUSED && client->link.fault.reason <= UINT8_MAX &&
           memchr(reasons, client->link.fault.reason, sizeof reasons);
}

static uint32_t jittered(const struct th_client *client)
{
    const struct th_redial *redial = &client->config.redial;
    uint32_t wait_ms = doubled(client);
    if (redial->full_jitter && asks_for_patience(client))
        wait_ms = redial->max_ms;
    else if (redial->full_jitter)
        return shortened(wait_ms, wait_ms);
    return shortened(wait_ms, wait_ms / 2);
}

uint32_t th_client_delay_ms(const struct th_client *client)
{
    bool is_asked_again = client->link.attempts || client->redial.due_ms != TH_NEVER;
    uint32_t delay_ms = is_asked_again ? 0 : client->config.redial.delay_ms;
    return shortened(delay_ms, delay_ms);
}

static void plan_redial(struct th_client *client)
{
    uint32_t wait_ms = jittered(client);
    client->redial.failures++;
    client->redial.due_ms = th_clock_ms() + wait_ms;
}

static void forgive_if_stable(struct th_client *client)
{
    uint64_t since_ms = client->redial.up_since_ms;
    if (since_ms && th_clock_ms() - since_ms >= STABLE_MS)
        client->redial.failures = 0;
    client->redial.up_since_ms = 0;
}

static void tell_disconnected(struct th_client *client)
{
    int reason = client->link.fault.reason; /* an HTTP status is none of MQTT's */
    const struct th_event event = {
        .kind = TH_EVENT_DISCONNECTED,
        .reason = reason <= UINT8_MAX ? (uint8_t)reason : 0,
        .redial_in_ms = th_clock_wait_ms(client->redial.due_ms, th_clock_ms()),
        .fault = &client->link.fault,
    };
    th_client_tell(client, &event);
}

/* The fault that came first is the reason, whatever it led to. */
static int first_failure(struct th_client *client, int result)
{
    if (result != TH_E_CLOSED) /* no failure is without a fault, whoever forgot it */
        th_fault_set(&client->link.fault, result, "%s", th_error_name(result));
    return client->link.fault.code ? client->link.fault.code : result;
}

static void end_link(struct th_client *client, bool another_follows)
{
    if (!another_follows) {
        th_link_hang_up(&client->link);
        return;
    }
    th_link_break_off(&client->link);
    plan_redial(client);
}

void th_client_end_attempt(struct th_client *client, int result)
{
    client->result = first_failure(client, result);
    forgive_if_stable(client);
    end_link(client, redial_follows(client, client->result));
    th_session_lost(&client->session);
    th_client_forget_received(client);
    client->unnoted_bytes = 0;
    client->wants_write = false;
    tell_disconnected(client);
}

/* ---- between two attempts -------------------------------------------------------------------- */

/* A PUBLISH that waits for its PUBACK is sent again and timed again. */
static void restart_puback_clock(struct th_puback_clock *clock)
{
    if (clock->took_us)
        *clock = (struct th_puback_clock){0};
    clock->sent_us = 0;
}

static int begin_attempt(struct th_client *client)
{
    client->redial.due_ms = TH_NEVER;
    restart_puback_clock(&client->puback);
    int result = th_link_begin(&client->link);
    if (result < 0)
        th_client_end_attempt(client, result);
    return result;
}

static int give_up(struct th_client *client)
{
    client->redial.due_ms = TH_NEVER;
    client->result = TH_E_CLOSED;
    th_fault_clear(&client->link.fault);
    th_link_hang_up(&client->link);
    tell_disconnected(client);
    return client->result;
}

/* What the one before asked for does not bind the next one. */
static void plan_elsewhere(struct th_client *client)
{
    uint32_t wait_ms = doubled(client);
    uint64_t due_ms = th_clock_ms() + shortened(wait_ms, wait_ms);
    if (client->redial.due_ms == TH_NEVER)
        client->redial.failures++;
    client->redial.due_ms = th_clock_earlier(client->redial.due_ms, due_ms);
}

int th_redirect(struct th_client *client, const char *host, uint16_t port)
{
    struct th_link *link = &client->link;
    if (link->phase != TH_PHASE_RESTING)
        return TH_E_ARGUMENT;
    client->config.host = link->config.host = host;
    client->config.port = link->config.port = port;
    link->addresses.count = 0;
    th_link_hang_up(link);
    if (link->fault.code && !client->leaving)
        plan_elsewhere(client);
    return 0;
}

int th_client_rest(struct th_client *client)
{
    if (client->redial.due_ms == TH_NEVER)
        return client->result;
    if (client->leaving)
        return give_up(client);
    return th_clock_ms() < client->redial.due_ms ? 0 : begin_attempt(client);
}
