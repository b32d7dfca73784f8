/* Reads back what a client has encoded, for traces. */
#ifndef TH_MQTT_SENT_H
#define TH_MQTT_SENT_H

#include "mqtt/mqtt.h"

/* `bytes` begins with a packet of ours; the payload of a PUBLISH may be missing, and other packets
 * may follow. Fills `note`, whose slices point into `bytes`. Returns the length of the packet,
 * payload included. */
size_t th_mqtt_note_sent(struct th_slice bytes, int version, struct th_packet_note *note);

#endif
