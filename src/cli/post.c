#include "cli/post.h"

#include "base/clock.h"
#include "base/err.h"
#include "base/format.h"
#include "base/roomy.h"
#include "base/slice.h"
#include "cli/connection.h"
#include "cli/exit.h"
#include "cli/given.h"
#include "cli/json.h"
#include "cli/lines.h"
#include "cli/lock.h"
#include "cli/payload.h"
#include "cli/properties.h"
#include "cli/say.h"
#include "cli/sheet.h"
#include "cli/show.h"
#include "cli/signals.h"
#include "json/walk.h"
#include "net/unix.h"

#include <string.h>
#include <unistd.h>

#define LINE_BYTES 16384 /* with its newline; the agent takes no longer ones */
#define ANSWER_BYTES 1024
#define ON_THE_WAY 32 /* messages the agent has not answered yet */

enum { MESSAGE_EXPIRY = 2, USER = 38 }; /* 5.0 section 2.2.2.2 */

static TH_ROOMY struct {
    const struct th_cli_settings *settings;
    int fd;
    struct th_cli_payload payload; /* without -l */
    struct th_cli_lines lines, answers;
    int64_t left;             /* messages of --repeat */
    uint64_t due_ms;          /* when the next of them is */
    uint64_t sent, answered;
    uint64_t answer_by_ms;
    size_t line_bytes;
    int status;               /* of the first that was refused */
    unsigned refused;
    bool over;
    bool retry;               /* what the answer says */
    bool good;
    const char *sentence;
    char line[LINE_BYTES];
    uint8_t answer_buffer[ANSWER_BYTES];
} post;

/* ---- the command line ------------------------------------------------------------------------ */

#define AT(field) offsetof(struct th_cli_settings, field)

static const uint16_t of_the_message[] = {
    AT(agent),   AT(message_id),   AT(topics),  AT(qos),    AT(message),      AT(file),
    AT(lines),   AT(whole_input),  AT(retain),  AT(repeat), AT(null_message), AT(repeat_delay_ms),
    AT(quiet),   AT(debug),        AT(version), AT(no_tls), AT(properties),   AT(sandbox),
    AT(timeout_ms), AT(ack_ms),    AT(options_file), AT(exit_codes),
};

static bool counts(const struct th_cli_option *option)
{
    for (size_t i = 0; i < sizeof of_the_message / sizeof *of_the_message; i++)
        if (of_the_message[i] == option->offset)
            return true;
    return option->kind == TH_CLI_DECLINED;
}

bool th_cli_post_check(struct th_cli_settings *s, struct th_cli_problem *problem)
{
    char name[TH_CLI_OPTION_NAME_BYTES];
    if (!s->agent)
        return true;
    for (size_t i = 0; i < th_cli_options_count; i++) {
        const struct th_cli_option *option = &th_cli_options[i];
        if (!counts(option) && th_cli_option_is_given(s, option))
            return th_cli_problem(problem, "%s: with --agent the agent connects, as its own "
                                  "configuration says; leave one of them out",
                                  th_cli_option_name(option, name));
    }
    s->no_tls = true;
    s->qos = s->qos == TH_CLI_UNSET ? 1 : s->qos;
    return true;
}

/* ---- a line ---------------------------------------------------------------------------------- */

static void put_user(struct th_json_flow *flow, const struct th_property *property)
{
    th_json_flow_open(flow, '{');
    th_json_flow_name_begin(flow);
    th_json_flow_string(flow, property->text);
    th_json_flow_name_end(flow);
    th_json_flow_string(flow, property->value);
    th_json_flow_shut(flow, '}');
}

static void put_property(struct th_json_flow *flow, const struct th_property *property)
{
    th_json_flow_member(flow, th_cli_property_name(property->id));
    if (property->id == USER)
        put_user(flow, property);
    else if (property->text.data)
        th_json_flow_string(flow, property->text);
    else
        th_json_flow_integer(flow, property->number);
}

static void put_properties(struct th_json_flow *flow, struct th_properties properties)
{
    for (size_t i = 0; i < properties.count; i++)
        if (properties.list[i].id == MESSAGE_EXPIRY)
            th_cli_json_number(flow, "expiry_s", properties.list[i].number);
    th_json_flow_member(flow, "properties");
    th_json_flow_open(flow, '{');
    for (size_t i = 0; i < properties.count; i++)
        if (properties.list[i].id != MESSAGE_EXPIRY)
            put_property(flow, &properties.list[i]);
    th_json_flow_shut(flow, '}');
}

