#include "cli/connection.h"

#include "base/clock.h"
#include "base/err.h"
#include "base/roomy.h"
#include "base/text.h"
#include "cli/cert.h"
#include "cli/clock.h"
#include "cli/configure.h"
#include "cli/events.h"
#include "cli/exit.h"
#include "cli/expiry.h"
#include "cli/identity.h"
#include "cli/keylog.h"
#include "cli/lane.h"
#include "cli/lock.h"
#include "cli/memtrace.h"
#include "cli/names.h"
#include "cli/out.h"
#include "cli/persona.h"
#include "cli/printed.h"
#include "cli/properties.h"
#include "cli/rotate.h"
#include "cli/say.h"
#include "cli/secret.h"
#include "cli/sessionfile.h"
#include "cli/signals.h"
#include "cli/status.h"
#include "cli/trace.h"
#include "mem/slab.h"
#include "report/report.h"
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

/* The struct of a client beside its pools, and of a context beside the shared heap. */
#define PAGE_BYTES 4096
#define STRUCT_BYTES 8192
#define CLIENT_BYTES (TH_TCP_CELL_BYTES + TH_OWN_CELL_BYTES + TH_PACKET_WINDOW_BYTES + \
                      TH_OUTBOX_BYTES + TH_ALIAS_IN_BYTES + TH_PIECE_BYTES + TH_ALIAS_OUT_BYTES + \
                      TH_TLS_HEAP_BYTES + 4 * TH_RECEIVED_WORDS + STRUCT_BYTES)

_Static_assert(CLIENT_BYTES % 16 == 0, "blocks of the slab stay aligned");

/* Each begins on a page of its own, so that what is never touched costs nothing. */
static _Alignas(PAGE_BYTES) uint8_t client_blocks[TH_CONNECTIONS][CLIENT_BYTES];
static _Alignas(PAGE_BYTES) uint8_t
    context_blocks[TH_LANES][TH_SHARED_HEAP_BYTES + TH_LEASED_BYTES + STRUCT_BYTES];

/* Wakings closer than this are many; then so long is waited for more to read. */
#define BUSY_US 500
#define GATHER_US 200

/* What we wait for. */
enum { OF_STATUS, OF_INPUT, OF_LANES };
enum { OF_CLIENT, OF_WORK, OF_LANE = OF_WORK + TH_CLI_AWAITED };

struct lane {
    const struct th_cli_settings *settings;
    struct th_cli_work work;
    void *block;
    struct th_context *context;
    struct th_client *client;
    struct th_config config;
    const struct th_received *received; /* lent before we are opened */
    int status;      /* of the command, once it ends */
    int signals;     /* already obeyed */
    int hangups;     /* likewise */
    bool dated;      /* the date can be believed: we connect */
    bool ending;
    bool leaving;    /* th_disconnect() was called */
    bool stop;       /* without waiting for the broker */
    bool was_up;
    uint64_t give_up_ms;        /* --wait-broker: unless connected by then */
    uint64_t leave_by_ms;       /* once ending: what is not sent by then stays unsent */
    struct th_fault last_fault; /* of an attempt */
    bool is_over;
    struct pollfd *awaited; /* of our client, and behind it those of the work */
    nfds_t of_work;
};
TH_LANE(struct lane, own);

/* Of all connections. */
static struct {
    struct th_slab slab;
    bool is_busy; /* the last two wakings came close together */
    uint64_t woke_us;
    struct pollfd awaited[OF_LANES + TH_LANES * OF_LANE + 1]; /* the last one is of the signals */
} common;

/* ---- saying ---- */

/* A broker that waits for a TLS handshake ends what begins with CONNECT: the library asks whether
 * it is one. */
static const char *hint_at(const struct th_fault *fault)
{
    if (!th_text_find(fault->text, "TLS here?"))
        return "";
    return th_cli_persona() == TH_CLI_MOSQUITTO ? " then give --cafile"
                                                : " then leave --no-tls out";
}

int th_cli_say_fault(const struct th_fault *fault)
{
    int status = th_cli_exit_of(fault);
    if (!status)
        return status;
    th_cli_events_fault(fault, status);
    th_cli_say_status(status, "%s%s", fault->text, hint_at(fault));
    return status;
}

