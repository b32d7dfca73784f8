#include "cli/command.h"

#include "base/clock.h"
#include "base/err.h"
#include "base/roomy.h"
#include "base/slice.h"
#include "cli/connection.h"
#include "cli/events.h"
#include "cli/exit.h"
#include "cli/out.h"
#include "cli/piece.h"
#include "cli/print.h"
#include "cli/properties.h"
#include "cli/remove.h"
#include "cli/resume.h"
#include "cli/rotate.h"
#include "cli/say.h"
#include "cli/show.h"
#include <stddef.h>
#include <thimble/packet.h>
#include <thimble/topic.h>

#define SUBACK 9
#define UNSUBACK 11
#define RETAINED_NEVER 2 /* 5.0 section 3.8.3.1 */
#define RATE_MS 1000
#define RELEASE_MS 1000 /* how long the end waits for the last PUBREL */

static TH_HEADED struct subscriber {
    uint64_t until_ms;       /* -W */
    uint64_t rate_ms;        /* when --message-rate prints next */
    unsigned rate;           /* messages since it printed last */
    uint32_t random;
    int64_t counted;         /* whole messages, for -C */
    bool wanted;             /* the message that is coming; not so: it does not count */
    bool printing;           /* it */
    bool connected_once;
    bool done;               /* waits for the broker to take what --remove-retained sent */
    uint64_t done_ms;        /* and for the last message's PUBREL until then */
    int status;              /* of a subscription that was refused */
    int answers_awaited;     /* SUBACK, UNSUBACK */
    size_t unsubscribed;     /* UNSUBACK that came */
    struct th_filter filters[TH_CLI_LIST_MAX]; /* from here on, set before it is read */
    struct th_cli_settings settings;
} subscriber;

/* ---- subscribing ---- */

/* With -R they would not be printed; they are wanted all the same if they are to be removed. */
static uint8_t retain_handling(const struct th_cli_settings *s)
{
    return s->no_retained && !s->remove_retained ? RETAINED_NEVER : (uint8_t)s->retain_handling;
}

static void prepare_filters(void)
{
    const struct th_cli_settings *s = &subscriber.settings;
    bool is_5 = s->version == TH_MQTT_5;
    for (uint32_t i = 0; i < s->topics.count; i++) {
        struct th_filter *filter = &subscriber.filters[i];
        filter->filter = th_slice_text(s->topics.items[i]);
        filter->qos = (uint8_t)s->qos;
        filter->retain_as_published = is_5 && s->retain_as_published;
        filter->retain_handling = is_5 ? retain_handling(s) : 0;
    }
}

static void ask(int packet_id)
{
    if (packet_id >= 0)
        subscriber.answers_awaited++;
    else
        th_cli_connection_end(th_cli_say_fault(th_request_fault(th_cli_connection_client())));
}

/* A packet for each filter, as mosquitto_sub does it. */
static void unsubscribe(const struct th_cli_settings *s)
{
    struct th_properties properties = th_cli_properties_of(&s->properties, TH_CLI_UNSUBSCRIBE);
    subscriber.unsubscribed = 0;
    for (uint32_t i = 0; i < s->unsubscribe.count; i++) {
        struct th_slice filter = th_slice_text(s->unsubscribe.items[i]);
        ask(th_unsubscribe(th_cli_connection_client(), &filter, 1, &properties));
    }
}

static void subscribe(void)
{
    const struct th_cli_settings *s = &subscriber.settings;
    struct th_properties properties = th_cli_properties_of(&s->properties, TH_CLI_SUBSCRIBE);
    subscriber.answers_awaited = 0;
    if (s->topics.count)
        ask(th_subscribe(th_cli_connection_client(), subscriber.filters, s->topics.count,
                         &properties));
    unsubscribe(s);
}

/* -W counts from when the broker has let us in; mosquitto_sub does not wait for that. */
static void start_the_clock(void)
{
    if (subscriber.settings.seconds != TH_CLI_UNSET)
        subscriber.until_ms = th_clock_ms() + (uint64_t)subscriber.settings.seconds * 1000;
}

