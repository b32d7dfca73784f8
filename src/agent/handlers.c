#include "agent/handlers.h"

#include "agent/reload.h"
#include "agent/runner.h"
#include "base/errno.h"
#include "base/file.h"
#include "base/roomy.h"
#include "base/slice.h"
#include "base/text.h"
#include "cli/configfile.h"
#include "cli/connection.h"
#include "cli/exit.h"
#include "cli/lane.h"
#include "cli/piece.h"
#include "cli/properties.h"
#include "cli/say.h"
#include "cli/show.h"

#include <errno.h>
#include <string.h>
#include <thimble/topic.h>
#include <unistd.h>

#define CORRELATION_BYTES 64
#define ANSWER_BYTES 256
#define PATIENCE_MS 2000
#define NONE TH_ORDER_JOBS

enum { RESPONSE_TOPIC = 8, CORRELATION_DATA = 9 };

/* What is known of a message that is handled. */
struct job {
    bool used;
    uint8_t index; /* among those in use when it came */
    const struct th_cli_handler *handler;
    uint8_t correlation_bytes;
    uint16_t answer_bytes;
    uint8_t correlation[CORRELATION_BYTES];
    uint8_t answer[ANSWER_BYTES]; /* the message's own response topic */
};

struct lane {
    int fd;
    bool asked;     /* the runner, to read the handlers again */
    bool deaf;      /* the runner has not taken the last order */
    bool writes;    /* the runner has messages for a file or a socket */
    bool taken;     /* the message whose pieces come is ours */
    uint8_t filling; /* its job, or NONE: it is dropped */
    size_t held_bytes; /* a result that waits for room in the outbox */
    uint32_t unhandled[TH_AGENT_UNHANDLED];
};
TH_LANE(struct lane, handling);

TH_LANE_ARRAY(struct job, jobs, TH_ORDER_JOBS);
TH_LANE_ARRAY(uint8_t, packet, TH_RESULT_BYTES);
static TH_ROOMY uint8_t order[TH_ORDER_BYTES];

uint32_t th_agent_unhandled(enum th_agent_unhandled cause)
{
    return handling->unhandled[cause];
}

static int open_handlers(const struct th_cli_settings *settings)
{
    (void)settings;
    handling->filling = NONE;
    handling->fd = th_cli_handlers()->count ? th_agent_runner_start() : -1;
    if (handling->fd >= 0 || !th_cli_handlers()->count)
        return TH_CLI_OK;
    th_cli_say_status(TH_CLI_SYSTEM, "cannot start the process for handlers, errno %d", errno);
    return TH_CLI_SYSTEM;
}

/* ---- results --------------------------------------------------------------------------------- */

static void say_end(const struct job *job, const struct th_result *result)
{
    static const char how[] = "exit code\0" "ended by signal\0" "not done in time, signal\0"
                              "not started, or its message is too large: errno";
    char shown[TH_CLI_SHOWN_BYTES], error[TH_CLI_SHOWN_BYTES];
    bool has_error = result->error.len_bytes;
    if (result->how == TH_RESULT_EXITED && !result->status)
        return;
    handling->unhandled[TH_AGENT_PROGRAM]++;
    th_cli_warn("handler %s: %s %u%s%s", th_cli_show(*job->handler->run, shown),
                th_text_nth(how, result->how), result->status, has_error ? ": " : "",
                has_error ? th_cli_show_slice(result->error, error) : "");
}

/* Where the message said, or else the configuration. */
static struct th_slice topic_of_answer(const struct job *job)
{
    return job->answer_bytes ? th_slice_of(job->answer, job->answer_bytes)
                             : th_slice_text(job->handler->reply);
}

static int answer(const struct job *job, struct th_slice output)
{
    const struct th_property correlation = {
        .id = CORRELATION_DATA, .text = th_slice_of(job->correlation, job->correlation_bytes)};
    const struct th_message message = {
        .topic = topic_of_answer(job),
        .payload = output,
        .qos = (uint8_t)job->handler->qos,
        .properties = {&correlation, job->correlation_bytes > 0},
    };
    if (!message.topic.len_bytes || !output.len_bytes)
        return 0;
    return th_publish(th_cli_connection_client(), &message);
}

/* Each on its own has read the configuration again, and the runner was the last. */
static void end_reread(bool taken)
{
    handling->asked = false;
    if (taken)
        th_cli_handlers_keep();
    else
        th_cli_warn("the handlers stay as they were: the configuration has changed meanwhile");
    th_agent_resubscribe();
}