static void say_redial(const struct th_event *event)
{
    unsigned tenths = (unsigned)(event->redial_in_ms + 50) / 100;
    th_cli_warn("%s; trying again in %u.%u s", event->fault->text, tenths / 10, tenths % 10);
}

static void say_progress(const struct th_event *event)
{
    if (th_cli_persona() == TH_CLI_MOSQUITTO)
        return;
    if (event->kind == TH_EVENT_DISCONNECTED && event->redial_in_ms >= 0 && !own->ending)
        say_redial(event);
    if (event->kind == TH_EVENT_CONNECTED && own->was_up)
        th_cli_say("connected again");
}

static void pass_on(const struct th_event *event)
{
    th_cli_events_tell(event);
    th_cli_trace_event(event);
    own->was_up |= event->kind == TH_EVENT_CONNECTED;
    if (event->kind == TH_EVENT_CONNECTED)
        th_cli_clock_confirm();
    if (event->kind == TH_EVENT_DISCONNECTED)
        own->last_fault = *event->fault;
    own->work.on_event(own->work.arg, event);
}

/* The end of a connection that is made again, otherwise, is not the last. */
static void on_event(void *arg, const struct th_event *event)
{
    struct th_event told = *event;
    bool is_end = event->kind == TH_EVENT_DISCONNECTED;
    bool of_trial = th_cli_rotate_event(event) && !own->ending;
    (void)arg;
    if (of_trial && is_end) {
        told.redial_in_ms = 0;
        if (th_cli_settings_reload(own->settings))
            th_cli_connection_reconfigure();
        th_connect(own->client);
    }
    if (!of_trial)
        say_progress(event);
    if (!of_trial || is_end)
        pass_on(&told);
}

static void on_packet(void *arg, const struct th_packet_note *note)
{
    th_cli_trace_packet *trace = th_cli_trace_sink();
    th_cli_rotate_packet(note);
    if (trace)
        trace(arg, note);
}

/* ---- opening ---- */

static const char *danger_of(const struct th_cli_settings *s)
{
    if (s->insecure_no_verify)
        return "[insecure-no-verify] ";
    return s->insecure ? "[insecure] " : NULL;
}

static void choose_voice(const struct th_cli_settings *s)
{
    th_cli_voice_set(&(struct th_cli_voice){
        .command = th_cli_commands_named(s->command),
        .quiet = s->quiet,
        .debug = s->debug && s->persona == TH_CLI_THIMBLE, /* theirs tells packets only */
        .danger = danger_of(s),
        .connection = th_cli_voice_connection(),
    });
}

static int open_context(const struct th_cli_settings *s, struct th_fault *fault)
{
    struct th_context_config config;
    if (s->no_tls)
        return 0;
    th_cli_configure_context(&config, s);
    return th_context_open(&own->context, context_blocks[th_cli_lane()], sizeof *context_blocks,
                           &config, fault);
}

static void configure(const struct th_cli_settings *s)
{
    th_cli_configure(&own->config, s);
    th_cli_trace_begin(s, own->config.client_id);
    own->config.on_delivery = own->work.on_delivery;
    own->config.on_event = on_event;
    own->config.received = own->received;
    own->config.holds_pubrel = s->spool != NULL;
    own->config.on_packet = s->identity || th_cli_settings_reload(s) ? on_packet
                                                                     : th_cli_trace_sink();
    own->config.arg = own->work.arg;
}

void th_cli_connection_keep(const struct th_received *lent)
{
    own->received = lent;
}

void th_cli_connection_reconfigure(void)
{
    configure(own->settings);
    th_reconfigure(own->client, &own->config);
}

static int open_blocks_and_clock(const struct th_cli_settings *s, struct th_fault *fault)
{
    if (!th_cli_lane())
        th_slab_open(&common.slab, client_blocks, sizeof client_blocks, CLIENT_BYTES);
    return th_cli_clock_open(s, fault);
}

