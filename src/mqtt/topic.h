/* Topic names and topic filters (section 4.7), shared subscriptions (5.0 section 4.8.2). */
#ifndef TH_MQTT_TOPIC_H
#define TH_MQTT_TOPIC_H

#include <stdbool.h>
#include <thimble.h>

/* 1 to 65,535 bytes of valid UTF-8 without '+' and '#'. */
bool th_mqtt_topic_name_valid(struct th_slice name);

/* 1 to 65,535 bytes of valid UTF-8; '+' fills a level, '#' fills the last one; what begins with
 * "$share/" has a share name without wildcards and a filter after it, in either version. */
bool th_mqtt_topic_filter_valid(struct th_slice filter);

/* Both must be valid. A wildcard in the first level does not match a topic that begins with '$'.
 * A shared filter ("$share/name/filter") matches what its filter matches. */
bool th_mqtt_topic_matches(struct th_slice filter, struct th_slice topic);

/* Begins with "$share/". */
bool th_mqtt_filter_is_shared(struct th_slice filter);

#endif
