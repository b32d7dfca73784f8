/* Words for MQTT's numbers. Pure: nothing is kept or allocated. */
#ifndef THIMBLE_PACKET_H
#define THIMBLE_PACKET_H

#include <thimble.h>

#ifdef __cplusplus
extern "C" {
#endif

/* "PUBLISH" for 3 (5.0 section 2.1.2); "reserved" for 0 and what is above 15. */
const char *th_mqtt_type_name(unsigned type);

/* "not authorized". The same number means different things: give the version and the type of the
 * packet it came in. "unknown reason" if the standard has no such code there. */
const char *th_mqtt_reason_name(int version, unsigned type, unsigned code);

#ifdef __cplusplus
}
#endif

#endif