static int open_all(const struct th_cli_settings *s, struct th_fault *fault)
{
    int rc = open_blocks_and_clock(s, fault);
    if (rc == 0 && s->password_file)
        rc = th_cli_secret_read(s->password_file, fault);
    if (rc == 0)
        rc = th_cli_identity_hold(s, fault);
    if (rc == 0)
        rc = open_context(s, fault);
    th_cli_identity_done();
    if (rc < 0)
        return rc;
    th_cli_rotate_begin(s, own->context);
    configure(s);
    if (s->session_file && !s->no_tls)
        rc = th_cli_sessionfile_open(s->session_file, &own->config.resumption, fault);
    if (rc < 0)
        return rc;
    own->block = th_slab_take(&common.slab);
    rc = th_open(&own->client, own->block, CLIENT_BYTES, own->context, &own->config, fault);
    bool has_keylog = s->keylog && !s->no_tls && !th_cli_lane();
    return rc < 0 || !has_keylog ? rc : th_cli_keylog_open(s->keylog, fault);
}

void *th_cli_desk_block(size_t *bytes)
{
    *bytes = sizeof *context_blocks;
    return context_blocks[th_cli_lane()];
}

void *th_cli_connection_spare(unsigned index, size_t *bytes)
{
    *bytes = CLIENT_BYTES;
    return client_blocks[TH_CONNECTIONS - 1 - index];
}

void *th_cli_desk_room(size_t *bytes)
{
    *bytes = sizeof client_blocks;
    return client_blocks;
}

/* What is wrong with the command line, if only the library sees it, still touches no file. */
static int open_first(void)
{
    struct th_fault fault = {0};
    th_cli_out_guard(own->settings->watch);
    if (own->settings->memory_trace)
        th_cli_memtrace_begin(own->settings->memory_trace);
    int rc = open_all(own->settings, &fault);
    int traced = rc == TH_E_ARGUMENT ? 0 : th_cli_memtrace_open(rc ? NULL : &fault);
    rc = rc ? rc : traced;
    int status = rc == TH_E_ARGUMENT ? 0 : th_cli_events_open(own->settings);
    if (rc == 0 && status == 0)
        rc = th_cli_status_open(own->settings, &fault);
    return rc < 0 ? th_cli_say_fault(&fault) : status;
}

static int open_another(void)
{
    struct th_fault fault = {0};
    return open_all(own->settings, &fault) < 0 ? th_cli_say_fault(&fault) : TH_CLI_OK;
}

int th_cli_connection_open(const struct th_cli_settings *settings, const struct th_cli_work *work)
{
    const struct th_received *lent = own->received;
    memset(own, 0, sizeof *own);
    own->received = lent;
    own->settings = settings;
    own->work = *work;
    choose_voice(settings);
    return th_cli_lane() ? open_another() : open_first();
}

/* poll(2) takes no more than may be open. */
bool th_cli_connection_may_await(unsigned *descriptors)
{
    *descriptors = OF_LANES + th_cli_lanes() * OF_LANE + 1;
    int fd = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, (int)*descriptors - 1);
    close(fd);
    return fd >= 0;
}

/* ---- running ---- */

struct th_client *th_cli_connection_client(void)
{
    return own->client;
}

bool th_cli_connection_is_ending(void)
{
    return own->ending;
}

bool th_cli_connection_is_dated(void)
{
    return own->dated;
}

void th_cli_connection_end(int status)
{
    if (own->ending)
        return;
    own->ending = true;
    own->status = status;
}

#define DISCONNECT_WITH_WILL 4 /* 5.0 section 3.14.2.1 */

/* When the time of -W is up, mosquitto's clients have the broker publish the will. */
static uint8_t reason_of_leaving(void)
{
    const struct th_cli_settings *s = own->settings;
    bool with_will = s->persona == TH_CLI_MOSQUITTO && s->version == TH_MQTT_5;
    return with_will && own->status == TH_CLI_TIMEOUT ? DISCONNECT_WITH_WILL : 0;
}

/* Without its properties there is always room for a DISCONNECT. */
static int disconnect(void)
{
    struct th_properties given = th_cli_properties_of(&own->settings->properties,
                                                      TH_CLI_DISCONNECT);
    int rc = th_disconnect(own->client, reason_of_leaving(), &given);
    return rc == TH_E_SEND_FULL ? th_disconnect(own->client, reason_of_leaving(), NULL) : rc;
}

static uint64_t time_to_leave_ms(void)
{
    return th_clock_ms() + (uint64_t)own->settings->ack_ms;
}

