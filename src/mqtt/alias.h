/* The topics behind the aliases one side uses (5.0 section 3.3.2.3.4), in a block of fixed size. */
#ifndef TH_MQTT_ALIAS_H
#define TH_MQTT_ALIAS_H

#include <stdbool.h>
#include <thimble.h>

/* A topic costs its length and this. */
#define TH_MQTT_ALIAS_OVERHEAD_BYTES 4

/* `memory` is written only when aliases are used. */
struct th_mqtt_aliases {
    uint8_t *memory;
    uint32_t bytes;
    uint32_t used_bytes;
};

/* Its topic, or data NULL. Valid until the next th_mqtt_alias_keep(). */
struct th_slice th_mqtt_alias_topic(const struct th_mqtt_aliases *aliases, uint16_t alias);

/* From now on `alias` means `topic`, which lies elsewhere. False: there is no room; the alias then
 * means nothing. */
bool th_mqtt_alias_keep(struct th_mqtt_aliases *aliases, uint16_t alias,
                        struct th_slice topic);

/* The alias we use for `topic`, which lies elsewhere: 1 to `maximum` (> 0). *known: it means this
 * topic already; else it is free, or that of the topic that was not used for longest. 0: the topic
 * is longer than the block. */
uint16_t th_mqtt_alias_choose(struct th_mqtt_aliases *aliases, struct th_slice topic,
                              uint16_t maximum, bool *known);

#endif
