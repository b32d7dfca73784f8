/* What the application is told. The time it takes is not ours. */
#include "client/client.h"

#include "base/clock.h"

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