static bool is_drained(void)
{
    if (!own->leave_by_ms)
        own->leave_by_ms = time_to_leave_ms();
    return own->stop || !own->work.drained || own->work.drained(own->work.arg) ||
           th_clock_ms() >= own->leave_by_ms;
}

/* Not from a callback: only here, between two steps. */
static bool leave(void)
{
    if (!own->ending || own->leaving || !is_drained())
        return false;
    own->leaving = true;
    own->leave_by_ms = time_to_leave_ms();
    own->stop |= disconnect() < 0;
    return true;
}

/* A message on its way to a slow broker would hold up the end for as long as it likes. */
static bool must_stop(void)
{
    own->stop |= own->leaving && th_clock_ms() >= own->leave_by_ms;
    return own->stop;
}

/* Asked to end: agent, or sub, has done what it was asked for, pub has not. */
static int status_of_signal(void)
{
    int command = own->settings->command;
    if (command & TH_CLI_AGENT || (command == TH_CLI_SUB && own->was_up))
        return TH_CLI_OK;
    return 128 + th_cli_signals_first();
}

static bool is_asked_to_end(void)
{
    return th_cli_signals_count() != own->signals;
}

static bool is_hung_up(void)
{
    return th_cli_signals_hangups() != own->hangups;
}

static void obey_hangup(void)
{
    if (is_hung_up() && !own->ending)
        th_cli_rotate_wish();
    own->hangups = th_cli_signals_hangups();
    if (th_cli_rotate_turn(own->dated))
        disconnect();
}

/* The first one ends in good order, the second at once. */
static void obey_signals(void)
{
    obey_hangup();
    if (!is_asked_to_end())
        return;
    own->stop = own->signals > 0;
    own->signals = th_cli_signals_count();
    th_cli_connection_end(status_of_signal());
}

static int wait_for_work_ms(void)
{
    if (!own->work.until_ms)
        return -1;
    return th_clock_wait_ms(own->work.until_ms(own->work.arg), th_clock_ms());
}

static int wait_ms(void)
{
    if (is_asked_to_end() || is_hung_up()) /* one came while we gathered */
        return 0;
    uint64_t now_ms = th_clock_ms();
    int first_ms = th_clock_shorter_ms(th_wait_ms(own->client),
                                       th_clock_wait_ms(th_cli_expiry_until_ms(), now_ms));
    first_ms = th_clock_shorter_ms(first_ms, th_cli_rotate_wait_ms());
    if (own->leave_by_ms)
        return th_clock_shorter_ms(first_ms, th_clock_wait_ms(own->leave_by_ms, now_ms));
    if (!own->dated)
        return th_cli_clock_wait_ms();
    if (!own->was_up)
        first_ms = th_clock_shorter_ms(first_ms, th_clock_wait_ms(own->give_up_ms, now_ms));
    return th_clock_shorter_ms(first_ms, wait_for_work_ms());
}

static uint64_t give_up_ms(const struct th_cli_settings *s)
{
    return s->wait_broker_ms > 0 ? th_clock_ms() + (uint64_t)s->wait_broker_ms : TH_NEVER;
}

/* What the last attempt failed of; or the first one is still under way. */
static void give_up_waiting(void)
{
    if (own->was_up || own->ending || th_clock_ms() < own->give_up_ms)
        return;
    if (!own->last_fault.code)
        th_fault_set(&own->last_fault, TH_E_TIMEOUT, "no broker was there in time");
    th_cli_connection_end(th_cli_say_fault(&own->last_fault));
}

static bool awaits_input(void)
{
    return !own->ending && own->work.wants_input && own->work.wants_input(own->work.arg);
}

/* At a high rate each packet would be read, answered and printed alone. A moment later there are
 * several, and one turn serves them all. */
static void gather(short events)
{
    if (common.is_busy && own->was_up && events == POLLIN)
        th_cli_signals_rest(GATHER_US);
}

static void note_waking(void)
{
    uint64_t now_us = th_clock_us();
    common.is_busy = now_us - common.woke_us < BUSY_US;
    common.woke_us = now_us;
}

static TH_ROOMY struct th_report report;

const struct th_report *th_cli_connection_report(void)
{
    th_report(own->client, &report);
    th_report_process(&report);
    th_report_process_heap(&report);
    th_cli_lock_report(&report);
    return &report;
}

