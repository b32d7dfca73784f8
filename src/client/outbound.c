#include "client/client.h"

#include "base/clock.h"
#include "base/err.h"

/* Whoever publishes the next message when the last is written must not hold the thread for ever.
 * One write takes all packets that lie side by side. */
#define WRITES_PER_TURN 8

static void tell_written(struct th_client *client, unsigned count)
{
    const struct th_event event = {.kind = TH_EVENT_PUBLISHED};
    th_client_tell_times(client, &event, count);
}

static void note_first_puback(struct th_client *client)
{
    struct th_puback_clock *clock = &client->puback;
    if (!clock->packet_id || clock->sent_us)
        return;
    const struct th_outbox_slot *slot = th_outbox_find(&client->outbox, clock->packet_id);
    if (slot && slot->state == TH_SLOT_SENT)
        clock->sent_us = th_clock_us();
}

static void note_sent(struct th_client *client, size_t bytes)
{
    unsigned written = th_outbox_sent(&client->outbox, bytes, th_clock_ms());
    note_first_puback(client);
    tell_written(client, written);
}

/* Everything of ours goes out through here, in order. */
static int write_some(struct th_client *client, struct th_slice due)
{
    int taken = th_link_write(&client->link, due.data, due.len_bytes);
    if (taken > 0)
        th_client_note_sent(client, due, (size_t)taken);
    return taken;
}

static int judge_source(struct th_client *client)
{
    int error = th_outbox_error(&client->outbox);
    if (error == 0)
        return 0;
    th_fault_set(&client->link.fault, error, "the payload of a message could not be read to its "
                 "end while it was sent");
    th_client_tell_refused(client);
    return error;
}

static int send_next(struct th_client *client)
{
    struct th_slice due = th_outbox_next(&client->outbox);
    if (!due.len_bytes)
        return judge_source(client);
    int taken = write_some(client, due);
    if (taken > 0)
        note_sent(client, (size_t)taken);
    return taken;
}

bool th_client_has_due(struct th_client *client)
{
    return th_outbox_next(&client->outbox).len_bytes || th_outbox_error(&client->outbox);
}

static int send_queue(struct th_client *client)
{
    int taken = 1;
    for (int writes = 0; taken > 0 && writes < WRITES_PER_TURN; writes++)
        taken = send_next(client);
    return taken < 0 ? taken : 0;
}

int th_client_send(struct th_client *client)
{
    int result = send_queue(client);
    if (result == 0 || result == TH_WANT_WRITE) {
        int flushed = th_link_flush(&client->link);
        result = flushed < 0 ? flushed : result;
    }
    client->wants_write = result == TH_WANT_WRITE;
    return result;
}
