#include "mqtt/sent.h"

#include "base/slice.h"
#include "mqtt/cursor.h"

static bool is_one_of(unsigned types, unsigned type)
{
    return types >> type & 1;
}

#define TYPE(type) (1u << TH_MQTT_##type)
#define ACKNOWLEDGEMENTS (TYPE(PUBACK) | TYPE(PUBREC) | TYPE(PUBREL) | TYPE(PUBCOMP))
#define REQUESTS (TYPE(SUBSCRIBE) | TYPE(UNSUBSCRIBE))

static void skip_properties(struct th_mqtt_reader *in, int version)
{
    if (version == TH_MQTT_5)
        th_mqtt_take(in, th_mqtt_take_variable(in));
}

static void publish(struct th_mqtt_reader *in, int version, size_t end_bytes,
                    struct th_packet_note *note)
{
    note->topic = th_mqtt_take_text(in);
    if (note->flags & 6)
        note->packet_id = (uint16_t)th_mqtt_take_number(in, 2);
    skip_properties(in, version);
    note->payload_bytes = end_bytes - in->at_bytes;
}

static void others(struct th_mqtt_reader *in, int version, size_t end_bytes,
                   struct th_packet_note *note)
{
    bool ends = note->type == TH_MQTT_DISCONNECT || note->type == TH_MQTT_AUTH;
    if (is_one_of(ACKNOWLEDGEMENTS | REQUESTS, note->type))
        note->packet_id = (uint16_t)th_mqtt_take_number(in, 2);
    if ((ends || is_one_of(ACKNOWLEDGEMENTS, note->type)) && in->at_bytes < end_bytes)
        note->reason = (uint8_t)th_mqtt_take_number(in, 1);
    if (!is_one_of(REQUESTS, note->type))
        return;
    skip_properties(in, version);
    note->filters = th_mqtt_take(in, end_bytes - in->at_bytes);
}

size_t th_mqtt_note_sent(struct th_slice bytes, int version, struct th_packet_note *note)
{
    struct th_mqtt_reader in = th_mqtt_reader_over(bytes);
    uint32_t first = th_mqtt_take_number(&in, 1);
    size_t remaining_bytes = th_mqtt_take_variable(&in);
    size_t end_bytes = in.at_bytes + remaining_bytes;

    *note = (struct th_packet_note){
        .sent = true, .type = (uint8_t)(first >> 4), .flags = first & 0xf};
    if (note->type == TH_MQTT_PUBLISH)
        publish(&in, version, end_bytes, note);
    else
        others(&in, version, end_bytes, note);
    return end_bytes;
}
