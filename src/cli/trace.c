#include "cli/trace.h"

#include "base/format.h"
#include "base/slice.h"
#include "cli/lane.h"
#include "cli/out.h"
#include "cli/say.h"
#include "cli/show.h"
#include <thimble/packet.h>

enum {
    CONNACK = 2, PUBLISH, PUBACK, PUBREC, PUBREL, PUBCOMP,
    SUBSCRIBE, SUBACK, UNSUBSCRIBE, UNSUBACK,
    DISCONNECT = 14,
    ASSIGNED_CLIENT_ID = 18,
};

struct lane {
    const struct th_cli_settings *settings;
    const char *client_id;
    char assigned_id[TH_CLI_SHOWN_BYTES];
    unsigned last_id; /* mosquitto's clients number messages of QoS 0 too */
};
TH_LANE(struct lane, own);

void th_cli_trace_begin(const struct th_cli_settings *settings, const char *client_id)
{
    own->settings = settings;
    own->last_id = 0;
    own->client_id = client_id && *client_id ? client_id : "(null)";
}

static unsigned qos_of(const struct th_packet_note *note)
{
    return note->flags >> 1 & 3;
}

static const char *shown(struct th_slice text, char out[TH_CLI_SHOWN_BYTES])
{
    char whole[TH_CLI_SHOWN_BYTES + 1];
    th_format(whole, sizeof whole, "%.*s", (int)text.len_bytes, (const char *)text.data);
    return th_cli_show(whole, out);
}

/* ---- mosquitto's words ---- */

static void say_who(bool sent, unsigned type)
{
    th_cli_out_text("Client ");
    th_cli_out_text(own->client_id);
    th_cli_out_format(" %s %s", sent ? "sending" : "received", th_mqtt_type_name(type));
}

static void learn_client_id(const struct th_packet_note *note)
{
    struct th_received_properties rest = note->properties;
    struct th_property property;
    while (th_property_next(&rest, &property))
        if (property.id == ASSIGNED_CLIENT_ID)
            own->client_id = shown(property.text, own->assigned_id);
}

static void print_message(const struct th_packet_note *note, unsigned id)
{
    th_cli_out_format(" (d%u, q%u, r%u, m%u, '", note->flags >> 3, qos_of(note), note->flags & 1,
                      id);
    th_cli_out_foreign(note->topic.data, note->topic.len_bytes);
    th_cli_out_foreign_end();
    th_cli_out_format("', ... (%zu bytes))", note->payload_bytes);
}

static struct th_slice take_filter(struct th_slice *rest)
{
    size_t bytes = (size_t)(rest->data[0] << 8 | rest->data[1]);
    struct th_slice filter = {rest->data + 2, bytes};
    *rest = (struct th_slice){filter.data + bytes, rest->len_bytes - 2 - bytes};
    return filter;
}

static void print_options(struct th_slice *rest)
{
    unsigned options = *rest->data++;
    rest->len_bytes--;
    th_cli_out_format(", QoS: %u, Options: 0x%02x", options & 3, options & 0xfc);
}

static void print_request(const struct th_packet_note *note)
{
    struct th_slice rest = note->filters;
    while (rest.len_bytes) {
        say_who(true, note->type);
        th_cli_out_format(" (Mid: %u, Topic: ", note->packet_id);
        struct th_slice filter = take_filter(&rest);
        th_cli_out(filter.data, filter.len_bytes);
        if (note->type == SUBSCRIBE)
            print_options(&rest);
        th_cli_out_text(")\n");
    }
}

static const char *detail_of(const struct th_packet_note *note)
{
    bool with_code = note->type == PUBACK || note->type == (note->sent ? PUBREC : PUBCOMP);
    if (note->type < PUBACK || note->type > PUBCOMP)
        return "";
    if (note->sent)
        return with_code ? " (m%u, rc%u)" : " (m%u)";
    return with_code ? " (Mid: %u, RC:%u)" : " (Mid: %u)";
}

static bool ends_it(const struct th_packet_note *note)
{
    return !note->sent && note->type == DISCONNECT;
}

static void print_line(const struct th_packet_note *note)
{
    if (ends_it(note)) {
        th_cli_out_format("Received DISCONNECT (%u)\n", note->reason);
        return;
    }
    say_who(note->sent, note->type);
    if (note->type == PUBLISH)
        print_message(note, note->sent ? own->last_id : note->packet_id);
    else if (note->type == CONNACK)
        th_cli_out_format(" (%u)", note->reason);
    else
        th_cli_out_format(detail_of(note), note->packet_id, note->reason);
    th_cli_out_text("\n");
}

/* mosquitto's clients acknowledge before they print the message. */
static void print_answer(const struct th_packet_note *note)
{
    const struct th_packet_note answer = {
        .sent = true,
        .type = qos_of(note) == 1 ? PUBACK : PUBREC,
        .packet_id = note->packet_id,
    };
    print_line(&answer);
}

static bool is_told_already(const struct th_packet_note *note)
{
    return note->sent && (note->type == PUBACK || note->type == PUBREC);
}

static void count_ids(const struct th_packet_note *note)
{
    if (note->packet_id)
        own->last_id = note->packet_id;
    else if (note->type == PUBLISH)
        own->last_id++;
}

static void print_as_mosquitto(void *arg, const struct th_packet_note *note)
{
    (void)arg;
    if (note->sent)
        count_ids(note);
    learn_client_id(note);
    if (note->filters.len_bytes)
        print_request(note);
    else if (!is_told_already(note))
        print_line(note);
    if (!note->sent && note->type == PUBLISH && qos_of(note))
        print_answer(note);
}

/* ---- our words ---- */

static void write_details(char *text, size_t room, const struct th_packet_note *note)
{
    char topic[TH_CLI_SHOWN_BYTES];
    if (note->type == PUBLISH)
        th_format(text, room, ": QoS %u%s%s, %s, %zu bytes", qos_of(note),
                  note->flags & 1 ? ", retain" : "", note->flags & 8 ? ", again" : "",
                  shown(note->topic, topic), note->payload_bytes);
    else if (note->reason)
        th_format(text, room, ": %s (%u)",
                  th_mqtt_reason_name((int)own->settings->version, note->type, note->reason),
                  note->reason);
}

static void say_packet(void *arg, const struct th_packet_note *note)
{
    char text[160];
    struct th_log log = th_cli_voice_log();
    (void)arg;
    int at = th_format(text, sizeof text, "%s %s", note->sent ? "sent" : "received",
                       th_mqtt_type_name(note->type));
    if (note->packet_id)
        at += th_format(text + at, sizeof text - (size_t)at, " %u", note->packet_id);
    write_details(text + at, sizeof text - (size_t)at, note);
    if (log.line)
        log.line(log.arg, TH_LOG_DEBUG, text);
}

th_cli_trace_packet *th_cli_trace_sink(void)
{
    if (!own->settings->debug)
        return NULL;
    return own->settings->persona == TH_CLI_MOSQUITTO ? print_as_mosquitto : say_packet;
}

static void print_granted(const struct th_event *event)
{
    th_cli_out_format("Subscribed (mid: %u)", event->packet_id);
    for (size_t i = 0; i < event->codes.len_bytes; i++)
        th_cli_out_format("%s %u", i ? "," : ":", event->codes.data[i]);
    th_cli_out_text("\n");
}

void th_cli_trace_event(const struct th_event *event)
{
    if (event->kind == TH_EVENT_SUBSCRIBED && own->settings->command == TH_CLI_SUB &&
        th_cli_trace_sink() == print_as_mosquitto)
        print_granted(event);
}
