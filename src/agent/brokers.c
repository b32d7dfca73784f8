#include "agent/brokers.h"

#include "base/clock.h"
#include "base/format.h"
#include "cli/connection.h"
#include "cli/identity.h"
#include "cli/lane.h"
#include "cli/say.h"

#define HOST_BYTES 254
#define FAILBACK_MAX_MS 86400000
#define STABLE_MS 30000 /* a connection that held so long was a good one */

typedef char host_text[HOST_BYTES];
TH_LANE_ARRAY(host_text, hosts, TH_CLI_BROKERS_MAX);

struct lane {
    uint16_t ports[TH_CLI_BROKERS_MAX + 1];
    uint16_t port;        /* of those that name none */
    const struct th_cli_settings *settings;
    uint32_t count;       /* less than two: nothing to choose from */
    uint32_t used;        /* index of that which is dialled */
    uint32_t refusals;    /* one after the other, that no other attempt heals */
    uint64_t failback_ms; /* doubled each time the first one is not there */
    uint64_t failback_at_ms;
    uint64_t stable_at_ms;
    bool returning;       /* we left the one we had, for the first */
    bool begun;
    bool fresh;           /* others than a moment ago: what failed was not among them */
};
TH_LANE(struct lane, failover);

static void take(uint32_t i, const char *text, uint16_t port)
{
    struct th_slice host;
    th_cli_identity_endpoint(text, &host, &failover->ports[i]);
    th_format(hosts[i], HOST_BYTES, "%.*s", (int)host.len_bytes, (const char *)host.data);
    if (!failover->ports[i])
        failover->ports[i] = port;
}

void th_agent_brokers_take(struct th_cli_settings *s)
{
    failover->settings = s;
    failover->count = s->brokers.count;
    failover->port = (uint16_t)s->port;
    failover->used = failover->refusals = 0;
    failover->returning = false;
    failover->fresh = failover->begun;
    failover->ports[failover->count] = 0;
    failover->failback_ms = (uint64_t)s->failback_ms;
    failover->failback_at_ms = failover->stable_at_ms = TH_NEVER;
    for (uint32_t i = 0; i < failover->count; i++)
        take(i, s->brokers.items[i], failover->port);
    if (!failover->count)
        return;
    s->host = hosts[0];
    s->port = failover->ports[0];
    s->ports = failover->ports;
}

void th_agent_brokers_strip(struct th_cli_settings *s)
{
    if (!s->ports)
        return;
    s->host = "localhost";
    s->port = failover->port;
    s->ports = NULL;
}

/* ---- another one ----------------------------------------------------------------------------- */

static struct th_client *client(void)
{
    return th_cli_connection_client();
}

static void go_to(uint32_t i)
{
    failover->used = i;
    th_redirect(client(), hosts[i], failover->ports[i]);
}

/* What no attempt heals here may be healed elsewhere; if it is so everywhere, the agent ends. */
static bool is_hopeless(const struct th_event *event)
{
    failover->refusals = event->redial_in_ms < 0 ? failover->refusals + 1 : 0;
    return failover->refusals >= failover->count;
}

static void try_next(const struct th_event *event)
{
    if (is_hopeless(event))
        return;
    go_to((failover->used + 1) % failover->count);
    th_cli_warn("%s; the next attempt is at %s:%u", event->fault->text,
                hosts[failover->used], failover->ports[failover->used]);
}

static void come_back(void)
{
    failover->returning = false;
    go_to(0);
    th_connect(client());
}

/* Where it was good a moment ago, it is tried once more. */
static void lost(struct th_event *event)
{
    bool held = th_clock_ms() >= failover->stable_at_ms;
    if (failover->returning && !event->fault->code)
        come_back();
    else if (failover->count > 1 && event->fault->code && !held && !failover->fresh)
        try_next(event);
    failover->fresh = false;
    event->redial_in_ms = th_wait_ms(client());
    failover->failback_at_ms = failover->stable_at_ms = TH_NEVER;
}

static void connected(void)
{
    uint64_t now_ms = th_clock_ms();
    failover->refusals = 0;
    failover->stable_at_ms = now_ms + STABLE_MS;
    if (!failover->used)
        failover->failback_ms = (uint64_t)failover->settings->failback_ms;
    else if (failover->failback_ms)
        failover->failback_at_ms = now_ms + failover->failback_ms;
}

void th_agent_brokers_event(struct th_event *event)
{
    if (event->kind == TH_EVENT_CONNECTED)
        connected();
    if (event->kind == TH_EVENT_DISCONNECTED && !th_cli_connection_is_ending())
        lost(event);
}

/* ---- back to the first ----------------------------------------------------------------------- */

/* While the first one is not there, each try interrupts a good connection: they become rare. */
static void leave(void)
{
    failover->returning = th_disconnect(client(), 0, NULL) == 0;
    failover->failback_at_ms = TH_NEVER;
    if (failover->failback_ms < FAILBACK_MAX_MS)
        failover->failback_ms *= 2;
    th_cli_say("back to %s:%u", hosts[0], failover->ports[0]);
}

static void say_delay(void)
{
    int wait_ms = th_wait_ms(client());
    failover->begun = wait_ms >= 0;
    if (wait_ms > 0 && th_phase(client()) == TH_PHASE_RESTING)
        th_cli_say("the first attempt is in %d.%d s", wait_ms / 1000, wait_ms % 1000 / 100);
}

static bool turn(void)
{
    if (!failover->begun)
        say_delay();
    if (th_clock_ms() < failover->failback_at_ms)
        return false;
    leave();
    return true;
}

static uint64_t until_ms(void)
{
    return failover->failback_at_ms;
}

/* It counts from the next connection on. */
static void renew(const struct th_cli_settings *settings)
{
    failover->failback_ms = (uint64_t)settings->failback_ms;
}

const struct th_agent_part th_agent_brokers = {
    .turn = turn,
    .until_ms = until_ms,
    .renew = renew,
};
