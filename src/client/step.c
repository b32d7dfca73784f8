#include "client/client.h"

#include "base/clock.h"
#include "base/err.h"

#include <sys/socket.h>

/* A step reads at most so many times, for others on the same thread want their turn. */
#define READS_PER_STEP 32

/* How long the peer may take to close its half after our close_notify. Closing earlier, with
 * bytes unread, would reset the connection and could cost the peer what we sent last. */
#define LINGER_MS 1000

/* ---- telling the application ---------------------------------------------------------------- */

void th_client_tell(struct th_client *client, const struct th_event *event)
{
    if (!client->config.on_event)
        return;
    uint64_t before_us = th_clock_us();
    client->config.on_event(client->config.arg, event);
    client->link.clock.callbacks_us += th_clock_us() - before_us;
}

void th_client_deliver(struct th_client *client, const struct th_delivery *delivery)
{
    if (!client->config.on_delivery)
        return;
    uint64_t before_us = th_clock_us();
    client->config.on_delivery(client->config.arg, delivery);
    client->link.clock.callbacks_us += th_clock_us() - before_us;
}

/* ---- GREETING and UP: bytes in, bytes out ---------------------------------------------------- */

static bool is_wait(int result)
{
    return result == TH_WANT_READ || result == TH_WANT_WRITE;
}

static bool tells_why(int result)
{
    return !is_wait(result) && result != TH_E_CLOSED && result != TH_E_RECEIVE;
}

/* Sending fails because the peer has closed. What it said before, an alert or a DISCONNECT, still
 * lies there to be read and tells more. */
static int last_words(struct th_client *client, int failure)
{
    struct th_fault fault = client->link.fault;
    int got;
    th_fault_clear(&client->link.fault);
    while ((got = th_client_receive(client)) > 0)
        ;
    if (tells_why(got))
        return got;
    client->link.fault = fault;
    return failure;
}

/* 0 when nothing can move any more, or an error. */
static int exchange(struct th_client *client)
{
    for (int reads = 0; reads < READS_PER_STEP; reads++) {
        int sent = th_client_send(client);
        if (sent < 0 && sent != TH_WANT_WRITE)
            return sent == TH_E_CLOSED ? last_words(client, sent) : sent;
        if (th_outbox_ended(&client->outbox))
            return 0;
        int got = th_client_receive(client);
        if (is_wait(got) && sent == TH_WANT_WRITE)
            return 0;
        if (got == TH_WANT_READ && !th_outbox_next(&client->outbox).len_bytes)
            return 0;
        if (got < 0 && !is_wait(got))
            return got;
    }
    client->more = true;
    return 0;
}

/* An error of ours has queued a DISCONNECT that says so: try to get it out, once. */
static int exchange_or_explain(struct th_client *client)
{
    int result = exchange(client);
    if (result < 0)
        th_client_send(client);
    return result;
}

static int step_greeting(struct th_client *client)
{
    int result = exchange_or_explain(client);
    if (result == 0 && client->link.phase == TH_PHASE_GREETING)
        result = th_link_overdue(&client->link);
    return result;
}

static int start_closing(struct th_client *client)
{
    th_link_enter(&client->link, TH_PHASE_CLOSING);
    client->finished = false;
    return 0;
}

static int step_up(struct th_client *client)
{
    int result = th_session_tick(&client->session, th_clock_ms(), &client->link.fault);
    if (result == 0)
        result = exchange_or_explain(client);
    if (result == 0 && th_outbox_ended(&client->outbox))
        return start_closing(client);
    return result;
}

/* ---- CLOSING -------------------------------------------------------------------------------- */

static int say_goodbye(struct th_client *client)
{
    int result = th_link_finish(&client->link);
    if (result < 0)
        return result;
    client->finished = true;
    client->link.deadline_ms = th_clock_ms() + LINGER_MS;
    shutdown(client->link.wire.fd, SHUT_WR);
    return 0;
}

static int await_end(struct th_client *client)
{
    uint8_t unwanted[256];
    int got;
    while ((got = th_net_wire_read(&client->link.wire, unwanted, sizeof unwanted)) > 0)
        ;
    return got;
}

/* However it goes, it ends as asked for: what was to be sent is sent. */
static int step_closing(struct th_client *client)
{
    int result = client->finished ? 0 : say_goodbye(client);
    if (result == 0)
        result = await_end(client);
    client->wants_write = result == TH_WANT_WRITE;
    bool overdue = th_clock_ms() >= client->link.deadline_ms;
    return is_wait(result) && !overdue ? 0 : TH_E_CLOSED;
}

/* ---- every phase ---------------------------------------------------------------------------- */

static int greet(struct th_client *client)
{
    th_link_enter(&client->link, TH_PHASE_GREETING);
    th_client_forget_received(client);
    return th_session_greet(&client->session, th_clock_ms(), &client->link.fault);
}

static int step_link(struct th_client *client)
{
    int result = th_link_step(&client->link);
    if (!is_wait(result))
        return result < 0 ? result : greet(client);
    return th_link_overdue(&client->link);
}

static int step_phase(struct th_client *client)
{
    switch (client->link.phase) {
    case TH_PHASE_GREETING:
        return step_greeting(client);
    case TH_PHASE_UP:
        return step_up(client);
    case TH_PHASE_CLOSING:
        return step_closing(client);
    default:
        return step_link(client);
    }
}

int th_client_advance(struct th_client *client)
{
    enum th_phase before;
    int result;
    do {
        before = client->link.phase;
        result = step_phase(client);
    } while (result == 0 && client->link.phase != before);
    return result;
}
