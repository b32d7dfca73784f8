/* The verbs that read and write MQTT's data types (section 1.5). Used inside the room only. */
#ifndef TH_MQTT_CURSOR_H
#define TH_MQTT_CURSOR_H

#include "mqtt/mqtt.h"

/* Reads a packet of which a part may not have arrived yet. The first failure stays: after it every
 * take gives zero or an empty slice, so a packet can be read in one go and judged at the end. */
struct th_mqtt_reader {
    const uint8_t *bytes;
    size_t at_bytes;      /* taken */
    size_t arrived_bytes; /* there, never beyond the end */
    size_t end_bytes;     /* where the packet or list ends */
    size_t need_bytes;    /* not 0: a take waits until so many have arrived */
    const char *problem;  /* not NULL: a rule is broken */
};

struct th_mqtt_reader th_mqtt_reader_over(struct th_slice whole);
void th_mqtt_reader_limit(struct th_mqtt_reader *in, size_t arrived_bytes, size_t end_bytes);
void th_mqtt_reader_fail(struct th_mqtt_reader *in, const char *problem);

static inline bool th_mqtt_reader_ok(const struct th_mqtt_reader *in)
{
    return !in->problem && !in->need_bytes;
}

static inline size_t th_mqtt_reader_left(const struct th_mqtt_reader *in)
{
    return in->end_bytes - in->at_bytes;
}

struct th_slice th_mqtt_take(struct th_mqtt_reader *in, size_t bytes);
uint32_t th_mqtt_take_number(struct th_mqtt_reader *in, size_t width_bytes);
uint32_t th_mqtt_take_variable(struct th_mqtt_reader *in);
struct th_slice th_mqtt_take_text(struct th_mqtt_reader *in); /* length and bytes, not checked */

/* Writes to `to`, or only counts if that is NULL. The count stops above any legal packet instead
 * of wrapping. */
struct th_mqtt_writer {
    uint8_t *to;
    size_t bytes;
};

void th_mqtt_put(struct th_mqtt_writer *out, struct th_slice bytes);
void th_mqtt_put_number(struct th_mqtt_writer *out, size_t width_bytes, uint32_t number);
void th_mqtt_put_variable(struct th_mqtt_writer *out, size_t number);
void th_mqtt_put_text(struct th_mqtt_writer *out, struct th_slice text);

/* a + b, but never above TH_MQTT_PACKET_MAX_BYTES + 1. */
size_t th_mqtt_add_bytes(size_t a, size_t b);

#endif
