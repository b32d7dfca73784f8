#include "client/client.h"

#include "base/clock.h"
#include "base/err.h"
#include "crypt/random.h"

/* A step sends and reads at most so often, for others on the same thread want their turn. */
#define TURNS_PER_STEP 32

/* How long the peer may take to close its half after our close_notify. Closing earlier, with
 * bytes unread, would reset the connection and could cost the peer what we sent last. */
#define LINGER_MS 1000

/* ---- GREETING and UP: bytes in, bytes out ---------------------------------------------------- */

static bool tells_why(int result)
{
    return th_is_failure(result) && result != TH_E_CLOSED && result != TH_E_RECEIVE;
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

/* 1: there may be more to do without waiting. 0: there is not. Or an error. */
static int exchange_once(struct th_client *client)
{
    int sent = th_client_send(client);
    if (th_is_failure(sent))
        return sent == TH_E_CLOSED ? last_words(client, sent) : sent;
    if (th_outbox_ended(&client->outbox))
        return 0;
    int got = th_client_receive(client);
    if (th_is_failure(got))
        return got;
    bool due = got == TH_WANT_WRITE || th_client_has_due(client);
    return got >= 0 || (sent == 0 && due);
}

static int exchange(struct th_client *client)
{
    int result = 1;
    for (int turns = 0; result > 0 && turns < TURNS_PER_STEP; turns++)
        result = exchange_once(client);
    client->more |= result > 0;
    return result < 0 ? result : 0;
}

static int start_closing(struct th_client *client)
{
    th_link_enter(&client->link, TH_PHASE_CLOSING);
    client->finished = false;
    client->answer_waits = false;
    return 0;
}

/* An error of ours has queued a DISCONNECT that says so: the broker is to hear it. */
static bool owes_an_explanation(struct th_client *client, int result)
{
    bool ours = result == TH_E_PROTOCOL || result == TH_E_MEMORY;
    return ours && client->link.phase == TH_PHASE_UP &&
           client->session.state == TH_SESSION_ENDED && th_outbox_next(&client->outbox).len_bytes;
}

static int converse(struct th_client *client)
{
    int result = exchange(client);
    if (result == 0 && th_outbox_ended(&client->outbox))
        return start_closing(client);
    if (owes_an_explanation(client, result))
        return start_closing(client);
    if (th_is_failure(result))
        th_link_flush(&client->link); /* TLS may have an alert for the peer */
    return result;
}

static int step_greeting(struct th_client *client)
{
    int result = converse(client);
    if (result == 0 && client->link.phase == TH_PHASE_GREETING)
        result = th_link_overdue(&client->link);
    return result;
}

/* What has arrived is heard before anybody is called overdue: this process may have slept. */
static int step_up(struct th_client *client)
{
    int result = converse(client);
    if (result == 0)
        result = th_link_lease_overdue(&client->link);
    if (result < 0 || client->link.phase != TH_PHASE_UP || th_link_in_line(&client->link))
        return result;
    result = th_session_tick(&client->session, th_clock_ms(), &client->link.fault);
    client->more |= !client->wants_write && th_client_has_due(client);
    return result;
}

/* ---- CLOSING -------------------------------------------------------------------------------- */

/* All packets are in the kernel: if the rest fails, the peer has left before us. */
static int say_goodbye(struct th_client *client)
{
    if (th_link_finish(&client->link) == TH_WANT_WRITE)
        return TH_WANT_WRITE;
    client->finished = true;
    client->link.deadline_ms = th_clock_ms() + LINGER_MS;
    return 0;
}

static int await_end(struct th_client *client)
{
    uint8_t unwanted[256];
    int got = 1;
    for (int turns = 0; got > 0 && turns < TURNS_PER_STEP; turns++)
        got = th_net_wire_read(&client->link.wire, unwanted, sizeof unwanted);
    return got > 0 ? TH_WANT_READ : got;
}

static int part(struct th_client *client)
{
    int result = th_client_send(client);
    if (result == 0 && !client->finished)
        result = say_goodbye(client);
    if (result == 0)
        result = await_end(client);
    client->wants_write = result == TH_WANT_WRITE;
    return result;
}

/* Once everything is sent it ends as asked for, or with the fault that led here. */
static int step_closing(struct th_client *client)
{
    int result = part(client);
    int overdue = th_is_failure(result) ? 0 : th_link_overdue(&client->link);
    if (!th_is_failure(result) && !overdue)
        return 0;
    if (!client->finished)
        return overdue ? overdue : result;
    if (client->link.fault.phase == TH_PHASE_CLOSING)
        th_fault_clear(&client->link.fault);
    return TH_E_CLOSED;
}

/* ---- every phase ---------------------------------------------------------------------------- */

static int draw_nonce(struct th_client *client)
{
    uint8_t *nonce = th_session_nonce(&client->session);
    if (!nonce || th_crypt_random(nonce, TH_AUTH_NONCE_BYTES) == 0)
        return 0;
    return th_crypt_random_lacks(&client->link.fault);
}

static int greet(struct th_client *client)
{
    client->leaving |= client->config.handshake_only;
    if (client->config.handshake_only)
        return start_closing(client);
    th_link_enter(&client->link, TH_PHASE_GREETING);
    th_client_forget_received(client);
    int result = draw_nonce(client);
    return result < 0 ? result
                      : th_session_greet(&client->session, th_clock_ms(), &client->link.fault);
}

static int step_link(struct th_client *client)
{
    int result = th_link_step(&client->link);
    if (!th_is_wait(result))
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