static struct pollfd awaited_of_client(void)
{
    return (struct pollfd){.fd = th_fd(own->client), .events = th_poll_events(own->client)};
}

static nfds_t awaited_of_work(void)
{
    return own->work.await ? own->work.await(own->work.arg, own->awaited + OF_WORK, TH_CLI_AWAITED)
                           : 0;
}

/* Ours begin behind the `used` ones of the others. */
static nfds_t await_one(nfds_t used)
{
    own->awaited = common.awaited + used;
    own->awaited[OF_CLIENT] = own->dated ? awaited_of_client() : th_cli_clock_awaited();
    if (own->is_over)
        own->awaited[OF_CLIENT].fd = -1;
    own->of_work = awaited_of_work();
    return used + OF_WORK + own->of_work;
}

static nfds_t await_all(bool input)
{
    nfds_t used = OF_LANES;
    common.awaited[OF_STATUS] = th_cli_status_awaited();
    common.awaited[OF_INPUT] = (struct pollfd){.fd = input ? STDIN_FILENO : -1, .events = POLLIN};
    do
        used = await_one(used);
    while (th_cli_lane_next());
    return used;
}

static int first_wait_ms(void)
{
    int first_ms = -1;
    do
        first_ms = th_clock_shorter_ms(first_ms, own->is_over ? wait_for_work_ms() : wait_ms());
    while (th_cli_lane_next());
    return first_ms;
}

static void obey_one(void)
{
    if (own->of_work)
        own->work.ready(own->work.arg, own->awaited + OF_WORK, own->of_work);
}

static void answer_status(void)
{
    th_cli_status_begin();
    do
        th_cli_status_add(th_cli_connection_report());
    while (th_cli_lane_next());
    th_cli_status_answer();
}

static void obey(void)
{
    if (common.awaited[OF_STATUS].revents)
        answer_status();
    if (common.awaited[OF_INPUT].revents)
        own->work.on_input(own->work.arg);
    do
        obey_one();
    while (th_cli_lane_next());
}

static void poll_all(void)
{
    bool input = awaits_input();
    th_cli_memtrace_flush();
    nfds_t count = await_all(input);
    if (!input)
        gather(own->awaited[OF_CLIENT].events);
    int ready = th_cli_signals_poll(common.awaited, count, first_wait_ms());
    note_waking();
    if (ready > 0)
        obey();
}

/* Before waiting: what was printed must be on its way, or we learn that nobody wants it. */
static void flush_output(void)
{
    th_cli_out_flush();
    if (!own->ending && th_cli_out_error())
        th_cli_connection_end(th_cli_printed());
}

static bool has_turns(void)
{
    return own->work.turn && (!own->ending || (own->work.drained && !own->leaving));
}

static bool did_something(void)
{
    obey_signals();
    give_up_waiting();
    th_cli_expiry_tell();
    if (leave())
        return true;
    if (has_turns() && own->work.turn(own->work.arg))
        return true;
    flush_output();
    return must_stop();
}

/* Not inlined: its fault would stay on the stack as long as the connection does. */
__attribute__((noinline)) static int await_date(void)
{
    struct th_fault fault = {0};
    int rc = th_cli_clock_step(&fault);
    if (rc == TH_WANT_READ)
        return 0;
    own->dated = rc == 0;
    if (own->dated)
        return th_connect(own->client);
    own->ending = true;
    own->status = th_cli_say_fault(&fault);
    return rc;
}

static int step(void)
{
    return own->dated || own->leaving ? th_step(own->client) : await_date();
}

static int status_at_end(void)
{
    const struct th_fault *fault = th_fault(own->client);
    if (!own->ending && fault->code)
        return th_cli_say_fault(fault);
    return own->status ? own->status : th_cli_printed();
}

/* One of several: the others go on, and so does what it has besides its connection. */
static void end_one(void)
{
    own->is_over = true;
    if (th_cli_lanes() == 1 || th_cli_signals_count())
        return;
    th_cli_connection_end(status_at_end());
    th_cli_say("this connection has ended; %s",
               own->status == TH_CLI_SYSTEM ? "restart the agent" : "SIGHUP begins it again");
}

