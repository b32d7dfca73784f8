#include "cli/command.h"

#include "agent/brokers.h"
#include "agent/handlers.h"
#include "agent/log.h"
#include "agent/drop.h"
#include "agent/inbox.h"
#include "agent/notify.h"
#include "agent/obey.h"
#include "agent/part.h"
#include "agent/plain.h"
#include "agent/presence.h"
#include "agent/prom.h"
#include "agent/queue.h"
#include "agent/reload.h"
#include "agent/state.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/slice.h"
#include "cli/connection.h"
#include "cli/exit.h"
#include "cli/handlers.h"
#include "cli/lane.h"
#include "cli/print.h"
#include "cli/properties.h"
#include "cli/resume.h"
#include "cli/rotate.h"
#include "cli/say.h"
#include "cli/show.h"
#include "cli/together.h"
#include <thimble/packet.h>

#define SUBACK 9
#define PARTS_MAX 12

struct filters {
    size_t count;
    struct th_filter list[TH_AGENT_FILTERS_MAX];
};

TH_LANE_ARRAY(struct filters, filter_lists, 3); /* in use, those before, some of them */

struct lane {
    const struct filters *asked; /* for, the last time */
    uint8_t used;
    bool connected_once;
    nfds_t awaited[PARTS_MAX]; /* descriptors of each part */
};
TH_LANE(struct lane, agent);

/* ---- subscriptions --------------------------------------------------------------------------- */

static struct filters *wanted(void)
{
    return &filter_lists[agent->used];
}

static void add_filter(const char *topic, int64_t qos)
{
    wanted()->list[wanted()->count++] =
        (struct th_filter){.filter = th_slice_text(topic), .qos = (uint8_t)qos};
}

static void prepare_filters(void)
{
    wanted()->count = 0;
    const struct th_cli_settings *s = th_cli_its_settings();
    const struct th_cli_handlers *handlers = th_cli_handlers();
    for (uint32_t i = 0; i < s->topics.count; i++)
        add_filter(s->topics.items[i], s->qos);
    for (unsigned i = 0; i < handlers->count; i++)
        add_filter(handlers->list[i].topic, handlers->list[i].qos);
}

const struct th_filter *th_agent_filters(size_t *count)
{
    *count = wanted()->count;
    return wanted()->list;
}

static void ask_for(const struct filters *filters)
{
    const struct th_cli_settings *s = th_cli_its_settings();
    struct th_properties properties = th_cli_properties_of(&s->properties, TH_CLI_SUBSCRIBE);
    struct th_client *client = th_cli_connection_client();
    agent->asked = filters;
    if (filters->count && th_subscribe(client, filters->list, filters->count, &properties) < 0)
        th_cli_connection_end(th_cli_say_fault(th_request_fault(client)));
}

static void subscribe(void)
{
    ask_for(wanted());
}

/* ---- other subscriptions --------------------------------------------------------------------- */

static bool is_among(const struct th_filter *filter, const struct filters *filters, bool with_qos)
{
    for (size_t i = 0; i < filters->count; i++)
        if (th_slice_equal(filter->filter, filters->list[i].filter) &&
            (!with_qos || filter->qos == filters->list[i].qos))
            return true;
    return false;
}

static void leave_out(struct filters *before)
{
    for (size_t i = 0; i < before->count; i++)
        if (!is_among(&before->list[i], wanted(), false))
            th_unsubscribe(th_cli_connection_client(), &before->list[i].filter, 1, NULL);
}

/* Only what is new: for the rest the broker would send retained messages once more. */
static void ask_for_others(const struct filters *before)
{
    struct filters *others = &filter_lists[2];
    others->count = 0;
    for (size_t i = 0; i < wanted()->count; i++)
        if (!is_among(&wanted()->list[i], before, true))
            others->list[others->count++] = wanted()->list[i];
    ask_for(others);
}

/* Where nobody is connected, all are asked for once somebody is. */
void th_agent_resubscribe(void)
{
    struct filters *before = wanted();
    agent->used = !agent->used;
    prepare_filters();
    leave_out(before);
    agent->connected_once &= th_phase(th_cli_connection_client()) == TH_PHASE_UP;
    if (agent->connected_once)
        ask_for_others(before);
}

