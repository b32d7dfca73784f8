/* A line of a producer: what is taken obeys the rules of the spool and lies where it was promised;
 * what is refused is told in one line. */
#include "agent/line.h"

#include "base/slice.h"
#include "mqtt/property.h"
#include <stdlib.h>
#include <string.h>
#include <thimble/topic.h>

static void check_taken(const struct th_spool_message *message, const char *line, size_t bytes)
{
    const uint8_t *begin = (const uint8_t *)line, *end = begin + bytes;
    const struct th_slice parts[] = {message->topic, message->payload, message->id};
    for (size_t i = 0; i < 3; i++)
        if (parts[i].data && (parts[i].data < begin || parts[i].data + parts[i].len_bytes > end))
            abort();
    if (!th_mqtt_topic_name_valid(message->topic) || message->qos > 2 ||
        message->id.len_bytes > TH_SPOOL_ID_MAX_BYTES ||
        th_property_check_received(message->properties, TH_MQTT_PUBLISH))
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct th_spool_message message;
    struct th_fault fault = {0};
    char *line = malloc(size + 1);
    memcpy(line, data, size);
    if (th_agent_line_read(&message, line, size, &fault) == 0)
        check_taken(&message, line, size);
    else if (!*fault.text || strchr(fault.text, '\n'))
        abort();
    free(line);
    return 0;
}
