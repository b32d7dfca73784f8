/* Messages, and what else a broker tells, in JSON. */
#ifndef TH_CLI_JSON_H
#define TH_CLI_JSON_H

#include "json/flow.h"

/* %j, or with `parsed` %J, the way mosquitto_sub prints them, a piece at a time. `parsed` wants the
 * whole message; false: its payload is not JSON, and nothing was printed. The moment of
 * cli/moment.h is the message's time. */
bool th_cli_json_message(const struct th_delivery *piece, bool pretty, bool parsed);

/* --jsonl: one object for a message, or for each piece of one. Without the newline. */
void th_cli_json_line(const struct th_delivery *piece);

/* "t":1470818943.786368, which is now; and the number alone. */
void th_cli_json_time(struct th_json_flow *flow);
void th_cli_json_now(struct th_json_flow *flow);

/* Members: a text, a number; and "props", if there are any. In "props", and in the payload of
 * --jsonl, what is not UTF-8 without U+0000 is in base64, as NAME_b64. */
void th_cli_json_text(struct th_json_flow *flow, const char *name, struct th_slice text);
void th_cli_json_number(struct th_json_flow *flow, const char *name, uint64_t number);
void th_cli_json_properties(struct th_json_flow *flow, struct th_received_properties properties);

/* Numbers of a message: `names` is a list of names, each ended by a NUL, with a letter before it
 * for what it names: q QoS, r retain flag, m packet identifier (left out at QoS 0), o offset,
 * l length of the piece, t of the whole. */
void th_cli_json_numbers(struct th_json_flow *flow, const struct th_delivery *piece,
                         const char *names);

#endif
