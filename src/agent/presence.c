#include "agent/presence.h"

#include "base/calendar.h"
#include "base/slice.h"
#include "cli/connection.h"
#include "cli/exit.h"
#include "cli/facts.h"
#include "cli/json.h"
#include "cli/lane.h"
#include "cli/say.h"
#include "cli/sheet.h"
#include "cli/template.h"

#include <string.h>

#define QOS 1
#define TEXT_BYTES 2048

struct lane {
    const struct th_cli_settings *settings;
    const char *device;
    bool was_offline; /* said so, when asked to end */
};
TH_LANE(struct lane, presence);

/* The will, except while something else is told. */
TH_LANE_ARRAY(char, status_text, TEXT_BYTES);

/* ---- what it says ---------------------------------------------------------------------------- */

static const char *firmware(void)
{
    return presence->settings->firmware_version ? presence->settings->firmware_version : TH_VERSION;
}

/* A literal of its own for each name: packed texts are for people.
 * Escaped six times over, all of it fits. */
static struct th_slice write_status(const char *status, const char *reason)
{
    char now[TH_CLI_TIME_TEXT_BYTES];
    const char *members[][2] = {
        {"deviceId", presence->device},
        {"timestamp", th_cli_time_text(th_calendar_now().tv_sec, now)},
        {"status", status},
        {"firmwareVersion", firmware()},
        {"reason", reason},
    };
    struct th_json_flow flow = {.write = th_cli_sheet_put};
    th_cli_sheet_open(status_text, TEXT_BYTES - 1);
    th_json_flow_open(&flow, '{');
    for (size_t i = 0; i < sizeof members / sizeof *members && members[i][1]; i++)
        th_cli_json_text(&flow, members[i][0], th_slice_text(members[i][1]));
    th_json_flow_shut(&flow, '}');
    status_text[th_cli_sheet_bytes()] = '\0';
    return th_slice_of(status_text, th_cli_sheet_bytes());
}

/* It stays as long as it is: a time has 20 characters. */
static void write_will(void)
{
    write_status("offline", NULL);
}

/* What finds no room is not worth an end: the next one comes. */
static void tell(const char *status, const char *reason, uint8_t qos)
{
    const struct th_message message = {
        .topic = th_slice_text(presence->settings->status_topic),
        .payload = write_status(status, reason),
        .qos = qos,
        .retain = true,
    };
    if (th_publish(th_cli_connection_client(), &message) < 0)
        th_cli_warn("the status was not published: %s",
                    th_request_fault(th_cli_connection_client())->text);
    write_will();
}

/* ---- when ------------------------------------------------------------------------------------ */

int th_agent_presence_will(struct th_cli_settings *settings)
{
    presence->settings = settings;
    if (!settings->status_topic)
        return TH_CLI_OK;
    if (settings->will_topic)
        return th_cli_complain("--status-topic and --will-topic: give only one of them");
    presence->device = th_cli_template_device();
    if (!presence->device)
        presence->device = settings->client_id ? settings->client_id : "";
    write_will();
    settings->will_topic = settings->status_topic;
    settings->will_payload = status_text;
    settings->will_qos = QOS;
    settings->will_retain = true;
    return TH_CLI_OK;
}

void th_agent_presence_strip(struct th_cli_settings *settings)
{
    if (!settings->status_topic)
        return;
    settings->will_topic = settings->will_payload = NULL;
    settings->will_qos = 0;
    settings->will_retain = false;
}

static void tell_refused(struct th_slice codes)
{
    for (size_t i = 0; i < codes.len_bytes; i++)
        if (codes.data[i] >= 0x80) {
            tell("error", "subscription-refused", QOS);
            return;
        }
}

static void on_event(const struct th_event *event)
{
    if (!presence->settings->status_topic)
        return;
    if (event->kind == TH_EVENT_CONNECTED)
        tell("online", NULL, QOS);
    else if (event->kind == TH_EVENT_SUBSCRIBED)
        tell_refused(event->codes);
    else if (event->kind == TH_EVENT_DISCONNECTED)
        write_will();
}

/* Nothing waits for an acknowledgement any more. */
static bool say_goodbye(void)
{
    if (presence->settings->status_topic && !presence->was_offline &&
        th_phase(th_cli_connection_client()) == TH_PHASE_UP)
        tell("offline", NULL, 0);
    presence->was_offline = true;
    return true;
}

const struct th_agent_part th_agent_presence = {
    .event = on_event,
    .drained = say_goodbye,
};