/* The configuration may have changed since the broker kept the session. */
static void on_connected(const struct th_event *event)
{
    th_cli_resume_connected(event->session_present);
    if (!agent->connected_once || !event->session_present || th_cli_rotate_on_trial())
        subscribe();
    agent->connected_once = true;
}

/* The others go on. */
static void say_refused(const struct th_event *event)
{
    char shown[TH_CLI_SHOWN_BYTES];
    for (size_t i = 0; i < event->codes.len_bytes; i++)
        if (event->codes.data[i] >= 0x80)
            th_cli_warn("the broker refused the subscription to %s: %s",
                        th_cli_show_slice(agent->asked->list[i].filter, shown),
                        th_mqtt_reason_name((int)th_cli_its_settings()->version, SUBACK,
                                            event->codes.data[i]));
}

/* ---- parts ----------------------------------------------------------------------------------- */

/* Handlers come first: their process is to have no descriptors of the others, of no connection. */
#define FIRST_PARTS 1

static const struct th_agent_part *const parts[] = {
    &th_agent_handlers,
    &th_agent_brokers,
    &th_agent_log,
    &th_agent_notify,
    &th_agent_presence,
    &th_agent_obey,
    &th_agent_inbox,
    &th_agent_drop,
    &th_agent_queue, /* behind those who put in: one sync for all */
    &th_agent_plain,
    &th_agent_prom,
    &th_agent_state,
};

#define PARTS (sizeof parts / sizeof *parts)
_Static_assert(PARTS <= PARTS_MAX, "each part has its place in agent->awaited");

/* Not inlined: so each part is always called through the table, which config/stack knows. */
__attribute__((noinline)) static const struct th_agent_part *part_at(size_t i)
{
    return parts[i];
}

static int open_parts(size_t i, size_t end)
{
    int status = TH_CLI_OK;
    for (; status == TH_CLI_OK && i < end; i++)
        status = part_at(i)->open ? part_at(i)->open(th_cli_its_settings()) : TH_CLI_OK;
    return status;
}

static void close_parts(void)
{
    for (size_t i = PARTS; i-- > 0;)
        if (part_at(i)->close)
            part_at(i)->close();
}

static void on_event(void *arg, const struct th_event *event)
{
    struct th_event told = *event;
    (void)arg;
    th_agent_brokers_event(&told);
    for (size_t i = 0; i < PARTS; i++)
        if (part_at(i)->event)
            part_at(i)->event(&told);
    if (event->kind == TH_EVENT_CONNECTED)
        on_connected(event);
    if (event->kind == TH_EVENT_SUBSCRIBED)
        say_refused(event);
}

static bool is_taken(const struct th_delivery *delivery)
{
    for (size_t i = 0; i < PARTS; i++)
        if (part_at(i)->delivery && part_at(i)->delivery(delivery))
            return true;
    return false;
}

/* Messages of several connections would be printed into each other. */
static void print(const struct th_delivery *delivery)
{
    struct th_delivery piece = *delivery;
    if (th_cli_lanes() == 1 && th_cli_resume_take(&piece))
        th_cli_print(&piece);
}

void th_agent_deliver(void *arg, const struct th_delivery *delivery)
{
    (void)arg;
    if (!is_taken(delivery))
        print(delivery);
}

static bool turn(void *arg)
{
    bool did = false;
    (void)arg;
    for (size_t i = 0; i < PARTS; i++)
        did |= part_at(i)->turn && part_at(i)->turn();
    return did;
}

static uint64_t until_ms(void *arg)
{
    uint64_t first_ms = TH_NEVER;
    (void)arg;
    for (size_t i = 0; i < PARTS; i++) {
        uint64_t due_ms = part_at(i)->until_ms ? part_at(i)->until_ms() : TH_NEVER;
        first_ms = due_ms < first_ms ? due_ms : first_ms;
    }
    return first_ms;
}

static nfds_t await(void *arg, struct pollfd *fds, nfds_t room)
{
    nfds_t count = 0;
    (void)arg;
    for (size_t i = 0; i < PARTS; i++) {
        agent->awaited[i] = part_at(i)->await ? part_at(i)->await(fds + count, room - count) : 0;
        count += agent->awaited[i];
    }
    return count;
}