static void start_the_clocks(void)
{
    if (subscriber.settings.persona == TH_CLI_THIMBLE)
        start_the_clock();
    if (subscriber.settings.message_rate)
        subscriber.rate_ms = th_clock_ms() + RATE_MS;
}

/* A session the broker still has keeps its subscriptions. */
static void on_connected(const struct th_event *event)
{
    th_cli_resume_connected(event->session_present);
    if (!subscriber.connected_once)
        start_the_clocks();
    if (!subscriber.connected_once || !event->session_present || th_cli_rotate_on_trial())
        subscribe();
    subscriber.connected_once = true;
}

/* ---- what the broker answers ---- */

static void say_refused(const struct th_event *event, size_t filter, unsigned reason)
{
    char shown[TH_CLI_SHOWN_BYTES], why[TH_CLI_SHOWN_BYTES];
    bool subscribing = event->kind == TH_EVENT_SUBSCRIBED;
    const struct th_cli_settings *s = &subscriber.settings;
    const struct th_cli_list *list = subscribing ? &s->topics : &s->unsubscribe;
    th_cli_say_status(TH_CLI_SUBSCRIPTION, "the broker refused the %s to %s: %s, reason code %u%s",
                      subscribing ? "subscription" : "end of the subscription",
                      th_cli_show(list->items[filter], shown),
                      th_mqtt_reason_name((int)subscriber.settings.version,
                                          subscribing ? SUBACK : UNSUBACK, reason),
                      reason, th_cli_property_reason(event->properties, why));
    subscriber.status = TH_CLI_SUBSCRIPTION;
}

/* mosquitto_sub goes on with the others, as long as there are any. */
static bool ends_with(size_t refused, size_t asked)
{
    return refused > 0 && (subscriber.settings.persona == TH_CLI_THIMBLE || refused == asked);
}

static void on_answered(const struct th_event *event)
{
    size_t refused = 0;
    size_t first = event->kind == TH_EVENT_UNSUBSCRIBED ? subscriber.unsubscribed++ : 0;
    for (size_t i = 0; i < event->codes.len_bytes; i++)
        if (event->codes.data[i] >= 0x80) {
            say_refused(event, first + i, event->codes.data[i]);
            refused++;
        }
    subscriber.answers_awaited--;
    if (ends_with(refused, event->codes.len_bytes) ||
        (subscriber.answers_awaited == 0 && subscriber.settings.exit_after_subscribe))
        th_cli_connection_end(TH_CLI_OK);
}

static void on_event(void *arg, const struct th_event *event)
{
    (void)arg;
    if (event->kind == TH_EVENT_CONNECTED)
        on_connected(event);
    if (event->kind == TH_EVENT_SUBSCRIBED || event->kind == TH_EVENT_UNSUBSCRIBED)
        on_answered(event);
    if (event->kind == TH_EVENT_PUBLISHED)
        th_cli_remove_published(event);
}

/* ---- which messages ---- */

static bool is_filtered_out(struct th_slice topic)
{
    const struct th_cli_list *list = &subscriber.settings.filter_out;
    for (uint32_t i = 0; i < list->count; i++)
        if (th_mqtt_topic_matches(th_slice_text(list->items[i]), topic))
            return true;
    return false;
}

/* xorshift: nothing depends on what comes out but how much is printed. */
static bool is_drawn(void)
{
    subscriber.random ^= subscriber.random << 13;
    subscriber.random ^= subscriber.random >> 17;
    subscriber.random ^= subscriber.random << 5;
    return subscriber.random % 10000 < subscriber.settings.random_filter;
}

/* Is it a message the user wants? */
static bool is_wanted(const struct th_delivery *message)
{
    if (is_filtered_out(message->topic))
        return false;
    if (message->retain && subscriber.settings.remove_retained)
        th_cli_remove(message->topic);
    return !message->retain || !subscriber.settings.no_retained;
}

static void finish(void)
{
    subscriber.done = true;
    subscriber.done_ms = th_clock_ms() + RELEASE_MS;
}