/* Of several messages each has its post. */
static void put_id(struct th_json_flow *flow)
{
    const struct th_cli_settings *s = post.settings;
    char id[TH_CLI_SHOWN_BYTES + 24];
    th_format(id, sizeof id, s->lines || s->repeat > 1 ? "%s-%llu" : "%s", s->message_id,
              (unsigned long long)post.sent + 1);
    th_cli_json_text(flow, "id", th_slice_text(id));
}

static bool compose(struct th_slice payload)
{
    const struct th_cli_settings *s = post.settings;
    struct th_json_flow flow = {.write = th_cli_sheet_put};
    th_cli_sheet_open(post.line, sizeof post.line);
    th_json_flow_open(&flow, '{');
    th_cli_json_text(&flow, "topic", th_slice_text(s->topics.items[0]));
    th_cli_json_number(&flow, "qos", (uint64_t)s->qos);
    if (s->retain) {
        th_json_flow_member(&flow, "retain");
        th_json_flow_raw(&flow, "true");
    }
    if (s->message_id)
        put_id(&flow);
    put_properties(&flow, th_cli_properties_of(&s->properties, TH_CLI_PUBLISH));
    th_json_flow_member(&flow, "payload_base64");
    th_json_flow_base64(&flow, payload);
    th_json_flow_shut(&flow, '}');
    th_cli_sheet_put("\n", 1);
    post.line_bytes = th_cli_sheet_bytes();
    return !post.payload.streamed && !th_cli_sheet_is_short();
}

/* ---- failing --------------------------------------------------------------------------------- */

static void end(int code, const char *sentence)
{
    struct th_fault fault = {0};
    th_fault_set(&fault, code, "%s", sentence);
    post.over = true;
    post.status = th_cli_say_fault(&fault);
}

static void end_as_lost(void)
{
    end(TH_E_RECEIVE, "the agent has gone; whether it has the message is not known: try again, "
        "with the same --message-id");
}

/* The first one is told, the rest is counted. */
static void note_refused(void)
{
    int status = post.retry ? TH_CLI_QUOTA : TH_CLI_REFUSED;
    if (post.refused++ > 0)
        return;
    post.status = status;
    if (post.settings->lines)
        th_cli_say_status(status, "line %llu of standard input: the agent refused it: %s",
                          (unsigned long long)post.answered, post.sentence);
    else
        th_cli_say_status(status, "the agent refused the message: %s", post.sentence);
}

/* ---- giving ---------------------------------------------------------------------------------- */

static void send_line(void)
{
    const char *at = post.line, *line_end = at + post.line_bytes;
    while (at < line_end && !post.over) {
        ssize_t sent = write(post.fd, at, (size_t)(line_end - at));
        if (sent < 0)
            end_as_lost();
        at += sent > 0 ? sent : 0;
    }
    if (post.sent++ == post.answered)
        post.answer_by_ms = th_clock_ms() + (uint64_t)post.settings->ack_ms;
}

static void give(struct th_slice payload)
{
    if (compose(payload))
        send_line();
    else
        end(TH_E_TOO_LARGE, "the agent takes lines of 16384 bytes, in base64; a larger file goes "
            "into its drop directory");
}

static bool has_room(void)
{
    return !post.over && post.sent - post.answered < ON_THE_WAY;
}

static void give_lines(void)
{
    struct th_slice line;
    while (has_room() && th_cli_lines_next(&post.lines, &line)) {
        give(line);
        th_cli_lines_drop(&post.lines, line);
    }
}

/* One after the other, as pub does. */
static void give_message(void)
{
    if (post.over || !post.left || post.sent != post.answered || th_clock_ms() < post.due_ms)
        return;
    give(post.payload.bytes);
    post.left--;
}

/* ---- answers --------------------------------------------------------------------------------- */

static bool take(void *arg, const struct th_json_leaf *leaf)
{
    (void)arg;
    const char *name = leaf->names[0];
    if (!strcmp(name, "refused") || !strcmp(name, "dropped"))
        post.sentence = leaf->text;
    if (!strcmp(name, "retry"))
        post.retry = *leaf->text == 't';
    post.good |= !strcmp(name, "accepted") || !strcmp(name, "known");
    return true;
}