static void ready(void *arg, const struct pollfd *fds, nfds_t count)
{
    const struct pollfd *of_part = fds;
    (void)arg, (void)count;
    for (size_t i = 0; i < PARTS; of_part += agent->awaited[i++])
        if (part_at(i)->ready && agent->awaited[i])
            part_at(i)->ready(of_part, agent->awaited[i]);
}

static bool drained(void *arg)
{
    bool all = true;
    (void)arg;
    for (size_t i = 0; i < PARTS; i++)
        all &= !part_at(i)->drained || part_at(i)->drained();
    return all;
}

/* ---- the command ----------------------------------------------------------------------------- */

static const struct th_cli_work work = {
    .on_delivery = th_agent_deliver,
    .on_event = on_event,
    .turn = turn,
    .until_ms = until_ms,
    .await = await,
    .ready = ready,
    .drained = drained,
};

static int status_of_printing(int status)
{
    const int on_the_way[] = {th_cli_resume_close(), th_cli_print_status()};
    th_cli_print_close();
    for (size_t i = 0; !status && i < sizeof on_the_way / sizeof *on_the_way; i++)
        status = on_the_way[i];
    return status;
}

/* ---- what follows from the settings ---------------------------------------------------------- */

void th_agent_complete(struct th_cli_settings *settings)
{
    th_agent_presence_will(settings);
    th_agent_brokers_take(settings);
}

void th_agent_strip(struct th_cli_settings *settings)
{
    th_agent_brokers_strip(settings);
    th_agent_presence_strip(settings);
}

void th_agent_renew(void)
{
    struct th_cli_settings *settings = th_cli_its_settings();
    for (size_t i = 0; i < PARTS; i++)
        if (part_at(i)->renew)
            part_at(i)->renew(settings);
    th_cli_print_open(settings);
    th_agent_resubscribe();
}

/* ---- several connections --------------------------------------------------------------------- */

static int complete_one(void)
{
    struct th_cli_problem problem;
    struct th_cli_settings *settings = th_cli_its_settings();
    th_agent_brokers_take(settings);
    if (!th_agent_plain_take(settings, &problem))
        return th_cli_complain("%s", problem.text);
    int status = th_agent_presence_will(settings);
    if (status == TH_CLI_OK)
        prepare_filters();
    return status;
}

static int open_one(void)
{
    struct th_cli_settings *settings = th_cli_its_settings();
    int status = open_parts(FIRST_PARTS, PARTS);
    if (status)
        return status;
    th_agent_reload_open(settings);
    return th_cli_connection_open(settings, &work);
}

static int check_descriptors(void)
{
    unsigned needed;
    if (th_cli_connection_may_await(&needed))
        return TH_CLI_OK;
    th_cli_voice_of_all(true);
    th_cli_say_status(TH_CLI_SYSTEM, "%u open files needed: ulimit -n", needed);
    return TH_CLI_SYSTEM;
}

static int begin_all(unsigned *opened)
{
    int status = check_descriptors();
    if (status)
        return status;
    do {
        if ((status = complete_one()))
            return status;
        *opened = th_cli_lane() + 1;
        status = open_parts(0, FIRST_PARTS);
    } while (status == TH_CLI_OK && th_cli_lane_next());
    return status;
}

static int open_all(unsigned *opened)
{
    int status = begin_all(opened);
    if (status)
        return status;
    do
        status = open_one();
    while (status == TH_CLI_OK && th_cli_lane_next());
    return status;
}

/* The first one is the last: it has what all of them share. */
static int close_all(int status, unsigned opened)
{
    while (opened-- > 0) {
        th_cli_lane_enter(opened);
        close_parts();
        status = th_cli_connection_close(opened ? status : status_of_printing(status));
    }
    return status;
}

int th_cli_agent(int argc, char *argv[])
{
    int status;
    unsigned opened = 0;
    if (!th_cli_begin(th_cli_its_settings(), TH_CLI_AGENT, argc, argv, &status))
        return status;
    if ((status = th_cli_begin_others()))
        return status;
    th_cli_print_open(th_cli_its_settings());
    th_cli_resume_open();
    status = open_all(&opened);
    th_file_wait_no_more();
    if (status == TH_CLI_OK)
        status = th_cli_connection_run();
    return close_all(status, opened);
}