/* Of a file or a socket. */
static void say_lost(const struct th_result *result)
{
    char error[TH_ERRNO_TEXT_BYTES];
    struct th_lost lost;
    memcpy(&lost, result->output.data, sizeof lost);
    handling->unhandled[TH_AGENT_SINK] = lost.ever;
    if (!lost.since || result->job >= th_cli_handlers()->count)
        return;
    th_cli_warn(result->status ? "%s takes no messages: %s; %u lost so far"
                               : "%s takes messages again%s; %u were lost",
                *th_cli_handlers()->list[result->job].run,
                result->status == EPROTOTYPE
                    ? "it is a stream socket, and one for datagrams is wanted"
                    : result->status ? th_errno_text(result->status, error) : "", lost.since);
}

/* False: there is no room in the outbox now. */
static bool settle(void)
{
    struct th_result result;
    bool valid = th_result_read(&result, th_slice_of(packet, handling->held_bytes));
    if (valid && result.how >= TH_RESULT_REREAD && handling->asked)
        end_reread(result.how == TH_RESULT_REREAD);
    if (valid && result.how == TH_RESULT_LOST)
        say_lost(&result);
    if (!valid || result.how >= TH_RESULT_LOST ||
        !jobs[result.job].used || result.job == handling->filling)
        return true;
    struct job *job = &jobs[result.job];
    int rc = answer(job, result.output);
    if (rc == TH_E_SEND_FULL)
        return false;
    if (rc < 0)
        th_cli_warn("the output of a handler was not published: %s",
                    th_request_fault(th_cli_connection_client())->text);
    say_end(job, &result);
    job->used = false;
    return true;
}

static void lose_runner(void)
{
    th_cli_say_status(TH_CLI_SYSTEM, "the process for handlers has ended");
    th_file_close(&handling->fd);
    th_cli_connection_end(TH_CLI_SYSTEM);
}

/* True: a result that waited for room has found it. */
static bool turn(void)
{
    if (!handling->held_bytes || !settle())
        return false;
    handling->held_bytes = 0;
    return true;
}

static nfds_t await(struct pollfd *fds, nfds_t room)
{
    if (handling->fd < 0 || !room)
        return 0;
    *fds = (struct pollfd){.fd = handling->fd, .events = handling->held_bytes ? 0 : POLLIN};
    return 1;
}

static void ready(const struct pollfd *fds, nfds_t count)
{
    (void)count;
    if (!fds->revents || handling->held_bytes)
        return;
    ssize_t got = read(handling->fd, packet, TH_RESULT_BYTES);
    if (got > 0) {
        handling->held_bytes = (size_t)got;
        turn();
    } else if (got == 0 || (errno != EAGAIN && errno != EINTR))
        lose_runner();
}

/* ---- messages -------------------------------------------------------------------------------- */

/* A socket holds a few packets only, and the runner takes them at once; unless a disk holds it
 * up. */
static bool send_packet(size_t bytes)
{
    struct pollfd fds = {.fd = handling->fd, .events = POLLOUT};
    bool sent = write(handling->fd, order, bytes) > 0 ||
                (errno == EAGAIN && poll(&fds, 1, handling->deaf ? 0 : PATIENCE_MS) > 0 &&
                 write(handling->fd, order, bytes) > 0);
    handling->deaf = !sent;
    return sent;
}

static bool send_order(uint8_t kind, struct th_slice rest)
{
    order[0] = kind;
    order[1] = handling->filling;
    order[2] = jobs[handling->filling].index;
    memcpy(order + 3, rest.data, rest.len_bytes);
    return send_packet(3 + rest.len_bytes);
}

static bool send_payload(struct th_slice rest)
{
    while (rest.len_bytes) {
        size_t bytes = rest.len_bytes < TH_ORDER_PIECE_BYTES ? rest.len_bytes
                                                             : TH_ORDER_PIECE_BYTES;
        if (!send_order(TH_ORDER_PIECE, th_slice_of(rest.data, bytes)))
            return false;
        rest = th_slice_after(rest, bytes);
    }
    return true;
}

static void drop(const struct th_delivery *piece)
{
    char shown[TH_CLI_SHOWN_BYTES];
    if (handling->filling < NONE)
        jobs[handling->filling].used = false;
    handling->filling = NONE;
    th_cli_warn("a message on %s was dropped: its handlers are busy; %u so far",
                th_cli_show_slice(piece->topic, shown), ++handling->unhandled[TH_AGENT_BUSY]);
}

/* One that was begun and broke off is free again: the runner begins it anew, too. */
static uint8_t free_job(void)
{
    uint8_t i = 0;
    if (handling->filling < NONE)
        return handling->filling;
    while (i < NONE && jobs[i].used)
        i++;
    return i;
}

static uint8_t handler_for(struct th_slice topic)
{
    const struct th_cli_handlers *all = th_cli_handlers();
    uint8_t i = 0;
    while (i < all->count && !th_mqtt_topic_matches(th_slice_text(all->list[i].topic), topic))
        i++;
    return i;
}

