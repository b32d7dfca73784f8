/* What the application is told. The time it takes is not ours. */
#include "client/client.h"

#include "base/clock.h"
#include "base/err.h"

void th_client_tell_times(struct th_client *client, const struct th_event *event, unsigned times)
{
    if (!client->config.on_event || !times)
        return;
    uint64_t before_us = th_clock_us();
    while (times--)
        client->config.on_event(client->config.arg, event);
    client->link.clock.callbacks_us += th_clock_us() - before_us;
}

void th_client_tell(struct th_client *client, const struct th_event *event)
{
    th_client_tell_times(client, event, 1);
}

void th_client_deliver(struct th_client *client, const struct th_delivery *delivery)
{
    if (!client->config.on_delivery)
        return;
    uint64_t before_us = th_clock_us();
    client->config.on_delivery(client->config.arg, delivery);
    client->link.clock.callbacks_us += th_clock_us() - before_us;
}

int th_client_keep_received(struct th_client *client, bool synced)
{
    struct th_session *session = &client->session;
    const struct th_received *received = client->config.received;
    if (!session->received_changed || !received)
        return 0;
    th_session_write_received(session);
    uint64_t before_us = th_clock_us();
    int result = received->keep(received->arg, synced, synced ? &client->link.fault : NULL);
    client->link.clock.callbacks_us += th_clock_us() - before_us;
    session->received_changed = !synced || result < 0;
    return result;
}

/* ---- requests that end without an answer ----------------------------------------------------- */

static const struct th_fault *reason_in_words(struct th_client *client,
                                              const struct th_event *event)
{
    struct th_fault *fault = &client->request_fault;
    if (event->reason < TH_REASON_EXPIRED || event->reason == TH_REASON_WITHDRAWN)
        return NULL;
    if (event->reason == TH_REASON_UNREADABLE)
        return &client->link.fault;
    bool expired = event->reason == TH_REASON_EXPIRED;
    th_fault_clear(fault);
    fault->reason = event->reason;
    th_fault_set(fault, expired ? TH_E_TIMEOUT : TH_E_REFUSED, expired ?
                 "message %u expired while it waited to be sent" :
                 "the broker has lost the session: it had message %u, and may or may not have "
                 "passed it on", event->packet_id);
    return fault;
}

void th_client_tell_refused(struct th_client *client)
{
    struct th_event event;
    while (th_session_next_refused(&client->session, &event)) {
        event.fault = reason_in_words(client, &event);
        th_client_tell(client, &event);
    }
}