static void count_message(void)
{
    subscriber.rate++;
    if (++subscriber.counted == subscriber.settings.count)
        finish();
}

static void print(const struct th_delivery *delivery)
{
    struct th_delivery piece = *delivery;
    if (subscriber.printing && !subscriber.settings.message_rate && th_cli_resume_take(&piece))
        th_cli_print(&piece);
}

static void on_delivery(void *arg, const struct th_delivery *piece)
{
    (void)arg;
    if (subscriber.done || th_cli_connection_is_ending())
        return;
    th_cli_events_data(piece);
    if (subscriber.settings.retained_only && !piece->retain) {
        finish();
        return;
    }
    if (th_cli_piece_is_first(piece)) {
        subscriber.wanted = is_wanted(piece);
        subscriber.printing = subscriber.wanted && is_drawn();
    }
    print(piece);
    if (subscriber.wanted && th_cli_piece_is_last(piece))
        count_message();
}

/* ---- the command ---- */

/* Everything was printed, and what was to be removed is. */
static bool is_taken(void)
{
    return subscriber.done && !th_cli_remove_waits() && !th_pending(th_cli_connection_client());
}

static uint64_t until_ms(void *arg)
{
    (void)arg;
    uint64_t next_ms = th_clock_earlier(subscriber.until_ms, subscriber.rate_ms);
    return is_taken() ? th_clock_earlier(next_ms, subscriber.done_ms) : next_ms;
}

static bool is_over(uint64_t now_ms)
{
    return is_taken() &&
           (!th_unreleased(th_cli_connection_client()) || subscriber.done_ms <= now_ms);
}

static bool print_rate(uint64_t now_ms)
{
    if (subscriber.rate_ms > now_ms)
        return false;
    th_cli_out_format("%u\n", subscriber.rate);
    subscriber.rate = 0;
    subscriber.rate_ms += RATE_MS;
    return true;
}

static void end_late(void)
{
    struct th_fault fault = {0};
    th_fault_set(&fault, TH_E_TIMEOUT, "time is up after %lld s",
                 (long long)subscriber.settings.seconds);
    th_cli_connection_end(th_cli_say_fault(&fault));
}

static bool turn(void *arg)
{
    (void)arg;
    uint64_t now_ms = th_clock_ms();
    bool did = print_rate(now_ms) || th_cli_remove_next();
    if (is_over(now_ms)) {
        th_cli_connection_end(TH_CLI_OK);
        return true;
    }
    if (subscriber.until_ms > now_ms)
        return did;
    end_late();
    return true;
}

static const struct th_cli_work work = {
    .on_delivery = on_delivery,
    .on_event = on_event,
    .turn = turn,
    .until_ms = until_ms,
};

static void prepare(void)
{
    subscriber.until_ms = subscriber.rate_ms = subscriber.done_ms = TH_NEVER;
    if (subscriber.settings.persona == TH_CLI_MOSQUITTO)
        start_the_clock();
    subscriber.random = (uint32_t)th_clock_us() | 1;
    th_cli_remove_open();
    prepare_filters();
    th_cli_print_open(&subscriber.settings);
    th_cli_resume_open();
}

/* What went wrong on the way tells more than that the end was reached. */
static int status_of_messages(int status)
{
    const int on_the_way[] = {subscriber.status, th_cli_remove_status(), th_cli_resume_close(),
                              th_cli_print_status()};
    th_cli_print_close();
    for (size_t i = 0; !status && i < sizeof on_the_way / sizeof *on_the_way; i++)
        status = on_the_way[i];
    return status;
}

int th_cli_sub(int argc, char *argv[])
{
    int status;
    memset(&subscriber, 0, offsetof(struct subscriber, filters));
    if (!th_cli_begin(&subscriber.settings, TH_CLI_SUB, argc, argv, &status))
        return status;
    prepare();
    status = th_cli_connection_open(&subscriber.settings, &work);
    if (status == TH_CLI_OK)
        status = th_cli_connection_run();
    return th_cli_connection_close(status_of_messages(status));
}
