#include "cli/json.h"

#include "base/calendar.h"
#include "base/format.h"
#include "base/slice.h"
#include "cli/moment.h"
#include "cli/out.h"
#include "cli/piece.h"
#include "cli/properties.h"
#include "json/copy.h"

#include <thimble/topic.h>

#define USER_PROPERTY 38

/* Whose value is a text, or bytes. */
#define OF_TEXT \
    (BIT(3) | BIT(8) | BIT(9) | BIT(18) | BIT(21) | BIT(22) | BIT(26) | BIT(28) | BIT(31))
#define BIT(id) (UINT64_C(1) << (id))

/* ---- members -------------------------------------------------------------------------------- */

void th_cli_json_text(struct th_json_flow *flow, const char *name, struct th_slice text)
{
    th_json_flow_member(flow, name);
    th_json_flow_string(flow, text);
}

void th_cli_json_number(struct th_json_flow *flow, const char *name, uint64_t number)
{
    th_json_flow_member(flow, name);
    th_json_flow_integer(flow, number);
}

static void put_bytes(struct th_json_flow *flow, const char *name, struct th_slice bytes)
{
    char in_base64[32];
    if (th_mqtt_utf8_valid(bytes)) {
        th_cli_json_text(flow, name, bytes);
        return;
    }
    th_format(in_base64, sizeof in_base64, "%s_b64", name);
    th_json_flow_member(flow, in_base64);
    th_json_flow_base64(flow, bytes);
}

static uint64_t number_of(const struct th_delivery *piece, char which)
{
    switch (which) {
    case 'q': return piece->qos;
    case 'r': return piece->retain;
    case 'm': return piece->packet_id;
    case 'o': return piece->offset_bytes;
    case 'l': return piece->payload.len_bytes;
    default:  return piece->total_bytes;
    }
}

void th_cli_json_numbers(struct th_json_flow *flow, const struct th_delivery *piece,
                         const char *names)
{
    for (; *names; names += strlen(names) + 1)
        if (*names != 'm' || piece->qos)
            th_cli_json_number(flow, names + 1, number_of(piece, *names));
}

void th_cli_json_now(struct th_json_flow *flow)
{
    struct timespec now = th_calendar_now();
    char text[32];
    th_format(text, sizeof text, "%lld.%06ld", (long long)now.tv_sec, now.tv_nsec / 1000);
    th_json_flow_raw(flow, text);
}

void th_cli_json_time(struct th_json_flow *flow)
{
    th_json_flow_member(flow, "t");
    th_cli_json_now(flow);
}

/* ---- properties ----------------------------------------------------------------------------- */

static void put_user_property(struct th_json_flow *flow, const struct th_property *property,
                              bool ours)
{
    if (!ours) {
        th_json_flow_name_begin(flow);
        th_json_flow_string(flow, property->text);
        th_json_flow_name_end(flow);
        th_json_flow_string(flow, property->value);
        return;
    }
    th_json_flow_element(flow);
    th_json_flow_open(flow, '[');
    th_json_flow_string(flow, property->text);
    th_json_flow_raw(flow, ",");
    th_json_flow_string(flow, property->value);
    th_json_flow_shut(flow, ']');
}

/* mosquitto_sub has one object with all of them, where the first one stands. A name may come twice:
 * ours is an array of pairs, which loses none. */
static void put_user_properties(struct th_json_flow *flow, struct th_received_properties rest,
                                bool ours)
{
    struct th_property property;
    th_json_flow_member(flow, "user-properties");
    th_json_flow_open(flow, ours ? '[' : '{');
    while (th_property_next(&rest, &property))
        if (property.id == USER_PROPERTY)
            put_user_property(flow, &property, ours);
    th_json_flow_shut(flow, ours ? ']' : '}');
}

