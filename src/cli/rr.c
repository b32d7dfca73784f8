#include "cli/command.h"

#include "base/clock.h"
#include "base/err.h"
#include "base/format.h"
#include "base/roomy.h"
#include "base/slice.h"
#include "cli/connection.h"
#include "cli/events.h"
#include "cli/exit.h"
#include "cli/payload.h"
#include "cli/piece.h"
#include "cli/print.h"
#include "cli/properties.h"
#include "cli/say.h"
#include <sys/random.h>
#include <thimble/topic.h>
#include <unistd.h>

enum { RESPONSE_TOPIC = 8, CORRELATION_DATA = 9, RESPONSE_INFORMATION = 26 };

static TH_ROOMY struct {
    struct th_cli_settings settings;
    struct th_message request;     /* but for its payload */
    struct th_cli_payload payload;
    struct th_slice response_topic;
    struct th_slice correlation;   /* empty: none was sent */
    bool must_correlate;           /* the user chose it */
    char topic_text[256];          /* the response topic the broker proposed */
    char correlation_text[17];     /* ours */
    uint64_t until_ms;             /* -W */
    uint64_t asked_us;             /* 0: not yet */
    bool was_up;
    bool subscribed;
    bool printing;
} requester;

/* ---- the request ---- */

/* -W counts from when the broker has let us in; mosquitto_rr counts from the start. */
static void start_the_clock(void)
{
    if (requester.settings.seconds != TH_CLI_UNSET)
        requester.until_ms = th_clock_ms() + (uint64_t)requester.settings.seconds * 1000;
}

static void add_property(uint8_t id, struct th_slice text)
{
    struct th_cli_properties *list = &requester.settings.properties;
    th_cli_properties_put(list, TH_CLI_PUBLISH, &(struct th_property){.id = id, .text = text});
    requester.request.properties = th_cli_properties_of(list, TH_CLI_PUBLISH);
}

/* So that two who share a response topic can tell their answers apart. */
static struct th_slice new_correlation(void)
{
    uint32_t random[2];
    if (getrandom(random, sizeof random, GRND_NONBLOCK) != sizeof random)
        memcpy(random, (uint32_t[]){(uint32_t)getpid(), (uint32_t)th_clock_us()}, sizeof random);
    th_format(requester.correlation_text, sizeof requester.correlation_text, "%08x%08x",
              random[0], random[1]);
    return th_slice_text(requester.correlation_text);
}

static void prepare_correlation(const struct th_cli_settings *s)
{
    const struct th_property *given = th_cli_property_given(&s->properties, TH_CLI_PUBLISH,
                                                            CORRELATION_DATA);
    requester.must_correlate = given != NULL;
    if (given)
        requester.correlation = given->text;
    else if (s->version == TH_MQTT_5 && s->persona == TH_CLI_THIMBLE)
        add_property(CORRELATION_DATA, requester.correlation = new_correlation());
}

static void prepare(void)
{
    const struct th_cli_settings *s = &requester.settings;
    requester.request = (struct th_message){
        .topic = th_slice_text(s->topics.items[s->topics.count - 1]),
        .qos = (uint8_t)s->qos,
        .retain = s->retain,
        .properties = th_cli_properties_of(&s->properties, TH_CLI_PUBLISH),
    };
    requester.response_topic = th_slice_text(s->response_topic);
    requester.until_ms = TH_NEVER;
    if (s->persona == TH_CLI_MOSQUITTO)
        start_the_clock();
    prepare_correlation(s);
    th_cli_print_open(s);
}

/* ---- asking ---- */

static void end_refused(void)
{
    const struct th_fault *cause = th_request_fault(th_cli_connection_client());
    th_cli_connection_end(th_cli_say_fault(cause));
}

static void subscribe(void)
{
    const struct th_cli_settings *s = &requester.settings;
    const struct th_filter filter = {
        .filter = requester.response_topic,
        .qos = (uint8_t)s->qos,
        .retain_as_published = s->retain_as_published,
        .retain_handling = (uint8_t)s->retain_handling,
    };
    struct th_properties properties = th_cli_properties_of(&s->properties, TH_CLI_SUBSCRIBE);
    requester.subscribed = false;
    if (th_subscribe(th_cli_connection_client(), &filter, 1, &properties) < 0)
        end_refused();
}

/* Once. True if it is done now; without room it is later. */
static bool ask(void)
{
    if (!requester.subscribed || requester.asked_us)
        return false;
    int rc = th_cli_payload_publish(&requester.payload, requester.request);
    if (rc >= 0)
        requester.asked_us = th_clock_us();
    else if (rc != TH_E_SEND_FULL)
        end_refused();
    return rc >= 0;
}

/* ---- what the client tells ---- */

static void end_without_topic(void)
{
    struct th_fault fault = {0};
    th_fault_set(&fault, TH_E_REFUSED, "the broker proposes no usable response topic; give one "
                 "with -e");
    th_cli_connection_end(th_cli_say_fault(&fault));
}

/* Without -e the broker's response information is the topic (5.0 section 3.1.2.11.6). */
static void take_topic(const struct th_event *event)
{
    struct th_property proposed = {0};
    th_cli_property_find(event->properties, RESPONSE_INFORMATION, &proposed);
    if (proposed.text.len_bytes > sizeof requester.topic_text ||
        !th_mqtt_topic_name_valid(proposed.text))
        return;
    memcpy(requester.topic_text, proposed.text.data, proposed.text.len_bytes);
    requester.response_topic = th_slice_of(requester.topic_text, proposed.text.len_bytes);
}