/* Asked to end, the agent has done what it was asked for. */
static void end_with_others(void)
{
    own->signals = th_cli_signals_count();
    own->status = TH_CLI_OK;
}

/* SIGHUP: what it failed of may be mended; but nobody starts the process of its handlers again. */
static bool may_begin_again(void)
{
    return own->is_over && is_hung_up() && !th_cli_signals_count() && own->status != TH_CLI_SYSTEM;
}

static void begin_again(void)
{
    own->is_over = own->ending = own->leaving = own->stop = false;
    own->status = TH_CLI_OK;
    own->leave_by_ms = 0;
    own->give_up_ms = give_up_ms(own->settings);
    if (own->dated)
        th_connect(own->client);
}

/* What is accepted then is kept. */
static bool goes_on_working(void)
{
    return th_cli_lanes() > 1 && own->work.turn;
}

/* True: it did something. */
static bool take_turn(void)
{
    if (own->is_over && is_asked_to_end())
        end_with_others();
    if (may_begin_again())
        begin_again();
    if (!own->is_over && (own->stop || step() < 0))
        end_one();
    return own->is_over ? goes_on_working() && own->work.turn(own->work.arg) : did_something();
}

static bool take_turns(bool *over)
{
    bool any = false;
    *over = true;
    do {
        any |= take_turn();
        *over &= own->is_over;
    } while (th_cli_lane_next());
    return any;
}

static void carry_on(void)
{
    bool over = false;
    while (!over)
        if (!take_turns(&over) && !over)
            poll_all();
}

static int begin_all(void)
{
    do {
        own->give_up_ms = give_up_ms(own->settings);
        th_cli_lock_wish(own->settings, th_context_rereads(own->context));
    } while (th_cli_lane_next());
    th_cli_voice_of_all(true);
    int status = th_cli_lock(own->settings);
    th_cli_voice_of_all(false);
    return status;
}

/* That of the first one that failed. */
static int end_all(void)
{
    int status = TH_CLI_OK;
    do {
        int its_status = status_at_end();
        status = status ? status : its_status;
    } while (th_cli_lane_next());
    return status;
}

static void settle_all(void)
{
    do
        th_cli_rotate_end();
    while (th_cli_lane_next());
}

int th_cli_connection_run(void)
{
    th_cli_signals_enter(th_cli_settings_rotate(own->settings) ||
                         th_cli_settings_reload(own->settings));
    int status = begin_all();
    if (status == TH_CLI_OK)
        carry_on();
    settle_all();
    th_cli_out_flush();
    th_cli_signals_leave();
    return status ? status : end_all();
}

/* ---- closing ---- */

static int write_error_text(void *arg, const char *text, size_t text_bytes)
{
    (void)arg;
    return write(STDERR_FILENO, text, text_bytes) < 0 ? TH_E_SYSTEM : 0;
}

void th_cli_connection_dump(void)
{
    th_report_print(th_cli_connection_report(), write_error_text, NULL);
}

static int print_report(const char *wanted, struct th_fault *fault)
{
    if (!*wanted && th_cli_voice_connection())
        th_cli_say("memory report");
    if (!*wanted)
        return th_report_print(th_cli_connection_report(), write_error_text, NULL);
    return th_report_json_file(th_cli_connection_report(), wanted + strlen("json:"), fault);
}

static int report_if_wanted(int status)
{
    struct th_fault fault = {0};
    const char *wanted = own->client ? own->settings->report : NULL;
    if (!wanted || print_report(wanted, &fault) >= 0)
        return status;
    int failed = th_cli_say_fault(&fault);
    return status ? status : failed;
}

static void close_common(void)
{
    th_cli_keylog_close();
    th_cli_memtrace_close();
    th_cli_status_close();
    th_cli_clock_close();
}

static void close_one(void)
{
    th_close(own->client);
    th_context_close(own->context);
    th_cli_sessionfile_close();
    if (own->block)
        th_slab_give(&common.slab, own->block);
    own->block = NULL;
    th_cli_secret_wipe();
    own->client = NULL;
    own->context = NULL;
}

int th_cli_connection_close(int status)
{
    status = report_if_wanted(status ? status : th_cli_events_status());
    th_cli_out_flush(); /* the event of what was said last */
    close_one();
    if (!th_cli_lane())
        close_common();
    return status;
}
