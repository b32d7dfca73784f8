#include "client/client.h"

#include "base/clock.h"
#include "base/log.h"
#include "crypt/random.h"

/* A connection that held so long was a good one: the next failure is a first one again. */
#define STABLE_MS 30000

/* Refusals that pass by themselves (5.0 section 3.2.2.2; 3.1.1 section 3.2.2.3). */
static bool refusal_passes(const struct th_client *client)
{
    int reason = client->link.fault.reason;
    if (client->config.version == TH_MQTT_3_1_1)
        return reason == 3;
    return reason == 0x88 || reason == 0x89 || reason == 0x8b || reason == 0x9f;
}

static bool may_pass(const struct th_client *client, int result)
{
    switch (result) {
    case TH_E_REFUSED:
        return refusal_passes(client);
    case TH_E_TLS:
    case TH_E_HANDSHAKE:
    case TH_E_CLOSED:
    case TH_E_TCP:
    case TH_E_RECEIVE:
    case TH_E_LOOKUP:
    case TH_E_TIMEOUT:
    case TH_E_SYSTEM:
        return true;
    default:
        return false;
    }
}

static bool attempts_left(const struct th_client *client)
{
    int attempts = client->config.redial.attempts;
    return attempts < 0 || client->redial.failures < (unsigned)attempts;
}

static bool redial_follows(const struct th_client *client, int result)
{
    bool known_good = client->session.established || client->config.redial.first_too;
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

/* Somewhere in the upper half, so that a thousand devices do not come back at the same moment. */
static uint32_t jittered(uint32_t wait_ms)
{
    uint32_t random = 0;
    th_crypt_random(&random, sizeof random);
    return wait_ms - random % (wait_ms / 2 + 1);
}

static void plan_redial(struct th_client *client)
{
    uint32_t wait_ms = jittered(doubled(client));
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
    const struct th_event event = {
        .kind = TH_EVENT_DISCONNECTED,
        .reason = (uint8_t)client->link.fault.reason,
        .redial_in_ms = th_clock_wait_ms(client->redial.due_ms, th_clock_ms()),
        .fault = &client->link.fault,
    };
    th_client_tell(client, &event);
}

void th_client_end_attempt(struct th_client *client, int result)
{
    th_link_hang_up(&client->link);
    th_session_lost(&client->session);
    th_client_forget_received(client);
    client->wants_write = false;
    client->result = result;
    client->redial.due_ms = TH_NEVER;
    forgive_if_stable(client);
    if (redial_follows(client, result))
        plan_redial(client);
    tell_disconnected(client);
}

bool th_client_redial_due(const struct th_client *client)
{
    return client->redial.due_ms != TH_NEVER && th_clock_ms() >= client->redial.due_ms;
}

int th_client_begin_attempt(struct th_client *client)
{
    client->redial.due_ms = TH_NEVER;
    int result = th_link_begin(&client->link);
    if (result < 0)
        th_client_end_attempt(client, result);
    return result;
}
