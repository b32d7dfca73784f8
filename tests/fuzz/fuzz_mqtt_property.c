/* A property list. The first byte chooses the packet it stands in; the rest is the list, read both
 * checked and unchecked. What is accepted and may be sent is encoded again, to the same bytes. */
#include <assert.h>
#include <stdlib.h>

#include "base/slice.h"
#include "mqtt/encode.h"
#include "mqtt/property.h"

#define MOST 256

static size_t collect(struct th_received_properties rest, struct th_property *list)
{
    size_t count = 0;

    while (count < MOST && th_property_next(&rest, &list[count]))
        count++;
    return count;
}

/* A PUBLISH at QoS 0 ends with its list when there is no payload. */
static void check_same_bytes(struct th_slice raw, const struct th_property *list, size_t count)
{
    struct th_message message = {.topic = th_slice_text("a"), .properties = {list, count}};
    struct th_mqtt_publish publish = {.version = TH_MQTT_5, .message = &message};
    int bytes = th_mqtt_publish_header_bytes(&publish, NULL);

    if (bytes < 0)
        return;
    uint8_t *packet = malloc((size_t)bytes);
    assert(packet);
    assert(th_mqtt_publish_header_encode(packet, &publish) == (size_t)bytes);
    assert((size_t)bytes > raw.len_bytes);
    assert(!memcmp(packet + bytes - raw.len_bytes, raw.data, raw.len_bytes));
    free(packet);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct th_property list[MOST];

    if (size == 0)
        return 0;
    uint8_t *bytes = malloc(size);
    assert(bytes);
    memcpy(bytes, data + 1, size - 1);
    struct th_slice raw = th_slice_of(bytes, size - 1);
    const char *problem = th_property_check_received(raw, data[0] & 0xf);
    size_t count = collect((struct th_received_properties){raw}, list);

    if (!problem && count < MOST)
        check_same_bytes(raw, list, count);
    free(bytes);
    return 0;
}
