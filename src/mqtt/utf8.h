/* UTF-8 as MQTT wants it (section 1.5.4; 1.5.3 in 3.1.1). */
#ifndef TH_MQTT_UTF8_H
#define TH_MQTT_UTF8_H

#include <stdbool.h>
#include <thimble.h>

/* Well-formed (no overlong form, no surrogate, nothing above U+10FFFF) and without U+0000. */
bool th_mqtt_utf8_valid(struct th_slice text);

/* And without control characters and noncharacters, over which a broker may end the connection. */
bool th_mqtt_utf8_clean(struct th_slice text);

#endif
