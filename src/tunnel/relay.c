#include "tunnel/relay.h"

#include "base/clock.h"
#include "base/err.h"
#include "net/socket.h"

/* How long the last bytes may take after one side has ended. */
#define LINGER_MS 5000

void th_relay_open(struct th_relay *relay, int local)
{
    relay->local = local;
    relay->broker = NULL;
    relay->local_ended = relay->broker_ended = false;
    relay->leave_by_ms = TH_NEVER;
    relay->up_bytes = relay->down_bytes = 0;
    relay->up.from = relay->up.to = relay->down.from = relay->down.to = 0;
    th_fault_clear(&relay->fault);
}

/* ---- the two ends ---------------------------------------------------------------------------- */

static bool is_empty(const struct th_relay_way *way)
{
    return way->from == way->to;
}

static void fill(struct th_relay_way *way, int bytes)
{
    way->from = 0;
    way->to = (uint16_t)bytes;
}

static void leave_soon(struct th_relay *relay)
{
    if (relay->leave_by_ms == TH_NEVER)
        relay->leave_by_ms = th_clock_ms() + LINGER_MS;
}

static void end_local(struct th_relay *relay)
{
    relay->local_ended = true;
    leave_soon(relay);
}

/* The broker's end is told as a fault only if it was not in order. */
static void end_broker(struct th_relay *relay, int result)
{
    if (result != TH_E_CLOSED && relay->broker)
        relay->fault = *th_tls_fault(relay->broker);
    relay->broker_ended = true;
    leave_soon(relay);
}

/* ---- the four moves: each true if bytes were moved ------------------------------------------- */

static bool take_from_local(struct th_relay *relay)
{
    if (relay->local_ended || !is_empty(&relay->up))
        return false;
    int got = th_net_read(relay->local, relay->up.bytes, sizeof relay->up.bytes, NULL);
    if (got > 0)
        fill(&relay->up, got);
    else if (!th_is_wait(got))
        end_local(relay);
    return got > 0;
}

static bool give_to_broker(struct th_relay *relay)
{
    struct th_relay_way *up = &relay->up;
    if (is_empty(up) || relay->broker_ended)
        return false;
    int sent = th_tls_write(relay->broker, up->bytes + up->from, up->to - up->from);
    if (th_is_failure(sent))
        end_broker(relay, sent);
    if (sent <= 0)
        return false;
    up->from += (uint16_t)sent;
    relay->up_bytes += (unsigned)sent;
    return true;
}

static bool take_from_broker(struct th_relay *relay)
{
    if (relay->broker_ended || !is_empty(&relay->down))
        return false;
    int got = th_tls_read(relay->broker, relay->down.bytes, sizeof relay->down.bytes);
    if (got > 0)
        fill(&relay->down, got);
    else if (th_is_failure(got))
        end_broker(relay, got);
    return got > 0;
}

/* Who does not take what the broker sends has ended, too. */
static bool give_to_local(struct th_relay *relay)
{
    struct th_relay_way *down = &relay->down;
    if (is_empty(down))
        return false;
    int sent = th_net_write(relay->local, down->bytes + down->from, down->to - down->from, NULL);
    if (th_is_failure(sent)) {
        end_local(relay);
        down->from = down->to;
    }
    if (sent <= 0)
        return false;
    down->from += (uint16_t)sent;
    relay->down_bytes += (unsigned)sent;
    return true;
}

/* ---- together -------------------------------------------------------------------------------- */

static bool connect_broker(struct th_relay *relay, void *block, size_t block_bytes,
                           struct th_context *context, const struct th_tls_config *config)
{
    if (th_tls_is_open(relay->broker))
        return true;
    int result = th_tls_connect(&relay->broker, block, block_bytes, context, config, &relay->fault);
    if (th_is_failure(result))
        end_broker(relay, TH_E_CLOSED);
    return result == 0;
}

static bool has_unsent(const struct th_relay *relay)
{
    bool waits = relay->broker && th_tls_poll_events(relay->broker) & POLLOUT;
    return waits || !is_empty(&relay->up);
}

static bool is_over(const struct th_relay *relay)
{
    if (th_clock_ms() >= relay->leave_by_ms)
        return true;
    return relay->broker_ended ? is_empty(&relay->down)
                               : relay->local_ended && !has_unsent(relay);
}

int th_relay_step(struct th_relay *relay, void *block, size_t block_bytes,
                  struct th_context *context, const struct th_tls_config *config)
{
    bool moved = true;
    while (moved) {
        moved = take_from_local(relay);
        if (!relay->broker_ended && !connect_broker(relay, block, block_bytes, context, config))
            break;
        moved |= give_to_broker(relay);
        moved |= take_from_broker(relay);
        moved |= give_to_local(relay);
    }
    return is_over(relay);
}

/* While nobody takes what came, the broker is not read. */
static struct pollfd awaited_of_broker(const struct th_relay *relay)
{
    short events = th_tls_poll_events(relay->broker);
    if (th_tls_is_open(relay->broker) && !is_empty(&relay->down))
        events &= is_empty(&relay->up) ? 0 : POLLOUT;
    return (struct pollfd){.fd = events ? th_tls_fd(relay->broker) : -1, .events = events};
}

void th_relay_awaited(const struct th_relay *relay, struct pollfd awaited[2])
{
    bool reads = is_empty(&relay->up) && !relay->local_ended;
    bool writes = !is_empty(&relay->down);
    awaited[0] = (struct pollfd){
        .fd = reads || writes ? relay->local : -1,
        .events = (short)((reads ? POLLIN : 0) | (writes ? POLLOUT : 0)),
    };
    awaited[1] = (struct pollfd){.fd = -1};
    if (relay->broker && !relay->broker_ended)
        awaited[1] = awaited_of_broker(relay);
}

int th_relay_wait_ms(const struct th_relay *relay)
{
    int leave_ms = th_clock_wait_ms(relay->leave_by_ms, th_clock_ms());
    if (!relay->broker || relay->broker_ended)
        return leave_ms;
    return th_clock_shorter_ms(leave_ms, th_tls_wait_ms(relay->broker));
}

void th_relay_close(struct th_relay *relay)
{
    th_tls_close(relay->broker);
    th_net_hang_up(relay->local);
    relay->broker = NULL;
    relay->local = -1;
}