static void keep_answer(struct job *job, const struct th_delivery *piece)
{
    struct th_property found;
    job->answer_bytes = job->correlation_bytes = 0;
    if (th_cli_property_find(piece->properties, RESPONSE_TOPIC, &found) &&
        found.text.len_bytes <= ANSWER_BYTES) {
        job->answer_bytes = (uint16_t)found.text.len_bytes;
        memcpy(job->answer, found.text.data, found.text.len_bytes);
    }
    if (th_cli_property_find(piece->properties, CORRELATION_DATA, &found) &&
        found.text.len_bytes <= CORRELATION_BYTES) {
        job->correlation_bytes = (uint8_t)found.text.len_bytes;
        memcpy(job->correlation, found.text.data, found.text.len_bytes);
    }
}

/* The number of a handler means what it means to the runner. */
static bool agree_with_runner(void)
{
    struct pollfd fds = {.fd = handling->fd, .events = POLLIN};
    while (handling->asked && !handling->held_bytes && poll(&fds, 1, PATIENCE_MS) > 0)
        ready(&fds, 1);
    return !handling->asked;
}

static bool begin(uint8_t handler, const struct th_delivery *piece)
{
    handling->filling = free_job();
    if (handling->filling == NONE || piece->topic.len_bytes >= TH_ORDER_TOPIC_BYTES)
        return false;
    struct job *job = &jobs[handling->filling];
    job->used = true;
    job->index = handler;
    job->handler = &th_cli_handlers()->list[handler];
    keep_answer(job, piece);
    return send_order(TH_ORDER_BEGIN, piece->topic);
}

static bool pass_on(const struct th_delivery *piece)
{
    if (!send_payload(piece->payload))
        return false;
    if (!th_cli_piece_is_last(piece))
        return true;
    const uint32_t about = th_order_about(piece);
    if (!send_order(TH_ORDER_RUN, th_slice_of(&about, sizeof about)))
        return false;
    struct job *job = &jobs[handling->filling];
    job->used = !job->handler->way;
    handling->writes |= !job->used;
    handling->filling = NONE;
    return true;
}

static bool take(const struct th_delivery *piece)
{
    bool is_first = th_cli_piece_is_first(piece), agrees = !is_first || agree_with_runner();
    uint8_t handler = is_first ? handler_for(piece->topic) : 0;
    if (is_first)
        handling->taken = handling->fd >= 0 && handler < th_cli_handlers()->count;
    if (!handling->taken || (!is_first && handling->filling == NONE))
        return handling->taken;
    if (!agrees || (is_first && !begin(handler, piece)) || !pass_on(piece))
        drop(piece);
    return true;
}

/* What broke off with its connection does not go on. */
static void on_event(const struct th_event *event)
{
    if (event->kind != TH_EVENT_DISCONNECTED || handling->filling == NONE)
        return;
    jobs[handling->filling].used = false;
    handling->filling = NONE;
}

/* ---- other handlers -------------------------------------------------------------------------- */

bool th_agent_handlers_are_busy(void)
{
    bool busy = handling->asked;
    for (const struct job *job = jobs; job < jobs + TH_ORDER_JOBS; job++)
        busy |= job->used && !th_cli_handlers_is_used(job->handler);
    return busy;
}

static void renew(const struct th_cli_settings *settings)
{
    const uint32_t sum = th_cli_configfile_sum();
    (void)settings;
    if (handling->fd < 0) {
        if (th_cli_handlers_read())
            th_cli_warn("handlers have come, which needs a restart");
        return;
    }
    order[0] = TH_ORDER_REREAD;
    memset(order + 1, 0, 2);
    memcpy(order + 3, &sum, sizeof sum);
    handling->asked = send_packet(3 + sizeof sum);
    if (!handling->asked)
        th_cli_warn("the handlers stay as they were: their process is busy; send SIGHUP once more");
}

/* What is begun is done first. */
static bool is_idle(void)
{
    bool idle = true;
    turn();
    for (uint8_t i = 0; i < TH_ORDER_JOBS; i++)
        idle &= !jobs[i].used || i == handling->filling;
    return idle || handling->fd < 0;
}

/* An empty packet reads like our end. What is to be written down is, before the runner ends; what
 * is lost is told. */
static void await_runner(void)
{
    struct pollfd fds = {.fd = handling->fd, .events = POLLIN};
    ssize_t got = handling->writes ? write(handling->fd, "", 0) : -1;
    while (got >= 0 && poll(&fds, 1, PATIENCE_MS) > 0 &&
           (got = read(handling->fd, packet, TH_RESULT_BYTES)) > 0) {
        handling->held_bytes = (size_t)got;
        settle();
    }
}

static void close_handlers(void)
{
    if (handling->fd < 0)
        return;
    await_runner();
    th_file_close(&handling->fd);
}

const struct th_agent_part th_agent_handlers = {
    .open = open_handlers,
    .event = on_event,
    .delivery = take,
    .turn = turn,
    .await = await,
    .ready = ready,
    .drained = is_idle,
    .renew = renew,
    .close = close_handlers,
};
