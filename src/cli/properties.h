/* -D PACKET NAME VALUE: the MQTT 5 properties a user may give, by the names mosquitto's clients
 * have for them. */
#ifndef TH_CLI_PROPERTIES_H
#define TH_CLI_PROPERTIES_H

#include "cli/options.h"
#include "cli/settings.h"
#include "cli/show.h"

/* True if the property takes two values, a name and a value: user-property. */
bool th_cli_property_is_pair(const char *name);

/* Adds one to the list; the values are kept where they are. `command` is a mask of the commands
 * whose packets may be named; `value2` is NULL but for a pair. False: see `problem`, which names
 * the words, and what is allowed instead. */
bool th_cli_property_add(struct th_cli_properties *properties, int command, const char *packet,
                         const char *name, const char *value, const char *value2,
                         struct th_cli_problem *problem);

/* Adds one of ours, for which there is always room: behind those of the packet. */
void th_cli_properties_put(struct th_cli_properties *properties, enum th_cli_packet packet,
                           const struct th_property *property);

/* The first one of the packet with this identifier, or NULL. */
const struct th_property *th_cli_property_given(const struct th_cli_properties *properties,
                                                enum th_cli_packet packet, uint8_t id);

/* Those of one packet. Valid until one is added. */
struct th_properties th_cli_properties_of(const struct th_cli_properties *properties,
                                          enum th_cli_packet packet);

/* The first one with this identifier: 1, or 0 if there is none. */
int th_cli_property_find(struct th_received_properties received, uint8_t id,
                         struct th_property *found);

/* ": " and what the broker gave as reason string (5.0 section 3.4.2.2.2), tamed and cut; or "". */
const char *th_cli_property_reason(struct th_received_properties received,
                                   char shown[TH_CLI_SHOWN_BYTES]);

/* "content-type"; NULL if it is none of those a client sends. */
const char *th_cli_property_name(uint8_t id);

#endif
