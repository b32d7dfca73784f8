/* Packet notes, for traces: what was sent is read back from the bytes on their way. */
#include "client/client.h"

#include "base/slice.h"
#include "mqtt/sent.h"

static size_t note_next(struct th_client *client, struct th_slice rest)
{
    struct th_packet_note note;
    size_t packet_bytes = th_mqtt_note_sent(rest, client->config.version, &note);
    client->config.on_packet(client->config.arg, &note);
    return packet_bytes;
}

void th_client_note_sent(struct th_client *client, struct th_slice offered, size_t taken_bytes)
{
    size_t at = client->unnoted_bytes;
    if (!client->config.on_packet)
        return;
    while (at < taken_bytes)
        at += note_next(client, th_slice_of(offered.data + at, offered.len_bytes - at));
    client->unnoted_bytes = at - taken_bytes;
}

void th_client_note_received(struct th_client *client, const struct th_mqtt_packet *packet)
{
    if (!client->config.on_packet)
        return;
    const struct th_packet_note note = {
        .type = packet->type,
        .flags = packet->flags,
        .reason = packet->reason,
        .packet_id = packet->packet_id,
        .topic = packet->publish.topic,
        .payload_bytes = packet->publish.payload_bytes,
        .properties = packet->properties,
    };
    client->config.on_packet(client->config.arg, &note);
}
