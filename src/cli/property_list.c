#include "cli/properties.h"

#include "base/format.h"

#define REASON_STRING 31

const struct th_property *th_cli_property_given(const struct th_cli_properties *list,
                                                enum th_cli_packet packet, uint8_t id)
{
    for (uint32_t i = 0; i < list->count; i++)
        if (list->packets[i] == packet && list->list[i].id == id)
            return &list->list[i];
    return NULL;
}

void th_cli_properties_put(struct th_cli_properties *list, enum th_cli_packet packet,
                           const struct th_property *property)
{
    uint32_t at = list->count++;
    for (; at > 0 && list->packets[at - 1] > packet; at--) {
        list->list[at] = list->list[at - 1];
        list->packets[at] = list->packets[at - 1];
    }
    list->list[at] = *property;
    list->packets[at] = (uint8_t)packet;
}

struct th_properties th_cli_properties_of(const struct th_cli_properties *list,
                                          enum th_cli_packet packet)
{
    uint32_t first = 0, end;
    while (first < list->count && list->packets[first] < packet)
        first++;
    for (end = first; end < list->count && list->packets[end] == packet;)
        end++;
    return (struct th_properties){list->list + first, end - first};
}

/* ---- what was received ---- */

int th_cli_property_find(struct th_received_properties received, uint8_t id,
                         struct th_property *found)
{
    while (th_property_next(&received, found))
        if (found->id == id)
            return 1;
    return 0;
}

const char *th_cli_property_reason(struct th_received_properties received,
                                   char shown[TH_CLI_SHOWN_BYTES])
{
    struct th_property reason;
    char text[TH_CLI_SHOWN_BYTES + 1];
    if (!th_cli_property_find(received, REASON_STRING, &reason))
        return "";
    th_format(text, sizeof text, ": %.*s", (int)reason.text.len_bytes, reason.text.data);
    return th_cli_show(text, shown);
}
