/* No option asks for aliases, so no broker may use one. */
#include "mqtt/alias.h"

#include "base/slice.h"

struct th_slice th_mqtt_alias_topic(const struct th_mqtt_aliases *aliases, uint16_t alias)
{
    (void)aliases, (void)alias;
    return th_slice_of(NULL, 0);
}

bool th_mqtt_alias_keep(struct th_mqtt_aliases *aliases, uint16_t alias, struct th_slice topic)
{
    (void)aliases, (void)alias, (void)topic;
    return false;
}
