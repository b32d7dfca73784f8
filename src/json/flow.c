#include "json/flow.h"

#include "base/base64.h"
#include "base/format.h"
#include "base/slice.h"

#include <inttypes.h>

static void put(struct th_json_flow *flow, const void *data, size_t bytes)
{
    if (flow->write && bytes)
        flow->write(data, bytes);
}

void th_json_flow_raw(struct th_json_flow *flow, const char *text)
{
    put(flow, text, strlen(text));
}

static void put_line(struct th_json_flow *flow)
{
    if (!flow->pretty)
        return;
    put(flow, "\n", 1);
    for (unsigned tabs = 0; tabs < flow->depth; tabs++)
        put(flow, "\t", 1);
}

static void put_comma(struct th_json_flow *flow)
{
    if (flow->follows)
        put(flow, ",", 1);
}

void th_json_flow_open(struct th_json_flow *flow, char bracket)
{
    put(flow, &bracket, 1);
    flow->depth++;
    flow->follows = false;
}

void th_json_flow_shut(struct th_json_flow *flow, char bracket)
{
    flow->depth--;
    if (bracket == '}')
        put_line(flow);
    put(flow, &bracket, 1);
    flow->follows = true;
}

void th_json_flow_name_begin(struct th_json_flow *flow)
{
    put_comma(flow);
    put_line(flow);
}

void th_json_flow_name_end(struct th_json_flow *flow)
{
    put(flow, ":\t", 1 + flow->pretty);
    flow->follows = true;
}

void th_json_flow_member(struct th_json_flow *flow, const char *name)
{
    th_json_flow_name_begin(flow);
    th_json_flow_string(flow, th_slice_text(name));
    th_json_flow_name_end(flow);
}

void th_json_flow_element(struct th_json_flow *flow)
{
    put_comma(flow);
    if (flow->follows && flow->pretty)
        put(flow, " ", 1);
    flow->follows = true;
}

void th_json_flow_integer(struct th_json_flow *flow, uint64_t number)
{
    char digits[24];
    th_format(digits, sizeof digits, "%" PRIu64, number);
    th_json_flow_raw(flow, digits);
}

/* ---- strings -------------------------------------------------------------------------------- */

static void put_escaped(struct th_json_flow *flow, uint8_t byte)
{
    static const char escaped[] = "\"\"\\\\\bb\ff\nn\rr\tt";
    char text[8] = "\\";
    const char *at = memchr(escaped, byte, sizeof escaped - 1);
    if (at)
        text[1] = at[1];
    else
        th_format(text, sizeof text, "\\u%04x", byte);
    th_json_flow_raw(flow, text);
}

static bool is_plain(const struct th_json_flow *flow, uint8_t byte)
{
    return flow->plain || (byte >= 0x20 && byte != '"' && byte != '\\');
}

void th_json_flow_part(struct th_json_flow *flow, struct th_slice text)
{
    const uint8_t *at = text.data, *end = at + text.len_bytes;
    while (at < end) {
        const uint8_t *plain = at;
        while (at < end && is_plain(flow, *at))
            at++;
        put(flow, plain, (size_t)(at - plain));
        if (at < end)
            put_escaped(flow, *at++);
    }
}

void th_json_flow_string(struct th_json_flow *flow, struct th_slice text)
{
    th_json_flow_raw(flow, "\"");
    th_json_flow_part(flow, text);
    th_json_flow_raw(flow, "\"");
}

static void put_group(struct th_json_flow *flow, const uint8_t *data, size_t bytes)
{
    char group[4];
    th_base64_group(data, bytes, group);
    put(flow, group, sizeof group);
}

void th_json_flow_base64(struct th_json_flow *flow, struct th_slice data)
{
    th_json_flow_raw(flow, "\"");
    for (size_t at = 0; at < data.len_bytes; at += 3)
        put_group(flow, data.data + at, data.len_bytes - at < 3 ? data.len_bytes - at : 3);
    th_json_flow_raw(flow, "\"");
}
