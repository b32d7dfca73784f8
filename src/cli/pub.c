#include "cli/command.h"

#include "base/err.h"
#include "base/format.h"
#include "base/slice.h"
#include "cli/connection.h"
#include "cli/exit.h"
#include "cli/lines.h"
#include "cli/payload.h"
#include "cli/say.h"
#include <unistd.h>

/* What -f, -s and -l read goes here: the outbox takes no more than this anyway. */
static uint8_t payload[TH_OUTBOX_BYTES];

static struct {
    struct th_cli_settings settings;
    struct th_slice topic;
    struct th_slice message;     /* the only one, without -l */
    struct th_cli_lines lines;
    bool up;                     /* the broker has let us in, once */
    bool all_given;              /* to the client */
    int refusal;                 /* exit status of the first message the broker refused */
    unsigned refused;            /* how many */
} own;

/* ---- before connecting ---- */

static int load(const char *path, struct th_fault *fault)
{
    int rc = th_cli_payload_load(path, payload, sizeof payload, &own.message, fault);
    if (rc == 0 && !path && own.message.len_bytes == 0)
        return th_fault_set(fault, TH_E_FILE, "standard input is empty; -n publishes an empty "
                            "message");
    return rc;
}

static int prepare_message(struct th_fault *fault)
{
    const struct th_cli_settings *s = &own.settings;
    th_cli_lines_open(&own.lines, payload, sizeof payload);
    if (s->file)
        return load(s->file, fault);
    if (s->whole_input)
        return load(NULL, fault);
    own.message = th_slice_text(s->message);
    return 0;
}

/* ---- publishing ---- */

static bool has_room_for(size_t text_bytes)
{
    return th_room_for(th_cli_connection_client(), own.topic.len_bytes + text_bytes);
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
    if (own.settings.lines)
        th_format(fault.text, sizeof fault.text, "line %llu of standard input: %.180s",
                 (unsigned long long)own.lines.number, cause->text);
    th_cli_connection_end(th_cli_say_fault(&fault));
}

/* True if the client took it. Otherwise it has no room yet, or never will: then we end. */
static bool publish(struct th_slice text)
{
    const struct th_message message = {
        .topic = own.topic,
        .payload = text,
        .qos = (uint8_t)own.settings.qos,
        .retain = own.settings.retain,
    };
    if (!has_room_for(text.len_bytes) && !is_idle())
        return false;
    int rc = th_publish(th_cli_connection_client(), &message);
    if (rc < 0 && rc != TH_E_SEND_FULL)
        say_refusal();
    return rc >= 0;
}

static bool publish_message(void)
{
    if (own.all_given)
        return false;
    own.all_given = publish(own.message);
    return own.all_given;
}

static bool publish_lines(void)
{
    struct th_slice line;
    bool any = false;
    while (th_cli_lines_next(&own.lines, &line) && publish(line)) {
        th_cli_lines_drop(&own.lines, line);
        any = true;
    }
    own.all_given = own.lines.ended && th_cli_lines_partial_bytes(&own.lines) == 0;
    return any;
}

static bool is_done(void)
{
    return own.all_given && is_idle();
}

static bool turn(void *arg)
{
    (void)arg;
    if (!own.up)
        return false;
    bool any = own.settings.lines ? publish_lines() : publish_message();
    if (!any && is_done())
        th_cli_connection_end(own.refusal);
    return any || th_cli_connection_is_ending();
}

/* ---- standard input ---- */

static bool wants_input(void *arg)
{
    (void)arg;
    struct th_slice line;
    if (!own.up || own.lines.ended || th_cli_lines_next(&own.lines, &line))
        return false;
    return has_room_for(th_cli_lines_partial_bytes(&own.lines) + 1) || is_idle();
}

static void say_input_failed(int code)
{
    struct th_fault fault = {0};
    if (code == TH_E_TOO_LARGE)
        th_fault_set(&fault, code, "line %llu of standard input is longer than the outbox of %zu "
                     "bytes; send less at a time, or build with a profile that has a larger one",
                     (unsigned long long)own.lines.number, sizeof payload);
    else
        th_fault_set_errno(&fault, TH_E_FILE, "cannot read standard input");
    th_cli_connection_end(th_cli_say_fault(&fault));
}

static void on_input(void *arg)
{
    (void)arg;
    int rc = th_cli_lines_read(&own.lines, STDIN_FILENO);
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
    if (own.refused++ > 0)
        return;
    own.refusal = th_cli_exit_of_reason(event->reason);
    th_cli_say("the broker refused message %u, reason code %u (%d %s)", event->packet_id,
               event->reason, own.refusal, th_cli_exit_find(own.refusal)->name);
}

static void say_refused(void)
{
    if (own.refused > 1)
        th_cli_say("the broker refused %u messages in all", own.refused);
}

static void on_event(void *arg, const struct th_event *event)
{
    (void)arg;
    if (event->kind == TH_EVENT_CONNECTED)
        own.up = true;
    if (event->kind == TH_EVENT_PUBLISHED && event->reason >= 0x80)
        note_refused(event);
    if (event->kind == TH_EVENT_PUBLISHED && is_done())
        th_cli_connection_end(own.refusal);
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
    if (prepare_message(&fault) < 0)
        return th_cli_say_fault(&fault);
    own.topic = th_slice_text(own.settings.topics.items[0]);
    struct th_cli_work wanted = work;
    wanted.wants_input = own.settings.lines ? wants_input : NULL;
    return th_cli_connection_open(&own.settings, &wanted);
}

int th_cli_pub(int argc, char *argv[])
{
    int status;
    memset(&own, 0, sizeof own);
    if (!th_cli_begin(&own.settings, TH_CLI_PUB, argc, argv, &status))
        return status;
    status = open_all();
    if (status == TH_CLI_OK)
        status = th_cli_connection_run();
    say_refused();
    return th_cli_connection_close(status);
}
