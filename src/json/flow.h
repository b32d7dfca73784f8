/* Writes JSON straight through, in pieces as small as one likes: nothing is held, nothing copied.
 * What is printed of messages goes through here, for a payload may be larger than memory; the
 * report, whose leaves are small, is built by json/writer.h.
 *
 * The order of calls is the caller's affair:
 *
 *     th_json_flow_open(&flow, '{');
 *     th_json_flow_member(&flow, "topic");
 *     th_json_flow_string(&flow, topic);
 *     th_json_flow_shut(&flow, '}');
 *
 * Bytes that are not UTF-8 pass as they are. */
#ifndef TH_JSON_FLOW_H
#define TH_JSON_FLOW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <thimble.h>

struct th_json_flow {
    void (*write)(const void *data, size_t bytes); /* NULL: into nothing */
    bool pretty;                                   /* a line for each member, as cJSON prints */
    bool plain;                                    /* strings are not escaped */
    bool follows;                                  /* something, in the object or array we are in */
    uint16_t depth;
};

/* '{' or '[', and what ends it. */
void th_json_flow_open(struct th_json_flow *flow, char bracket);
void th_json_flow_shut(struct th_json_flow *flow, char bracket);

/* What stands before a value: in an object its name, a plain literal, or one that is written with
 * th_json_flow_string() between the two; in an array the comma. */
void th_json_flow_member(struct th_json_flow *flow, const char *name);
void th_json_flow_name_begin(struct th_json_flow *flow);
void th_json_flow_name_end(struct th_json_flow *flow);
void th_json_flow_element(struct th_json_flow *flow);

/* Values. A part is a stretch of a string, escaped, between quotes of its own. */
void th_json_flow_integer(struct th_json_flow *flow, uint64_t number);
void th_json_flow_string(struct th_json_flow *flow, struct th_slice text);
void th_json_flow_part(struct th_json_flow *flow, struct th_slice text);
void th_json_flow_raw(struct th_json_flow *flow, const char *text);

/* The string "..." of base64 (RFC 4648 section 4). */
void th_json_flow_base64(struct th_json_flow *flow, struct th_slice data);

#endif
