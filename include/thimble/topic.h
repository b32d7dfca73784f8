/* Text, topic names and topic filters as MQTT defines them. Pure: nothing is kept or allocated. */
#ifndef THIMBLE_TOPIC_H
#define THIMBLE_TOPIC_H

#include <thimble.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Well-formed UTF-8 without U+0000: what client ids, user names and topics must be. */
bool th_mqtt_utf8_valid(struct th_slice text);

/* The same, without control characters (U+0001 to U+001F, U+007F to U+009F) and noncharacters: a
 * broker may end the connection over one (5.0 section 1.5.4), and would at each redial. Nothing
 * else of the library refuses them. */
bool th_mqtt_utf8_clean(struct th_slice text);

/* 1 to 65,535 bytes of valid UTF-8 without '+' and '#'. */
bool th_mqtt_topic_name_valid(struct th_slice name);

/* The same; '+' fills a level, '#' fills the last one; "$share/NAME/" may stand before it. */
bool th_mqtt_topic_filter_valid(struct th_slice filter);

/* True if the filter selects the topic; both must be valid. */
bool th_mqtt_topic_matches(struct th_slice filter, struct th_slice topic);

#ifdef __cplusplus
}
#endif

#endif
