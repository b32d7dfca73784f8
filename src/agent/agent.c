#include "cli/command.h"

#include "agent/notify.h"
#include "base/roomy.h"
#include "base/slice.h"
#include "cli/connection.h"
#include "cli/exit.h"
#include "cli/print.h"
#include "cli/properties.h"
#include "cli/resume.h"
#include "cli/rotate.h"
#include "cli/say.h"
#include "cli/show.h"
#include <thimble/packet.h>

#define SUBACK 9

static TH_ROOMY struct {
    struct th_cli_settings settings;
    struct th_filter filters[TH_CLI_LIST_MAX];
    bool connected_once;
} agent;

/* ---- subscriptions --------------------------------------------------------------------------- */

static void prepare_filters(void)
{
    const struct th_cli_settings *s = &agent.settings;
    for (uint32_t i = 0; i < s->topics.count; i++)
        agent.filters[i] = (struct th_filter){.filter = th_slice_text(s->topics.items[i]),
                                            .qos = (uint8_t)s->qos};
}

static void subscribe(void)
{
    const struct th_cli_settings *s = &agent.settings;
    struct th_properties properties = th_cli_properties_of(&s->properties, TH_CLI_SUBSCRIBE);
    struct th_client *client = th_cli_connection_client();
    if (s->topics.count && th_subscribe(client, agent.filters, s->topics.count, &properties) < 0)
        th_cli_connection_end(th_cli_say_fault(th_request_fault(client)));
}

/* The configuration may have changed since the broker kept the session. */
static void on_connected(const struct th_event *event)
{
    th_cli_resume_connected(event->session_present);
    if (!agent.connected_once || !event->session_present || th_cli_rotate_on_trial())
        subscribe();
    agent.connected_once = true;
}

/* The others go on. */
static void say_refused(const struct th_event *event)
{
    char shown[TH_CLI_SHOWN_BYTES];
    for (size_t i = 0; i < event->codes.len_bytes; i++)
        if (event->codes.data[i] >= 0x80)
            th_cli_say("the broker refused the subscription to %s: %s",
                       th_cli_show(agent.settings.topics.items[i], shown),
                       th_mqtt_reason_name((int)agent.settings.version, SUBACK,
                                           event->codes.data[i]));
}

static void on_event(void *arg, const struct th_event *event)
{
    (void)arg;
    th_agent_notify_event(event);
    if (event->kind == TH_EVENT_CONNECTED)
        on_connected(event);
    if (event->kind == TH_EVENT_SUBSCRIBED)
        say_refused(event);
}

static void on_delivery(void *arg, const struct th_delivery *delivery)
{
    struct th_delivery piece = *delivery;
    (void)arg;
    if (th_cli_resume_take(&piece))
        th_cli_print(&piece);
}

/* ---- the command ----------------------------------------------------------------------------- */

static bool turn(void *arg)
{
    (void)arg;
    th_agent_notify_alive();
    return false;
}

static uint64_t until_ms(void *arg)
{
    (void)arg;
    return th_agent_notify_due_ms();
}

static const struct th_cli_work work = {
    .on_delivery = on_delivery,
    .on_event = on_event,
    .turn = turn,
    .until_ms = until_ms,
};

static int status_of_printing(int status)
{
    const int on_the_way[] = {th_cli_resume_close(), th_cli_print_status()};
    th_cli_print_close();
    for (size_t i = 0; !status && i < sizeof on_the_way / sizeof *on_the_way; i++)
        status = on_the_way[i];
    return status;
}

int th_cli_agent(int argc, char *argv[])
{
    int status;
    if (!th_cli_begin(&agent.settings, TH_CLI_AGENT, argc, argv, &status))
        return status;
    prepare_filters();
    th_agent_notify_open();
    th_cli_print_open(&agent.settings);
    th_cli_resume_open();
    status = th_cli_connection_open(&agent.settings, &work);
    if (status == TH_CLI_OK)
        status = th_cli_connection_run();
    th_agent_notify_close();
    return th_cli_connection_close(status_of_printing(status));
}