static void put_property(struct th_json_flow *flow, const struct th_property *property, bool ours)
{
    const char *name = th_cli_property_name(property->id);
    if (!name)
        return;
    if (!(OF_TEXT >> property->id & 1))
        th_cli_json_number(flow, name, property->number);
    else if (ours)
        put_bytes(flow, name, property->text);
    else
        th_cli_json_text(flow, name, property->text);
}

static void put_properties(struct th_json_flow *flow, struct th_received_properties properties,
                           bool ours)
{
    struct th_received_properties rest = properties;
    struct th_property property;
    bool users_put = false;
    th_json_flow_open(flow, '{');
    while (th_property_next(&rest, &property)) {
        if (property.id != USER_PROPERTY)
            put_property(flow, &property, ours);
        else if (!users_put)
            put_user_properties(flow, properties, ours);
        users_put |= property.id == USER_PROPERTY;
    }
    th_json_flow_shut(flow, '}');
}

void th_cli_json_properties(struct th_json_flow *flow, struct th_received_properties properties)
{
    if (!properties.raw.len_bytes)
        return;
    th_json_flow_member(flow, "props");
    put_properties(flow, properties, true);
}

/* ---- %j and %J ------------------------------------------------------------------------------ */

static void put_timestamp(struct th_json_flow *flow)
{
    char text[TH_CLI_MOMENT_BYTES];
    th_cli_moment_text("@Y-@m-@dT@H:@M:@S." TH_CLI_MICROSECONDS "@z", text);
    th_cli_json_text(flow, "tst", th_slice_text(text));
}

static void put_header(struct th_json_flow *flow, const struct th_delivery *message)
{
    th_json_flow_open(flow, '{');
    put_timestamp(flow);
    th_cli_json_text(flow, "topic", message->topic);
    th_cli_json_numbers(flow, message, "qqos\0" "rretain\0" "tpayloadlen\0" "mmid\0");
    if (message->properties.raw.len_bytes) {
        th_json_flow_member(flow, "properties");
        put_properties(flow, message->properties, false);
    }
    th_json_flow_member(flow, "payload");
}

static void put_quoted(struct th_json_flow *flow, const struct th_delivery *piece, bool is_last)
{
    if (th_cli_piece_is_first(piece))
        th_json_flow_raw(flow, "\"");
    th_json_flow_part(flow, piece->payload);
    if (is_last)
        th_json_flow_raw(flow, "\"");
}

static bool is_json(struct th_slice text)
{
    struct th_json_flow nowhere = {0};
    return text.len_bytes == 0 || th_json_copy(&nowhere, text);
}

bool th_cli_json_message(const struct th_delivery *piece, bool pretty, bool parsed)
{
    struct th_json_flow flow = {.write = th_cli_out_foreign, .pretty = pretty};
    if (parsed && !is_json(piece->payload))
        return false;
    bool is_last = th_cli_piece_is_last(piece);
    if (th_cli_piece_is_first(piece))
        put_header(&flow, piece);
    flow.depth = 1;
    if (!piece->total_bytes)
        th_json_flow_raw(&flow, "null");
    else if (parsed)
        th_json_copy(&flow, piece->payload);
    else
        put_quoted(&flow, piece, is_last);
    if (is_last)
        th_json_flow_shut(&flow, '}');
    return true;
}

/* ---- --jsonl -------------------------------------------------------------------------------- */

void th_cli_json_line(const struct th_delivery *piece)
{
    struct th_json_flow flow = {.write = th_cli_out_foreign};
    th_json_flow_open(&flow, '{');
    th_cli_json_time(&flow);
    th_cli_json_text(&flow, "topic", piece->topic);
    th_cli_json_numbers(&flow, piece, "qqos\0" "rretain\0" "mmid\0" "llen\0");
    if (piece->payload.len_bytes < piece->total_bytes)
        th_cli_json_numbers(&flow, piece, "ooff\0" "ttotal\0");
    if (th_cli_piece_is_first(piece))
        th_cli_json_properties(&flow, piece->properties);
    put_bytes(&flow, "payload", piece->payload);
    th_json_flow_shut(&flow, '}');
}
