#include "cli/events.h"

#include "base/errno.h"
#include "base/slice.h"
#include "base/text.h"
#include "cli/exit.h"
#include "cli/json.h"
#include "cli/out.h"
#include "cli/say.h"
#include "cli/show.h"

#include <errno.h>

static struct {
    void (*write)(const void *data, size_t bytes); /* NULL: no events */
    const char *path; /* of a file, or NULL */
    int status;       /* TH_CLI_FILE when it could not be written */
} own;

/* ---- where ---------------------------------------------------------------------------------- */

static void give_up(int error)
{
    char text[TH_ERRNO_TEXT_BYTES], shown[TH_CLI_SHOWN_BYTES];
    own.write = NULL;
    own.status = TH_CLI_FILE;
    th_cli_say_status(TH_CLI_FILE, "cannot write events to %s: %s", th_cli_show(own.path, shown),
                      th_errno_text(error, text));
}

int th_cli_events_open(const struct th_cli_settings *settings)
{
    const char *path = settings->events;
    own.path = path && *path ? path : NULL;
    own.write = !path ? NULL : own.path ? th_cli_out_event : th_cli_out_foreign;
    own.status = 0;
    if (own.path && !th_cli_out_events_open(path))
        give_up(errno);
    return own.status;
}

int th_cli_events_status(void)
{
    return own.status;
}

/* ---- one line ------------------------------------------------------------------------------- */

static struct th_json_flow begin(const char *name)
{
    struct th_json_flow flow = {.write = own.write};
    th_json_flow_open(&flow, '{');
    th_cli_json_text(&flow, "event", th_slice_text(name));
    th_cli_json_time(&flow);
    if (th_cli_voice_connection())
        th_cli_json_text(&flow, "connection", th_slice_text(th_cli_voice_connection()));
    return flow;
}

static void end(struct th_json_flow *flow)
{
    th_json_flow_shut(flow, '}');
    own.write("\n", 1);
    int error = own.path ? th_cli_out_event_end() : 0;
    if (error)
        give_up(error);
}

/* ---- which ---------------------------------------------------------------------------------- */

static void put_codes(struct th_json_flow *flow, struct th_slice codes)
{
    th_json_flow_member(flow, "codes");
    th_json_flow_open(flow, '[');
    for (size_t i = 0; i < codes.len_bytes; i++) {
        th_json_flow_element(flow);
        th_json_flow_integer(flow, codes.data[i]);
    }
    th_json_flow_shut(flow, ']');
}

static void put_fault(struct th_json_flow *flow, const struct th_fault *fault)
{
    if (!fault || !fault->code)
        return;
    th_cli_json_text(flow, "error", th_slice_text(th_error_name(fault->code)));
    th_cli_json_text(flow, "text", th_slice_text(fault->text));
}

static void put_details(struct th_json_flow *flow, const struct th_event *event)
{
    switch (event->kind) {
    case TH_EVENT_CONNECTED:
        th_cli_json_number(flow, "session_present", event->session_present);
        break;
    case TH_EVENT_DISCONNECTED:
        if (event->redial_in_ms >= 0)
            th_cli_json_number(flow, "redial_ms", (uint64_t)event->redial_in_ms);
        put_fault(flow, event->fault);
        return;
    default:
        th_cli_json_number(flow, "id", event->packet_id);
    }
    if (event->codes.len_bytes)
        put_codes(flow, event->codes);
    else
        th_cli_json_number(flow, "reason", event->reason);
    th_cli_json_properties(flow, event->properties);
}

void th_cli_events_tell(const struct th_event *event)
{
    static const char names[] = "connected\0" "subscribed\0" "unsubscribed\0" "published\0"
                                "disconnected\0" "received";
    _Static_assert(TH_EVENT_RECEIVED == 5, "names stand in the order of the kinds");
    if (!own.write)
        return;
    struct th_json_flow flow = begin(th_text_nth(names, event->kind));
    put_details(&flow, event);
    end(&flow);
}

void th_cli_events_data(const struct th_delivery *piece)
{
    if (!own.write)
        return;
    struct th_json_flow flow = begin("data");
    th_cli_json_text(&flow, "topic", piece->topic);
    th_cli_json_numbers(&flow, piece, "mid\0" "ooff\0" "llen\0" "ttotal\0");
    end(&flow);
}

void th_cli_events_waiting(const struct th_fault *fault)
{
    if (!own.write)
        return;
    struct th_json_flow flow = begin("waiting");
    put_fault(&flow, fault);
    end(&flow);
}

void th_cli_events_fault(const struct th_fault *fault, int status)
{
    if (!own.write)
        return;
    struct th_json_flow flow = begin("error");
    put_fault(&flow, fault);
    th_cli_json_number(&flow, "exit", (uint64_t)status);
    end(&flow);
}