static void take_answer(struct th_slice line)
{
    struct th_json_walk walk = {.take = take};
    post.good = false;
    post.retry = true; /* of one that was dropped */
    post.sentence = "in words nobody understands";
    th_json_walk(&walk, (char *)line.data, line.len_bytes);
    post.answered++;
    if (!post.good)
        note_refused();
    post.due_ms = th_clock_ms() + (uint64_t)post.settings->repeat_delay_ms;
    post.answer_by_ms = th_clock_ms() + (uint64_t)post.settings->ack_ms;
}

static void read_answers(void)
{
    struct th_slice line;
    int rc = th_cli_lines_read(&post.answers, post.fd);
    while (rc == 0 && post.answered < post.sent && th_cli_lines_next(&post.answers, &line)) {
        take_answer(line);
        th_cli_lines_drop(&post.answers, line);
    }
    if ((rc < 0 || post.answers.ended) && post.answered < post.sent)
        end_as_lost();
}

/* ---- carrying on ----------------------------------------------------------------------------- */

static bool wants_input(void)
{
    struct th_slice line;
    return post.settings->lines && !post.lines.ended && has_room() &&
           !th_cli_lines_next(&post.lines, &line);
}

static void read_input(void)
{
    int rc = th_cli_lines_read(&post.lines, STDIN_FILENO);
    if (rc == TH_E_TOO_LARGE)
        end(rc, "a line of standard input is too long for the agent");
    else if (rc < 0)
        end(TH_E_SYSTEM, "cannot read standard input");
}

static bool is_all_given(void)
{
    return post.settings->lines ? post.lines.ended && !th_cli_lines_partial_bytes(&post.lines)
                               : !post.left;
}

static uint64_t until_ms(void)
{
    if (post.answered < post.sent)
        return post.answer_by_ms;
    return post.settings->lines ? TH_NEVER : post.due_ms;
}

static void await(void)
{
    struct pollfd awaited[3] = {
        {.fd = post.fd, .events = POLLIN},
        {.fd = wants_input() ? STDIN_FILENO : -1, .events = POLLIN},
    };
    th_cli_signals_poll(awaited, 2, th_clock_wait_ms(until_ms(), th_clock_ms()));
    if (awaited[0].revents)
        read_answers();
    if (awaited[1].revents)
        read_input();
    if (post.answers.ended && !post.over && !is_all_given())
        end_as_lost();
    else if (!post.over && post.answered < post.sent && th_clock_ms() >= post.answer_by_ms)
        end(TH_E_TIMEOUT, "the agent does not answer; try again, with the same --message-id");
}

static void carry_on(void)
{
    while (!post.over && !th_cli_signals_count()) {
        post.settings->lines ? give_lines() : give_message();
        if (is_all_given() && post.answered == post.sent)
            return;
        if (!post.over)
            await();
    }
}

/* ---- all of it ------------------------------------------------------------------------------- */

static int open_all(struct th_fault *fault)
{
    const struct th_cli_settings *s = post.settings;
    post.left = s->lines ? 0 : s->repeat;
    th_cli_lines_open(&post.lines, th_cli_payload_buffer, TH_OUTBOX_BYTES);
    th_cli_lines_open(&post.answers, post.answer_buffer, sizeof post.answer_buffer);
    post.fd = th_net_unix_reach(s->agent, (int)s->ack_ms, fault);
    return post.fd < 0 ? post.fd : th_cli_payload_open(&post.payload, s, fault);
}

static int run(void)
{
    th_cli_signals_enter(false);
    th_cli_lock_wish(post.settings, false);
    post.status = th_cli_lock(post.settings);
    if (post.status == TH_CLI_OK)
        carry_on();
    int signal = th_cli_signals_count() ? th_cli_signals_first() : 0;
    th_cli_signals_leave();
    if (post.refused > 1)
        th_cli_warn("%u messages in all were refused", post.refused);
    return signal ? 128 + signal : post.status;
}

int th_cli_post(const struct th_cli_settings *settings)
{
    struct th_fault fault = {0};
    post.settings = settings;
    post.fd = -1;
    int status = open_all(&fault) < 0 ? th_cli_say_fault(&fault) : run();
    th_cli_payload_close(&post.payload);
    if (post.fd >= 0)
        th_net_hang_up(post.fd);
    return status;
}
