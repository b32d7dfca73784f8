#include "cli/command.h"

#include "base/clock.h"
#include "base/err.h"
#include "base/format.h"
#include "base/roomy.h"
#include "base/slice.h"
#include "cli/connection.h"
#include "cli/exit.h"
#include "cli/lines.h"
#include "cli/payload.h"
#include "cli/post.h"
#include "cli/properties.h"
#include "cli/say.h"
#include <unistd.h>

static TH_ROOMY struct {
    struct th_cli_settings settings;
    struct th_message message;     /* each one, but for its payload */
    size_t header_bytes;           /* topic and properties, at most */
    struct th_cli_payload payload; /* without -l */
    struct th_cli_lines lines;
    int64_t left;                  /* messages of --repeat */
    uint64_t due_ms;               /* when the next of them is */
    bool up;                       /* the broker has let us in, once */
    bool all_given;                /* to the client */
    int refusal;                   /* exit status of the first message the broker refused */
    unsigned refused;              /* how many */
} publisher;

/* ---- before connecting ---- */

static size_t property_bytes(const struct th_property *property)
{
    return 9 + property->text.len_bytes + property->value.len_bytes;
}

static void prepare_message(const struct th_cli_settings *s)
{
    publisher.message = (struct th_message){
        .topic = th_slice_text(s->topics.items[0]),
        .qos = (uint8_t)s->qos,
        .retain = s->retain,
        .properties = th_cli_properties_of(&s->properties, TH_CLI_PUBLISH),
    };
    publisher.header_bytes = publisher.message.topic.len_bytes;
    for (size_t i = 0; i < publisher.message.properties.count; i++)
        publisher.header_bytes += property_bytes(&publisher.message.properties.list[i]);
}

static int prepare(struct th_fault *fault)
{
    const struct th_cli_settings *s = &publisher.settings;
    prepare_message(s);
    publisher.left = s->lines ? 0 : s->repeat;
    th_cli_lines_open(&publisher.lines, th_cli_payload_buffer, sizeof th_cli_payload_buffer);
    return th_cli_payload_open(&publisher.payload, s, fault);
}

/* ---- publishing ---- */

static bool has_room_for(size_t payload_bytes)
{
    return th_room_for(th_cli_connection_client(), publisher.header_bytes + payload_bytes);
}

/* Nothing is on its way. What has no room now never will. */
static bool is_idle(void)
{
    return th_pending(th_cli_connection_client()) == 0;
}

static void say_refusal(void)
{
    const struct th_fault *cause = th_request_fault(th_cli_connection_client());
    struct th_fault fault = *cause;
    if (publisher.settings.lines)
        th_format(fault.text, sizeof fault.text, "line %llu of standard input: %.180s",
                 (unsigned long long)publisher.lines.number, cause->text);
    th_cli_connection_end(th_cli_say_fault(&fault));
}

/* True if the client took it. Otherwise it has no room yet, or never will: then we end. */
static bool is_taken(int rc)
{
    if (rc < 0 && rc != TH_E_SEND_FULL)
        say_refusal();
    return rc >= 0;
}

/* One after the other: each waits until the one before is acknowledged. */
static bool publish_message(void)
{
    if (publisher.all_given || !is_idle() || th_clock_ms() < publisher.due_ms)
        return false;
    if (!is_taken(th_cli_payload_publish(&publisher.payload, publisher.message)))
        return false;
    publisher.all_given = --publisher.left == 0;
    return true;
}

static bool publish_line(struct th_slice line)
{
    if (!has_room_for(line.len_bytes) && !is_idle())
        return false;
    publisher.message.payload = line;
    return is_taken(th_publish(th_cli_connection_client(), &publisher.message));
}

static bool publish_lines(void)
{
    struct th_slice line;
    bool any = false;
    while (th_cli_lines_next(&publisher.lines, &line) && publish_line(line)) {
        th_cli_lines_drop(&publisher.lines, line);
        any = true;
    }
    publisher.all_given = publisher.lines.ended &&
                          th_cli_lines_partial_bytes(&publisher.lines) == 0;
    return any;
}

