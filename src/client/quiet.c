/* A connection that has nothing to do gives the pages of its buffers back to the kernel. They are
 * TH_SETTLE_MS old then: while messages come and go, nothing is given back only to be taken. */
#include "client/client.h"

#include "base/clock.h"
#include "mem/pages.h"

static uint64_t moved_bytes(const struct th_client *client)
{
    return client->link.wire.bytes_in + client->link.wire.bytes_out;
}

static bool has_sent_all(const struct th_client *client)
{
    const struct th_outbox *outbox = &client->outbox;
    return !outbox->slots && !outbox->control_end && !outbox->lent_bytes &&
           outbox->piece.at == outbox->piece.end && !outbox->piece.packet_bytes &&
           !th_net_wire_pending_out(&client->link.wire);
}

/* Of a record that has not come whole what there is lies in the record cell. */
static bool has_read_all(const struct th_client *client)
{
    return client->window.begin == client->window.end && !client->stream.active &&
           !th_net_wire_pending_in(&client->link.wire) &&
           !th_cell_live_bytes(&client->link.payer.cell);
}

/* WebSocket keeps what it is at in the TCP cell. */
static bool is_quiet(const struct th_client *client)
{
    return client->link.phase == TH_PHASE_UP && !client->link.ws.cell && has_sent_all(client) &&
           has_read_all(client);
}

/* TCP cell, outbox, window and piece lie side by side, and behind them what is kept: the topics
 * behind aliases, and which messages were received. */
static const uint8_t *end_of_buffers(const struct th_client *client)
{
    const struct th_mqtt_aliases *theirs = &client->session.aliases;
    const struct th_mqtt_aliases *ours = &client->outbox.aliases;
    if (theirs->used_bytes)
        return theirs->memory;
    if (ours->used_bytes)
        return ours->memory;
    size_t id_pages_bytes = client->session.received.ids.pages ? 0 : TH_SESSION_ID_PAGES_BYTES;
    return ours->memory + ours->bytes + id_pages_bytes;
}

static void give_pages_back(const struct th_client *client)
{
    th_pages_release(client->link.tcp_cell, end_of_buffers(client));
}

void th_client_settle(struct th_client *client)
{
    struct th_settling *settling = &client->settling;
    uint64_t now_ms = th_clock_ms();
    if (!TH_SETTLE_MS)
        return;
    if (settling->moved_bytes != moved_bytes(client)) {
        *settling = (struct th_settling){moved_bytes(client), now_ms + TH_SETTLE_MS};
    } else if (now_ms >= settling->due_ms) {
        settling->due_ms = TH_NEVER;
        if (is_quiet(client))
            give_pages_back(client);
    }
}
