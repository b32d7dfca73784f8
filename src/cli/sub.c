#include "cli/command.h"

#include "base/clock.h"
#include "base/slice.h"
#include "cli/connection.h"
#include "cli/exit.h"
#include "cli/print.h"
#include "cli/say.h"
#include "cli/show.h"
#include <thimble/topic.h>

static struct {
    struct th_cli_settings settings;
    struct th_filter filters[TH_CLI_LIST_MAX];
    struct th_slice unsubscribe[TH_CLI_LIST_MAX];
    uint64_t until_ms;       /* -W */
    int64_t printed;         /* whole messages, for -C */
    size_t arrived_bytes;    /* of a message that comes in pieces and is not whole yet */
    bool arriving;
    bool printing;           /* it */
    bool connected_once;
    int answers_awaited;     /* SUBACK, UNSUBACK */
} own;

/* ---- subscribing ---- */

static void prepare_filters(void)
{
    const struct th_cli_settings *s = &own.settings;
    for (uint32_t i = 0; i < s->topics.count; i++)
        own.filters[i] = (struct th_filter){.filter = th_slice_text(s->topics.items[i]),
                                            .qos = (uint8_t)s->qos};
    for (uint32_t i = 0; i < s->unsubscribe.count; i++)
        own.unsubscribe[i] = th_slice_text(s->unsubscribe.items[i]);
}

static void ask(int packet_id)
{
    if (packet_id >= 0)
        own.answers_awaited++;
    else
        th_cli_connection_end(th_cli_say_fault(th_request_fault(th_cli_connection_client())));
}

static void subscribe(void)
{
    struct th_client *client = th_cli_connection_client();
    const struct th_cli_settings *s = &own.settings;
    own.answers_awaited = 0;
    if (s->topics.count)
        ask(th_subscribe(client, own.filters, s->topics.count, NULL));
    if (s->unsubscribe.count)
        ask(th_unsubscribe(client, own.unsubscribe, s->unsubscribe.count, NULL));
}

static void start_the_clock(void)
{
    if (own.settings.seconds != TH_CLI_UNSET)
        own.until_ms = th_clock_ms() + (uint64_t)own.settings.seconds * 1000;
}

/* A session the broker still has keeps its subscriptions. */
static void on_connected(const struct th_event *event)
{
    if (!own.connected_once)
        start_the_clock();
    if (!own.connected_once || !event->session_present)
        subscribe();
    own.connected_once = true;
}

static void refused(size_t filter, unsigned reason)
{
    char shown[TH_CLI_SHOWN_BYTES];
    th_cli_say("the broker refused the subscription to %s, reason code %u "
               "(%d subscription-refused)", th_cli_show(own.settings.topics.items[filter], shown),
               reason, TH_CLI_SUBSCRIPTION);
    th_cli_connection_end(TH_CLI_SUBSCRIPTION);
}

static void on_answered(const struct th_event *event)
{
    for (size_t i = 0; i < event->codes.len_bytes; i++)
        if (event->kind == TH_EVENT_SUBSCRIBED && event->codes.data[i] >= 0x80)
            refused(i, event->codes.data[i]);
    if (--own.answers_awaited == 0 && own.settings.exit_after_subscribe)
        th_cli_connection_end(TH_CLI_OK);
}

static void on_event(void *arg, const struct th_event *event)
{
    (void)arg;
    if (event->kind == TH_EVENT_CONNECTED)
        on_connected(event);
    if (event->kind == TH_EVENT_SUBSCRIBED || event->kind == TH_EVENT_UNSUBSCRIBED)
        on_answered(event);
}

/* ---- printing ---- */

static bool is_filtered_out(struct th_slice topic)
{
    const struct th_cli_list *list = &own.settings.filter_out;
    for (uint32_t i = 0; i < list->count; i++)
        if (th_mqtt_topic_matches(th_slice_text(list->items[i]), topic))
            return true;
    return false;
}

static bool is_wanted(const struct th_delivery *delivery)
{
    if (delivery->retain && own.settings.no_retained)
        return false;
    return !is_filtered_out(delivery->topic);
}

static void count_message(void)
{
    if (++own.printed == own.settings.count)
        th_cli_connection_end(TH_CLI_OK);
}

/* The connection broke in the middle of it; what comes now is another one, or it again. */
static void say_cut(void)
{
    if (!own.arriving || !own.printing)
        return;
    th_cli_print_cut();
    th_cli_say("the message before was cut off after %zu bytes: the connection was lost",
                   own.arrived_bytes);
}

static void begin_message(const struct th_delivery *delivery)
{
    say_cut();
    own.arriving = true;
    own.printing = is_wanted(delivery);
}

static void end_message(void)
{
    own.arriving = false;
    if (own.printing)
        count_message();
}

static void on_delivery(void *arg, const struct th_delivery *delivery)
{
    (void)arg;
    if (th_cli_connection_is_ending())
        return;
    if (own.settings.retained_only && !delivery->retain) {
        th_cli_connection_end(TH_CLI_OK);
        return;
    }
    if (delivery->offset_bytes == 0)
        begin_message(delivery);
    own.arrived_bytes = delivery->offset_bytes + delivery->payload.len_bytes;
    bool is_last = own.arrived_bytes == delivery->total_bytes;
    if (own.printing)
        th_cli_print(delivery);
    if (is_last)
        end_message();
}

/* ---- the command ---- */

static uint64_t until_ms(void *arg)
{
    (void)arg;
    return own.until_ms;
}

static bool turn(void *arg)
{
    (void)arg;
    if (own.until_ms > th_clock_ms())
        return false;
    th_cli_say("time is up after %lld s (%d timeout)", (long long)own.settings.seconds,
               TH_CLI_TIMEOUT);
    th_cli_connection_end(TH_CLI_TIMEOUT);
    return true;
}

static const struct th_cli_work work = {
    .on_delivery = on_delivery,
    .on_event = on_event,
    .turn = turn,
    .until_ms = until_ms,
};

int th_cli_sub(int argc, char *argv[])
{
    int status;
    memset(&own, 0, sizeof own);
    own.until_ms = TH_NEVER;
    if (!th_cli_begin(&own.settings, TH_CLI_SUB, argc, argv, &status))
        return status;
    prepare_filters();
    th_cli_print_open(&own.settings);
    status = th_cli_connection_open(&own.settings, &work);
    if (status == TH_CLI_OK)
        status = th_cli_connection_run();
    return th_cli_connection_close(status);
}
