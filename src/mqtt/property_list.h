/* Writes property lists. Used inside the room only. */
#ifndef TH_MQTT_PROPERTY_LIST_H
#define TH_MQTT_PROPERTY_LIST_H

#include "mqtt/cursor.h"

/* `count` lists, checked before, as one: its length and then the properties. */
void th_property_put(struct th_mqtt_writer *out, const struct th_properties *lists, size_t count);

#endif