static void on_first_connected(const struct th_event *event)
{
    requester.was_up = true;
    if (requester.settings.persona == TH_CLI_THIMBLE)
        start_the_clock();
    if (!requester.response_topic.data)
        take_topic(event);
    if (requester.settings.version == TH_MQTT_5)
        add_property(RESPONSE_TOPIC, requester.response_topic);
}

/* A session the broker still has keeps its subscription. */
static void on_connected(const struct th_event *event)
{
    bool first = !requester.was_up;
    if (first)
        on_first_connected(event);
    if (!requester.response_topic.data)
        end_without_topic();
    else if (first || !event->session_present)
        subscribe();
}

/* Asked at once: a retained message that follows in the same breath is no answer to us. */
static void on_subscribed(const struct th_event *event)
{
    unsigned reason = event->codes.data[0];
    char text[TH_CLI_SHOWN_BYTES];
    requester.subscribed = reason < 0x80;
    if (requester.subscribed) {
        ask();
        return;
    }
    th_cli_say_status(TH_CLI_SUBSCRIPTION, "the broker refused the subscription to the response "
                      "topic, reason code %u%s", reason,
                      th_cli_property_reason(event->properties, text));
    th_cli_connection_end(TH_CLI_SUBSCRIPTION);
}

/* "No matching subscribers" (0x10) is worth knowing; the answer may come all the same. */
static void on_published(const struct th_event *event)
{
    if (event->reason >= 0x80)
        th_cli_connection_end(th_cli_payload_say_refused(event));
    else if (event->reason)
        th_cli_warn("nobody is subscribed to the request's topic");
}

/* A session that is not kept has lost the subscription, and the response with it. */
static void on_disconnected(const struct th_event *event)
{
    if (requester.asked_us && !requester.settings.persistent && event->fault->code)
        th_cli_connection_end(th_cli_say_fault(event->fault));
}

static void on_event(void *arg, const struct th_event *event)
{
    (void)arg;
    static void (*const listeners[])(const struct th_event *) = {
        [TH_EVENT_CONNECTED] = on_connected,
        [TH_EVENT_SUBSCRIBED] = on_subscribed,
        [TH_EVENT_PUBLISHED] = on_published,
        [TH_EVENT_DISCONNECTED] = on_disconnected,
    };
    if (event->kind != TH_EVENT_UNSUBSCRIBED && !th_cli_connection_is_ending())
        listeners[event->kind](event);
}

/* ---- the response ---- */

static bool correlates(const struct th_delivery *delivery)
{
    struct th_property given;
    if (!th_cli_property_find(delivery->properties, CORRELATION_DATA, &given))
        return !requester.must_correlate;
    return th_slice_equal(given.text, requester.correlation);
}

/* Answers an earlier request; unless the flag only says how the response was published. */
static bool is_old(const struct th_delivery *delivery)
{
    return delivery->retain && !requester.settings.retain_as_published;
}

/* mosquitto_rr takes whatever comes. */
static bool is_response(const struct th_delivery *delivery)
{
    if (requester.settings.persona == TH_CLI_MOSQUITTO)
        return !delivery->retain || !requester.settings.no_retained;
    return requester.asked_us && !is_old(delivery) && correlates(delivery) &&
           th_slice_equal(delivery->topic, requester.response_topic);
}

static void say_latency(void)
{
    uint64_t took_us = th_clock_us() - requester.asked_us;
    th_cli_say("the response came after %llu.%03u ms", (unsigned long long)took_us / 1000,
               (unsigned)(took_us % 1000));
}

static void on_delivery(void *arg, const struct th_delivery *delivery)
{
    (void)arg;
    if (th_cli_connection_is_ending())
        return;
    th_cli_events_data(delivery);
    if (th_cli_piece_is_first(delivery))
        requester.printing = is_response(delivery);
    if (!requester.printing)
        return;
    if (th_cli_piece_is_first(delivery) && requester.settings.latency)
        say_latency();
    th_cli_print(delivery);
    if (th_cli_piece_is_last(delivery))
        th_cli_connection_end(th_cli_print_status());
}

/* ---- the command ---- */

static uint64_t until_ms(void *arg)
{
    (void)arg;
    return requester.until_ms;
}

static void end_late(void)
{
    struct th_fault fault = {0};
    th_fault_set(&fault, TH_E_TIMEOUT, "no response within %lld s",
                 (long long)requester.settings.seconds);
    th_cli_connection_end(th_cli_say_fault(&fault));
}

static bool turn(void *arg)
{
    (void)arg;
    bool late = th_clock_ms() >= requester.until_ms;
    if (late)
        end_late();
    return late || ask();
}

static const struct th_cli_work work = {
    .on_delivery = on_delivery,
    .on_event = on_event,
    .turn = turn,
    .until_ms = until_ms,
};

/* Not inlined: its fault would stay on the stack as long as the connection does. */
__attribute__((noinline)) static int open_all(void)
{
    struct th_fault fault = {0};
    prepare();
    if (th_cli_payload_open(&requester.payload, &requester.settings, &fault) < 0)
        return th_cli_say_fault(&fault);
    return th_cli_connection_open(&requester.settings, &work);
}

int th_cli_rr(int argc, char *argv[])
{
    int status;
    memset(&requester, 0, sizeof requester);
    if (!th_cli_begin(&requester.settings, TH_CLI_RR, argc, argv, &status))
        return status;
    status = open_all();
    if (status == TH_CLI_OK)
        status = th_cli_connection_run();
    th_cli_print_close();
    status = th_cli_connection_close(status);
    th_cli_payload_close(&requester.payload);
    return status;
}