static bool is_done(void)
{
    return publisher.all_given && is_idle();
}

static bool turn(void *arg)
{
    (void)arg;
    if (!publisher.up)
        return false;
    bool any = publisher.settings.lines ? publish_lines() : publish_message();
    if (!any && is_done())
        th_cli_connection_end(publisher.refusal);
    return any || th_cli_connection_is_ending();
}

static uint64_t until_ms(void *arg)
{
    (void)arg;
    return publisher.up && !publisher.all_given && is_idle() ? publisher.due_ms : TH_NEVER;
}

/* ---- standard input ---- */

static bool wants_input(void *arg)
{
    (void)arg;
    struct th_slice line;
    if (!publisher.up || publisher.lines.ended || th_cli_lines_next(&publisher.lines, &line))
        return false;
    return has_room_for(th_cli_lines_partial_bytes(&publisher.lines) + 1) || is_idle();
}

static void say_input_failed(int code)
{
    struct th_fault fault = {0};
    if (code == TH_E_TOO_LARGE)
        th_fault_set(&fault, code, "line %llu of standard input is longer than the outbox of %zu "
                     "bytes; publish it with -s or -f",
                     (unsigned long long)publisher.lines.number, publisher.lines.size_bytes);
    else
        th_fault_set_errno(&fault, TH_E_FILE, "cannot read standard input");
    th_cli_connection_end(th_cli_say_fault(&fault));
}

static void on_input(void *arg)
{
    (void)arg;
    int rc = th_cli_lines_read(&publisher.lines, STDIN_FILENO);
    if (rc < 0)
        say_input_failed(rc);
}

/* ---- what the client tells ---- */

static void on_delivery(void *arg, const struct th_delivery *delivery)
{
    (void)arg;
    (void)delivery;
}

/* With -l there may be thousands: the first one is told, the rest is counted. */
static void note_refused(const struct th_event *event)
{
    if (publisher.refused++ == 0)
        publisher.refusal = th_cli_payload_say_refused(event);
}

static void say_refused(void)
{
    if (publisher.refused > 1)
        th_cli_warn("%u messages in all did not get through", publisher.refused);
}

static void on_published(const struct th_event *event)
{
    if (event->reason >= 0x80)
        note_refused(event);
    if (publisher.left > 0)
        publisher.due_ms = th_clock_ms() + (uint64_t)publisher.settings.repeat_delay_ms;
    if (is_done())
        th_cli_connection_end(publisher.refusal);
}

static void on_event(void *arg, const struct th_event *event)
{
    (void)arg;
    if (event->kind == TH_EVENT_CONNECTED)
        publisher.up = true;
    if (event->kind == TH_EVENT_PUBLISHED)
        on_published(event);
}

/* ---- the command ---- */

static const struct th_cli_work work = {
    .on_delivery = on_delivery,
    .on_event = on_event,
    .turn = turn,
    .on_input = on_input,
};

static int open_all(void)
{
    struct th_fault fault = {0};
    if (prepare(&fault) < 0)
        return th_cli_say_fault(&fault);
    struct th_cli_work wanted = work;
    wanted.wants_input = publisher.settings.lines ? wants_input : NULL;
    wanted.until_ms = publisher.settings.lines ? NULL : until_ms;
    return th_cli_connection_open(&publisher.settings, &wanted);
}

int th_cli_pub(int argc, char *argv[])
{
    int status;
    memset(&publisher, 0, sizeof publisher);
    if (!th_cli_begin(&publisher.settings, TH_CLI_PUB, argc, argv, &status))
        return status;
    if (publisher.settings.agent)
        return th_cli_post(&publisher.settings);
    status = open_all();
    if (status == TH_CLI_OK)
        status = th_cli_connection_run();
    say_refused();
    status = th_cli_connection_close(status);
    th_cli_payload_close(&publisher.payload);
    return status;
}
